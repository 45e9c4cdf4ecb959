"""Compiled decoding wherever it may find itself: each case is a process of its own.

All of them decode one small problem with packed storage and print a digest of the codes.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import os
import shutil
import subprocess
import sys
from multiprocessing import get_all_start_methods
from pathlib import Path

import numpy as np
import pytest

import sksupercode
from sksupercode.dictionaries._packed_signs import compilation_is_enabled

pytestmark = pytest.mark.skipif(
    not compilation_is_enabled(), reason="NUMBA_DISABLE_JIT: there is nothing to compile"
)

PACKAGE = Path(sksupercode.__file__).parent

# Some samples are recovered, some have noise; and each of the kernels is called.
PROBLEM = """
import hashlib
import sys

import numpy as np

from sksupercode import MatchingPursuitDecoder, RademacherEncoder, TopKDecoder
from sksupercode.datasets import make_sparse_codes
from sksupercode.decoders import _lazy_pursuit

_lazy_pursuit._SMALLEST_POOL = 64
Y = make_sparse_codes(16, 2000, n_nonzero_coefs=10, random_state=0)


def digest(storage="packed"):
    encoder = RademacherEncoder(300, storage=storage, random_state=0)
    X = encoder.fit_transform(Y)
    X[::4] += 0.05 * np.random.default_rng(0).standard_normal(X[::4].shape)
    codes = hashlib.sha256()
    for decoder in (MatchingPursuitDecoder(encoder, 12), TopKDecoder(encoder, 12)):
        Z = decoder.fit(X, Y).predict(X)
        codes.update(Z.indices.astype(np.int64).tobytes() + Z.indptr.astype(np.int64).tobytes())
    return codes.hexdigest()

"""


def run(script, cache, *, env=(), unset=(), path=None, errors=None):
    """Run a script in a fresh process with its own environment; return the lines it printed.

    What it wrote to the standard error is appended to ``errors``.
    """
    environment = dict(
        os.environ, NUMBA_CACHE_DIR=str(cache), PYTHONPATH=str(path or PACKAGE.parent)
    )
    for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_THREADING_LAYER", *unset):
        environment.pop(name, None)
    environment.update(env)
    process = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", script],
        capture_output=True,
        check=False,
        text=True,
        timeout=300,
        env=environment,
    )
    assert process.returncode == 0, process.stderr
    if errors is not None:
        errors.append(process.stderr)
    return process.stdout.splitlines()


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """Where the processes find what one of them has compiled."""
    return tmp_path_factory.mktemp("numba")


@pytest.fixture
def decode(cache, tmp_path):
    """Run the problem and what follows it; a file, since spawned workers import it."""

    def decode(ending="print(digest())", **params):
        script = tmp_path / "decode.py"
        script.write_text(PROBLEM + ending)
        return run(str(script), params.pop("cache", cache), **params)

    return decode


@pytest.fixture(scope="session")
def digest(cache, tmp_path_factory):
    """What everyone should print: that of the dense dictionary, which compiles nothing."""
    script = tmp_path_factory.mktemp("script") / "decode.py"
    script.write_text(PROBLEM + "print(digest('dense'), 'numba' in sys.modules)")
    (line,) = run(str(script), cache)
    value, has_numba = line.split()
    assert has_numba == "False"
    assert len(value) == 64
    return value


def test_dense_decoding_does_without_numba(decode):
    ending = """
import sksupercode.channels, sksupercode.metrics, sksupercode.model_selection, sksupercode.theory
from sksupercode import BasisPursuitDecoder, ThresholdDecoder

encoder = RademacherEncoder(300, storage="dense", random_state=0)
X = encoder.fit_transform(Y)
for decoder in (ThresholdDecoder, TopKDecoder, MatchingPursuitDecoder, BasisPursuitDecoder):
    decoder(encoder).fit(X[:2], Y[:2]).predict(X[:2])
print("numba" in sys.modules)
digest()
print("numba" in sys.modules)
"""
    assert decode(ending) == ["False", "True"]


def test_a_second_process_compiles_nothing(decode, digest, cache):
    """What the first has left on disk is all that the second needs."""
    ending = """
print(digest(), digest("seed"))
from sksupercode.decoders import _pool_kernels
from sksupercode.dictionaries import _sign_kernels
kernels = [_sign_kernels.add_correlations, _pool_kernels.pursue, _pool_kernels.collect]
print(sum(sum(kernel.stats.cache_misses.values()) for kernel in kernels))
print(sum(sum(kernel.stats.cache_hits.values()) for kernel in kernels))
"""
    assert decode(ending)[0] == f"{digest} {digest}"
    assert list(cache.rglob("*.nbi"))
    assert decode(ending) == [f"{digest} {digest}", "0", "3"]


def test_without_compilation(decode, digest):
    ending = "import numba; print(digest(), digest('seed'), numba.config.DISABLE_JIT)"
    assert decode(ending, env={"NUMBA_DISABLE_JIT": "1"}) == [f"{digest} {digest} 1"]


def test_pursuits_on_arrays_without_compilation(decode):
    names = ("MatchingPursuitDecoder", "OrthogonalMatchingPursuitDecoder", "GradientPursuitDecoder")
    ending = f"""
import sksupercode
rng = np.random.default_rng(0)
F, X = rng.standard_normal((200, 30)), rng.standard_normal((8, 30))
for name in {names}:
    print(getattr(sksupercode, name)(F, 6).fit(X).predict(X).indices.tolist())
"""
    rng = np.random.default_rng(0)
    F, X = rng.standard_normal((200, 30)), rng.standard_normal((8, 30))
    decoders = [getattr(sksupercode, name)(F, 6) for name in names]
    expected = [str(decoder.fit(X).predict(X).indices.tolist()) for decoder in decoders]
    assert decode(ending, env={"NUMBA_DISABLE_JIT": "1"}) == expected


def test_without_any_place_for_a_cache(decode, digest, tmp_path):
    """An installation that cannot be written to, and a user without a home: a warning, once."""
    copy = tmp_path / "site" / "sksupercode"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("dictionaries", "decoders"):
        # Root may write to any folder, but nobody into a file.
        (copy / folder / "__pycache__").write_text("")
    ending = """
print(digest())
import sksupercode
from sksupercode.dictionaries import _sign_kernels
kernel = _sign_kernels.add_correlations
print(sksupercode.__file__, len(kernel.signatures), kernel.stats.cache_path)
"""
    nowhere = {"HOME": "/dev/null/x", "XDG_CACHE_HOME": "/dev/null/x"}
    file = tmp_path / "file"
    file.write_text("")
    errors = []
    # A folder that was named but is none is no place either.
    nowhere["NUMBA_CACHE_DIR"] = str(file)
    lines = decode(ending, env=nowhere, path=copy.parent, errors=errors)
    assert lines == [digest, f"{copy / '__init__.py'} 1 None"]
    assert not list(tmp_path.rglob("*.nbi"))
    assert errors[0].count("UserWarning: There is no folder to keep compiled code in") == 1
    assert "Set the environment variable NUMBA_CACHE_DIR to a folder" in errors[0]


@pytest.mark.parametrize(
    "layer, limit", [("omp", "OMP_NUM_THREADS"), ("workqueue", "NUMBA_NUM_THREADS")]
)
def test_threading_layers_and_limited_threads(layer, limit, decode, digest):
    """Where one thread is asked for, none is started beside the main one."""
    ending = """
import threading
from sksupercode._utils import _threads
from sksupercode.dictionaries import _packed_signs

started, start = [], threading.Thread.start
threading.Thread.start = lambda thread: started.append(thread) or start(thread)
_packed_signs._WORTH_A_THREAD = 1
print(digest(), len(started))
_threads.thread_count = lambda: 2
print(digest(), len(started) > 0)
"""
    lines = decode(ending, env={"NUMBA_THREADING_LAYER": layer, limit: "1"})
    assert lines == [f"{digest} 0", f"{digest} True"]


def test_workers_of_a_process_that_has_decoded(decode, digest):
    ending = """
import multiprocessing

if __name__ == "__main__":
    print(digest())
    for method in {"fork", "spawn"} & set(multiprocessing.get_all_start_methods()):
        with multiprocessing.get_context(method).Pool(2) as pool:
            for result in pool.map(digest, ["packed", "seed", "packed"]):
                print(result)
"""
    lines = decode(ending)
    assert set(lines) == {digest}
    assert len(lines) == 1 + 3 * len({"fork", "spawn"} & set(get_all_start_methods()))


def test_jobs_of_joblib(decode, digest):
    """Each job has its share of the processors, and codewords may be memory-mapped."""
    ending = """
from joblib import Parallel, delayed, parallel_config
from sklearn.model_selection import GridSearchCV
from sksupercode._utils._threads import thread_count

# More than the megabyte above which workers get memory-mapped, read-only arrays.
wide = RademacherEncoder(800, storage="packed", random_state=0)
codes = make_sparse_codes(12, 12_000, n_nonzero_coefs=10, random_state=0)
points = wide.fit_transform(codes)
decoder = MatchingPursuitDecoder(wide).fit(points, codes)
assert decoder.dictionary_.nbytes > 2**20


def job(estimator, X):
    lanes = estimator.dictionary_._lanes
    return thread_count(), isinstance(lanes, np.memmap), estimator.predict(X).toarray()


def search(n_jobs):
    encoder = RademacherEncoder(150, storage="packed", random_state=0)
    X = encoder.fit_transform(Y)
    grid = {"n_nonzero_coefs": [5, 10]}
    search = GridSearchCV(MatchingPursuitDecoder(encoder), grid, cv=2, n_jobs=n_jobs).fit(X, Y)
    return search.cv_results_["mean_test_score"].tolist()


if __name__ == "__main__":
    print(digest())
    for backend in ("loky", "threading"):
        with parallel_config(backend, n_jobs=2):
            for n_threads, is_mapped, found in Parallel()(
                delayed(job)(decoder, points) for _ in range(2)
            ):
                print(backend, n_threads, is_mapped, (found == codes.toarray()).all())
    print(search(1) == search(2), search(1)[0] < search(1)[1])
"""
    first, *lines, last = decode(ending, env={"LOKY_MAX_CPU_COUNT": "2"})
    assert first == digest
    assert lines == ["loky 1 True True"] * 2 + ["threading 1 False True"] * 2
    assert last == "True True"

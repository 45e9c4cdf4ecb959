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


def digest(storage="packed", decoders=(MatchingPursuitDecoder, TopKDecoder)):
    encoder = RademacherEncoder(300, storage=storage, random_state=0)
    X = encoder.fit_transform(Y)
    X[::4] += 0.05 * np.random.default_rng(0).standard_normal(X[::4].shape)
    codes = hashlib.sha256()
    for decoder in decoders:
        Z = decoder(encoder, 12).fit(X, Y).predict(X)
        codes.update(Z.indices.astype(np.int64).tobytes() + Z.indptr.astype(np.int64).tobytes())
    return codes.hexdigest()

"""


def run(script, *, env=(), path=None, errors=None):
    """Run a script in a fresh process with its own environment; return the lines it printed.

    What it wrote to the standard error is appended to ``errors``.
    """
    environment = dict(os.environ, PYTHONPATH=str(path or PACKAGE.parent))
    for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_THREADING_LAYER"):
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
def decode(tmp_path_factory):
    """Run the problem and what follows it; a file, since spawned workers import it."""

    def decode(ending, **params):
        script = tmp_path_factory.mktemp("script") / "decode.py"
        script.write_text(PROBLEM + ending)
        return run(str(script), **params)

    return decode


@pytest.fixture(scope="session")
def dense(decode):
    """What a process prints that decodes with the dense dictionary, which compiles nothing."""
    ending = """
import sksupercode.channels, sksupercode.metrics, sksupercode.model_selection, sksupercode.theory
from sksupercode import BasisPursuitDecoder, ThresholdDecoder

encoder = RademacherEncoder(300, storage="dense", random_state=0)
X = encoder.fit_transform(Y)
for decoder in (ThresholdDecoder, BasisPursuitDecoder):
    decoder(encoder).fit(X[:2], Y[:2]).predict(X[:2])
print(digest("dense"), digest("dense", [TopKDecoder]))
print("numba" in sys.modules)
digest(decoders=[TopKDecoder])
print("numba" in sys.modules)
"""
    return decode(ending)


@pytest.fixture
def digest(dense):
    """What all processes should print."""
    return dense[0].split()[0]


def test_dense_decoding_does_without_numba(dense):
    assert dense[1:] == ["False", "True"]
    assert [len(digest) for digest in dense[0].split()] == [64, 64]


@pytest.fixture(scope="session")
def compiled(decode, tmp_path_factory):
    """Where the first process has left what it compiled, and what it printed."""
    ending = """
import os
import threading
import numba
from sksupercode._utils import _threads
from sksupercode.dictionaries import _packed_signs

started, start = [], threading.Thread.start
threading.Thread.start = lambda thread: started.append(thread) or start(thread)
_packed_signs._WORTH_A_THREAD = 1
print(digest(), digest("seed"), len(started))
os.environ["OMP_NUM_THREADS"] = os.environ.pop("NUMBA_NUM_THREADS")
print(digest(), digest("seed"), len(started))
_threads.thread_count = lambda: 2
print(digest(), digest("seed"), len(started) > 0)
try:
    print(numba.threading_layer())
except ValueError as error:
    print(error)
"""
    cache = tmp_path_factory.mktemp("numba")
    env = {"NUMBA_CACHE_DIR": str(cache), "NUMBA_NUM_THREADS": "1"}
    return cache, decode(ending, env=env)


@pytest.mark.long
def test_limited_threads(compiled, digest):
    """Where one is asked for, none is started beside the main one, and never those of numba."""
    *lines, layer = compiled[1]
    assert lines == [f"{digest} {digest} {threads}" for threads in (0, 0, True)]
    assert layer == "Threading layer is not initialized."


@pytest.mark.long
def test_a_second_process_compiles_nothing(decode, compiled, digest):
    """What the first has left on disk is all that it needs, and forked workers decode as it did."""
    ending = """
import multiprocessing
from sksupercode.decoders import _pool_kernels
from sksupercode.dictionaries import _sign_kernels

if __name__ == "__main__":
    print(digest(), digest("seed"))
    kernels = [_sign_kernels.add_correlations, _pool_kernels.pursue, _pool_kernels.collect]
    print(sum(sum(kernel.stats.cache_misses.values()) for kernel in kernels))
    print(sum(sum(kernel.stats.cache_hits.values()) for kernel in kernels))
    if "fork" in multiprocessing.get_all_start_methods():
        with multiprocessing.get_context("fork").Pool(2) as pool:
            for result in pool.map(digest, ["packed", "seed", "packed"]):
                print(result)
"""
    assert list(compiled[0].rglob("*.nbi"))
    first, misses, hits, *forked = decode(ending, env={"NUMBA_CACHE_DIR": str(compiled[0])})
    assert (first, misses, hits) == (f"{digest} {digest}", "0", "3")
    assert forked == [digest] * 3 * ("fork" in get_all_start_methods())


@pytest.mark.long
def test_without_compilation(decode, digest):
    names = ("MatchingPursuitDecoder", "OrthogonalMatchingPursuitDecoder", "GradientPursuitDecoder")
    ending = f"""
import numba
import sksupercode
print(digest(), digest("seed"), numba.config.DISABLE_JIT)
rng = np.random.default_rng(0)
F, X = rng.standard_normal((200, 30)), rng.standard_normal((8, 30))
for name in {names}:
    print(getattr(sksupercode, name)(F, 6).fit(X).predict(X).indices.tolist())
"""
    rng = np.random.default_rng(0)
    F, X = rng.standard_normal((200, 30)), rng.standard_normal((8, 30))
    decoders = [getattr(sksupercode, name)(F, 6) for name in names]
    expected = [str(decoder.fit(X).predict(X).indices.tolist()) for decoder in decoders]
    lines = decode(ending, env={"NUMBA_DISABLE_JIT": "1"})
    assert lines == [f"{digest} {digest} 1", *expected]


@pytest.mark.long
def test_without_any_place_for_a_cache(decode, dense, tmp_path):
    """An installation that cannot be written to, and a user without a home: a warning, once."""
    copy = tmp_path / "site" / "sksupercode"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("dictionaries", "decoders"):
        # Root may write to any folder, but nobody into a file.
        (copy / folder / "__pycache__").write_text("")
    ending = """
print(digest(decoders=[TopKDecoder]))
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
    assert lines == [dense[0].split()[1], f"{copy / '__init__.py'} 1 None"]
    assert not list(tmp_path.rglob("*.nbi"))
    assert errors[0].count("UserWarning: There is no folder to keep compiled code in") == 1
    assert "Set the environment variable NUMBA_CACHE_DIR to a folder" in errors[0]


@pytest.mark.long
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
    *lines, last = decode(ending, env={"LOKY_MAX_CPU_COUNT": "2"})
    assert lines == [digest] + ["loky 1 True True"] * 2 + ["threading 1 False True"] * 2
    assert last == "True True"

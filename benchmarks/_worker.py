"""The other side of ``_fresh_process``: ``python -m benchmarks._worker JOB ARGUMENTS``."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
import sys
import time
import warnings
from pathlib import Path


def pipeline(decoder, size, repeats):
    """Measure an encoder and a decoder in one pipeline, the building of the codebook apart."""
    from sklearn.pipeline import make_pipeline

    import sksupercode
    from sksupercode.datasets import make_sparse_codes
    from sksupercode.metrics import exact_recovery_score

    codes = make_sparse_codes(
        size["n_samples"],
        size["n_features"],
        n_nonzero_coefs=size["n_nonzero_coefs"],
        random_state=0,
    )
    encoder = sksupercode.RademacherEncoder(size["n_components"], random_state=0)
    steps = make_pipeline(encoder, getattr(sksupercode, decoder)(encoder))
    _compile(decoder)
    start = time.perf_counter()
    steps.fit(codes, codes)
    building_seconds = time.perf_counter() - start
    building_peak_bytes = peak_bytes()
    forget_peak()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        decoded = steps.predict(codes)
        seconds.append((time.perf_counter() - start) / size["n_samples"])
    return {
        "building_seconds": building_seconds,
        "building_peak_bytes": building_peak_bytes,
        "codebook_bytes": encoder.dictionary_.nbytes if hasattr(encoder, "dictionary_") else 0,
        "seconds": seconds,
        "peak_bytes": peak_bytes(),
        "recovery": float(exact_recovery_score(codes, decoded)),
    }


def _compile(decoder):
    """Decode something small, so that nothing is compiled while it is timed."""
    first_call(
        decoder,
        {"n_features": 2048, "n_nonzero_coefs": 4, "n_components": 128, "n_samples": 2},
    )


def first_call(decoder, size):
    """Measure the import, and the first decoding of a few samples by packed signs."""
    start = time.perf_counter()
    import sksupercode

    import_seconds = time.perf_counter() - start
    from sksupercode.datasets import make_sparse_codes
    from sksupercode.metrics import exact_recovery_score

    codes = make_sparse_codes(
        size["n_samples"],
        size["n_features"],
        n_nonzero_coefs=size["n_nonzero_coefs"],
        random_state=0,
    )
    encoder = sksupercode.RademacherEncoder(size["n_components"], storage="packed", random_state=0)
    decoder = getattr(sksupercode, decoder)(encoder)
    start = time.perf_counter()
    samples = encoder.fit_transform(codes)
    decoded = decoder.fit(samples, codes).predict(samples)
    return {
        "import_seconds": import_seconds,
        "first_call_seconds": time.perf_counter() - start,
        "recovery": float(exact_recovery_score(codes, decoded)),
    }


def learned_pursuit(size):
    """Measure OMP on a learned dictionary in float16, which is not in memory twice."""
    import numpy as np

    from benchmarks._learned import LearnedProblem
    from benchmarks._learned_coding import NONNEGATIVE_OMP, code_once
    from benchmarks._problem import Size

    _, make, _ = NONNEGATIVE_OMP
    fewer = Size(**size | {"n_features": max(4, size["n_features"] // 4), "n_samples": 1})
    code_once(LearnedProblem(fewer, dtype=np.float16), make, 0)
    problem = LearnedProblem(Size(**size), dtype=np.float16)
    problem.fresh_dictionary = lambda call: problem.dictionary
    forget_peak()
    measured = code_once(problem, make, 0)
    return measured | {"peak_bytes": peak_bytes()}


def learned_dictionary(size):
    """Measure one pass of the learner over samples of a planted dictionary."""
    from benchmarks._planted import PlantedProblem, draw_blocks, test_fvu
    from benchmarks._problem import Size
    from sksupercode import DictionaryLearner

    small = PlantedProblem(Size(64, 4, 32, 512)).samples
    DictionaryLearner(64, n_nonzero_coefs=4, random_state=0).partial_fit(small)
    size = Size(**size)
    samples, test = draw_blocks(size)
    forget_peak()
    learner = DictionaryLearner(
        size.n_features, n_nonzero_coefs=size.n_nonzero_coefs, random_state=0
    )
    start = time.perf_counter()
    learner.partial_fit(samples)
    seconds, peak = time.perf_counter() - start, peak_bytes()
    k = size.n_nonzero_coefs
    return {
        "training_seconds": seconds,
        "peak_bytes": peak,
        "samples_bytes": samples.nbytes,
        "fvu": test_fvu(learner.dictionary_, learner.intercept_, k, test),
    }


def cost(kind, name, size):
    """Measure one call of a decoder."""
    from benchmarks._cost import measure
    from benchmarks._problem import Size

    return measure(kind, name, Size(**size), forget_peak, peak_bytes)


def peak_bytes():
    """Return the most memory that this process has held.

    Not ``ru_maxrss`` where Linux tells better: a process inherits that from whoever started it.
    """
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def forget_peak():
    """Let the peak be what is held now, where the system can."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


JOBS = {
    job.__name__: job for job in (cost, first_call, learned_dictionary, learned_pursuit, pipeline)
}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(JOBS[sys.argv[1]](**json.loads(sys.argv[2]))))

"""What the machine is, what it can do, and what part of that a correlation reaches."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import importlib.metadata
import os
import platform
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import psutil
from threadpoolctl import threadpool_info, threadpool_limits

from benchmarks._problem import Problem
from benchmarks._timing import timed

_PACKAGES = (
    "celer",
    "cvxpy",
    "dictlearn",
    "highspy",
    "joblib",
    "numba",
    "numkong",
    "numpy",
    "sae-lens",
    "scikit-learn",
    "scipy",
    "spams-bin",
    "torch",
)
# Several times what caches hold.
_STREAM_FLOATS = 2**26
_PRODUCT_LENGTH = 2048
_THREAD_VARIABLES = ("MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS")


def describe_machine():
    """Return what the measurements depend on: processor, memory, versions, threads."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = None
    return {
        "processor": _processor(),
        "cores": joblib.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": versions,
        "thread_pools": [
            {key: pool.get(key) for key in ("internal_api", "version", "num_threads")}
            for pool in threadpool_info()
        ],
        "environment": {name: os.environ[name] for name in _THREAD_VARIABLES if name in os.environ},
    }


def _processor():
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()


def machine(size, repeats, tell):
    """Measure memory and matrix products, then correlations of one sample and of a batch.

    A correlation does ``2 N d`` operations for each sample, though with popcounts it does the work
    of 64 of them in one instruction, and so may exceed the peak of float32. It must read the
    dictionary at least once.
    """
    tell("memory bandwidth")
    rates = {
        name: [n_arrays * 4 * _STREAM_FLOATS / taken for taken in times]
        for name, n_arrays, times in _stream(_STREAM_FLOATS, repeats)
    }
    tell("float32 matrix product")
    matrix = np.ones((_PRODUCT_LENGTH, _PRODUCT_LENGTH), dtype=np.float32)
    timed(np.matmul, matrix, matrix)
    products = [
        2 * _PRODUCT_LENGTH**3 / timed(np.matmul, matrix, matrix)[0] for _ in range(repeats)
    ]
    rows = [{"method": f"memory: {name}", "bytes_per_second": rate} for name, rate in rates.items()]
    rows.append({"method": "float32 product", "operations_per_second": products})
    bandwidth = float(np.median(rates["read"]))
    peak = float(np.median(products))

    problem = Problem(size)
    dictionary = problem.encoder.dictionary_
    for n_samples in dict.fromkeys((1, size.n_samples)):
        tell(f"correlation of {n_samples}")
        samples = problem.samples[:n_samples]
        timed(dictionary.correlate, samples)
        times = [timed(dictionary.correlate, samples)[0] for _ in range(repeats)]
        operations = 2 * n_samples * size.n_features * size.n_components
        row = {
            "method": "correlate",
            "samples": n_samples,
            "bytes_per_second": [dictionary.nbytes / taken for taken in times],
            "operations_per_second": [operations / taken for taken in times],
        }
        row["of_bandwidth"] = float(np.median(row["bytes_per_second"])) / bandwidth
        row["of_peak"] = float(np.median(row["operations_per_second"])) / peak
        rows.append(row)
    return rows


def _stream(n_floats, repeats):
    """Yield (name, arrays moved, seconds) of the loops of the STREAM benchmark, on all threads."""
    n_threads = joblib.cpu_count()
    a, b, c = (np.ones(n_floats, dtype=np.float32) for _ in range(3))
    parts = [
        slice(n_floats * i // n_threads, n_floats * (i + 1) // n_threads) for i in range(n_threads)
    ]
    loops = {
        "read": (1, lambda part: np.dot(a[part], a[part])),
        "copy": (2, lambda part: np.copyto(b[part], a[part])),
        "add": (3, lambda part: np.add(a[part], b[part], out=c[part])),
    }
    with ThreadPoolExecutor(n_threads) as pool, threadpool_limits(1, user_api="blas"):
        for name, (n_arrays, loop) in loops.items():
            list(pool.map(loop, parts))
            times = [
                timed(lambda loop=loop: list(pool.map(loop, parts)))[0] for _ in range(repeats)
            ]
            yield name, n_arrays, times

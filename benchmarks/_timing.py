"""Seconds a sample, and ratios of methods that take turns."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import time

import numpy as np
from scipy.sparse import csr_array, issparse

from benchmarks._peer_methods import NotApplicableError
from sksupercode.metrics import exact_recovery_score


def timed(function, *args):
    """Return the seconds that a call takes, and its result."""
    start = time.perf_counter()
    result = function(*args)
    return time.perf_counter() - start, result


def recovery_rate(codes, output, n_nonzero_coefs):
    """Return the part of the samples whose support is found without an error.

    Parameters
    ----------
    codes : sparse array of shape (n_samples, N)
        The truth.

    output : {sparse array, ndarray of int, ndarray of float}
        Decoded codes, sparse; or the indices of the codewords, of shape (n_samples, k); or
        coefficients of shape (n_samples, N), of which the k largest count.

    n_nonzero_coefs : int
        The sparsity k.
    """
    n_features = codes.shape[1]
    if not issparse(output):
        indices = output
        if output.dtype.kind == "f":
            part = min(n_nonzero_coefs, n_features - 1)
            indices = np.argpartition(-output, part, axis=1)[:, :n_nonzero_coefs]
        rows = np.repeat(np.arange(len(indices)), indices.shape[1])
        ones = np.ones(indices.size)
        output = csr_array((ones, (rows, indices.ravel())), shape=codes.shape)
    return float(exact_recovery_score(codes, output))


def compare(problem, name, decoder, peers, repeats, tell):
    """Time a decoder and its peers on the same samples.

    The decoder and each peer take turns, so that each ratio is of two timings that follow each
    other; a peer that needs long gets fewer samples, as its time for each does not depend on their
    number. What can be done before samples come, compilation included, is not timed.

    Parameters
    ----------
    problem : Problem
        What is decoded.

    name : str
        Of the decoder.

    decoder : decoder
        Not fitted.

    peers : list of Peer
        Those that cannot run are listed with the reason.

    repeats : int
        Timings of each peer.

    tell : callable
        Is told what is being timed.

    Returns
    -------
    rows : list of dict
        One a method: its seconds a sample, how many times longer than the decoder it takes, and
        its recovery rate.
    """
    samples, codes, k = problem.samples, problem.codes, problem.size.n_nonzero_coefs
    tell(name)
    decoder.fit(samples, codes)
    decoder.predict(samples[:1])
    own = {"method": name, "samples": len(samples), "seconds": []}
    rows = [own]

    def time_own():
        taken, output = timed(decoder.predict, samples)
        own["seconds"].append(taken / len(samples))
        own.setdefault("recovery", recovery_rate(codes, output, k))

    for peer in peers:
        tell(peer.name)
        reason = peer.obstacle(problem.size)
        if reason is not None:
            rows.append({"method": peer.name, "note": reason})
            continue
        try:
            decode = peer.prepare(problem)
        except NotApplicableError as error:
            rows.append({"method": peer.name, "note": f"left out: {error}"})
            continue
        n_samples = min(len(samples), peer.n_samples)
        given = problem.float_samples[:n_samples]
        decode(given[:1])
        row = {"method": peer.name, "samples": n_samples, "seconds": [], "ratio": []}
        if peer.note:
            row["note"] = peer.note
        for _ in range(repeats):
            time_own()
            taken, output = timed(decode, given)
            row["seconds"].append(taken / n_samples)
            row["ratio"].append(row["seconds"][-1] / own["seconds"][-1])
        row["recovery"] = recovery_rate(codes[:n_samples], output, k)
        rows.append(row)
    while len(own["seconds"]) < repeats:
        time_own()
    return rows

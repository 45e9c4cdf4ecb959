"""The TopK encoder of an autoencoder beside PyTorch."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import importlib.util

import numpy as np

from benchmarks._learned import LearnedProblem
from benchmarks._timing import timed
from sksupercode.sae import SAEWeights, SparseAutoencoder

_BIAS = 0.05


def encoder(size, repeats, tell):
    """Compare a forward pass to latents with a product of matrices, biases and top-k in PyTorch.

    They take turns, and PyTorch runs with as many threads as it takes by itself.
    """
    tell("drawing codewords")
    problem = LearnedProblem(size)
    rng = np.random.default_rng(0)
    weights = SAEWeights(
        "topk",
        W_dec=problem.dictionary,
        W_enc=np.ascontiguousarray(problem.dictionary.T),
        b_dec=_BIAS * rng.standard_normal(size.n_components, np.float32),
        b_enc=_BIAS * rng.standard_normal(size.n_features, np.float32),
        k=size.n_nonzero_coefs,
    )
    methods = {"SparseAutoencoder.transform": SparseAutoencoder.from_weights(weights).transform}
    rows = [{"method": name, "samples": size.n_samples, "seconds": []} for name in methods]
    if importlib.util.find_spec("torch") is None:
        rows.append({"method": "PyTorch", "note": "not installed: torch"})
    else:
        peers = _torch_encoders(weights)
        methods |= peers
        rows += [
            {"method": name, "samples": size.n_samples, "seconds": [], "ratio": []}
            for name in peers
        ]
    for encode in methods.values():
        encode(problem.samples)
    for _ in range(repeats):
        for row, encode in zip(rows, methods.values(), strict=False):
            tell(row["method"])
            row["seconds"].append(timed(encode, problem.samples)[0] / size.n_samples)
            if "ratio" in row:
                row["ratio"].append(row["seconds"][-1] / rows[0]["seconds"][-1])
    return rows


def _torch_encoders(weights):
    """The usual way to write it, and one that has fewer passes over all latents."""
    import torch

    W, b_dec, b_enc = (torch.from_numpy(a) for a in (weights.W_enc, weights.b_dec, weights.b_enc))

    def plain(X):
        with torch.no_grad():
            Z = torch.relu((torch.from_numpy(X) - b_dec) @ W + b_enc)
            return torch.topk(Z, weights.k)

    def fused(X):
        with torch.no_grad():
            Z = torch.addmm(b_enc, torch.from_numpy(X) - b_dec, W)
            values, latents = torch.topk(Z, weights.k, sorted=False)
            return values.relu_(), latents

    return {
        "PyTorch, relu(x @ W + b), topk": plain,
        "PyTorch, addmm, topk(sorted=False)": fused,
    }

"""Which supports are found with the true dictionary: by pursuits, and by pursuits and pruning."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator

from benchmarks._planted import PLANTED
from sksupercode import (
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    RefitDecoder,
    SwapDecoder,
    TopKDecoder,
)
from sksupercode.datasets import make_planted_activations, make_synth_sae_bench
from sksupercode.datasets._synth_sae_bench import SIZES
from sksupercode.metrics import (
    fraction_of_variance_unexplained,
    match_codes,
    support_precision_recall_f1,
)

# Problems, and their names here.
_PLANTED = {
    "uniform, .5 bits/dim": ".5 bits/dim",
    "uniform, .85 bits/dim": ".85 bits/dim",
    "Zipf, noise of 5 %": "Zipf, noise",
}
# What latents of SynthSAEBench have to explain so that some 25 a sample are left at the full size:
# this fraction of the squared norm of a sample, or as much as noise of this standard deviation.
_FRACTION, _NOISE_STD = 0.0171, 0.912
# What tells rounding and little more from latents.
_NEGLIGIBLE = 1e-3


def supports(size, repeats, tell):
    """Measure the supports that decoders find, on planted activations and on SynthSAEBench.

    The size is that of SynthSAEBench, the nearest that there is, with the k that decoders use.
    Nothing but samples changes with a repeat.
    """
    rows = {}
    for seed in range(repeats):
        for kind in PLANTED:
            if kind.name in _PLANTED:
                for name, found in _of_planted(kind, size.n_samples, seed, tell):
                    _extend(rows, f"{_PLANTED[kind.name]}: {name}", found)
        for name, found in _of_synth_sae_bench(size, seed, tell):
            _extend(rows, f"SynthSAEBench: {name}", found)
    return list(rows.values())


def _extend(rows, name, found):
    row = rows.setdefault(name, {"method": name})
    for key, value in found.items():
        row.setdefault(key, []).append(value)


def _of_planted(kind, n_samples, seed, tell):
    size, k = kind.size, kind.size.n_nonzero_coefs
    X, Z, F = make_planted_activations(
        n_samples,
        size.n_features,
        size.n_components,
        n_nonzero_coefs=k,
        random_state=seed,
        **kind.parameters,
    )
    omp, more = _pursuits(F, k, 2 * k if "noise" in kind.parameters else 3 * k // 2)
    decoders = {f"OMP, {k}": omp, f"OMP, {more.n_nonzero_coefs}": more}
    pruned = f"OMP, {more.n_nonzero_coefs}"
    decoders[f"{pruned}, prune={k}"] = RefitDecoder(more, prune=k)
    if "noise" not in kind.parameters:
        decoders[f"{pruned}, prune={_NEGLIGIBLE}"] = RefitDecoder(more, prune=_NEGLIGIBLE)
    else:
        std = float(np.sqrt(np.mean((X - Z @ F) ** 2)))
        decoders |= {
            "OMP, to the noise": OrthogonalMatchingPursuitDecoder(
                F, noise_std=std, values="nonnegative"
            ),
            f"OMP, {k}, noise_std": RefitDecoder(omp, noise_std=std),
            f"{pruned}, noise_std": RefitDecoder(more, noise_std=std),
            f"{pruned}, swaps, noise_std": SwapDecoder(more, noise_std=std),
            f"{pruned}, noise_std, swaps": SwapDecoder(RefitDecoder(more, noise_std=std)),
        }
    yield from _measured(decoders, X, Z, tell)
    if "noise" in kind.parameters:
        # What the inner product with a codeword is when all others are subtracted.
        alone = Z.toarray() + (X - Z @ F) @ F.T
        found = csr_array(np.where(alone > std * np.sqrt(2 * np.log(len(F))), alone, 0))
        yield "all others known", _measure(X, Z, found, found @ F)


def _of_synth_sae_bench(size, seed, tell):
    N = max((n for n, _, _ in SIZES.values() if n <= size.n_features), default=0)
    name = next((name for name in SIZES if SIZES[name][0] == N), "small")
    tell(f"SynthSAEBench, {name}")
    X, Z, F, intercept = make_synth_sae_bench(
        size.n_samples, name, dtype=np.float32, random_state=seed
    )
    X -= intercept
    k = size.n_nonzero_coefs
    omp, more = _pursuits(F, k, 8 * k // 5)
    selected = _Selected(more.fit(X), X)
    decoders = {
        f"top-k, {k}, refitted": RefitDecoder(TopKDecoder(F, k, values="nonnegative")),
        f"MP, {k}": MatchingPursuitDecoder(F, k, values="nonnegative"),
        f"OMP, {k}": omp,
        f"{selected.name}, prune={k}": RefitDecoder(selected, prune=k),
        f"{selected.name}, noise_std={_NOISE_STD}": RefitDecoder(selected, noise_std=_NOISE_STD),
        f"{selected.name}, prune={_FRACTION}": RefitDecoder(selected, prune=_FRACTION),
        f"{selected.name}, prune={_NEGLIGIBLE}": RefitDecoder(selected, prune=_NEGLIGIBLE),
    }
    yield from _measured(decoders, X, Z, tell)


class _Selected(BaseEstimator):
    """What a pursuit selects for known samples, found once."""

    def __init__(self, pursuit, X):
        self.name = f"OMP, {pursuit.n_nonzero_coefs}"
        self.dictionary_, self.intercept_ = pursuit.dictionary_, pursuit.intercept_
        self.codes = pursuit.transform(X)
        self.rows = {x.tobytes(): row for row, x in enumerate(X)}

    def transform(self, X):
        return self.codes[[self.rows[x.tobytes()] for x in X]]


def _pursuits(F, *numbers):
    return [OrthogonalMatchingPursuitDecoder(F, k, values="nonnegative") for k in numbers]


def _measured(decoders, X, Z, tell):
    for name, decoder in decoders.items():
        tell(name)
        found = decoder.fit(X).transform(X)
        yield name, _measure(X, Z, found, decoder.inverse_transform(found))


def _measure(X, Z, found, X_hat):
    precision, recall, f1 = support_precision_recall_f1(Z, found)
    return {
        "l0": found.nnz / len(X),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "feature_f1": match_codes(Z, found).f1,
        "fvu": fraction_of_variance_unexplained(X, X_hat),
    }

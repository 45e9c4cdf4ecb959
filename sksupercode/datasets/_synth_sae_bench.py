"""Activations by the construction of SynthSAEBench: features that are many, rare and in trees."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode._utils._memory import require_memory
from sksupercode._utils._sparse import as_configured_csr
from sksupercode._utils._validation import check_generator, check_integer, check_option
from sksupercode.datasets._planted_trees import (
    FiringTrees,
    copula_factors,
    firing_given_parents,
    tight_frame,
    tree_parents,
    zipf_between,
)
from sksupercode.datasets._sparse_codes import check_dtype

# Numbers of features, of dimensions and of trees.
SIZES = {"small": (1024, 128, 8), "medium": (4096, 320, 32), "full": (16384, 768, 128)}


def make_synth_sae_bench(
    n_samples=1000, size="small", *, dtype=np.float64, random_state=None, model_seed=42
):
    r"""Make samples of the benchmark SynthSAEBench, or of smaller ones of the same construction.

    .. math:: x = b + \sum_{i \in S} a_i f_i

    with unit codewords f_i, few features S that fire, in trees, with frequencies by a power law and
    correlations, and amplitudes a_i. As published, "full" is the construction of SynthSAEBench-16k
    [1]_, with other random numbers.

    Parameters
    ----------
    n_samples : int, default=1000
        Number n of samples.

    size : {"small", "medium", "full"}, default="small"
        Numbers N of features, d of dimensions and of trees, and the mean number of features that
        fire: 1,024, 128, 8 and about 7.3; 4,096, 320, 32 and 16; or 16,384, 768, 128 and 34.6. All
        three have about .46 bits per dimension.

    dtype : {float64, float32}, default=float64
        dtype of all results. float32 rounds the numbers of float64.

    random_state : int, RandomState, Generator or None, default=None
        Of the samples. An integer gives the same in every call.

    model_seed : int, default=42
        Of all that samples share: codewords, intercept, correlations, and the laws of amplitudes.

    Returns
    -------
    X : ndarray of shape (n_samples, d)
        The samples, ``codes @ dictionary + intercept``.

    codes : CSR matrix or array of shape (n_samples, N)
        The amplitudes, positive, with sorted column indices.

    dictionary : ndarray of shape (N, d)
        The codewords, of norm 1.

    intercept : ndarray of shape (d,)
        The intercept b, of norm .5.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    MemoryError
        If X and the dictionary exceed the memory that is available.

    See Also
    --------
    make_planted_activations : Other laws, frequencies, groups and noise.
    sksupercode.metrics.match_codes : Codes against the true ones, by this benchmark's measures too.

    Notes
    -----
    **Frequencies.** Feature i = 1, ..., N has ``p_i = p_N + (p_1 - p_N) (i^-.5 - N^-.5) / (1 -
    N^-.5)`` from ``p_1 = .4`` down to ``p_N = .0005``.

    **Trees.** The first features are the roots. Each has 4 children, each of them 4, and these 4
    once more: 85 features in a tree, and 66 % of all are in one. Features are numbered level by
    level. A child fires only where its parent does, and at most one child of each does. Children
    try to fire with ``p_i / P (1 + sum_s p_s / P)``, at most 1, where P is the p of the
    parent and s are the siblings, and one that tries is drawn. Frequencies below roots are only
    about p_i, as in the original.

    **Correlations.** Feature i fires, or tries to, where ``L_i . e + sqrt(1 - |L_i|^2) u_i`` is
    above its quantile, with standard normal e of 25 dimensions and u_i, which are those of the
    sample, and normal L_i of variance .01.

    **Amplitudes** are normal, of mean 5 for the first down to 4 for the last feature, linearly, and
    the standard deviation ``|N(.5, .5^2)|`` of the feature; those below 0 become 0. That of a child
    is multiplied by that of its parent over the parent's mean.

    **Codewords** are random directions made more orthogonal. The original takes 100 steps of
    gradient descent on the sum of squared cosines; this takes its minimum, a tight frame, by three
    rounds of polar decomposition. At the full size, the root mean square cosine falls from .0361 to
    .0352, and the mean of the largest cosine of each codeword from .148 to .145; with the steps of
    the original, to the same within .1 %.

    Samples are drawn in blocks. On one core, 100,000 of the full size take about 15 seconds, and
    those of "small" 1.

    References
    ----------
    .. [1] D. Chanin and A. Garriga-Alonso, "SynthSAEBench: evaluating sparse autoencoders on
       scalable realistic synthetic data", 2026, arXiv:2602.14687; the configuration is that of
       synth-sae-bench-16k-v2 in the documentation of SAELens.

    Examples
    --------
    >>> import numpy as np
    >>> from sksupercode.datasets import make_synth_sae_bench
    >>> X, codes, dictionary, intercept = make_synth_sae_bench(2000, random_state=0)
    >>> X.shape, codes.shape, dictionary.shape
    ((2000, 128), (2000, 1024), (1024, 128))
    >>> bool(np.allclose(X, codes @ dictionary + intercept))
    True

    Other samples of the same model:

    >>> X_test, codes_test, same, _ = make_synth_sae_bench(500, random_state=1)
    >>> bool(np.all(same == dictionary))
    True
    """
    n_samples = check_integer(n_samples, "n_samples", minimum=1)
    check_option(size, "size", SIZES)
    dtype = check_dtype(dtype)
    rng = check_generator(random_state)
    model_rng = np.random.default_rng(check_integer(model_seed, "model_seed", minimum=0))
    n_features, n_components, n_trees = SIZES[size]
    require_memory(
        dtype.itemsize * (n_samples + n_features) * n_components,
        f"{n_samples} samples and {n_features} codewords in {n_components} dimensions",
    )

    dictionary = tight_frame(model_rng.standard_normal((n_features, n_components)))
    intercept = model_rng.standard_normal(n_components)
    intercept *= 0.5 / np.linalg.norm(intercept)
    parents = tree_parents(n_features, n_trees, n_children=4, depth=3)
    factors, variances = copula_factors(n_features, rank=25, scale=0.1, rng=model_rng)
    codes = FiringTrees(
        parents=parents,
        tries=firing_given_parents(zipf_between(n_features, 0.4, 5e-4, 0.5), parents),
        factors=factors,
        variances=variances,
        means=np.linspace(5, 4, n_features),
        deviations=np.abs(0.5 + 0.5 * model_rng.standard_normal(n_features)),
        n_children=4,
    ).draw(n_samples, rng)
    dictionary, intercept = dictionary.astype(dtype), intercept.astype(dtype)
    codes = codes.astype(dtype)
    X = codes @ dictionary
    X += intercept
    return X, as_configured_csr(codes), dictionary, intercept

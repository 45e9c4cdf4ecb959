"""Activations that superpose codewords which are known: the truth to learn a dictionary from."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, gen_batches

from sksupercode._utils._blocks import MOST_ROWS
from sksupercode._utils._memory import require_memory
from sksupercode._utils._moments import RunningMoments
from sksupercode._utils._sparse import as_configured_csr, assemble_csr
from sksupercode._utils._validation import (
    as_array,
    check_generator,
    check_integer,
    check_real,
    unfrozen,
)
from sksupercode.datasets._planted_amplitudes import amplitude_law
from sksupercode.datasets._planted_groups import (
    check_groups,
    check_mean,
    check_support,
    draw_codewords,
    draw_supports,
    firing_law,
)
from sksupercode.datasets._sparse_codes import check_dtype


def make_planted_activations(
    n_samples=1000,
    n_latents=None,
    n_components=None,
    *,
    n_nonzero_coefs=None,
    support="fixed",
    zipf_exponent=1.0,
    amplitudes="uniform",
    group_size=1,
    group_cosine=None,
    group_firing="independent",
    member_probability=None,
    noise=0.0,
    dictionary=None,
    dtype=np.float64,
    random_state=None,
):
    r"""Make samples of which the dictionary and the codes are known.

    .. math::
        x_i = \sum_{j \in S_i} a_{ij} f_j + e_i, \qquad e_i \sim N(0, \sigma^2 I_d)

    with unit codewords f_j in R^d, supports S_i of mean size k, and amplitudes a_ij that are
    independent of each other and of all else. Latents may form groups, each of `group_size`
    consecutive ones, whose codewords have a cosine and which fire together, or below a parent.

    Parameters
    ----------
    n_samples : int, default=1000
        Number n of samples.

    n_latents : int or None, default=None
        Number N of codewords. None is the length of `dictionary` or of `support`, or else 512.

    n_components : int or None, default=None
        Number d of dimensions. None is that of `dictionary`, or else 96.

    n_nonzero_coefs : int or None, default=None
        Mean number k of latents that fire in a sample; from 0 to N. None is the sum of
        `support` where that is an array, which any other number must agree with, or else 6.

    support : {"fixed", "bernoulli", "zipf"} or array-like of shape (n_latents,), default="fixed"
        How supports are drawn: "fixed" takes k latents uniformly, "bernoulli" each latent
        independently with probability ``k / N``, and "zipf" independently with probabilities that
        are a power of the rank, as :func:`make_sparse_codes` does. An array gives the probability
        of each latent, from 0 to 1. With `group_firing`, the three laws are of groups; see Notes.

    zipf_exponent : float, default=1.0
        How fast frequencies fall with the rank; only for ``support="zipf"``. 0 is ``"bernoulli"``.

    amplitudes : str, tuple or callable, default="uniform"
        The law of the amplitudes, by name or as a tuple of its name and its first parameters:

        * ``("uniform", low=0.5, high=1.5)``;
        * ``("exponential", low=0.0, scale=1.0)``: `low` and an exponential variable of mean
          `scale`;
        * ``("gaussian", mean=0.0, std=1.0)``;
        * ``"binary"``: ones.

        Or a function of a Generator and a number that returns so many of them, for which
        amplitudes of 0 do not count as firing.

    group_size : int, default=1
        Number s of latents in a group, a divisor of N: latents 0 to s - 1 are the first group.

    group_cosine : float or None, default=None
        The cosine of any two codewords of a group, from ``-1 / (s - 1)`` to 1, without 1; it needs
        ``s <= d``. None draws all codewords independently. Groups are independent of each other.

    group_firing : {"independent", "together", "hierarchical"}, default="independent"
        Whether groups matter for supports. If not "independent", groups become active, and in an
        active group each member fires independently with `member_probability`; "hierarchical" ones
        have a parent, the first latent, which always fires, so that the others, its children, fire
        only with it.

    member_probability : float or None, default=None
        Probability q that a member, or a child, fires in an active group, from 0 to 1 and not 0 for
        "together". None is 0.5. It stays None for independent latents, and for hierarchical ones
        with an array as `support`, which says it.

    noise : float, default=0.0
        The fraction of the variance of X that is noise, from 0 to 1, without 1.

    dictionary : array-like of shape (n_latents, n_components) or estimator, default=None
        Codewords to take, as they are, or an estimator that has ``dictionary_``, of which an
        intercept is not added. None draws them uniformly on the unit sphere.

    dtype : {float64, float32}, default=float64
        dtype of all results. float32 rounds the numbers of float64.

    random_state : int, RandomState, Generator or None, default=None
        An integer gives the same in every call, and the same dictionary for any `n_samples`.

    Returns
    -------
    X : ndarray of shape (n_samples, n_components)
        The samples, ``codes @ dictionary`` and noise.

    codes : CSR matrix or array of shape (n_samples, n_latents)
        The amplitudes, with sorted column indices and no explicit zeros.

    dictionary : ndarray of shape (n_latents, n_components)
        The codewords, of norm 1 unless they were given.

    Raises
    ------
    ValueError
        If a parameter is out of its range or contradicts another, as a k that no supports of the
        groups can have.

    MemoryError
        If X and the dictionary exceed the memory that is available.

    See Also
    --------
    make_sparse_codes : Codes without a dictionary.
    make_synth_sae_bench : A benchmark's features, in trees, correlated and of a power law.
    sksupercode.metrics.match_codes : Codes against the true ones.

    Notes
    -----
    Let m be the mean number of latents that fire in an active group: 1 for independent latents,
    which are groups by themselves, ``s q`` for "together" and ``1 + (s - 1) q`` for "hierarchical".
    A mean of ``k / m`` groups is active: with "fixed" that number, rounded up or down at random if
    it is no integer, and with "bernoulli" and "zipf" independently of each other. Two members that
    fire together have the correlation ``q (1 - P) / (1 - q P)`` where P is the frequency of their
    group, which is about q.

    With frequencies p_j in `support`, member j fires with probability ``p_j / P`` in an active
    group. P is the frequency of the parent, which its children may not exceed, and
    ``max_j p_j / q`` for "together", which must not exceed 1. Every latent has its frequency then.

    The codewords of a group are ``f_j = sqrt(1 - c) (u_j - v) + sqrt(1 + (s - 1) c) v`` with
    orthonormal u_j and their mean v, so that their cosines are c up to rounding. Cosines between
    groups, and without `group_cosine`, have mean 0 and variance 1 / d.

    The noise has :math:`\sigma^2 = \frac{\nu}{1 - \nu} V / d` for `noise` :math:`\nu`, where V is
    the variance of the signals drawn, the mean of their squared distances from their mean. The true
    codes and dictionary then leave the fraction :math:`\nu` of the variance unexplained, up to a
    relative error of about :math:`\sqrt{2 / (n d)}`.

    Time and memory are proportional to X, the dictionary and the nonzeros, and time for groups also
    to the number of their members.

    Further samples of the same dictionary come from ``dictionary=dictionary`` and another seed.

    References
    ----------
    .. [1] S. Arora, R. Ge, T. Ma and A. Moitra, "Simple, efficient, and neural algorithms for
       sparse coding", COLT 2015, arXiv:1503.00778.
    .. [2] L. Sharkey, D. Braun and B. Millidge, "Taking features out of superposition with sparse
       autoencoders", AI Alignment Forum, 2022: frequencies that differ, and correlated features.
    .. [3] N. Elhage et al., "Toy models of superposition", 2022, arXiv:2209.10652.
    .. [4] D. Chanin et al., "A is for absorption: studying feature splitting and absorption in
       sparse autoencoders", 2024, arXiv:2409.14507: features that fire only with a parent.
    .. [5] D. Chanin, T. Dulka and A. Garriga-Alonso, "Feature hedging: correlated features break
       narrow sparse autoencoders", 2025, arXiv:2505.11756.

    Examples
    --------
    >>> import numpy as np
    >>> from sksupercode.datasets import make_planted_activations
    >>> X, codes, dictionary = make_planted_activations(200, 512, 96, random_state=0)
    >>> X.shape, codes.nnz, dictionary.shape
    ((200, 96), 1200, (512, 96))
    >>> bool(np.allclose(X, codes @ dictionary))
    True

    64 parents with 8 children each, three parents in each sample and one child each on average:

    >>> X, codes, dictionary = make_planted_activations(
    ...     4000, 576, group_size=9, group_firing="hierarchical", member_probability=1 / 8,
    ...     random_state=0,
    ... )
    >>> parents = codes[:, ::9]
    >>> parents.nnz, round(codes.nnz / 4000, 1)
    (12000, 6.0)

    Frequencies by Zipf's law, other amplitudes, and noise of 5 % of the variance:

    >>> from sksupercode.metrics import fraction_of_variance_unexplained
    >>> X, codes, dictionary = make_planted_activations(
    ...     1000, 1024, 128, n_nonzero_coefs=8, support="zipf", zipf_exponent=0.7,
    ...     amplitudes=("exponential", 0.2), noise=0.05, random_state=0,
    ... )
    >>> round(fraction_of_variance_unexplained(X, codes @ dictionary), 3)
    0.05
    """
    n_samples = check_integer(n_samples, "n_samples", minimum=1)
    n_latents = check_integer(n_latents, "n_latents", minimum=1, allow_none=True)
    n_components = check_integer(n_components, "n_components", minimum=1, allow_none=True)
    exponent = check_real(zipf_exponent, "zipf_exponent", 0, closed="left")
    draw_amplitudes = amplitude_law(amplitudes)
    noise = check_real(noise, "noise", 0, 1, closed="left")
    dtype = check_dtype(dtype)
    rng = check_generator(random_state)

    if dictionary is not None:
        dictionary = _check_dictionary(dictionary)
        n_latents = _agreed(n_latents, len(dictionary), "n_latents", "dictionary")
        n_components = _agreed(n_components, dictionary.shape[1], "n_components", "dictionary")
    n_components = 96 if n_components is None else n_components
    support = check_support(support)
    if isinstance(support, np.ndarray):
        n_latents = _agreed(n_latents, len(support), "n_latents", "support")
    n_latents = 512 if n_latents is None else n_latents
    k = check_mean(n_nonzero_coefs, support, n_latents)
    group_size, cosine = check_groups(group_size, group_cosine, n_latents, n_components)
    if cosine is not None and dictionary is not None:
        raise ValueError(f"group_cosine must be None with a dictionary, got {group_cosine!r}.")
    support, mean, conditional = firing_law(
        k, support, n_latents, group_size, group_firing, member_probability
    )
    require_memory(
        dtype.itemsize * (n_samples + n_latents) * n_components,
        f"{n_samples} samples and {n_latents} codewords in {n_components} dimensions",
    )

    if dictionary is None:
        dictionary = draw_codewords(n_latents, n_components, group_size, cosine, rng)
    # Too large numbers are refused below.
    with np.errstate(over="ignore", invalid="ignore"):
        dictionary = dictionary.astype(dtype, copy=False)
        indices, indptr = draw_supports(n_samples, support, mean, exponent, conditional, rng)
        data = np.asarray(draw_amplitudes(rng, len(indices))).astype(dtype, copy=False)
        codes = assemble_csr(np.diff(indptr), indices, data, n_latents)
        codes.eliminate_zeros()
        X = codes @ dictionary
    if not np.isfinite(X).all():
        raise ValueError(
            f"amplitudes and dictionary must have products below the largest {dtype}, got some "
            "above: scale them down."
        )
    if noise > 0:
        _add_noise(X, noise, rng)
    return X, as_configured_csr(codes), dictionary


def _add_noise(X, fraction, rng):
    moments = RunningMoments()
    blocks = list(gen_batches(len(X), MOST_ROWS))
    for rows in blocks:
        moments.add(X[rows])
    scale = np.sqrt(moments.squares / X.size * fraction / (1 - fraction))
    for rows in blocks:
        X[rows] += np.ldexp(scale * rng.standard_normal(X[rows].shape), moments.exponent)


def _check_dictionary(source):
    estimator = unfrozen(source)
    if isinstance(estimator, BaseEstimator):
        if not hasattr(estimator, "dictionary_"):
            raise ValueError(
                "dictionary must be None, an array of shape (N, d) or an estimator with "
                f"dictionary_, got {estimator!r}: fit it first."
            )
        estimator = estimator.dictionary_
    array = as_array(estimator, "dictionary")
    try:
        return check_array(
            np.asarray(array), dtype=(np.float64, np.float32), input_name="dictionary"
        )
    except (TypeError, ValueError) as error:
        raise ValueError(
            "dictionary must be None, an array of shape (N, d) or an estimator with dictionary_: "
            f"{error}"
        ) from error


def _agreed(number, found, name, source):
    if number not in (None, found):
        raise ValueError(f"{name} must be None or agree with {source}, {found}, got {number}.")
    return found

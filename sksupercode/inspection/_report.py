"""Is a learned dictionary like a random one, and how many bits do its codes carry?"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.utils import gen_batches

from sksupercode import theory
from sksupercode._utils._blocks import check_readable, read_block, rows_per_block
from sksupercode._utils._validation import (
    check_codes,
    check_generator,
    check_integer,
    unfrozen,
    without_names,
)
from sksupercode.decoders import (
    AMPDecoder,
    BasisPursuitDecoder,
    MatchingPursuitDecoder,
    ThresholdDecoder,
    TopKDecoder,
)
from sksupercode.decoders._codebook import as_dictionary, dictionary_of
from sksupercode.encoders import BaseEncoder, RademacherEncoder
from sksupercode.inspection._dictionary_report import DictionaryReport
from sksupercode.inspection._geometry import gram_matrix, pair_cosines
from sksupercode.model_selection import predicted_dimension

_RATE = 0.9
# Beyond, the simulation of matching pursuit takes minutes.
_LARGEST_SIMULATED = 256


def dictionary_report(
    dictionary, X=None, *, n_nonzero_coefs=None, max_pairs=2**27, random_state=None
):
    r"""Compare a dictionary with a random one, and its codes with the predictions of theory.

    Theory is about random codewords. The coherence and the spectrum of the Gram matrix show how far
    a learned dictionary is from them,

    .. math::
        \mu = \max_{i \ne j} |\cos(f_i, f_j)|, \qquad
        \overline{\cos^2} = \frac{\lVert F^T F \rVert_F^2 - N}{N (N - 1)},

    and its codes carry :math:`\log_2 \binom{N}{k} / d` bits per dimension.

    Parameters
    ----------
    dictionary : array-like of shape (N, d), Dictionary, or estimator
        Codewords of any norm; zero codewords are left out. An estimator may be a sparse
        autoencoder, frozen or not, a fitted decoder or encoder, or an encoder with ``n_features``
        and an integer seed.

    X : array-like of shape (n_samples, d) or None, default=None
        Activations, which an autoencoder or decoder encodes block by block; they may be mapped from
        a file. None leaves the codes out of the report.

    n_nonzero_coefs : int or None, default=None
        Number k of nonzero coefficients, from 1 to N, for the predictions. None takes the mean
        number of active latents on X, rounded, and at least 1; without X there are then no
        predictions.

    max_pairs : int, default=2**27
        The largest number of pairs of codewords of which the coherence and the mean absolute cosine
        are computed. If there are more, some codewords drawn at random are paired with all others.
        The coherence is then a lower bound, and the coherence of random codewords is for as many
        pairs; the mean is an unbiased estimate. Duplicates and nearest codewords are those of these
        pairs. All other numbers are of all codewords.

    random_state : int, RandomState, Generator or None, default=None
        Draws these codewords, and simulates matching pursuit.

    Returns
    -------
    report : DictionaryReport
        Numbers by name. Printed, it is a table.

    Raises
    ------
    ValueError
        If there is no dictionary, it has fewer than two codewords that are not zero, X is given
        and nothing can encode it, X is not a matrix of finite numbers with d columns, or a
        parameter is illegal.

    See Also
    --------
    sksupercode.plotting.DictionaryReportDisplay : A picture of it.
    sksupercode.model_selection.predicted_dimension : The dimensions that theory predicts.

    Notes
    -----
    Cosines of random directions and of random signs have mean square 1/d. The interference of k
    codewords with another one has a variance of k times the mean square. One over the mean square,
    the *effective dimension*, is thus the d of a random dictionary with the same interference. The
    mean square is least for tight frames, where it is :math:`(N - d) / (d (N - 1))`, the Welch
    bound [1]_. The *effective rank* is the exponential of the entropy of the eigenvalues [2]_;
    those of a random dictionary follow the law of Marchenko and Pastur.

    The mean absolute cosine, which [4]_ call :math:`c_{dec}`, is theirs to find the number of
    active latents to train with: autoencoders of too few or too many have codewords that mix
    several features, whose cosines are larger. The user guide tests this where the truth is known.

    The *effective k* of a code is its numerical sparsity [3]_, the mean over samples of

    .. math:: (\sum_i |a_i| \lVert f_i \rVert)^2 / \sum_i a_i^2 \lVert f_i \rVert^2,

    which is L0 where all active latents are equally strong, and otherwise less.

    The entropy of the support of a code is at most the sum of the entropies of the latents, and
    equal to it if they are active independently of each other. The estimate of this sum from n
    samples is too low, by about 1 / (2n) nats for each latent. Neither number includes the
    information in the values of latents.

    Predicted dimensions are for exact recovery, with probability 0.9, of codes of k ones on random
    signs. They come from :func:`~sksupercode.model_selection.predicted_dimension`; for matching
    pursuit the error is about 2 %. For matching pursuit with k above 256 the number is the rule
    1.3 k log2(eN/k), and for message passing with k below 4 it is the threshold at large N.

    The first report in an environment compiles what simulates matching pursuit, for up to half a
    minute. Numba keeps the result for later ones.

    The d x d Gram matrix is in memory, but no N x N matrix is. The spectrum takes of the order of N
    d^2 operations, and the cosines ``max_pairs`` times d.

    References
    ----------
    .. [1] L. R. Welch, "Lower bounds on the maximum cross correlation of signals", IEEE
       Transactions on Information Theory 20(3), 1974.
    .. [2] O. Roy and M. Vetterli, "The effective rank: a measure of effective dimensionality",
       EUSIPCO, 2007.
    .. [3] M. E. Lopes, "Estimating unknown sparsity in compressed sensing", ICML, 2013.
    .. [4] D. Chanin and A. Garriga-Alonso, "Sparse but wrong: incorrect L0 leads to incorrect
       features in sparse autoencoders", 2025, arXiv:2508.16560.

    Examples
    --------
    >>> from sksupercode import RademacherEncoder
    >>> from sksupercode.inspection import dictionary_report
    >>> encoder = RademacherEncoder(64, n_features=500, random_state=0)
    >>> report = dictionary_report(encoder, n_nonzero_coefs=4, random_state=0)
    >>> print(f"{report.rms_cosine:.4f} {report.rms_cosine_random:.4f}")
    0.1250 0.1250
    >>> print(f"{report.bits_per_dimension:.2f}")
    0.49
    """
    k = check_integer(n_nonzero_coefs, "n_nonzero_coefs", minimum=1, allow_none=True)
    max_pairs = check_integer(max_pairs, "max_pairs", minimum=1)
    rng = check_generator(random_state)
    estimator, codewords = _resolve(dictionary)
    n_latents, d = codewords.shape
    indices = np.flatnonzero(codewords.squared_norms > 0)
    n = len(indices)
    if n < 2:
        raise ValueError(f"dictionary must have two codewords that are not zero, got {n}.")
    if k is not None and k > n:
        raise ValueError(f"n_nonzero_coefs must be at most {n}, the number of codewords, got {k}.")
    codes = {} if X is None else _measure_codes(estimator, codewords, X)
    if k is None and codes:
        # Latents of zero codewords may be active, too.
        k = min(n, max(1, round(codes["activation_frequencies"].sum())))
    gram, total = gram_matrix(codewords, indices)
    squares = np.sum(np.square(gram)) - n
    return DictionaryReport(
        n_latents=n_latents,
        n_features=n,
        n_components=d,
        cosines=pair_cosines(codewords, indices, max_pairs, rng),
        mean_cosine=float((total @ total - n) / (n * (n - 1))),
        rms_cosine=float(np.sqrt(max(0.0, squares) / (n * (n - 1)))),
        eigenvalues=np.maximum(np.linalg.eigvalsh(gram)[::-1], 0),
        n_nonzero_coefs=k,
        predicted_dimensions=None if k is None else _predicted_dimensions(n, k, rng),
        **codes,
    )


def _resolve(source):
    """Return an estimator, None if it is an array, and its dictionary."""
    estimator = unfrozen(source)
    if not isinstance(estimator, BaseEstimator):
        return None, as_dictionary(source)
    if hasattr(estimator, "dictionary_"):
        return estimator, dictionary_of(estimator)
    if isinstance(estimator, BaseEncoder) and estimator.has_recipe and estimator.n_features:
        return estimator, estimator.codebook(estimator.n_features, estimator.n_components)
    raise ValueError(
        f"dictionary={type(estimator).__name__}(...) has no dictionary_: pass it fitted, or an "
        "encoder with n_features and an integer random_state."
    )


def _measure_codes(estimator, codewords, X):
    """Return how often each latent is active on X, and the mean numerical sparsity of codes."""
    if isinstance(estimator, BaseEncoder) or not hasattr(estimator, "transform"):
        raise ValueError(
            "X can be encoded by a sparse autoencoder or a decoder alone, got dictionary="
            f"{type(estimator).__name__ if estimator else 'an array'}."
        )
    X = check_readable(X)
    # Those of the input, where a transcoder has codewords of its output.
    d = getattr(estimator, "n_features_in_", codewords.shape[1])
    if X.shape[1] != d:
        raise ValueError(f"X must have shape (n_samples, {d}), got {tuple(X.shape)}.")
    estimator = without_names(estimator, X)
    norms = np.sqrt(codewords.squared_norms)
    counts, sparsities = np.zeros(codewords.shape[0]), []
    for rows in gen_batches(X.shape[0], rows_per_block(X.shape[1])):
        with config_context(transform_output="default"):
            Z = check_codes(estimator.transform(read_block(X, rows)), n_features=len(norms))
        counts += np.bincount(Z.indices, minlength=len(norms))
        Z.data = np.abs(Z.data.astype(np.float64)) * norms[Z.indices]
        l1, l2 = Z.sum(axis=1), np.sqrt(Z.power(2).sum(axis=1))
        sparsities.append(np.square(l1[l2 > 0] / l2[l2 > 0]))
    sparsities = np.concatenate(sparsities)
    return {
        "activation_frequencies": counts / X.shape[0],
        "effective_k": float(sparsities.mean()) if len(sparsities) else 0.0,
        "n_samples": int(X.shape[0]),
    }


def _predicted_dimensions(n, k, rng):
    sizes = {"n_features": n, "n_nonzero_coefs": k, "probability": _RATE}

    def predict(decoder, **options):
        return float(predicted_dimension(decoder, **sizes, **options))

    signs = RademacherEncoder()
    if k <= _LARGEST_SIMULATED:
        with warnings.catch_warnings():
            # That it takes seconds; a report has no parameter to show progress.
            warnings.simplefilter("ignore", UserWarning)
            pursuit = predict(MatchingPursuitDecoder(signs), n_samples=16, random_state=rng)
    else:
        pursuit = float(theory.rule_of_thumb_dimension(n, k, "matching_pursuit"))
    passing = predict(AMPDecoder(signs)) if k >= 4 else float(theory.amp_dimension(n, k))
    return {
        "threshold": predict(ThresholdDecoder(signs, threshold="map")),
        "top-k": predict(TopKDecoder(signs)),
        "matching pursuit": pursuit,
        "basis pursuit": predict(BasisPursuitDecoder(signs)),
        "message passing": passing,
        "counting bound": float(theory.counting_dimension(n, k)),
    }

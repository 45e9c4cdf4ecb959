"""How many bits of a bundle of symbols a decoder reads."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import entr

from sksupercode._utils._validation import check_codes, check_integer
from sksupercode.symbols import symbols_from_codes


def decoded_information(y_true, y_pred, *, n_sections, n_components=None):
    r"""Information that a decoder reads of bundled symbols, in bits.

    Of S sections of V codewords each, one symbol is read in each, and a fraction p of the stored
    symbols is read right. If all wrong symbols are equally probable, a bundle gives

    .. math::
        I = S \Big( \log_2 V + p \log_2 p + (1 - p) \log_2 \frac{1 - p}{V - 1} \Big)

    bits, the capacity of S uses of a symmetric channel.

    Parameters
    ----------
    y_true : array-like or sparse matrix or array of shape (n_samples, N)
        The codes that were stored: at most one nonzero in each section. S is the mean number of
        symbols of a row.

    y_pred : array-like or sparse matrix or array of shape (n_samples, N)
        The codes that were decoded. The largest coefficient of a section is its symbol; a section
        without one counts as wrong.

    n_sections : int
        Number of sections.

    n_components : int or None, default=None
        Number d of dimensions of the vectors. With it the result is per dimension, I / d.

    Returns
    -------
    information : float
        Bits per bundle, or per dimension. It is 0 where symbols are read no better than by chance,
        p <= 1 / V.

    Raises
    ------
    ValueError
        If either is not a finite matrix, their shapes differ, y_true has several codewords in a
        section, or n_sections or n_components is not an integer of at least 1.

    See Also
    --------
    exact_recovery_score : How often all symbols are right.
    sksupercode.symbols.codes_from_symbols : Codes of symbols.

    Notes
    -----
    It is the measure of the literature on vector-symbolic architectures [1]_ [2]_. A rate at which
    nothing is wrong is less, and can be used without a further code; to use the bits of a rate
    with errors, another code has to correct them. If N is no multiple of n_sections, V stands for
    their ratio. Scores of a grid search are made by
    ``make_scorer(decoded_information, n_sections=S)``.

    References
    ----------
    .. [1] E. P. Frady, D. Kleyko and F. T. Sommer, "A theory of sequence indexing and working
       memory in recurrent neural networks", Neural Computation 30(6), 2018.
    .. [2] D. Kleyko, C. Bybee, P.-C. Huang, C. J. Kymn, B. A. Olshausen, E. P. Frady and
       F. T. Sommer, "Efficient decoding of compositional structure in holistic representations",
       Neural Computation 35(7), 2023.

    Examples
    --------
    >>> from sksupercode.metrics import decoded_information
    >>> from sksupercode.symbols import codes_from_symbols
    >>> stored = codes_from_symbols([[0, 1, 2, 3]], n_symbols=4)
    >>> decoded_information(stored, stored, n_sections=4)
    8.0
    >>> decoded = codes_from_symbols([[0, 1, 2, 1]], n_symbols=4)
    >>> f"{decoded_information(stored, decoded, n_sections=4, n_components=8):.3f}"
    '0.396'
    """
    y_true = check_codes(y_true, "y_true")
    n_samples, n_features = y_true.shape
    y_pred = check_codes(y_pred, "y_pred", n_samples=n_samples, n_features=n_features)
    n_components = check_integer(n_components, "n_components", minimum=1, allow_none=True)
    stored = symbols_from_codes(y_true, n_sections)
    is_stored = stored >= 0
    if is_stored.sum() != y_true.nnz:
        raise ValueError(
            "y_true must have at most one nonzero entry in each section, got "
            f"{y_true.nnz} in {is_stored.sum()} sections."
        )
    if not y_true.nnz:
        return 0.0
    right = np.mean(symbols_from_codes(y_pred, n_sections)[is_stored] == stored[is_stored])
    bits = symbol_information(n_features / n_sections, right)
    return bits * y_true.nnz / n_samples / (n_components or 1)


def symbol_information(n_symbols, right):
    """Return the bits of a symbol that is read right with a probability, 0 if by chance."""
    if right * n_symbols <= 1:
        return 0.0
    bits = np.log2(n_symbols) - (entr(right) + entr(1 - right)) / np.log(2)
    return float(bits - (1 - right) * np.log2(n_symbols - 1)) if right < 1 else float(bits)

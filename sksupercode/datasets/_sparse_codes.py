"""Random sparse codes, drawn without ever holding a dense matrix."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.sparse import csc_array, csr_array

from sksupercode._utils._sections import section_bounds
from sksupercode._utils._sparse import as_configured_csr, assemble_csr
from sksupercode._utils._validation import (
    check_bool,
    check_generator,
    check_integer,
    check_option,
    check_real,
)

SUPPORTS = ("fixed", "bernoulli", "zipf")
VALUES = ("binary", "exponential", "gaussian")
FLOAT_DTYPES = ("float32", "float64")
INTEGER_DTYPES = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
BINARY_DTYPES = (*FLOAT_DTYPES, "bool", *INTEGER_DTYPES)


def make_sparse_codes(
    n_samples=100,
    n_features=1024,
    *,
    n_nonzero_coefs=8,
    support="fixed",
    sections=False,
    values="binary",
    zipf_exponent=1.0,
    dtype=np.float64,
    random_state=None,
):
    r"""Draw random sparse codes, one per row.

    The positions of the nonzeros of a row are, with N columns and k = `n_nonzero_coefs`,

    * ``"fixed"``: a uniformly random subset of exactly k columns;
    * ``"bernoulli"``: each column independently with probability ``k / N``;
    * ``"zipf"``: column j = 0, 1, ... independently with probability
      ``p_j = min(1, c (j + 1) ** -zipf_exponent)``, where c is such that ``sum_j p_j = k``.

    The number of nonzeros is thus k in every row for ``"fixed"``, and varies around its mean k,
    down to empty rows, for the other two. Rows are independent of each other.

    Parameters
    ----------
    n_samples : int, default=100
        Number of rows.
    n_features : int, default=1024
        N, number of columns.
    n_nonzero_coefs : int, default=8
        Number k of nonzeros per row or, unless ``support="fixed"``, its mean; from 0 to N.
    support : {"fixed", "bernoulli", "zipf"}, default="fixed"
        How positions are drawn.
    sections : bool, default=False
        Whether the N columns are divided into k contiguous sections, of sizes that differ by at
        most one, with one nonzero in each, uniformly distributed: the codes of sparse regression
        codes. Only for ``support="fixed"``.
    values : {"binary", "exponential", "gaussian"}, default="binary"
        The values of the nonzeros: ones, or independent draws from the exponential distribution of
        mean 1 or from the standard normal distribution.
    zipf_exponent : float, default=1.0
        How fast frequencies fall with the rank; only for ``support="zipf"``. 0 is ``"bernoulli"``;
        the words of natural languages have about 1.
    dtype : dtype, default=float64
        That of the values: float64 or float32 and, for binary values, also bool or an integer
        type.
    random_state : int, RandomState, Generator or None, default=None
        An integer gives the same codes in every call.

    Returns
    -------
    Y : CSR matrix or array of shape (n_samples, n_features)
        The codes, with sorted column indices and no explicit zeros.

    Raises
    ------
    ValueError
        If a parameter is out of its range, ``n_nonzero_coefs > n_features``, or ``sections=True``
        with another ``support`` than "fixed".

    Notes
    -----
    Distinct positions are drawn by rejection: every row draws as many columns as it still needs,
    repeated columns count once, and rows with too few draw again. The law of the result is
    invariant under permutations of the columns, so it is uniform over the subsets of its size. For
    rows that are more than half full, the zeros are drawn. Time and memory are proportional to the
    number of nonzeros.

    References
    ----------
    .. [1] D. E. Knuth, "The Art of Computer Programming", vol. 2, 3rd ed., section 3.4.2.
    .. [2] G. K. Zipf, "Human Behavior and the Principle of Least Effort", Addison-Wesley, 1949.
    .. [3] A. R. Barron and A. Joseph, "Least squares superposition codes of moderate dictionary
       size are reliable at rates up to capacity", IEEE Trans. Inf. Theory 58(5), 2012.

    Examples
    --------
    >>> from sksupercode.datasets import make_sparse_codes
    >>> Y = make_sparse_codes(4, 1000, n_nonzero_coefs=3, random_state=0)
    >>> Y.shape, Y.nnz
    ((4, 1000), 12)
    >>> Y.indptr
    array([ 0,  3,  6,  9, 12], dtype=int32)
    >>> Y = make_sparse_codes(2000, 1000, n_nonzero_coefs=5, support="zipf", random_state=0)
    >>> round(Y.nnz / 2000, 1)
    5.0
    >>> Y = make_sparse_codes(2, 1000, n_nonzero_coefs=4, sections=True, random_state=0)
    >>> (Y.indices // 250).tolist()
    [0, 1, 2, 3, 0, 1, 2, 3]
    """
    n_samples = check_integer(n_samples, "n_samples", minimum=1)
    n_features = check_integer(n_features, "n_features", minimum=1)
    if n_samples * n_features > np.iinfo(np.int64).max:
        raise ValueError(
            f"n_samples * n_features must be < 2 ** 63, got {n_samples} * {n_features}."
        )
    k = check_integer(n_nonzero_coefs, "n_nonzero_coefs", minimum=0)
    if k > n_features:
        raise ValueError(f"n_nonzero_coefs must be <= n_features = {n_features}, got {k}.")
    check_option(support, "support", SUPPORTS)
    check_bool(sections, "sections")
    if sections and support != "fixed":
        raise ValueError(f"sections=True needs support='fixed', got support={support!r}.")
    check_option(values, "values", VALUES)
    exponent = check_real(zipf_exponent, "zipf_exponent", 0, closed="left")
    dtypes = BINARY_DTYPES if values == "binary" else FLOAT_DTYPES
    dtype = check_dtype(dtype, dtypes, f" for values={values!r}")
    rng = check_generator(random_state)

    if sections:
        bounds = section_bounds(n_features, k)
        indices = rng.integers(bounds[:-1], bounds[1:], size=(n_samples, k)).ravel()
        indptr = np.arange(n_samples + 1) * k
    elif support == "zipf":
        frequencies = _zipf_frequencies(n_features, k, exponent)
        indices, indptr = _independent_columns(n_samples, frequencies, rng)
    else:
        indices, indptr = _exchangeable_columns(n_samples, n_features, k, support, rng)

    if values == "binary":
        data = np.ones(indices.size, dtype)
    elif values == "exponential":
        data = rng.standard_exponential(indices.size, dtype)
    else:
        data = rng.standard_normal(indices.size, dtype)
    return as_configured_csr(assemble_csr(np.diff(indptr), indices, data, n_features))


def check_dtype(dtype, options=FLOAT_DTYPES, condition=""):
    """Return a dtype whose name is one of the options; ``condition`` says when these are all."""
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = None
    if name not in options:
        raise ValueError(f"dtype must be one of {', '.join(options)}{condition}, got {dtype!r}.")
    return np.dtype(name)


def _independent_columns(n_samples, frequencies, rng):
    """Supports as ``(indices, indptr)`` in which column j is independently with a probability."""
    column_counts = rng.binomial(n_samples, frequencies)
    by_column = _random_subsets(column_counts, n_samples, rng)
    shape = (n_samples, len(frequencies))
    pattern = csr_array(csc_array((np.ones(by_column[0].size, bool), *by_column), shape=shape))
    return pattern.indices, pattern.indptr


def _exchangeable_columns(n_samples, n_features, k, support, rng):
    """Supports as ``(indices, indptr)`` in which all columns are alike, of mean size k.

    A mean size that is no integer is rounded up or down at random where sizes are fixed.
    """
    if support == "bernoulli":
        row_counts = rng.binomial(n_features, k / n_features, size=n_samples)
    else:
        row_counts = np.full(n_samples, int(k))
        if k > int(k):
            row_counts += rng.random(n_samples) < k - int(k)
    return _random_subsets(row_counts, n_features, rng)


def _zipf_frequencies(n_features, k, exponent):
    """min(1, c * rank ** -exponent), with c such that they sum to k, a real number."""
    if k == 0:
        return np.zeros(n_features)
    log_weights = -exponent * np.log(np.arange(1, n_features + 1))
    log_tails = np.logaddexp.accumulate(log_weights[::-1])[::-1]
    # If the m most frequent columns are always on, the others share k - m. The right m is the
    # smallest for which none of the others exceeds 1; the largest m < k always does.
    log_rest = np.log(k - np.arange(np.ceil(k)))
    most = len(log_rest)
    n_certain = int(np.argmax(log_rest + log_weights[:most] <= log_tails[:most]))
    log_scale = log_rest[n_certain] - log_tails[n_certain]
    return np.exp(np.minimum(log_weights + log_scale, 0.0))


def _random_subsets(counts, n_items, rng):
    """One uniformly random subset of ``range(n_items)`` for each entry of ``counts``.

    Returns ``(indices, indptr)`` as in a CSR array: subset i is, in increasing order,
    ``indices[indptr[i]:indptr[i + 1]]``, of size ``counts[i]``.
    """
    counts = np.asarray(counts, dtype=np.int64)
    by_zeros = counts > n_items // 2
    wanted = np.where(by_zeros, n_items - counts, counts)
    # Subset i takes the keys from i * n_items on, so that one sorted array holds all subsets.
    keys = np.empty(0, dtype=np.int64)
    missing = wanted
    while missing.any():
        owners = np.repeat(np.arange(counts.size) * n_items, missing)
        keys = np.concatenate([keys, owners + rng.integers(n_items, size=owners.size)])
        keys.sort(kind="stable")
        keys = keys[np.diff(keys, prepend=-1) > 0]
        missing = wanted - np.bincount(keys // n_items, minlength=counts.size)
    if by_zeros.any():
        keys = _complement(keys, by_zeros, n_items)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return keys % n_items, indptr


def _complement(keys, flipped, n_items):
    """Replace the subsets that are ``flipped`` by their complements."""
    owners = keys // n_items
    of_flipped = flipped[owners]
    is_member = np.ones((np.count_nonzero(flipped), n_items), dtype=bool)
    place = np.cumsum(flipped) - 1
    is_member[place[owners[of_flipped]], keys[of_flipped] % n_items] = False
    rows, items = np.nonzero(is_member)
    complements = np.flatnonzero(flipped)[rows] * n_items + items
    return np.sort(np.concatenate([keys[~of_flipped], complements]))

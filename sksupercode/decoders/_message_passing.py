"""Approximate message passing: every coefficient is estimated in noise of known variance."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import expit, logit

from sksupercode._utils._sections import section_argmax, section_bounds, softmax
from sksupercode._utils._sparse import assemble_csr, pad_rows
from sksupercode._utils._validation import as_float, check_bool, check_integer, check_real
from sksupercode.decoders._base import BaseDecoder
from sksupercode.decoders._block_interference import BlockInterference
from sksupercode.decoders._denoisers import log_evidence
from sksupercode.decoders._sample_state import SampleState

# Smaller probabilities are left out of the superposition. At ten times as much the jump of the
# denoiser, of which the memory term knows nothing, makes t several percent too small.
_NEGLIGIBLE = 1e-4
# Messages to dictionaries of signs are rounded to this fraction of their largest entry.
_LEVELS = 2**13


class AMPDecoder(BaseDecoder):
    r"""Estimate all coefficients at once, again and again, as the interference becomes less.

    From y = 0 and r = x, for codewords of unit norm, each iteration does

    .. math::
        t &= \lVert r \rVert^2 / d \\
        u &= y + F r \\
        y &\leftarrow \eta(u; t) \\
        r &\leftarrow x - F^T y + \frac{r}{d} \sum_i \eta'(u_i; t)

    By the last term u is, for random codewords, like the true code in white noise of variance t,
    and eta is the posterior mean of a coefficient given u: for binary codes of density epsilon =
    k/N

    .. math::
        \eta(u; t) = \Big(1 + \exp\big(\tfrac{1 - 2u}{2t}
        + \log\tfrac{1 - \epsilon}{\epsilon}\big)\Big)^{-1} .

    For nonnegative and real values, the prior of nonzero coefficients is half normal or normal, of
    a variance that is learned from each sample. With sections the odds become a softmax, for
    codewords of power :math:`p_i = \lVert f_i \rVert^2`

    .. math::
        \eta_i(u; t) = \frac{\exp(p_i u_i / t)}{\sum_{j} \exp(p_j u_j / t)} ,

    over the section of i.

    Parameters
    ----------
    dictionary : encoder, fitted estimator with ``dictionary_``, or array-like of shape (N, d)
        Where the codewords come from. An encoder with an integer ``random_state`` is a recipe: the
        decoder takes the same codebook for the d of X and the N of y. Other estimators must be
        fitted; put them inside :class:`~sklearn.frozen.FrozenEstimator` where they are cloned, as
        in a grid search.

    n_nonzero_coefs : int or None, default=None
        Number k of codewords in a superposition: the prior is k/N, and the k most probable
        codewords are selected, but none of a probability below 1e-4. None learns it from y. If rows
        differ, their mean gives the prior, and codewords of a probability above 1/2 are selected.
        Where samples have no known codes, made-up ones of such sizes serve as y.

    sections : bool, default=False
        Whether the codewords are divided into k contiguous sections with one active codeword each,
        as in sparse regression codes.

    max_iter : int, default=200
        Most iterations for a sample.

    convergence_tol : float, default=1e-4
        A sample ends when the effective variance changes by less than this fraction.

    damping : float, default=0.0
        Part of the previous residual that is kept, in [0, 1). Slows down, and may help with
        dictionaries that are not random.

    values : {"auto", "binary", "nonnegative", "real"}, default="auto"
        Which values nonzero coefficients may take. "auto" is binary for encoders, nonnegative for
        other estimators and real for arrays.

    sparse_output : bool, default=True
        Whether codes come as CSR or as a dense array.

    Attributes
    ----------
    dictionary_ : Dictionary of shape (N, d)
        The codewords.

    intercept_ : ndarray of shape (d,) or float
        Subtracted from X before decoding; 0.0 unless the dictionary's estimator has one.

    n_nonzero_coefs_ : int
        The number k that was given or learned.

    values_ : {"binary", "nonnegative", "real"}
        The values in use.

    n_features_in_ : int
        Number d of columns of X.

    feature_names_in_ : ndarray of shape (d,)
        Names of the columns of X in ``fit``, if all are strings.

    See Also
    --------
    MatchingPursuitDecoder : Needs more dimensions and knows when it is exact.
    AdaptiveSuccessiveDecoder : Hard decisions, for sections.
    sksupercode.theory.amp_state_evolution : The predicted effective variance t.
    sksupercode.theory.amp_success_probability : The predicted exact-recovery rate.
    sksupercode.theory.sparc_state_evolution : Both with sections.

    Notes
    -----
    State evolution predicts t, and with it
    the d that is needed: about 0.7 dimensions per bit at N = 2^20, k = 2^8. Noise of the channel
    needs no parameter, since t measures it.

    The algorithm is made for codewords that are independent and random. A sample ends where t grows
    to four times its smallest value, or finds no smaller one for 30 iterations. It then gets the
    estimate at the smallest t, and where ``max_iter`` is reached it gets the last estimate. These
    samples, and those whose t is in the end no smaller than at the start, are reported by a
    :class:`~sklearn.exceptions.ConvergenceWarning`.

    Codewords of other norms are normalised, and their coefficients scaled by the norm.

    On a spatially coupled dictionary each block of dimensions has its own t, which gives its
    weight.

    References
    ----------
    .. [1] D. L. Donoho, A. Maleki and A. Montanari, "Message-passing algorithms for compressed
       sensing", PNAS 106(45), 2009.
    .. [2] M. Bayati and A. Montanari, "The dynamics of message passing on dense graphs, with
       applications to compressed sensing", IEEE Transactions on Information Theory 57(2), 2011.
    .. [3] C. Rush, A. Greig and R. Venkataramanan, "Capacity-achieving sparse superposition codes
       via approximate message passing decoding", IEEE Transactions on Information Theory 63(3),
       2017.
    .. [4] F. Krzakala, M. Mezard, F. Sausset, Y. Sun and L. Zdeborova, "Probabilistic
       reconstruction in compressed sensing: algorithms, phase diagrams, and threshold achieving
       matrices", Journal of Statistical Mechanics, P08009, 2012.

    Examples
    --------
    >>> from sksupercode import AMPDecoder, RademacherEncoder
    >>> from sksupercode.datasets import make_sparse_codes
    >>> Y = make_sparse_codes(n_samples=50, n_features=4096, n_nonzero_coefs=16, random_state=0)
    >>> encoder = RademacherEncoder(n_components=160, random_state=0)
    >>> X = encoder.fit_transform(Y)
    >>> AMPDecoder(encoder).fit(X, Y).score(X, Y)
    1.0
    """

    _recovery_law = "amp"

    def __init__(
        self,
        dictionary,
        n_nonzero_coefs=None,
        *,
        sections=False,
        max_iter=200,
        convergence_tol=1e-4,
        damping=0.0,
        values="auto",
        sparse_output=True,
    ):
        super().__init__(dictionary, n_nonzero_coefs, values=values, sparse_output=sparse_output)
        self.sections = sections
        self.max_iter = max_iter
        self.convergence_tol = convergence_tol
        self.damping = damping

    def _needs_fixed_k(self):
        return self.sections

    def _learn_sparsity(self, Y):
        if Y is None:
            raise ValueError(
                "n_nonzero_coefs=None of AMPDecoder is learned from the codes y, but fit got none "
                "of shape (n_samples, N): pass a number or such a y."
            )
        counts = np.diff(Y.indptr)
        self._has_common_k = counts.min() == counts.max()
        return super()._learn_sparsity(Y)

    def _fit_decoder(self, X):
        check_bool(self.sections, "sections")
        check_integer(self.max_iter, "max_iter", minimum=1)
        if self.n_nonzero_coefs is not None:
            self._has_common_k = True
        self._convergence_tol = check_real(
            self.convergence_tol, "convergence_tol", 0, closed="left"
        )
        self._damping = check_real(self.damping, "damping", 0, 1, closed="left")
        squared_norms = self._codewords.squared_norms
        self._norms = np.sqrt(np.where(squared_norms > 0, squared_norms, 1.0))
        self._is_zero = squared_norms == 0
        self._interference = BlockInterference(self.dictionary_)
        n_features, k = self.dictionary_.shape[0], self.n_nonzero_coefs_
        if self.sections:
            self._bounds = section_bounds(n_features, k)
        elif k:
            # A density of 1 leaves nothing to decide, but its odds are infinite.
            self._log_odds = logit(min(k, n_features - 0.5) / n_features)

    def _bytes_per_sample(self):
        return 64 * self.dictionary_.shape[0]

    def _failure(self):
        return f"diverged, or did not converge within {self.max_iter} iterations"

    def _decode(self, V):
        states = self._pass_messages(V)
        indices, values = pad_rows([self._code(state) for state in states])
        return indices, values, np.array([state.has_failed for state in states], dtype=bool)

    def _code(self, state):
        found = self._select(state)
        columns = state.indices[found]
        is_binary = self.values_ == "binary"
        return columns, 1.0 if is_binary else state.means[found] / self._norms[columns]

    def _select(self, state):
        if not (self.sections or self._has_common_k):
            return state.probabilities > 0.5
        order = np.argsort(-state.probabilities, kind="stable")
        if not self.sections:
            return order[: self.n_nonzero_coefs_]
        sections = np.searchsorted(self._bounds, state.indices[order], side="right")
        return order[np.unique(sections, return_index=True)[1]]

    def effective_variance(self, X):
        """Return the effective variance of each iteration, which state evolution predicts.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            Points in code space.

        Returns
        -------
        variances : float64 ndarray of shape (n_samples, m)
            The t before each iteration and after the last, at most ``max_iter + 1``, for codewords
            of unit norm; nan after a sample has ended.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with d columns.
        """
        X = self._check_samples(X)
        found = [
            (row, np.sqrt(state.variances) * self.dictionary_.scale, decoder._exponent)
            for rows, decoder, V in self._blocks(X)
            for row, state in zip(rows, decoder._pass_messages(V), strict=True)
        ]
        variances = np.full((len(X), max(len(of_row) for _, of_row, _ in found)), np.nan)
        for row, deviations, exponent in found:
            with np.errstate(over="ignore", under="ignore"):
                squares = np.ldexp(deviations, exponent) ** 2
            variances[row, : len(squares)] = as_float(squares, float, "Variances of X")
        return variances

    def _pass_messages(self, V):
        """Return the final state of each sample."""
        k = min(self.n_nonzero_coefs_, self.dictionary_.shape[0])
        states = [SampleState(v, k, self._interference) for v in V]
        if k == 0:
            return states
        active = [state for state in states if state.goes_on(self._convergence_tol)]
        for _ in range(self.max_iter):
            if not active:
                break
            scores = self._correlate(np.array([state.messages() for state in active]))
            for state, u in zip(active, scores, strict=True):
                t = self._interference.of_codewords(state.variance)
                u *= t / self._norms
                u[state.indices] += state.estimates
                scale = self._norms if self.values_ == "binary" else state.deviation
                evidence, means, variances = log_evidence(u, t, self.values_, scale)
                state.denoise(*self._posterior(evidence), means, variances)
            for state, superposition in zip(active, self._superpose(active), strict=True):
                state.subtract(superposition, self._damping)
            active = [state for state in active if state.goes_on(self._convergence_tol)]
        for state in active:
            state.has_failed = True
        return states

    def _posterior(self, evidence):
        """Return the probability of each codeword, and which are worth keeping."""
        if self._is_zero.any():
            evidence = np.where(self._is_zero, -np.inf, evidence)
        if not self.sections:
            probabilities = expit(self._log_odds + evidence)
            return probabilities, probabilities > _NEGLIGIBLE
        probabilities = softmax(evidence, self._bounds)
        kept = probabilities > _NEGLIGIBLE
        best = section_argmax(probabilities, self._bounds)
        kept[best[probabilities[best] > 0]] = True
        return probabilities, kept

    def _superpose(self, states):
        indices = np.concatenate([state.indices for state in states])
        estimates = np.concatenate([state.estimates for state in states])
        counts = [len(state.indices) for state in states]
        coefs = estimates / self._norms[indices]
        codes = assemble_csr(counts, indices, coefs, self.dictionary_.shape[0])
        return self._codewords.superpose(codes)

    def _correlate(self, messages):
        if not self._codewords.prefers_integers:
            return np.array(self._codewords.correlate(messages), dtype=np.float64)
        # Messages are noisy anyway.
        units = np.abs(messages).max(axis=1, keepdims=True) / _LEVELS
        return self._codewords.correlate(np.rint(messages / units)) * units

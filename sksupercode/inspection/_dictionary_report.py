"""The numbers of a report on a dictionary, and how they are printed."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import textwrap
from dataclasses import dataclass

import numpy as np
from scipy.special import entr

from sksupercode import theory
from sksupercode.inspection._geometry import Cosines
from sksupercode.inspection._verdict import verdict


@dataclass(frozen=True, eq=False, repr=False)
class DictionaryReport:
    r"""How far a dictionary is from a random one, and how many bits its codes carry.

    The result of :func:`dictionary_report`. Printed, it is a verdict and a table. Codewords are
    those that are not zero, divided by their norms. Numbers whose names end in ``_random`` are
    those of as many random directions, and with ``_rademacher`` those of random signs.

    Parameters
    ----------
    n_latents : int
        Number of codewords, zero codewords included.

    n_features : int
        Number N of codewords that are not zero.

    n_components : int
        Number d of dimensions.

    cosines : Cosines
        Of pairs of codewords: ``n_pairs`` of them, the ``largest`` absolute value and the ``pair``
        that has it, with the cosine ``pair_cosine``, the mean of absolute values,
        ``mean_absolute``, ``counts`` in bins of equal width from -1 to 1, the pairs above .9 in
        absolute value, ``duplicates``, with their ``duplicate_cosines``, and the other codeword
        that is ``nearest`` to each, with ``nearest_cosines``.

    mean_cosine : float
        Mean of the cosines of all pairs.

    rms_cosine : float
        Root mean square of the cosines of all pairs.

    eigenvalues : ndarray of shape (d,)
        Of F^T F, the largest first.

    n_nonzero_coefs : int or None, default=None
        Number k of nonzero coefficients of a code.

    predicted_dimensions : dict of str to float or None, default=None
        The d at which random codes of these N and k are recovered exactly with probability 0.9, for
        each decoder, and the smallest d that any decoder needs, "counting bound".

    activation_frequencies : ndarray of shape (n_latents,) or None, default=None
        The fraction of samples on which each latent is active.

    effective_k : float or None, default=None
        Mean numerical sparsity of the codes.

    n_samples : int or None, default=None
        Number of samples of the last two.
    """

    n_latents: int
    n_features: int
    n_components: int
    cosines: Cosines
    mean_cosine: float
    rms_cosine: float
    eigenvalues: np.ndarray
    n_nonzero_coefs: int | None = None
    predicted_dimensions: dict | None = None
    activation_frequencies: np.ndarray | None = None
    effective_k: float | None = None
    n_samples: int | None = None

    @property
    def verdict(self):
        """What the numbers of the codewords mean for decoding, in a sentence or two."""
        return verdict(self)

    @property
    def coherence(self):
        """The largest absolute cosine of ``n_pairs`` pairs."""
        return self.cosines.largest

    @property
    def coherence_random(self):
        """The median of the coherence of random directions, of as many pairs."""
        return float(theory.random_coherence(self.cosines.n_pairs, self.n_components))

    @property
    def coherence_rademacher(self):
        """The median of the coherence of random signs, of as many pairs."""
        size = self.cosines.n_pairs, self.n_components
        return float(theory.random_coherence(*size, codewords="rademacher"))

    @property
    def mean_absolute_cosine(self):
        """The mean absolute cosine of ``n_pairs`` pairs."""
        return self.cosines.mean_absolute

    @property
    def mean_absolute_cosine_random(self):
        """The mean of it over random directions, about the square root of 2 / (pi d)."""
        return float(theory.random_mean_absolute_cosine(self.n_components))

    @property
    def welch_bound(self):
        """The least coherence, and the least rms cosine, that N codewords can have."""
        n, d = self.n_features, self.n_components
        return float(np.sqrt(max(0, n - d) / (d * (n - 1))))

    @property
    def rms_cosine_random(self):
        """One over the square root of d, for random directions and for random signs."""
        return 1 / np.sqrt(self.n_components)

    @property
    def z_score(self):
        """How many standard deviations the mean squared cosine is from that of random codewords."""
        deviation = theory.random_mean_square_deviation(self.n_features, self.n_components)
        difference = self.rms_cosine**2 - 1 / self.n_components
        return float(difference / deviation) if deviation > 0 else 0.0

    @property
    def effective_dimension(self):
        """One over the mean squared cosine: the d of random codewords with as much interference."""
        return self.rms_cosine**-2 if self.rms_cosine > 0 else np.inf

    @property
    def effective_rank(self):
        """The exponential of the entropy of the eigenvalues, which sum to N."""
        return float(np.exp(entr(self.eigenvalues / self.eigenvalues.sum()).sum()))

    @property
    def effective_rank_random(self):
        """The effective rank to expect of random codewords."""
        return float(theory.random_effective_rank(self.n_features, self.n_components))

    @property
    def marchenko_pastur_edges(self):
        """The least eigenvalue above 0 and the largest, to expect of random codewords."""
        size = self.n_features, self.n_components
        return tuple(theory.marchenko_pastur_quantile([0, 1], *size).tolist())

    @property
    def mean_l0(self):
        """Mean number of active latents, None without samples."""
        frequencies = self.activation_frequencies
        return None if frequencies is None else float(frequencies.sum())

    @property
    def n_never_active(self):
        """Number of latents that are active on no sample, None without samples."""
        frequencies = self.activation_frequencies
        return None if frequencies is None else int(np.count_nonzero(frequencies == 0))

    @property
    def entropy_bits(self):
        """Bits of a uniform choice of k codewords out of N, None without k."""
        if self.n_nonzero_coefs is None:
            return None
        return float(theory.entropy(self.n_features, self.n_nonzero_coefs))

    @property
    def support_bits(self):
        """Sum over latents of the entropy of whether each is active, None without samples."""
        f = self.activation_frequencies
        return None if f is None else float((entr(f) + entr(1 - f)).sum() / np.log(2))

    @property
    def bits_per_dimension(self):
        """``entropy_bits / d``, None without k."""
        bits = self.entropy_bits
        return None if bits is None else bits / self.n_components

    @property
    def support_bits_per_dimension(self):
        """``support_bits / d``, None without samples."""
        bits = self.support_bits
        return None if bits is None else bits / self.n_components

    def __str__(self):
        d = self.n_components
        low, high = self.marchenko_pastur_edges
        nonzero = self.eigenvalues[: min(self.n_features, d)]
        lines = [
            f"N = {self.n_features:,} codewords in d = {d:,} dimensions",
            *textwrap.wrap(self.verdict, 78, initial_indent="  ", subsequent_indent="  "),
            _line("", "here", "random"),
            _line("coherence", self.coherence, self.coherence_random),
            _line("mean cosine", self.mean_cosine, 0.0),
            _line(
                "mean absolute cosine", self.mean_absolute_cosine, self.mean_absolute_cosine_random
            ),
            _line("rms cosine", self.rms_cosine, self.rms_cosine_random),
            _line("standard deviations from random", self.z_score, 0.0),
            _line("largest Gram eigenvalue", nonzero[0], high),
            _line("least Gram eigenvalue, but 0", nonzero[-1], low),
            _line("effective rank", self.effective_rank, self.effective_rank_random),
            _line("effective dimension", self.effective_dimension, float(d)),
            f"  Welch bound {self.welch_bound:.4g}; random signs: coherence "
            f"{self.coherence_rademacher:.4g}",
        ]
        if self.n_latents > self.n_features:
            lines.insert(1, f"  {self.n_latents - self.n_features:,} more are zero")
        n_pairs = self.n_features * (self.n_features - 1) // 2
        if self.cosines.n_pairs < n_pairs:
            fraction = f"{self.cosines.n_pairs / n_pairs:.2%}"
            lines.append(f"  coherence and mean absolute cosine of {fraction} of all pairs")
        if self.n_samples is not None:
            lines += [
                f"Codes of {self.n_samples:,} samples",
                _line("mean L0", self.mean_l0),
                _line("effective k", self.effective_k),
                _line("latents that are never active", f"{self.n_never_active:,}"),
            ]
        if self.n_nonzero_coefs is not None:
            lines += [
                f"Information, k = {self.n_nonzero_coefs:,}",
                _line("", "bits", "bits/dim"),
                _line("which k of N", self.entropy_bits, self.bits_per_dimension),
            ]
        if self.n_samples is not None:
            bits = self.support_bits, self.support_bits_per_dimension
            lines.append(_line("latents one by one, at most", *bits))
        if self.predicted_dimensions is not None:
            lines += [
                "Dimensions to read k of N random codewords",
                _line("", "d", "bits/dim"),
                _line("here", f"{d:,}", self.bits_per_dimension),
            ]
            lines += [
                _line(
                    name,
                    f"{np.ceil(dimension):,.0f}",
                    self.entropy_bits / dimension if dimension > 0 else "",
                )
                for name, dimension in self.predicted_dimensions.items()
            ]
        return "\n".join(lines)

    __repr__ = __str__


def _line(label, *cells):
    texts = (cell if isinstance(cell, str) else f"{cell:.4g}" for cell in cells)
    return f"  {label:32}" + "".join(f"{text:>12}" for text in texts)

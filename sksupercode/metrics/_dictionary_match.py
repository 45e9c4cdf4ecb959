"""What is known of two dictionaries once it is known which codeword is which."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False, repr=False)
class DictionaryMatch:
    """Which codeword of another dictionary is which, and how near it is.

    The result of :func:`match_dictionaries`. "Near" is by absolute cosine, or by cosine if
    ``signed``. Indices are -1, and cosines 0, where there is no partner.

    Parameters
    ----------
    indices : intp ndarray of shape (N,)
        The codeword of ``other`` that each codeword of ``dictionary`` is paired with. No two have
        the same one.

    cosines : float64 ndarray of shape (N,)
        The cosine of each pair, with its sign.

    nearest : intp ndarray of shape (N,)
        The codeword of ``other`` that is nearest to each codeword of ``dictionary``. Several may
        have the same one.

    nearest_cosines : float64 ndarray of shape (N,)
        Their cosines.

    other_nearest : intp ndarray of shape (M,)
        The codeword of ``dictionary`` that is nearest to each codeword of ``other``.

    other_nearest_cosines : float64 ndarray of shape (M,)
        Their cosines.

    threshold : float
        A codeword is found if one of ``other`` is nearer than this.

    signed : bool
        Whether codewords of opposite directions differ.
    """

    indices: np.ndarray
    cosines: np.ndarray
    nearest: np.ndarray
    nearest_cosines: np.ndarray
    other_nearest: np.ndarray
    other_nearest_cosines: np.ndarray
    threshold: float
    signed: bool

    @property
    def mcc(self):
        """Mean absolute cosine of pairs over all N codewords; those without a partner count 0."""
        return float(self._sizes(self.cosines).mean())

    @property
    def mmcs(self):
        """Mean over the N codewords of the largest absolute cosine with any of ``other``."""
        return float(self._sizes(self.nearest_cosines).mean())

    @property
    def found(self):
        """Fraction of the N codewords whose nearest one of ``other`` is above the threshold."""
        return float(self._is_near(self.nearest_cosines).mean())

    @property
    def found_in_pairs(self):
        """Fraction of the N codewords whose partner is above the threshold."""
        return float(self._is_near(self.cosines).mean())

    @property
    def missed(self):
        """Indices of codewords of ``dictionary`` that are not found, in ascending order."""
        return np.flatnonzero(~self._is_near(self.nearest_cosines))

    @property
    def duplicates(self):
        """Indices of codewords of ``other`` that find what a nearer one finds, ascending."""
        is_near = self._is_near(self.other_nearest_cosines)
        is_first = self.nearest[self.other_nearest] == np.arange(len(self.other_nearest))
        return np.flatnonzero(is_near & ~is_first)

    def _sizes(self, cosines):
        return cosines if self.signed else np.abs(cosines)

    def _is_near(self, cosines):
        return self._sizes(cosines) > self.threshold

    def __repr__(self):
        return (
            f"DictionaryMatch(mcc={self.mcc:.4g}, mmcs={self.mmcs:.4g}, found={self.found:.4g} at "
            f"{self.threshold:g}, missed={len(self.missed)} of {len(self.indices)}, "
            f"duplicates={len(self.duplicates)} of {len(self.other_nearest)})"
        )

"""Success of a decoder over a grid: the dimension against N or k, measured."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from dataclasses import dataclass

import numpy as np

from sksupercode._utils._tables import TableMixin
from sksupercode._utils._validation import check_integer
from sksupercode.model_selection._cells import Chain, check_list
from sksupercode.model_selection._recovery_curve import (
    DimensionEstimate,
    RecoveryCurve,
    measure_curves,
)
from sksupercode.model_selection._sweep import open_runner


@dataclass(frozen=True, eq=False, repr=False)
class PhaseTransition(TableMixin):
    """Exact-recovery rates over a grid of d and N, or of d and k.

    Attributes
    ----------
    parameter : {"n_features", "n_nonzero_coefs"}
        The parameter that varies beside d.

    values : ndarray of int of shape (n_values,)
        Its values, increasing.

    n_components : ndarray of int of shape (n_dimensions,)
        The dimensions d, increasing.

    curves : tuple of RecoveryCurve
        For each value, the rates against d.
    """

    parameter: str
    values: np.ndarray
    n_components: np.ndarray
    curves: tuple[RecoveryCurve, ...]

    @property
    def success_rate(self):
        """Fraction of the trials that were recovered, of shape (n_values, n_dimensions)."""
        return np.array([curve.success_rate for curve in self.curves])

    @property
    def n_trials(self):
        """Trials behind each rate, of shape (n_values, n_dimensions)."""
        return np.array([curve.n_trials for curve in self.curves])

    def _columns(self):
        tables = [curve._columns() for curve in self.curves]
        columns = {self.parameter: np.repeat(self.values, len(self.n_components))}
        return columns | {
            name: np.concatenate([table[name] for table in tables]) for name in tables[0]
        }

    def dimension_at(self, probability, *, confidence=0.95, link="logit"):
        """Return where each curve has a given rate.

        Parameters
        ----------
        probability : float
            The rate, in (0, 1).

        confidence : float, default=0.95
            Level of the intervals, in (0, 1).

        link : {"logit", "probit"}, default="logit"
            The law that is fitted, logistic or normal.

        Returns
        -------
        estimate : DimensionEstimate
            A named tuple ``(n_components, low, high)`` of arrays of shape (n_values,). Where the
            transition is outside the grid, an end of the interval is 0 or infinite.

        See Also
        --------
        RecoveryCurve.dimension_at : The curve that is fitted.
        """
        options = {"confidence": confidence, "link": link}
        with warnings.catch_warnings():
            # Few grids hold the transition for every value; the intervals tell.
            warnings.simplefilter("ignore", UserWarning)
            estimates = [curve.dimension_at(probability, **options) for curve in self.curves]
        return DimensionEstimate(*np.array(estimates).T)


def phase_transition(
    encoder,
    decoder,
    *,
    n_features,
    n_nonzero_coefs,
    n_components,
    n_trials,
    channel=None,
    sections=False,
    values="binary",
    n_trials_per_codebook=10,
    random_state=None,
    n_jobs=None,
    checkpoint=None,
    callbacks=None,
    verbose=False,
):
    r"""Measure the exact-recovery rate of a decoder over a grid of dimensions and of N or k.

    .. math:: P_{N, k, d}(\hat y = y), \qquad x = \mathrm{channel}(F^T y)

    over the draw of the k-sparse y, of the codebook F and of the noise of the channel, where codes
    are equal if their supports are.

    Parameters
    ----------
    encoder : encoder
        The encoder, which draws the codebooks; its ``n_components``, ``n_features`` and
        ``random_state`` do not matter.

    decoder : decoder
        The decoder; its ``dictionary`` is set to the encoder of each codebook.

    n_features : int or array-like of int
        Number N of codewords, at least 1.

    n_nonzero_coefs : int or array-like of int
        Number k of codewords in a superposition, from 1 to N. One of N and k is a list.

    n_components : int, array-like of int or "auto"
        The dimensions d, for each N or k the same. With "auto" they reach from the first
        transition to the last, as those of :func:`recovery_curve` do.

    n_trials : int
        Number of codes that are decoded at each point of the grid.

    channel : transformer or None, default=None
        The channel between encoder and decoder; its ``random_state`` does not matter.

    sections : bool, default=False
        Whether the codes have one codeword in each of k contiguous sections, as sparse regression
        codes do, and as a decoder with ``sections=True`` expects.

    values : {"binary", "exponential", "gaussian"}, default="binary"
        The values of the nonzero entries of codes: ones, or independent draws from the exponential
        or the standard normal law, as of :func:`~sksupercode.datasets.make_sparse_codes`. A code
        is recovered where its support is. A decoder of other ``values`` is measured as it is, with
        a warning.

    n_trials_per_codebook : int, default=10
        Codes that share a codebook.

    random_state : int, RandomState, Generator or None, default=None
        Seed of all codes, codebooks and noise. None is fresh entropy, or that of the checkpoint.

    n_jobs : int or None, default=None
        Number of jobs in parallel; results do not depend on it.

    checkpoint : str, PathLike or None, default=None
        A file that keeps what is finished, from which the sweep goes on. The grid may grow.

    callbacks : list of callbacks or None, default=None
        Callbacks of scikit-learn 1.9 or newer, which are told of each cell.

    verbose : bool, default=False
        Whether to show a progress bar with the time that is left; needs rich.

    Returns
    -------
    transition : PhaseTransition
        A recovery curve for each N or k.

    Raises
    ------
    ValueError
        If a parameter is outside its range, ``sections`` is not that of the decoder, or not exactly
        one of N and k is a list; or if the checkpoint is damaged, of another configuration, or of
        a newer version.

    See Also
    --------
    recovery_curve : One N and one k; there the machinery is described.
    sksupercode.plotting.PhaseTransitionDisplay : Draws the grid.

    References
    ----------
    .. [1] D. L. Donoho and J. Tanner, "Observed Universality of Phase Transitions in
       High-Dimensional Geometry", Philosophical Transactions of the Royal Society A 367, 2009.

    Examples
    --------
    >>> from sksupercode import RademacherEncoder, TopKDecoder
    >>> from sksupercode.model_selection import phase_transition
    >>> encoder = RademacherEncoder()
    >>> transition = phase_transition(
    ...     encoder,
    ...     TopKDecoder(encoder),
    ...     n_features=128,
    ...     n_nonzero_coefs=[2, 4, 8],
    ...     n_components=[20, 40, 80],
    ...     n_trials=50,
    ...     random_state=0,
    ... )
    >>> transition.success_rate
    array([[0.9 , 1.  , 1.  ],
           [0.02, 0.36, 0.9 ],
           [0.  , 0.  , 0.06]])
    """
    given = {"n_features": n_features, "n_nonzero_coefs": n_nonzero_coefs}
    lists = [name for name, value in given.items() if np.ndim(value)]
    if len(lists) != 1:
        raise ValueError(
            "one of n_features and n_nonzero_coefs must be a list, and the other an integer, got "
            f"n_features={n_features!r} and n_nonzero_coefs={n_nonzero_coefs!r}."
        )
    (parameter,) = lists
    if parameter == "n_features":
        k = check_integer(n_nonzero_coefs, "n_nonzero_coefs", minimum=1)
        sides = check_list(n_features, "n_features", minimum=k)
        sizes, fixed = [(N, k) for N in sides.tolist()], {"n_nonzero_coefs": k}
    else:
        N = check_integer(n_features, "n_features", minimum=1)
        sides = check_list(n_nonzero_coefs, "n_nonzero_coefs", maximum=N)
        sizes, fixed = [(N, k) for k in sides.tolist()], {"n_features": N}
    configuration = {"sweep": "phase_transition"} | fixed
    chain = Chain.of(encoder, channel, decoder, sections, [k for _, k in sizes], values=values)
    sweep = open_runner(chain, configuration, random_state, n_jobs, checkpoint, callbacks, verbose)
    curves = measure_curves(sweep, sizes, n_components, n_trials, n_trials_per_codebook)
    return PhaseTransition(parameter, sides, curves[0].n_components, tuple(curves))

"""The results of a search over n_components, from its ``cv_results_``."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Mapping
from numbers import Real
from typing import NamedTuple

import numpy as np


class SearchResults(NamedTuple):
    """Points of a search: its dimensions, its other parameters by name, its scores."""

    n_components: np.ndarray
    others: dict
    score: np.ndarray
    n_resources: np.ndarray | None


def read_search(search):
    """Return the points of a search, given the search or its ``cv_results_``, in its order.

    Raises
    ------
    ValueError
        If these are not the results of a search, or if not exactly one parameter ends in
        ``n_components``.
    """
    cv_results = getattr(search, "cv_results_", search)
    if not isinstance(cv_results, Mapping):
        raise ValueError(
            f"cv_results must be a fitted search or its cv_results_, got {cv_results!r}."
        )
    columns = {k.removeprefix("param_"): v for k, v in cv_results.items() if k[:6] == "param_"}
    names = [name for name in columns if name.endswith("n_components")]
    if len(names) != 1 or np.ma.is_masked(columns[names[0]]):
        raise ValueError(
            "cv_results must be of a search over exactly one n_components parameter, got "
            f"{list(columns)}."
        )
    if "mean_test_score" not in cv_results:
        raise ValueError("cv_results must have a mean_test_score: search with one scorer.")
    dimensions = list(columns.pop(names[0]))
    if not all(map(is_number, dimensions)) or not all(float(d).is_integer() for d in dimensions):
        raise ValueError(f"cv_results must be of whole numbers, got {dimensions} for {names[0]}.")
    resources = cv_results.get("n_resources")
    return SearchResults(
        np.array(dimensions).astype(int),
        columns,
        np.asarray(cv_results["mean_test_score"]),
        None if resources is None else np.asarray(resources),
    )


def is_number(value):
    """Whether a parameter is a number that can be an axis."""
    return isinstance(value, Real) and not isinstance(value, bool)


def last_of_each(*keys):
    """Return the rows of points with distinct keys, in the order of these.

    Of candidates that a halving search tried more than once, the last time counts.
    """
    rows = {point: row for row, point in enumerate(zip(*keys, strict=True))}
    return [rows[point] for point in sorted(rows)]


def curve_labels(others, n_points):
    """Return what distinguishes the points of a search beside d, as a text for each.

    An estimator is called by its class, and by those of its parameters in which it differs from
    others of that class.
    """
    parts = [[] for _ in range(n_points)]
    for name, values in others.items():
        # Searches over several grids leave out what a grid does not have.
        present = [(row, value) for row, value in enumerate(values) if value is not np.ma.masked]
        for row, value in present:
            peers = [other for _, other in present if type(other) is type(value)]
            parts[row].append(_describe(value, peers) or f"{name}={value}")
    return [", ".join(texts) for texts in parts]


def _describe(value, peers):
    if not hasattr(value, "get_params"):
        return None
    others = [peer.get_params(deep=False) for peer in peers]
    differing = (
        f"{name}={_text(mine, [other[name] for other in others])}"
        for name, mine in value.get_params(deep=False).items()
        if any(_text(mine, [other[name]]) != _text(other[name], [mine]) for other in others)
    )
    arguments = ", ".join(differing)
    return f"{type(value).__name__}({arguments})" if arguments else type(value).__name__


def _text(value, others):
    return _describe(value, [o for o in others if type(o) is type(value)]) or repr(value)

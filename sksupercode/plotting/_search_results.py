"""What a grid search over n_components measured, out of its ``cv_results_``."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Mapping
from numbers import Real
from typing import NamedTuple

import numpy as np


class SearchResults(NamedTuple):
    """Scores by dimension, and by another parameter where there is one."""

    n_components: np.ndarray
    other: np.ndarray | None
    other_name: str | None
    score: np.ndarray
    n_resources: np.ndarray | None


def read_search(cv_results, *, n_parameters):
    """Return the scores of a search over n_components, sorted.

    Of candidates that a halving search tried more than once, the last time counts.

    Raises
    ------
    ValueError
        If these are no results, or if the search was not over exactly one parameter that ends in
        ``n_components`` and ``n_parameters - 1`` others.
    """
    if not isinstance(cv_results, Mapping):
        raise ValueError(
            "results must be what a sweep has returned, or the cv_results_ of a search, got "
            f"{cv_results!r}."
        )
    columns = {k: v for k, v in cv_results.items() if k.startswith("param_")}
    dimensions = [name for name in columns if name.endswith("n_components")]
    masked = any(np.ma.is_masked(values) for values in columns.values())
    if len(columns) != n_parameters or len(dimensions) != 1 or masked:
        others = ["no other", "exactly one other"][n_parameters - 1]
        raise ValueError(
            "cv_results_ must come from a search over exactly one n_components parameter, and "
            f"{others}; got {list(columns)}."
        )
    if "mean_test_score" not in cv_results:
        raise ValueError("cv_results_ must have a mean_test_score: search with one scorer.")
    names = [*dimensions, *columns.keys() - set(dimensions)]
    for name in names:
        if not all(isinstance(v, Real) and not isinstance(v, bool) for v in columns[name]):
            raise ValueError(
                f"cv_results_ must be of numbers, got {list(columns[name])} for {name}."
            )
    if not all(float(d).is_integer() for d in columns[names[0]]):
        raise ValueError(
            f"cv_results_ must be of whole numbers, got {list(columns[names[0]])} for {names[0]}."
        )
    # Rows of a halving search are in the order of its iterations: the last one stays.
    points = zip(*(columns[name] for name in names), strict=True)
    rows = np.array(list({point: row for row, point in enumerate(points)}.values()))
    values = [np.array([columns[name][row] for row in rows.tolist()]) for name in names]
    order = np.lexsort(values)
    rows = rows[order]
    resources = cv_results.get("n_resources")
    return SearchResults(
        values[0][order].astype(int),
        values[1][order] if n_parameters == 2 else None,
        names[1].removeprefix("param_") if n_parameters == 2 else None,
        np.asarray(cv_results["mean_test_score"])[rows],
        None if resources is None else np.asarray(resources)[rows],
    )

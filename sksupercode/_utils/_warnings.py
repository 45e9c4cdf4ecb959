"""Warnings that point at the line of the user, however deep in the package they come up."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import inspect
import warnings

_INNER = ("sksupercode", "sklearn", "joblib")


def warn(message, category=UserWarning):
    """Warn at the line that called the package, perhaps through scikit-learn or joblib."""
    frame, level = inspect.currentframe().f_back, 2
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in _INNER:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)

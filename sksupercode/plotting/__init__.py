"""Pictures, as scikit-learn's Display classes draw them.

A display is made of numbers, or by ``from_estimator``, which measures them, ``from_cv_results``,
of a search of scikit-learn, and ``from_result``, of what a function of this package returned;
``to_frame`` gives the numbers back. ``plot`` draws the one legend of its axes, of all that has a
label there; with ``legend=False`` it draws none, and whoever called it may place one elsewhere.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.plotting._dictionary_report import DictionaryReportDisplay
from sksupercode.plotting._frontier import FrontierDisplay
from sksupercode.plotting._pareto import ParetoDisplay
from sksupercode.plotting._phase_transition import PhaseTransitionDisplay
from sksupercode.plotting._recovery_curve import RecoveryCurveDisplay

__all__ = [
    "DictionaryReportDisplay",
    "FrontierDisplay",
    "ParetoDisplay",
    "PhaseTransitionDisplay",
    "RecoveryCurveDisplay",
]

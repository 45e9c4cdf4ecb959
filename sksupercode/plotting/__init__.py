"""Pictures, in the manner of scikit-learn's Display classes.

A display is made of numbers. ``from_estimator`` measures them first, ``from_cv_results`` takes them
from a search of scikit-learn, and ``from_result`` from the result of a function of this package.
``to_frame`` returns the numbers. ``plot`` draws one legend of all labels in its axes; with
``legend=False`` it draws none, and the caller may place one elsewhere.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.plotting._dictionary_recovery import DictionaryRecoveryDisplay
from sksupercode.plotting._dictionary_report import DictionaryReportDisplay
from sksupercode.plotting._frontier import FrontierDisplay
from sksupercode.plotting._pareto import ParetoDisplay
from sksupercode.plotting._phase_transition import PhaseTransitionDisplay
from sksupercode.plotting._recovery_curve import RecoveryCurveDisplay

__all__ = [
    "DictionaryRecoveryDisplay",
    "DictionaryReportDisplay",
    "FrontierDisplay",
    "ParetoDisplay",
    "PhaseTransitionDisplay",
    "RecoveryCurveDisplay",
]

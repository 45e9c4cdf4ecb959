"""Pictures, as scikit-learn's Display classes draw them."""

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

"""Choosing the dimension of a code: predictions for a decoder, and measurements."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.model_selection._phase_transition import PhaseTransition, phase_transition
from sksupercode.model_selection._prediction import recovery_probability
from sksupercode.model_selection._recovery_curve import (
    DimensionEstimate,
    RecoveryCurve,
    recovery_curve,
)
from sksupercode.model_selection._required_dimension import required_dimension
from sksupercode.model_selection._smallest_dimension import SmallestDimension, smallest_dimension

__all__ = [
    "DimensionEstimate",
    "PhaseTransition",
    "RecoveryCurve",
    "SmallestDimension",
    "phase_transition",
    "recovery_curve",
    "recovery_probability",
    "required_dimension",
    "smallest_dimension",
]

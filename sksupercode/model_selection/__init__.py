"""Choosing the dimension of a code: predictions for a decoder, and measurements.

And which part of a dictionary can be learned.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.model_selection._decoder_frontier import (
    DecoderFrontier,
    FrontierRow,
    decoder_frontier,
)
from sksupercode.model_selection._dictionary_recovery import (
    DictionaryRecovery,
    dictionary_recovery,
)
from sksupercode.model_selection._measured_dimension import MeasuredDimension, measured_dimension
from sksupercode.model_selection._phase_transition import PhaseTransition, phase_transition
from sksupercode.model_selection._predicted_dimension import predicted_dimension
from sksupercode.model_selection._predicted_n_nonzero_coefs import predicted_n_nonzero_coefs
from sksupercode.model_selection._prediction import recovery_probability
from sksupercode.model_selection._recovery_curve import (
    DimensionEstimate,
    RecoveryCurve,
    recovery_curve,
)

__all__ = [
    "DecoderFrontier",
    "DictionaryRecovery",
    "DimensionEstimate",
    "FrontierRow",
    "MeasuredDimension",
    "PhaseTransition",
    "RecoveryCurve",
    "decoder_frontier",
    "dictionary_recovery",
    "measured_dimension",
    "phase_transition",
    "predicted_dimension",
    "predicted_n_nonzero_coefs",
    "recovery_curve",
    "recovery_probability",
]

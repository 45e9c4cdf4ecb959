"""Choosing the dimension of a code: predictions for a decoder, and measurements."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.model_selection._measured_dimension import MeasuredDimension, measured_dimension
from sksupercode.model_selection._prediction import recovery_probability
from sksupercode.model_selection._required_dimension import required_dimension

__all__ = ["MeasuredDimension", "measured_dimension", "recovery_probability", "required_dimension"]

"""The figures of the paper, computed again."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.figures._coarse_coding import figure_1
from sksupercode.figures._inverse_capacity import figure_6
from sksupercode.figures._proposition_5 import figure_5
from sksupercode.figures._random_codebook import figure_3
from sksupercode.figures._smallest_dimensions import figure_2
from sksupercode.figures._subset_recovery import figure_4

__all__ = [
    "figure_1",
    "figure_2",
    "figure_3",
    "figure_4",
    "figure_5",
    "figure_6",
]

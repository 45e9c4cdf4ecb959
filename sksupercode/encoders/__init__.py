"""Encoders: sparse codes y of N columns become points x in d dimensions."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.encoders._base import BaseEncoder
from sksupercode.encoders._bound import BoundEncoder
from sksupercode.encoders._coupled import CoupledEncoder
from sksupercode.encoders._hadamard import HadamardEncoder
from sksupercode.encoders._rademacher import RademacherEncoder
from sksupercode.encoders._spherical import SphericalEncoder

__all__ = [
    "BaseEncoder",
    "BoundEncoder",
    "CoupledEncoder",
    "HadamardEncoder",
    "RademacherEncoder",
    "SphericalEncoder",
]

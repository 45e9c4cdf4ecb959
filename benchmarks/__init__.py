"""Measurements of the project beside its peers: ``python -m benchmarks``."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

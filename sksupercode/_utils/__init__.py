"""What the whole package shares: checks, sparse output, memory, threads and blocks."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

"""The command line of the package."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

"""Weight files of sparse autoencoders: one module a format, and what they share."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

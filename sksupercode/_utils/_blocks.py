"""Blocks: how many samples or codewords are held in memory at once."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sklearn import get_config


def block_length(bytes_per_item, *, share=1.0):
    """Return how many items fit in a share of scikit-learn's ``working_memory``, at least one."""
    budget = share * get_config()["working_memory"] * 2**20
    return max(1, int(budget // max(1, bytes_per_item)))

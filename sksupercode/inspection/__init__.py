"""What a dictionary is like, and what its latents stand for.

Its coherence and spectrum, how many bits its codes carry, and how well few latents tell classes of
samples apart.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.inspection._dictionary_report import DictionaryReport
from sksupercode.inspection._report import dictionary_report
from sksupercode.metrics._latent_probe import LatentProbe
from sksupercode.metrics._mean_difference import mean_difference
from sksupercode.metrics._probing import probe_latents

__all__ = [
    "DictionaryReport",
    "LatentProbe",
    "dictionary_report",
    "mean_difference",
    "probe_latents",
]

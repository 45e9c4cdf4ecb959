"""What a dictionary is like: its coherence and spectrum, and how many bits its codes carry."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.inspection._dictionary_report import DictionaryReport
from sksupercode.inspection._report import dictionary_report

__all__ = ["DictionaryReport", "dictionary_report"]

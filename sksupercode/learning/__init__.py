"""Dictionaries that are learned from samples, with any decoder as the coder."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.learning._dictionary_learner import DictionaryLearner

__all__ = ["DictionaryLearner"]

"""The contracts of decoders and dictionaries, as tests that any of them can be run through.

:class:`DictionaryTestCase` is inherited by the tests of a dictionary. The checks of decoders are to
decoders what :func:`sklearn.utils.estimator_checks.parametrize_with_checks` is to estimators; a
decoder should pass both. Every check takes an unfitted decoder, whose ``dictionary`` and
``n_nonzero_coefs`` it replaces in a clone, and raises an AssertionError where a promise is not
kept. They need pytest.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.testing._decoder_checks import (
    check_decoder,
    decoder_checks,
    parametrize_with_decoder_checks,
)
from sksupercode.testing._dictionary_test_case import DictionaryTestCase

__all__ = [
    "DictionaryTestCase",
    "check_decoder",
    "decoder_checks",
    "parametrize_with_decoder_checks",
]

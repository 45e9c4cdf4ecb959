"""All public estimators, and the contracts of decoders and dictionaries as tests.

:class:`DictionaryTestCase` is inherited by the tests of a dictionary. The checks of decoders go
beside those of :func:`sklearn.utils.estimator_checks.parametrize_with_checks`; a decoder should
pass both. Every check takes an unfitted decoder, whose ``dictionary`` and ``n_nonzero_coefs`` it
replaces in a clone, and raises an AssertionError if the decoder fails it. Only the decorator needs
pytest.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import pkgutil
import sys

if "pytest" in sys.modules:
    # Before they are imported, so that pytest shows what an assertion in them compared.
    modules = [f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)]
    sys.modules["pytest"].register_assert_rewrite(*modules)

from sksupercode._utils._discovery import all_estimators
from sksupercode.testing._dictionary_test_case import DictionaryTestCase
from sksupercode.testing._estimator_checks import (
    check_decoder,
    check_encoder,
    decoder_checks,
    encoder_checks,
    parametrize_with_decoder_checks,
)

__all__ = [
    "DictionaryTestCase",
    "all_estimators",
    "check_decoder",
    "check_encoder",
    "decoder_checks",
    "encoder_checks",
    "parametrize_with_decoder_checks",
]

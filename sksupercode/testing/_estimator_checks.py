"""All checks of a decoder and of an encoder, and what runs them."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sksupercode.testing import (
    _bad_input_checks,
    _decoding_checks,
    _encoder_checks,
    _interface_checks,
    _legal_input_checks,
)
from sksupercode.testing._problems import has_parameter
from sksupercode.testing._runner import checks_of, expected_failures, require_instance, run_checks

_MODULES = (_decoding_checks, _legal_input_checks, _interface_checks, _bad_input_checks)
# They run code of the base class, for any parameters of a decoder.
_ONCE_PER_CLASS = {
    "check_bad_input",
    "check_bad_parameters",
    "check_codes_of_any_type",
    "check_encoder_without_seed",
    "check_fit_ignores_other_y",
    "check_global_pandas_output",
    "check_inverse_transform",
    "check_matching_codebook",
    "check_mismatching_codebook",
    "check_not_fitted",
    "check_pandas_output",
}


def decoder_checks(decoder):
    """Return the checks that apply to a decoder.

    Parameters
    ----------
    decoder : estimator
        An unfitted decoder; its ``dictionary`` may be anything legal.

    Returns
    -------
    checks : iterator of callable
        To be called with the decoder; each raises an error where the decoder breaks the promise
        that its docstring tells.

    Examples
    --------
    >>> from sksupercode import RademacherEncoder, TopKDecoder
    >>> from sksupercode.testing import decoder_checks
    >>> decoder = TopKDecoder(RademacherEncoder(random_state=0))
    >>> for check in decoder_checks(decoder):
    ...     check(decoder)
    """
    return (check for check in checks_of(*_MODULES) if _applies(check.__name__, decoder))


def expected_failed_checks(decoder):
    """Return the checks that a decoder declares not to pass, each with its reason."""
    return expected_failures(decoder, {check.__name__ for check in checks_of(*_MODULES)})


def _applies(name, decoder):
    """Tell whether a decoder, by its parameters, makes the promise that a check is about."""
    if name in ("check_values", "check_sparse_output"):
        return has_parameter(decoder, name.removeprefix("check_"))
    if name in ("check_codeword_permutation", "check_ties"):
        return not getattr(decoder, "_has_sections", False)
    return True


def check_decoder(decoder):
    """Run a decoder through all checks that apply to it.

    Parameters
    ----------
    decoder : estimator
        An unfitted decoder; its ``dictionary`` may be anything legal. The checks that its attribute
        ``expected_failed_checks`` names, each with a reason, may fail.

    Raises
    ------
    AssertionError
        After all checks, if the decoder breaks a promise: which ones, and how.

    TypeError
        If it is a class, or lacks a parameter that every decoder has.

    ValueError
        If ``expected_failed_checks`` names no check.
    """
    inner = getattr(decoder, "estimator", None) is not None
    names = ("estimator",) if inner else ("dictionary", "n_nonzero_coefs")
    require_instance(decoder, "decoder", names)
    run_checks(decoder, decoder_checks(decoder), expected_failed_checks(decoder))


def parametrize_with_decoder_checks(decoders):
    """Return a pytest decorator that runs a test with every decoder and every check.

    Checks of what does not depend on parameters, such as what is refused or warned of, are run once
    for each class.

    Parameters
    ----------
    decoders : list of estimators
        Unfitted decoders; their ``dictionary`` may be anything legal. The checks that their
        attribute ``expected_failed_checks`` names, each with a reason, are expected to fail.

    Returns
    -------
    decorator : MarkDecorator
        Parametrizes the arguments ``decoder`` and ``check``.

    Examples
    --------
    >>> from sksupercode import RademacherEncoder, TopKDecoder
    >>> from sksupercode.testing import parametrize_with_decoder_checks
    >>> @parametrize_with_decoder_checks([TopKDecoder(RademacherEncoder(random_state=0))])
    ... def test_decoder(decoder, check):
    ...     check(decoder)
    """
    import pytest

    parameters, seen = [], set()
    for decoder in decoders:
        reasons = expected_failed_checks(decoder)
        label = "".join(repr(decoder).split())
        for check in decoder_checks(decoder):
            name = check.__name__
            if name in _ONCE_PER_CLASS and type(decoder) in seen:
                continue
            marks = [pytest.mark.xfail(reason=reasons[name])] if name in reasons else []
            parameters.append(pytest.param(decoder, check, id=f"{label}-{name}", marks=marks))
        seen.add(type(decoder))
    return pytest.mark.parametrize(("decoder", "check"), parameters)


def encoder_checks(encoder):
    """Return the checks of an encoder.

    Parameters
    ----------
    encoder : estimator
        An unfitted encoder, whose ``random_state``, ``n_components`` and ``n_features`` are set by
        the checks.

    Returns
    -------
    checks : iterator of callable
        To be called with the encoder; each raises an error where the encoder breaks the promise
        that its docstring tells.
    """
    return checks_of(_encoder_checks)


def check_encoder(encoder):
    """Run an encoder through all checks.

    Parameters
    ----------
    encoder : estimator
        An unfitted encoder. The checks that its attribute ``expected_failed_checks`` names, each
        with a reason, may fail.

    Raises
    ------
    AssertionError
        After all checks, if the encoder breaks a promise: which ones, and how.

    TypeError
        If it is a class, or lacks a parameter that every encoder has.

    ValueError
        If ``expected_failed_checks`` names no check.

    Examples
    --------
    >>> from sksupercode import SphericalEncoder
    >>> from sksupercode.testing import check_encoder
    >>> check_encoder(SphericalEncoder())
    """
    require_instance(encoder, "encoder", ("n_components", "random_state"))
    known = {check.__name__ for check in encoder_checks(encoder)}
    run_checks(encoder, encoder_checks(encoder), expected_failures(encoder, known))

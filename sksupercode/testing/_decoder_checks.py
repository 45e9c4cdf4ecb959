"""All checks of a decoder, and the pytest decorator that runs them."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial

from sksupercode.testing import (
    _bad_input_checks,
    _decoding_checks,
    _interface_checks,
    _legal_input_checks,
)


def decoder_checks(decoder):
    """Yield the checks that apply to a decoder.

    Parameters
    ----------
    decoder : estimator
        An unfitted decoder; its ``dictionary`` may be anything legal.

    Yields
    ------
    check : callable
        To be called with the decoder; raises an AssertionError where the decoder breaks a promise.

    Examples
    --------
    >>> from sksupercode import RademacherEncoder, TopKDecoder
    >>> from sksupercode.testing import decoder_checks
    >>> decoder = TopKDecoder(RademacherEncoder(random_state=0))
    >>> for check in decoder_checks(decoder):
    ...     check(decoder)
    """
    for module in (_decoding_checks, _legal_input_checks, _interface_checks, _bad_input_checks):
        for name, check in list(vars(module).items()):
            if not name.startswith("check_") or check.__module__ != module.__name__:
                continue
            if name == "check_bad_parameter":
                for case in _bad_input_checks.BAD_PARAMETERS:
                    yield partial(check, case=case)
            elif name == "check_bad_input":
                for case in _bad_input_checks.BAD_INPUT:
                    yield partial(check, case=case)
            elif _applies(name, decoder):
                yield check


def _applies(name, decoder):
    """Tell whether a decoder, by its parameters, makes the promise that a check is about."""
    if name == "check_common_scale":
        return not _decoding_checks.has_tolerance(decoder)
    if name == "check_values":
        return hasattr(decoder, "values")
    if name in ("check_codeword_permutation", "check_ties"):
        return not getattr(decoder, "sections", False)
    return True


def check_decoder(decoder):
    """Run a decoder through all checks that apply to it.

    Parameters
    ----------
    decoder : estimator
        An unfitted decoder; its ``dictionary`` may be anything legal.

    Raises
    ------
    AssertionError
        Where the decoder breaks a promise; see the docstring of the check that fails.
    """
    for check in decoder_checks(decoder):
        check(decoder)


def parametrize_with_decoder_checks(decoders):
    """Return a pytest decorator that runs a test with every decoder and every check.

    Parameters
    ----------
    decoders : list of estimators
        Unfitted decoders; their ``dictionary`` may be anything legal.

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

    return pytest.mark.parametrize(
        ("decoder", "check"),
        [
            pytest.param(decoder, check, id=f"{_describe(decoder)}-{_name(check)}")
            for decoder in decoders
            for check in decoder_checks(decoder)
        ],
    )


def _describe(decoder):
    """Return the class and the parameters that tell this decoder from a default one."""
    params = decoder.get_params(deep=False)
    first = "estimator" if "estimator" in params else "dictionary"
    defaults = type(decoder)(params[first]).get_params(deep=False)
    shown = [
        f"{name}={value!r}"
        for name, value in params.items()
        if name == "estimator" or (name != "dictionary" and repr(value) != repr(defaults[name]))
    ]
    return f"{type(decoder).__name__}({','.join(shown)})"


def _name(check):
    if isinstance(check, partial):
        return f"{check.func.__name__}({check.keywords['case']})"
    return check.__name__

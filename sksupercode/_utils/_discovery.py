"""All public estimators, found by looking through the public modules."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import inspect
import pkgutil
import re
from importlib import import_module

from sklearn.base import BaseEstimator

_PACKAGE = "sksupercode"
# Each kind of estimator has a public module of its own.
_MODULES = {
    "autoencoder": "sae",
    "channel": "channels",
    "decoder": "decoders",
    "encoder": "encoders",
    "learner": "learning",
}


def public_modules():
    """Return the names of all public modules, the package first."""
    modules = pkgutil.walk_packages(import_module(_PACKAGE).__path__, f"{_PACKAGE}.")
    return [_PACKAGE, *(module.name for module in modules if "._" not in module.name)]


def all_estimators(type_filter=None):
    """Return every public estimator of the package.

    Lists of estimators are made of this one, so that a new estimator is in all of them: the tests
    of contracts, the tables of the documentation, the choices of the command line. It needs no
    optional package. The estimators are those that a public module names in ``__all__`` and that
    are not abstract, as :func:`sklearn.utils.discovery.all_estimators` finds scikit-learn's.

    Parameters
    ----------
    type_filter : {"encoder", "channel", "decoder", "autoencoder", "learner"} or None, default=None
        Which kind of estimators to return. None returns all, those of no kind included.

    Returns
    -------
    estimators : list of (str, type)
        Names and classes, sorted by name.

    Raises
    ------
    ValueError
        If ``type_filter`` is anything else.

    Examples
    --------
    >>> from sksupercode.testing import all_estimators
    >>> [name for name, _ in all_estimators("channel")]
    ['DropoutChannel', 'GaussianChannel', 'QuantizationChannel']
    """
    if type_filter is not None and type_filter not in _MODULES:
        raise ValueError(
            f"type_filter must be None or one of {', '.join(map(repr, _MODULES))}, got "
            f"{type_filter!r}."
        )
    one = f"{_PACKAGE}.{_MODULES.get(type_filter)}"
    modules = map(import_module, public_modules() if type_filter is None else [one])
    members = {name: getattr(module, name) for module in modules for name in module.__all__}
    return sorted((name, member) for name, member in members.items() if _is_estimator(member))


def _is_estimator(member):
    is_derived = inspect.isclass(member) and issubclass(member, BaseEstimator)
    return is_derived and not inspect.isabstract(member)


def short_name(name):
    """Return how a decoder is called in tables and on the command line, given its class's name."""
    words = re.sub("(?<=[a-z])(?=[A-Z])", "-", name.removesuffix("Decoder")).lower()
    return {"orthogonal-matching-pursuit": "omp"}.get(words, words)

"""Packages that few functions need, and that are imported when these are called."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from importlib import import_module

_TITLES = {"torch": "PyTorch"}


def require(name, what):
    """Import and return a module, or raise an ImportError that says how to get it."""
    package = name.partition(".")[0]
    try:
        import_module(package)
        return import_module(name)
    except ImportError as error:
        title = _TITLES.get(package, package)
        message = f"{what} needs {title}: python -m pip install {package}."
        raise ImportError(message) from error

"""How checks are run: all of them, with the promise that each is about."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import random
import re
from contextlib import contextmanager
from functools import wraps
from inspect import getdoc
from traceback import extract_tb
from unittest import SkipTest

import numpy as np


def checks_of(*modules):
    """Yield the functions ``check_...`` of some modules, each of which tells its promise."""
    for module in modules:
        for name, check in list(vars(module).items()):
            if name.startswith("check_") and check.__module__ == module.__name__:
                yield _with_promise(check)


def _with_promise(check):
    """Return the check, whose errors say which promise is broken."""

    @wraps(check)
    def checked(estimator):
        try:
            check(estimator)
        except SkipTest:
            raise
        except Exception as error:
            error.add_note(f"The broken promise: {promise(check)}")
            raise

    return checked


def promise(check):
    """Return the first paragraph of a check's docstring in one line."""
    return " ".join(getdoc(check).split("\n\n")[0].split())


def expected_failures(estimator, known):
    """Return why an estimator, or one that it is built around, may fail checks, by their names."""
    inner = getattr(estimator, "estimator", None)
    reasons = {} if inner is None else expected_failures(inner, known)
    reasons |= getattr(estimator, "expected_failed_checks", {})
    if unknown := sorted(set(reasons) - known):
        raise ValueError(
            f"expected_failed_checks of {type(estimator).__name__} names {', '.join(unknown)}: "
            f"there is no such check. There are {', '.join(sorted(known))}."
        )
    return reasons


def require_instance(estimator, kind, parameters):
    """Refuse what no check can be run on: a class, or an estimator without these parameters."""
    if isinstance(estimator, type) or not hasattr(estimator, "get_params"):
        shown = f"the class {estimator.__name__}" if isinstance(estimator, type) else estimator
        raise TypeError(f"{kind} must be an estimator, an instance and not a class, got {shown}.")
    if missing := [name for name in parameters if name not in estimator.get_params(deep=False)]:
        raise TypeError(
            f"{type(estimator).__name__}.__init__ must have the parameters "
            f"{', '.join(parameters)}, as every {kind}: {', '.join(missing)} not found."
        )


def run_checks(estimator, checks, expected):
    """Run all checks, then raise one AssertionError that names every broken promise."""
    broken = []
    for check in checks:
        try:
            check(estimator)
        except SkipTest:
            continue
        except Exception as error:
            if check.__name__ not in expected:
                broken.append((check, error))
    if broken:
        lines = [
            f"* {check.__name__}: {promise(check)}\n  {type(error).__name__}: {_indented(error)}"
            for check, error in broken
        ]
        count = f"{len(broken)} promise{'s' if len(broken) > 1 else ''}"
        raise AssertionError(
            f"{type(estimator).__name__} breaks {count}:\n" + "\n".join(lines)
        ) from broken[0][1]


def _indented(error):
    lines = [line for line in str(error).splitlines() if line.strip()]
    # Without a message, what was asserted.
    lines = lines or [extract_tb(error.__traceback__)[-1].line]
    return "\n  ".join(lines[:8])


@contextmanager
def untouched_random_state():
    """Assert that NumPy's and Python's global random states stay as they are."""

    def states():
        return random.getstate(), np.random.get_state()  # noqa: NPY002

    before = states()
    yield
    np.testing.assert_equal(states(), before)


def assert_refused(cases, *arguments):
    """Assert that each case is a ValueError that names what is wrong.

    A case is a callable, which gets the arguments, and the name that the message must have.
    """
    wrong = []
    for case, (action, name) in cases.items():
        try:
            action(*arguments)
        except ValueError as error:
            if not re.search(rf"\b{name}\b", str(error)):
                wrong.append(f"{case}: the message does not name {name}: {error}")
        except Exception as error:
            wrong.append(f"{case}: {type(error).__name__} instead of a ValueError: {error}")
        else:
            wrong.append(f"{case}: no ValueError that names {name}")
    assert not wrong, "\n".join(wrong)

"""Real text that every installation has, for codes that do not come from a random model."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import ast
import os
import re
import sysconfig
import warnings
from importlib.resources import files
from pathlib import Path

from sklearn.utils import Bunch

from sksupercode._utils._validation import check_integer

SKIPPED = {"dist-packages", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "site-packages"}
SKIPPED |= {"__pycache__", "encodings", "test", "tests", "turtledemo"}
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
WORD = re.compile(r"\b\w\w+\b")

DESCR = """\
Passages of technical English, found on the machine itself
-----------------------------------------------------------

The descriptions of the datasets that come with scikit-learn, then the docstrings of the Python
standard library, both split at blank lines. Nothing is downloaded, imported or executed. A passage
is a paragraph with its white space normalised; repeated ones appear once. The texts depend on the
versions of scikit-learn and Python, their order does not depend on the machine.

As sets of words they are codes with a varying number of nonzeros, word frequencies that fall
roughly as one over the rank, and correlated words.
"""


def load_passages(*, min_words=8, max_words=128):
    r"""Load passages of real text that come with Python and scikit-learn.

    The dataset descriptions of scikit-learn and the docstrings of the standard library, split at
    blank lines, without repetitions and in a fixed order.

    Parameters
    ----------
    min_words : int, default=8
        Only passages of at least so many words are kept. A word matches ``\b\w\w+\b``, as in
        `sklearn.feature_extraction.text.CountVectorizer`, and counts as often as it occurs.

    max_words : int, default=128
        Only passages of at most so many words are kept.

    Returns
    -------
    passages : sklearn.utils.Bunch
        With attributes

        data : list of str
            The passages.
        source : list of str
            For each passage, the file that it comes from, such as ``"datasets/descr/iris.rst"``
            or ``"json/decoder.py"``.
        DESCR : str
            What they are.

    Raises
    ------
    ValueError
        If a bound is not an integer >= 0, or ``min_words > max_words``.

    Notes
    -----
    Files are parsed with `ast`, so nothing is imported or executed; files that cannot be read or
    parsed are left out. Consecutive passages come from the same file: shuffle before splitting
    into folds.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> from sksupercode.datasets import load_passages
    >>> passages = load_passages()
    >>> len(passages.data) == len(passages.source) > 1000
    True
    >>> Y = CountVectorizer(binary=True).fit_transform(passages.data)
    >>> bool(Y.shape[1] > 4000)
    True
    """
    min_words = check_integer(min_words, "min_words", minimum=0)
    max_words = check_integer(max_words, "max_words", minimum=0)
    if min_words > max_words:
        raise ValueError(f"min_words must be <= max_words = {max_words}, got {min_words}.")

    found = {}
    for source, text in [*_descriptions(), *_docstrings(_standard_library())]:
        for block in re.split(r"\n\s*\n", text):
            passage = " ".join(block.split())
            if min_words <= len(WORD.findall(passage)) <= max_words:
                found.setdefault(passage, source)
    return Bunch(data=list(found), source=list(found.values()), DESCR=DESCR)


def _descriptions():
    folder = files("sklearn.datasets.descr")
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".rst"):
            yield f"datasets/descr/{entry.name}", entry.read_text(encoding="utf-8")


def _standard_library():
    return Path(sysconfig.get_path("stdlib"))


def _docstrings(folder):
    """The docstrings below a folder, in the order of paths and then of lines."""
    for path in _python_files(folder):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(path.read_bytes())
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        source = path.relative_to(folder).as_posix()
        for node in _documented(tree):
            if text := ast.get_docstring(node):
                yield source, text


def _documented(node):
    # Expressions hold no docstrings, and walking them would take most of the time.
    if isinstance(node, DOCUMENTED):
        yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield from _documented(child)


def _python_files(folder):
    for parent, subfolders, names in os.walk(folder):
        subfolders[:] = sorted(set(subfolders) - SKIPPED)
        yield from (Path(parent, name) for name in sorted(names) if name.endswith(".py"))

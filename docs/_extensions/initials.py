"""References that begin with an initial: docutils takes "D. N. Page" for items of a list."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import re

from docutils import nodes
from sphinx.util import logging

INITIAL = re.compile(r"^(\s*(?:\.\. \[[^\]]+\]|\*) +)(?=\w\. )", re.MULTILINE)
logger = logging.getLogger(__name__)


def escape_page(app, name, source):
    source[0] = INITIAL.sub(r"\1\\", source[0])


def escape_docstring(app, what, name, obj, options, lines):
    lines[:] = [INITIAL.sub(r"\1\\", line) for line in lines]


def check(app, doctree):
    """Warn of what is a list of initials all the same, as at the beginning of a paragraph."""
    for item in doctree.findall(nodes.enumerated_list):
        if item["enumtype"] != "arabic":
            logger.warning("initials have become a list: %s", item.astext()[:60], location=item)


def setup(app):
    app.connect("source-read", escape_page)
    app.connect("autodoc-process-docstring", escape_docstring, priority=400)  # before numpydoc
    app.connect("doctree-read", check)
    return {"parallel_read_safe": True}

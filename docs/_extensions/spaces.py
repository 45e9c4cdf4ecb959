"""Spaces at which no line ends: in "0.5 ± 0.1" after the sign, and before a per cent sign."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import re

from docutils import nodes

SPACE = re.compile(r"(?<=±) (?=[.\d])|(?<=\d) (?=%)")
LITERAL = (nodes.literal, nodes.FixedTextElement, nodes.math, nodes.raw)


def keep(app, doctree):
    """Make these spaces no-break spaces, in all but what is literal."""
    for text in list(doctree.findall(nodes.Text)):
        if SPACE.search(text) and not isinstance(text.parent, LITERAL):
            text.parent.replace(text, nodes.Text(SPACE.sub("\N{NO-BREAK SPACE}", text)))


def setup(app):
    app.connect("doctree-read", keep)
    return {"parallel_read_safe": True}

"""The directive ``benchmark``: a table of what ``python -m benchmarks --json`` has measured."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
import sys
from functools import cache
from pathlib import Path
from typing import ClassVar

from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

sys.path.append(str(Path(__file__).parents[2]))

from benchmarks._problem import Size
from benchmarks._report import machine_line, tabulate


@cache
def read(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


class BenchmarkTable(SphinxDirective):
    """The table of one benchmark, or without a name when and where all of them were measured."""

    optional_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar = {"file": directives.unchanged_required}

    def run(self):
        _, path = self.env.relfn2path(self.options["file"])
        self.env.note_dependency(path)
        report = read(path)
        if not self.arguments:
            return self.parse_text_to_nodes("\n".join(provenance(report)))
        results = {result["name"]: result for result in report["results"]}
        if self.arguments[0] not in results:
            raise self.error(f"{path} has no benchmark {self.arguments[0]!r}")
        return self.parse_text_to_nodes("\n".join(list_table(results[self.arguments[0]])))


def provenance(report):
    command = " ".join(report["command"])
    machine = dict(report["machine"])
    machine["versions"] = {name: v for name, v in machine["versions"].items() if v is not None}
    yield f"``{command}`` of version {report['version']}, {report['date'][:10]}, on"
    yield f"{machine_line(machine)}."


def list_table(result):
    headings, rows, notes = tabulate(result)
    yield f".. list-table:: {Size(**result['size'])}"
    yield "   :header-rows: 1"
    yield "   :class: benchmark"
    yield ""
    for row in [[(heading, "") for heading in headings], *rows]:
        for i, (text, reach) in enumerate(row):
            yield f"   {'  -' if i else '* -'} {'| ' if reach else ''}{text}"
            if reach:
                yield f"       | {reach}"
    yield ""
    for note in notes:
        yield f"| {note}"
    yield ""


def setup(app):
    app.add_directive("benchmark", BenchmarkTable)
    return {"parallel_read_safe": True}

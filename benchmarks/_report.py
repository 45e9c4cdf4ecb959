"""What is printed."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from statistics import median

from rich import box
from rich.table import Table

from benchmarks._problem import Size

_PREFIXES = {"n": 1e-9, "µ": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def _unit(name):
    """Return what shows numbers in a unit, with one prefix for all of them."""

    def show(*values):
        fitting = [p for p in _PREFIXES if max(values) >= 0.9995 * _PREFIXES[p]]
        prefix = fitting[-1] if fitting else "n"
        return f"{_join('{:.3g}', [value / _PREFIXES[prefix] for value in values])} {prefix}{name}"

    return show


def _number(template):
    return lambda *values: _join(template, values)


def _join(template, values):
    return "–".join(template.format(value) for value in values)


# Key of a row: its heading, and how one number of it is shown.
_COLUMNS = {
    "method": ("", str),
    "process": ("process", str),
    "against": ("against", str),
    "n_features": ("N", _number("{:,}")),
    "n_nonzero_coefs": ("k", _number("{:,}")),
    "n_components": ("d", _number("{:,}")),
    "samples": ("samples", _number("{:,}")),
    "import_seconds": ("import", _unit("s")),
    "first_call_seconds": ("first call", _unit("s")),
    "seconds": ("a sample", _unit("s")),
    "ratio": ("times ours", _number("{:.3g}")),
    "bytes_per_second": ("memory", _unit("B/s")),
    "of_bandwidth": ("of reading", _number("{:.0%}")),
    "operations_per_second": ("operations", _unit("op/s")),
    "of_peak": ("of float32", _number("{:.0%}")),
    "recovery": ("recovered", _number("{:.0%}")),
    "peak_bytes": ("peak memory", lambda value: f"{value / 2**20:,.0f} MiB"),
}


def print_result(console, result):
    """Print the rows of a benchmark as a table.

    Numbers that were measured several times are given by their median, smallest and largest.
    """
    title = f"{result['name']}: {result['title']}\n{Size(**result['size'])}"
    fits = [row for row in result["rows"] if "exponent" in row]
    rows = [row for row in result["rows"] if "exponent" not in row]
    keys = [key for key in _COLUMNS if any(key in row for row in rows)]
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for key in keys:
        heading, show = _COLUMNS[key]
        is_text = show is str
        table.add_column(heading, justify="left" if is_text else "right", no_wrap=is_text)
    notes = []
    for row in rows:
        cells = [_cell(row.get(key), _COLUMNS[key][1]) for key in keys]
        if "note" in row:
            notes.append(row["note"])
            cells[0] += f" ({len(notes)})"
        table.add_row(*cells)
    console.print(table)
    for number, note in enumerate(notes, start=1):
        console.print(f"({number}) {note}", markup=False, highlight=False)
    for fit in fits:
        text = f"{fit['method']}: time grows as {fit['against']}^{fit['exponent']:.2f}"
        if fit["standard_error"] is not None:
            text += f" (standard error {fit['standard_error']:.2f})"
        console.print(text, highlight=False)
    console.print()


def _cell(value, show):
    if value is None:
        return ""
    if not isinstance(value, list):
        return show(value)
    if len(value) == 1:
        return show(value[0])
    return f"{show(median(value))}\n[dim]{show(min(value), max(value))}[/dim]"


def machine_line(machine):
    """Return the description of the machine in a line."""
    versions = ", ".join(
        f"{name} {version or '-'}" for name, version in machine["versions"].items()
    )
    return (
        f"{machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_bytes'] / 2**30:.0f} GiB; Python {machine['python']}; {versions}"
    )

"""What is printed."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from statistics import median

from rich import box
from rich.table import Table

from benchmarks._problem import Size

_PREFIXES = {"n": 1e-9, "µ": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def _unit(name):
    """Return what shows a number, and from where to where it goes, in a unit with a prefix."""

    def show(value, *reach):
        fitting = [p for p in _PREFIXES if value >= 0.9995 * _PREFIXES[p]]
        prefix = fitting[-1] if fitting else "n"
        text, reach = _three_digits(*(v / _PREFIXES[prefix] for v in (value, *reach)))
        return f"{text} {prefix}{name}", reach

    return show


def _number(template):
    def show(value, *reach):
        return template.format(value), "–".join(template.format(v) for v in reach)

    return show


def _three_digits(value, *reach):
    return _digits(value), "–".join(map(_digits, reach))


def _digits(value):
    """Return three digits, and all of a number of a thousand and more without an exponent."""
    return f"{value:.3g}" if value < 999.5 else f"{float(f'{value:.3g}'):,.0f}"


def _text(value):
    return value, ""


def _mebibytes(value):
    return f"{value / 2**20:,.0f} MiB", ""


# Key of a row: its heading, and how one number of it is shown.
_COLUMNS = {
    "method": ("", _text),
    "process": ("process", _text),
    "against": ("against", _text),
    "n_features": ("N", _number("{:,}")),
    "n_nonzero_coefs": ("k", _number("{:,}")),
    "n_components": ("d", _number("{:,}")),
    "n_symbols": ("V", _number("{:,}")),
    "samples": ("samples", _number("{:,}")),
    "bits": ("bits/dim", _number("{:.3f}")),
    "right": ("right", _number("{:.4f}")),
    "import_seconds": ("import", _unit("s")),
    "first_call_seconds": ("first call", _unit("s")),
    "seconds": ("a sample", _unit("s")),
    "first_seconds": ("first call", _unit("s")),
    "training_seconds": ("training", _unit("s")),
    "own_seconds": ("ours", _unit("s")),
    "ratio": ("times ours", _three_digits),
    "ratio_to_start": ("times start", _three_digits),
    "later_seconds": ("later call", _unit("s")),
    "later_ratio": ("times ours", _three_digits),
    "found": ("found", _number("{:.3f}")),
    "mcc": ("MCC", _number("{:.3f}")),
    "l0": ("L0", _number("{:.1f}")),
    "precision": ("precision", _number("{:.3f}")),
    "recall": ("recall", _number("{:.3f}")),
    "f1": ("F1", _number("{:.4f}")),
    "feature_f1": ("of features", _number("{:.3f}")),
    "fvu": ("FVU", _number("{:.4f}")),
    "bytes_per_second": ("memory", _unit("B/s")),
    "of_bandwidth": ("of reading", _number("{:.0%}")),
    "operations_per_second": ("operations", _unit("op/s")),
    "of_peak": ("of float32", _number("{:.0%}")),
    "recovery": ("recovered", _number("{:.0%}")),
    "peak_bytes": ("peak memory", _mebibytes),
    "working_bytes": ("beside the dictionary", _mebibytes),
}


def tabulate(result):
    """Return the results of a benchmark as headings, rows of cells, and notes.

    A cell is a pair of texts: a number, or the median of several, and from where to where these
    reach. The latter is empty where there is but one.
    """
    rows = [row for row in result["rows"] if "exponent" not in row]
    keys = [key for key in _COLUMNS if any(key in row for row in rows)]
    cells, notes = [], []
    for row in rows:
        cells.append([_cell(row.get(key), _COLUMNS[key][1]) for key in keys])
        if "note" in row:
            if row["note"] not in notes:
                notes.append(row["note"])
            method, _ = cells[-1][0]
            cells[-1][0] = (f"{method} ({notes.index(row['note']) + 1})", "")
    notes = [f"({number}) {note}" for number, note in enumerate(notes, start=1)]
    for fit in (row for row in result["rows"] if "exponent" in row):
        notes.append(f"{fit['method']}: time grows as {fit['against']}^{fit['exponent']:.2f}")
        if fit["standard_error"] is not None:
            notes[-1] += f" (standard error {fit['standard_error']:.2f})"
    return [_COLUMNS[key][0] for key in keys], cells, notes


def print_result(console, result):
    """Print the rows of a benchmark as a table.

    Numbers that were measured several times are given by their median, smallest and largest.
    """
    table = Table(
        title=f"{result['name']}: {result['title']}\n{Size(**result['size'])}",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    headings, rows, notes = tabulate(result)
    texts = {heading for heading, show in _COLUMNS.values() if show is _text}
    for heading in headings:
        is_text = heading in texts
        justify = "left" if is_text else "right"
        table.add_column(heading, justify=justify, no_wrap=is_text, overflow="fold")
    for row in rows:
        table.add_row(*(f"{text}\n[dim]{reach}[/dim]" if reach else text for text, reach in row))
    console.print(table)
    for note in notes:
        console.print(note, markup=False, highlight=False)
    console.print()


def _cell(value, show):
    if value is None:
        return "", ""
    if not isinstance(value, list):
        return show(value)
    if len(value) == 1:
        return show(value[0])
    return show(median(value), min(value), max(value))


def machine_line(machine):
    """Return the description of the machine in a line."""
    versions = ", ".join(
        f"{name} {version or '-'}" for name, version in machine["versions"].items()
    )
    return (
        f"{machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_bytes'] / 2**30:.0f} GiB; Python {machine['python']}; {versions}"
    )

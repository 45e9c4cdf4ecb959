"""Results that are a table of numbers."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import csv

import numpy as np


class TableMixin:
    """Gives ``to_frame`` and a ``repr`` with the numbers to a class that has ``_columns``.

    ``_columns()`` returns a dict of columns that are equally long.
    """

    def to_frame(self):
        """Return the numbers as a data frame.

        Returns
        -------
        frame : pandas.DataFrame
            A row for each point. Printed, it has all columns, in blocks where they are too wide.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            from sksupercode._utils._frames import Frame
        except ImportError as error:
            raise ImportError("to_frame needs pandas: python -m pip install pandas.") from error
        return Frame(self._columns())

    def __repr__(self):
        columns = (f"{name}={_short_text(column)}" for name, column in self._columns().items())
        return f"{type(self).__name__}({', '.join(columns)})"


def _short_text(column):
    if np.ndim(column) == 0:
        return repr(np.asarray(column).item())
    return np.array2string(
        np.asarray(column), separator=", ", precision=4, threshold=20, max_line_width=10**6
    )


def write_csv(rows, path, columns=None):
    """Write dicts as comma-separated values, floats to six digits; None is an empty cell."""
    columns = list(rows[0] if columns is None else columns)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            cells = (row[key] for key in columns)
            writer.writerow(f"{cell:.6g}" if isinstance(cell, float) else cell for cell in cells)

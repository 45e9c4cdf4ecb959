"""Data frames that are printed with all of their columns."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import shutil

from pandas import DataFrame, get_option


class Frame(DataFrame):
    """A data frame that hides no column where it is printed, but goes on below."""

    @property
    def _constructor(self):
        return Frame

    def __repr__(self):
        width = shutil.get_terminal_size().columns
        return self.to_string(line_width=width, max_rows=get_option("display.max_rows"))

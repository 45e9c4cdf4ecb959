"""NumPy's npz files, without pickle, and without trusting what headers promise."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np

from sksupercode.sae._formats._archives import open_archive
from sksupercode.sae._formats._tensors import Tensors

# Weights hardly compress; a file that does by more is made to fill memory.
MAX_RATIO = 16


def read_npz(path):
    """Read the arrays of an npz file.

    `numpy.load` allocates what a header asks for before it looks at the data. Here the data come
    first, and have to be as long as the header says. A file that is damaged or holds pickled
    objects is a ValueError.
    """
    with open_archive(path, max_ratio=MAX_RATIO) as archive:
        values = {
            member.filename.removesuffix(".npy"): _read_array(archive, member)
            for member in archive.infolist()
        }
    return Tensors(path, values)


def _read_array(archive, member):
    headers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version not in headers:
            raise ValueError(f"{member.filename!r} is of the unknown version {version}")
        shape, fortran_order, dtype = headers[version](file)
        if dtype.hasobject:
            raise ValueError(f"{member.filename!r} holds pickled objects, which are never loaded")
        n_bytes = member.file_size - file.tell()
        if math.prod(shape) * dtype.itemsize != n_bytes:
            raise ValueError(
                f"{member.filename!r} has shape {shape} and dtype {dtype}, but {n_bytes} bytes"
            )
        array = np.ndarray(math.prod(shape), dtype, file.read())
    return array.reshape(shape, order="F" if fortran_order else "C")

"""Files that the command ``compare`` reads, none of which can run code."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from zipfile import BadZipFile

import numpy as np
from numpy.lib.format import open_memmap
from scipy.sparse import csr_array, load_npz

from sksupercode._utils._validation import check_codes
from sksupercode.sae._feature_columns import check_tasks


def map_activations(path):
    """Map a matrix of activations from an ``.npy`` file.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    X : memmap of shape (n_samples, d)
        Read-only; rows are read from the file when they are needed.

    Raises
    ------
    OSError
        If the file cannot be opened.

    ValueError
        If it is no ``.npy`` file of a matrix of real numbers with two samples or more.
    """
    X = _map_array(path)
    if X.ndim != 2 or X.shape[0] < 2 or X.shape[1] < 1:
        raise ValueError(
            f"must be a matrix (n_samples, d) of two samples or more, got shape {X.shape}"
        )
    if X.dtype.kind not in "fiu":
        raise ValueError(f"must hold real numbers, got dtype {X.dtype}")
    return X


def read_codes(path, rows, n_rows):
    """Return some rows of codes in an ``.npy`` file, or in an ``.npz`` file of ``save_npz``.

    A ValueError or an OSError is raised unless it has ``n_rows`` rows of finite numbers.
    """
    if path.suffix != ".npz":
        codes = _map_array(path)
    else:
        if not path.is_file():
            raise FileNotFoundError("there is no such file")
        try:
            codes = load_npz(path)
            if hasattr(codes, "check_format"):
                # Indices out of range would be places in memory.
                codes.check_format(full_check=True)
            codes = csr_array(codes)
        except (ValueError, KeyError, EOFError, BadZipFile, TypeError, AttributeError) as error:
            raise ValueError(
                f"is not an .npz file of scipy.sparse.save_npz, or is damaged ({error})"
            ) from error
    _require_rows(codes, n_rows)
    return check_codes(codes[rows], "it")


def read_labels(path, rows, n_rows):
    """Return some rows of labels in an ``.npy`` file, of shape (n_samples, n_tasks)."""
    labels = _map_array(path)
    _require_rows(labels, n_rows)
    return check_tasks(np.asarray(labels[rows]), len(rows))


def _map_array(path):
    if not path.is_file():
        raise FileNotFoundError("there is no such file")
    try:
        return open_memmap(path, mode="r")
    except (ValueError, EOFError) as error:
        raise ValueError(f"is not an .npy file of numbers, or is damaged ({error})") from error


def _require_rows(array, n_rows):
    if array.shape[:1] != (n_rows,):
        raise ValueError(f"must have {n_rows} rows, as many as the activations, got {array.shape}")


def evenly_spaced(n_rows, max_samples):
    """Return the rows that are read: all, or so many that are evenly spaced."""
    n_samples = min(n_rows, max_samples)
    return np.linspace(0, n_rows - 1, n_samples).round().astype(np.intp)


class Samples:
    """Some rows of a mapped array, which says how many of them were asked for.

    Parameters
    ----------
    X : memmap of shape (n_rows, d)
        The array.

    max_samples : int
        If there are more rows, so many of them, evenly spaced, are the samples.

    name : str
        What an error calls the array.

    progress : callable
        Is given the number of samples before each block that is read.

    Raises
    ------
    ValueError
        If a block that is read contains NaN or infinity.
    """

    def __init__(self, X, max_samples, name, progress=lambda n_samples: None):
        self._X, self._name, self._progress = X, name, progress
        self._rows = evenly_spaced(len(X), max_samples)
        self.shape = (len(self._rows), X.shape[1])

    def __getitem__(self, rows):
        start, stop, _ = rows.indices(len(self._rows))
        self._progress(start)
        block = self._X[self._rows[start:stop]]
        is_finite = np.isfinite(block).all(axis=1)
        if not is_finite.all():
            row = self._rows[start + np.argmin(is_finite)]
            raise ValueError(f"{self._name}: row {row} (the first is row 0) has NaN or infinity")
        return block

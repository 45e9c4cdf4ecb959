"""Files that the command ``compare`` reads, none of which can run code."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from zipfile import BadZipFile

import numpy as np
from numpy.lib.format import open_memmap
from scipy.sparse import csr_array, load_npz

from sksupercode._utils._validation import check_codes
from sksupercode.sae._feature_columns import check_tasks

_WHICH = "--key must be one of its arrays, {}, got {}"


def map_activations(paths, key=None):
    """Map a matrix of activations from one or more files, the rows of one after another's.

    Parameters
    ----------
    paths : list of pathlib.Path
        The files: ``.npy``, which are mapped, or ``.npz``, whose arrays are loaded.

    key : str or None, default=None
        Which array of ``.npz`` files; None is their only one.

    Returns
    -------
    X : Shards of shape (n_samples, d)
        Rows are read from the files when they are needed.

    Raises
    ------
    OSError
        If a file cannot be opened.

    ValueError
        If one is no file of a matrix of real numbers, or there are less than two samples.
    """
    arrays = []
    for path in paths:
        try:
            arrays.append(_matrix(path, key))
        except OSError as error:
            raise OSError(f"{path}: {error}") from error
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        if arrays[-1].shape[1] != arrays[0].shape[1]:
            raise ValueError(
                f"{path}: must have {arrays[0].shape[1]} columns, as {paths[0]}, got shape "
                f"{arrays[-1].shape}"
            )
    X = Shards(arrays, paths)
    if len(X) < 2:
        raise ValueError(
            f"{paths[0]}: must be a matrix of two samples or more, got shape {X.shape}"
        )
    return X


def _matrix(path, key):
    X = _array_of_archive(path, key) if path.suffix == ".npz" else _map_array(path)
    if X.ndim != 2 or 0 in X.shape:
        raise ValueError(f"must be a matrix (n_samples, d) of activations, got shape {X.shape}")
    if X.dtype.kind not in "fiu":
        raise ValueError(f"must hold real numbers, got dtype {X.dtype}")
    return X


def _array_of_archive(path, key, message=_WHICH):
    """Return an array of an ``.npz`` file, the only one where no key is given."""
    if not path.is_file():
        raise FileNotFoundError("there is no such file")
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = archive.files
            if key is None and len(names) == 1:
                key = names[0]
            if key in names:
                return archive[key]
    except (ValueError, KeyError, EOFError, BadZipFile, TypeError, AttributeError) as error:
        raise ValueError(f"is not an .npz file of numbers, or is damaged ({error})") from error
    raise ValueError(message.format(", ".join(names), key))


class Shards:
    """Matrices of as many columns, one below another, whose rows are read when they are needed."""

    def __init__(self, arrays, paths):
        self._arrays, self._paths = arrays, paths
        self._ends = np.cumsum([len(array) for array in arrays])
        self.shape = (int(self._ends[-1]), arrays[0].shape[1])

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        """Return rows, given as indices or a slice, as an array in memory."""
        rows = np.arange(len(self))[rows]
        shards = np.searchsorted(self._ends, rows, side="right")
        block = np.empty((len(rows), self.shape[1]), np.result_type(*self._arrays))
        for i in np.unique(shards):
            mine = shards == i
            block[mine] = self._arrays[i][rows[mine] - self._start(i)]
        return block

    def place(self, row):
        """Return the file of a row, and which row it is there."""
        i = np.searchsorted(self._ends, row, side="right")
        return self._paths[i], row - self._start(i)

    def _start(self, i):
        return self._ends[i] - len(self._arrays[i])


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
    """Return some rows of labels in an ``.npy`` file, or in an ``.npz`` file of them alone.

    They are of shape (n_samples, n_tasks), one column or none for one task.
    """
    if path.suffix == ".npz":
        labels = _array_of_archive(path, None, "must have one array, the labels, got {}")
    else:
        labels = _map_array(path)
    _require_rows(labels, n_rows)
    return check_tasks(np.asarray(labels[rows]), len(rows))


def _map_array(path):
    if not path.is_file():
        raise FileNotFoundError("there is no such file")
    with open(path, "rb") as file:
        if file.read(4) == b"PK\3\4":
            raise ValueError(
                "is not an .npy file but a zip file, as torch.save and numpy.savez write: save a "
                "tensor by numpy.save('X.npy', X.float().numpy()), and name a file of savez .npz"
            )
    try:
        return open_memmap(path, mode="r")
    except (ValueError, EOFError) as error:
        if path.suffix not in (".npy", ".npz"):
            raise ValueError(
                "is neither an .npy file, as numpy.save writes, nor an .npz file of numpy.savez: "
                "save a tensor by numpy.save('X.npy', X.float().numpy())"
            ) from error
        raise ValueError(f"is not an .npy file of numbers, or is damaged ({error})") from error


def _require_rows(array, n_rows):
    if array.shape[:1] != (n_rows,):
        raise ValueError(f"must have {n_rows} rows, as many as the activations, got {array.shape}")


def evenly_spaced(n_rows, max_samples):
    """Return the rows that are read: all, or so many that are evenly spaced."""
    n_samples = min(n_rows, max_samples)
    return np.linspace(0, n_rows - 1, n_samples).round().astype(np.intp)


class Samples:
    """Some rows of activations, which say how many of them were asked for.

    Parameters
    ----------
    X : Shards of shape (n_rows, d)
        All rows.

    max_samples : int
        If there are more rows, so many of them, evenly spaced, are the samples.

    option : str
        The option that names the files, for errors.

    progress : callable
        Is given the number of samples before each block that is read.

    Raises
    ------
    ValueError
        If a block that is read contains NaN or infinity.
    """

    def __init__(self, X, max_samples, option, progress=lambda n_samples: None):
        self._X, self._option, self._progress = X, option, progress
        self._rows = evenly_spaced(len(X), max_samples)
        self.shape = (len(self._rows), X.shape[1])

    def __getitem__(self, rows):
        start, stop, _ = rows.indices(len(self._rows))
        self._progress(start)
        block = self._X[self._rows[start:stop]]
        is_finite = np.isfinite(block).all(axis=1)
        if not is_finite.all():
            path, row = self._X.place(self._rows[start + np.argmin(is_finite)])
            raise ValueError(
                f"{self._option} {path}: row {row} (the first is row 0) has NaN or infinity"
            )
        return block

"""Sparse autoencoders from weight files."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from sklearn.frozen import FrozenEstimator

from sksupercode.sae._formats._registry import read_weights
from sksupercode.sae._sparse_autoencoder import SparseAutoencoder
from sksupercode.sae._transcoder import Transcoder


def load_sae(path, *, format=None):
    r"""Load a sparse autoencoder from the files of the library that trained it.

    .. math::
        z = (x' - b_{dec})\, W_{enc} + b_{enc}, \qquad a = \phi(z), \qquad
        \hat x' = a\, W_{dec} + b_{dec}

    No file can run code, and the formats that are not PyTorch's are read without it.

    Parameters
    ----------
    path : str or os.PathLike
        A directory, or the weight file in it; ``~`` is the home directory. Names on a hub are not
        paths: ``huggingface_hub.snapshot_download`` downloads one and returns its directory.

    format : str or None, default=None
        The library that wrote it: "saelens", "gemma_scope", "sparsify", "dictionary_learning" or
        "openai". None finds out by the names of the files, and takes a directory only if it holds
        one autoencoder.

    Returns
    -------
    sae : sklearn.frozen.FrozenEstimator
        A fitted :class:`~sksupercode.SparseAutoencoder`, or :class:`~sksupercode.Transcoder` where
        the files are of one, whose weights survive :func:`~sklearn.base.clone`, ``fit`` and grid
        searches. It is ``sae.estimator``.

    Raises
    ------
    FileNotFoundError
        If there is nothing at ``path``, or the configuration that belongs to it is missing.

    PermissionError
        If a file may not be read.

    ImportError
        If the file is one of PyTorch's and PyTorch is not installed.

    ValueError
        If the format is not found out, a file is damaged, weights and configuration disagree, or
        something is unknown or missing. The message names the file and the key.

    Notes
    -----
    Weights stay in the precision in which they are stored, and safetensors files are mapped into
    memory rather than read; arithmetic is in float32. A mapped file must not be changed while it
    is in use. :doc:`/user_guide/loading_saes` lists what each format has to contain.

    Examples
    --------
    A file in the form of Gemma Scope, of an autoencoder with four latents on two dimensions:

    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from sksupercode import load_sae
    >>> W_dec = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], dtype=np.float32)
    >>> zeros = {"b_dec": np.zeros(2, np.float32), "b_enc": np.zeros(4, np.float32)}
    >>> threshold = np.full(4, 0.5, np.float32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "params.npz")
    ...     np.savez(path, W_dec=W_dec, W_enc=W_dec.T, threshold=threshold, **zeros)
    ...     sae = load_sae(path)
    >>> sae.transform([[2.0, -0.25]]).toarray()
    array([[2., 0., 0., 0.]])
    """
    weights = read_weights(path, format=format)
    estimator = Transcoder if weights.is_transcoder else SparseAutoencoder
    return FrozenEstimator(estimator.from_weights(weights))

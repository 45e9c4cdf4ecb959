"""Sparse autoencoders from weight files."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Mapping

from sklearn.frozen import FrozenEstimator

from sksupercode.sae._formats._given import Given
from sksupercode.sae._formats._registry import read_weights
from sksupercode.sae._sparse_autoencoder import SparseAutoencoder
from sksupercode.sae._transcoder import Transcoder
from sksupercode.sae._weights import advice


def load_sae(path, *, format=None, k=None, normalization=None, scale=None, transcoder=None):
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
        The library or the release that it is from: "saelens", "gemma_scope", "gemma_scope_2",
        "sparsify", "dictionary_learning", "llama_scope", "llama_scope_r1", "qwen_scope",
        "qwen_transcoder", "clt", "hook_z", "goodfire", "deepseek_r1", "openai" or, refused with the
        reason, "temporal". None finds out by the names of files, then by their keys, and takes a
        directory only if it holds one autoencoder.

    k : int or None, default=None
        Number of active latents, for a file that does not have it. None takes it from the name of
        a folder that ends in ``L0_`` and a number, with a warning.

    normalization : str or None, default=None
        For a file that does not say how inputs are normalised: "none", "layer_norm",
        "constant_norm_rescale" or "expected_average", which needs ``scale``.

    scale : float or None, default=None
        What inputs are multiplied by before they are encoded, where the file does not have it:
        ``norm_scaling_factor`` in SAELens's list, or :math:`d^{-1/2}` for autoencoders of
        embeddings. Reconstructions of an autoencoder are divided by it.

    transcoder : bool or None, default=None
        Whether it is a transcoder, for a file that does not say. None is by the name of the
        folders, with a warning where it says "transcoder".

    Returns
    -------
    sae : sklearn.frozen.FrozenEstimator
        A fitted :class:`~sksupercode.SparseAutoencoder`, or :class:`~sksupercode.Transcoder` where
        the files are of one, whose weights survive :func:`~sklearn.base.clone`, ``fit`` and grid
        searches. It is ``sae.estimator``, and ``partial_fit`` trains it.

    Raises
    ------
    FileNotFoundError
        If there is nothing at ``path``, or the configuration that belongs to it is missing.

    PermissionError
        If a file may not be read.

    ImportError
        If the file is one of PyTorch's and PyTorch is not installed.

    ValueError
        If the format is not found out, a file is damaged, weights and configuration disagree, a
        parameter contradicts the file, or something is unknown or missing. The message names the
        file and the key.

    Warns
    -----
    UserWarning
        Where a value is taken from the name of a folder, what inputs were multiplied by is not in
        the file, or decoders of several layers are summed.

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
    if isinstance(path, Mapping):
        raise ValueError(f"path must be a str or a path, got {type(path).__name__}{advice(path)}.")
    given = Given(k=k, normalization=normalization, scale=scale, transcoder=transcoder)
    weights = read_weights(path, format=format, given=given)
    estimator = Transcoder if weights.is_transcoder else SparseAutoencoder
    return FrozenEstimator(estimator.from_weights(weights))

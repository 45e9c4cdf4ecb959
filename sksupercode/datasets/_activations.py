"""Real vectors of a transformer, and a sparse autoencoder of them."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from importlib.resources import files

import numpy as np
from sklearn.utils import Bunch

from sksupercode._utils._paths import existing_path

KEY = "embeddings.word_embeddings.weight"

DESCR = """\
Activations of all-MiniLM-L6-v2
-------------------------------

The residual stream of a transformer of 6 layers and 384 dimensions after its layer 3, which ends
with a layer normalisation, at 5,000 tokens of 1,000 passages of technical English, 5 tokens drawn
from each. The whole passage was the input; the special tokens [CLS] and [SEP] are left out. Stored
in float16, in the order of the passages.

The passages are a random thousand of those that `sksupercode.datasets.load_passages` finds in
scikit-learn 1.9 (BSD-3-Clause) and in the standard library of Python 3.11 (PSF licence, copyright
Python Software Foundation). Of the passages themselves only the drawn tokens are stored, with at
most 40 characters of the text on both sides.

Model: sentence-transformers/all-MiniLM-L6-v2 (Apache licence 2.0), of the authors of Sentence-BERT
(N. Reimers and I. Gurevych, 2019, arXiv:1908.10084), fine-tuned from MiniLM (W. Wang et al., 2020,
arXiv:2002.10957). `examples/make_activations.py` made the file, and makes larger ones.
"""


def load_activations():
    """Load activations of a real transformer on real text.

    =================   =============================
    Samples             5,000 tokens of 1,000 passages
    Dimensionality      384
    Model               all-MiniLM-L6-v2, after layer 3
    =================   =============================

    Returns
    -------
    activations : sklearn.utils.Bunch
        With attributes

        data : float32 ndarray of shape (5000, 384)
            The activations, one row a token.
        tokens : ndarray of str, shape (5000,)
            The tokens; pieces that continue a word begin with ``"##"``.
        contexts : ndarray of str, shape (5000,)
            The text around each token, which stands between "«" and "»".
        passages : ndarray of int, shape (5000,)
            The number of the passage of each token.
        positions : ndarray of int, shape (5000,)
            The place of the token in its passage, from 0 on.
        sources : list of str of length 1000
            For each passage, the file that it is from.
        DESCR : str
            Description of the data, how they were made, and the licences.

    See Also
    --------
    load_passages : The texts.
    load_activations_sae : A sparse autoencoder that was trained on most of them.
    load_token_embeddings : Another kind of real vectors.
    sksupercode.sae.compare_decoders : Compare sparse autoencoders and decoders on them.

    Notes
    -----
    Activations of tokens of the same passage are dependent. Split into training and test data by
    passages, with ``groups=activations.passages``, or at a row, since rows are in the order of the
    passages.

    Examples
    --------
    >>> from sksupercode.datasets import load_activations
    >>> activations = load_activations()
    >>> activations.data.shape
    (5000, 384)
    >>> len(set(activations.passages))
    1000
    """
    path = files("sksupercode.datasets") / "data" / "minilm_activations.npz"
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return Bunch(
            data=arrays["data"].astype(np.float32),
            tokens=arrays["tokens"],
            contexts=arrays["contexts"],
            passages=arrays["passages"].astype(np.intp),
            positions=arrays["positions"].astype(np.intp),
            sources=arrays["sources"].tolist(),
            DESCR=DESCR,
        )


def load_activations_sae():
    """Load a sparse autoencoder that was trained on :func:`load_activations`.

    ============   =========================
    Architecture   TopK, k = 32
    Latents        2,048
    Dimensions     384
    Precision      float16
    ============   =========================

    Returns
    -------
    sae : sklearn.frozen.FrozenEstimator
        A fitted :class:`~sksupercode.SparseAutoencoder`, as :func:`~sksupercode.load_sae` gives it.

    See Also
    --------
    load_activations : What it was trained on.
    sksupercode.load_sae : Autoencoders that other libraries have trained.

    Notes
    -----
    The autoencoder was trained on the first 4,000 of the 5,000 activations, which are of 800
    passages. They are so few that it explains them far better than others. Training started from
    the dictionary of a :class:`~sksupercode.DictionaryLearner`. This start and the number of
    passes, 40, were chosen on the next 500: of these, a start at samples explains less, and so do
    20 and 80 passes. Compare decoders on the last 500, which were not used for any choice.

    ``examples/make_sae.py`` made the files, in the format of SAELens.

    Examples
    --------
    >>> from sksupercode.datasets import load_activations, load_activations_sae
    >>> sae = load_activations_sae()
    >>> sae.dictionary_.shape
    (2048, 384)
    >>> X = load_activations().data[4500:]
    >>> print(f"explained variance {sae.score(X):.2f}")
    explained variance 0.76
    """
    from sksupercode.sae import load_sae

    return load_sae(files("sksupercode.datasets") / "data" / "minilm_sae")


def load_token_embeddings(path):
    """Load the token embeddings of a BERT-like model from its safetensors file.

    Parameters
    ----------
    path : str or os.PathLike
        The file, or the directory of a model with a file ``model.safetensors``. It is read without
        PyTorch.

    Returns
    -------
    embeddings : float32 ndarray of shape (n_tokens, d)
        The tensor ``embeddings.word_embeddings.weight``, one row a token of the vocabulary. Its key
        may have a prefix, such as ``bert.``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.

    ValueError
        If it is not a safetensors file, or has no such matrix of finite floats.

    References
    ----------
    .. [1] M. Faruqui et al., "Sparse overcomplete word vector representations", 2015,
       arXiv:1506.02004.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from safetensors.numpy import save_file
    >>> from sksupercode.datasets import load_token_embeddings
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "model.safetensors")
    ...     save_file({"embeddings.word_embeddings.weight": np.eye(3, 2)}, path)
    ...     load_token_embeddings(folder)
    array([[1., 0.],
           [0., 1.],
           [0., 0.]], dtype=float32)
    """
    from safetensors import safe_open

    path = existing_path(path)
    if path.is_dir():
        path = existing_path(path / "model.safetensors")
    try:
        with safe_open(path, framework="np") as tensors:
            keys = [key for key in tensors.keys() if f".{key}".endswith(f".{KEY}")]
            embeddings = tensors.get_tensor(keys[0]) if len(keys) == 1 else None
    except Exception as error:
        raise ValueError(f"{path}: cannot be read as a safetensors file: {error}") from error
    if embeddings is None:
        raise ValueError(
            f"{path}: must have one tensor {KEY!r}, with or without a prefix; got {len(keys)}."
        )
    if embeddings.ndim != 2 or 0 in embeddings.shape or embeddings.dtype.kind in "iub":
        raise ValueError(
            f"{path}: {keys[0]!r} must be a matrix of floats, got shape {embeddings.shape} and "
            f"dtype {embeddings.dtype}."
        )
    embeddings = embeddings.astype(np.float32)
    if not np.isfinite(embeddings).all():
        raise ValueError(f"{path}: {keys[0]!r} contains NaN or infinity.")
    return embeddings

"""Vectors of English words."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from importlib.resources import files

import numpy as np
from sklearn.utils import Bunch

DESCR = """\
Word embeddings of all-MiniLM-L6-v2
-----------------------------------

The token embeddings of a transformer, before its first layer, for 5,000 English words: the first
tokens of its vocabulary that have at least three letters, only letters from a to z, and do not
continue a word. The vocabulary is WordPiece's of lower-case BERT, where common words come first. A
few tokens are fragments, such as "didn" of "didn't".

Entries are rounded to multiples of an eighth of their standard deviation, stored in 8 bits. The
rounding is .13 % of the sum of squares.

Model: sentence-transformers/all-MiniLM-L6-v2 (Apache licence 2.0), of the authors of Sentence-BERT
(N. Reimers and I. Gurevych, 2019, arXiv:1908.10084), fine-tuned from MiniLM (W. Wang et al., 2020,
arXiv:2002.10957). `examples/make_word_embeddings.py` made the file, and makes larger ones.
"""


def load_word_embeddings():
    """Load vectors of common English words, the token embeddings of a real transformer.

    =================   =================================
    Samples             5,000 words
    Dimensionality      384
    Model               all-MiniLM-L6-v2, before layer 1
    =================   =================================

    Returns
    -------
    embeddings : sklearn.utils.Bunch
        With attributes

        data : float32 ndarray of shape (5000, 384)
            The embeddings, one row a word, neither centred nor normalised.
        words : ndarray of str, shape (5000,)
            The words, common ones first.
        DESCR : str
            Description of the data, how they were made, and the licence.

    See Also
    --------
    load_token_embeddings : The whole vocabulary of any such model.
    sksupercode.DictionaryLearner : Learns codewords of which each is used by related words.

    Examples
    --------
    >>> from sksupercode.datasets import load_word_embeddings
    >>> embeddings = load_word_embeddings()
    >>> embeddings.data.shape
    (5000, 384)
    >>> print(*embeddings.words[:5])
    the and was for with
    """
    path = files("sksupercode.datasets") / "data" / "minilm_words.npz"
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return Bunch(
            data=arrays["data"] * arrays["step"],
            words=arrays["words"],
            DESCR=DESCR,
        )

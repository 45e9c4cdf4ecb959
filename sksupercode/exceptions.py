"""Warnings that users may want to filter or to turn into errors."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

__all__ = ["CodebookMismatchWarning", "MassiveActivationsWarning"]


class CodebookMismatchWarning(UserWarning):
    """The codes y, superposed with the decoder's dictionary, are uncorrelated with X.

    Emitted by ``fit`` of every decoder when the data show that X was written with another codebook
    than that of the decoder. Reasons are another seed on one of the two steps, another kind of
    encoder, other parameters of it, or a vectorizer that orders its vocabulary differently.
    """


class MassiveActivationsWarning(UserWarning):
    """A few samples of very large norm have most of the variance.

    Language models have massive activations [1]_: those of a few tokens, often the first of each
    text, have 20 to 150 times the norm of the others. A pooled fraction of variance unexplained
    speaks of them alone, and what learns from all samples learns these first.

    Emitted if all of this is so:

    * there are 100 samples or more, and at most 5 % of them have norms above about ten times the
      median (9.5 to 11.3 times);
    * they are a group apart and no tail: fewer samples have norms from half of that limit up to it;
    * without them the variance falls by more than half.

    Ten medians are also a sensible limit, ``max_norm=10 * np.median(np.linalg.norm(X, axis=1))``.

    References
    ----------
    .. [1] M. Sun, X. Chen, J. Z. Kolter and Z. Liu, "Massive activations in large language models",
       2024, arXiv:2402.17762.
    """

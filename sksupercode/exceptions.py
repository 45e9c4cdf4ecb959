"""Warnings that users may want to filter or to turn into errors."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

__all__ = ["CodebookMismatchWarning"]


class CodebookMismatchWarning(UserWarning):
    """The codes y, superposed with the decoder's dictionary, are uncorrelated with X.

    Emitted by ``fit`` of every decoder when the data show that X was written with another codebook
    than that of the decoder. Reasons are another seed on one of the two steps, another kind of
    encoder, or a vectorizer that orders its vocabulary differently.
    """

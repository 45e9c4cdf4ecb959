"""What the numbers of a report on a dictionary mean for decoding, in plain sentences."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from sksupercode.inspection._geometry import NEARLY_SAME

# Cosines this close to 1 are those of equal codewords in float32, but for rounding.
_SAME = 1e-6
# Eigenvalues below this part of the largest are 0, but for rounding.
_ZERO = 1e-6
# By how much the effective dimension differs from d, and by how many standard deviations.
_DIFFERS, _DEVIATIONS = 0.1, 4


def verdict(report):
    """Return a sentence or more, for readers who do not know what the numbers should be."""
    parts = (_of_rank, _of_all, _of_few, _of_pair, _of_shape)
    return " ".join(sentence for sentence in (part(report) for part in parts) if sentence)


def _rank(report):
    return int(np.count_nonzero(report.eigenvalues > _ZERO * report.eigenvalues[0]))


def _of_rank(report):
    rank, full = _rank(report), min(report.n_features, report.n_components)
    if rank == full:
        return None
    return (
        f"The codewords span only {rank:,} of {report.n_components:,} dimensions, where random "
        f"ones span {full:,}."
    )


def _of_all(report):
    d = report.n_components
    if report.rms_cosine < _SAME:
        return "The codewords are orthogonal, and one step reads any code."
    ratio = report.effective_dimension / d
    if ratio < 1 - _DIFFERS and report.z_score > _DEVIATIONS:
        return (
            "The codewords are more correlated than random ones, and interfere as those would in "
            f"{report.effective_dimension:,.0f} dimensions: decoders need more dimensions than "
            "theory says."
        )
    if ratio > 1 + _DIFFERS and report.z_score < -_DEVIATIONS:
        return (
            "The codewords are closer to orthogonal than random ones: decoders need fewer "
            "dimensions than theory says."
        )
    return "The codewords are like random ones, for which theory says how well decoders do."


def _of_few(report):
    n, d = report.n_features, report.n_components
    if n > d or _rank(report) < n:
        return None
    return (
        "As N is no more than d and they are linearly independent, least squares reads any code "
        "without noise."
    )


def _of_shape(report):
    if report.n_latents >= report.n_components:
        return None
    return (
        "There are fewer codewords than dimensions. Rows of an array are codewords: pass the "
        "transpose if columns are."
    )


def _of_pair(report):
    cosine, (i, j) = report.cosines.pair_cosine, report.cosines.pair
    size, pair = abs(cosine), f"Codewords {i:,} and {j:,}"
    if size > 1 - _SAME:
        if cosine < 0:
            return (
                f"{pair} are opposite to six digits, and only nonnegative values tell them apart."
            )
        return f"{pair} are the same to six digits, and no decoder tells them apart."
    if size > max(NEARLY_SAME, report.coherence_random):
        kind = "the same" if cosine > 0 else "opposite"
        return (
            f"{pair} are nearly {kind} (cosine {cosine:.3f}), and decoders may take one for the "
            "other."
        )
    return None

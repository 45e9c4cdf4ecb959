"""Which codewords begin again, with what, and what a step does to those that are used."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csc_array

from sksupercode.learning._redundancy import redundant_codewords
from sksupercode.learning._restarts import shared_codewords
from sksupercode.learning._update import update_codewords

E = np.eye(8)


def unit(*codewords):
    codewords = np.array(codewords, dtype=np.float32)
    return codewords / np.linalg.norm(codewords, axis=1, keepdims=True)


@pytest.mark.parametrize("is_signed", [True, False])
def test_doubles_are_redundant_where_they_are_less_active(is_signed):
    # The cosines are .96, .93 and -.96: what is left of a double is .1 at most.
    F = unit(
        E[0], 24 * E[0] + 7 * E[1], E[2], 0.93 * E[2] + 0.37 * E[3], E[4], -24 * E[4] + 7 * E[5]
    )
    for uses, expected in (([5, 3, 9, 9, 5, 3], [1, 5]), ([3, 5, 9, 9, 3, 5], [0, 4])):
        expected = expected[:1] if is_signed else expected
        found = redundant_codewords(F, np.array(uses), is_signed=is_signed)
        assert_array_equal(found, expected)


def test_the_other_part_of_a_double_does_not_matter():
    """Even if that is redundant itself."""
    F = unit(E[0], 24 * E[0] + 7 * E[4], E[4], 24 * E[4] + 7 * E[5])
    assert_array_equal(redundant_codewords(F, np.array([9, 5, 0, 9]), is_signed=True), [1, 2])


def test_what_two_others_explain_is_redundant_while_both_are_kept():
    merged = unit(E[0], E[1], E[0] + E[1])
    assert_array_equal(redundant_codewords(merged, np.array([9, 9, 5]), is_signed=True), [2])
    # A part is the merged one less the other part, for coefficients of either sign alone.
    assert_array_equal(redundant_codewords(merged, np.array([5, 9, 9]), is_signed=True), [2])
    assert_array_equal(redundant_codewords(merged, np.array([5, 9, 9]), is_signed=False), [0])
    # The first part is redundant itself.
    F = unit(E[0], E[1], E[0] + E[1], 24 * E[0] + 7 * E[2])
    assert_array_equal(redundant_codewords(F, np.array([1, 9, 5, 9]), is_signed=True), [0])


def test_codewords_that_two_features_share_are_told_by_their_residuals():
    """Along one direction, and longer than a third of the coefficients."""
    codewords = unit(E[0], E[1], E[2], E[7])
    residuals = np.zeros((33, 8), dtype=np.float32)
    # The longest residual is not along the direction of most.
    residuals[:10, 3] = 0.5 * np.resize([1, -1], 10)
    residuals[10, 3:5] = 0.3, 0.55
    residuals[11:22, 5] = 0.3 * np.resize([1, -1], 11)
    residuals[22:, 6] = 0.4 * np.resize([1, -1], 11)
    Z = csc_array(np.repeat(np.eye(4, dtype=np.float32)[:3], 11, axis=0))
    (energy, *_), vectors = np.linalg.eigh(-residuals[:11].T @ residuals[:11])
    direction = vectors[:, 0] * np.sign(vectors[4, 0])
    expected = unit(E[0] + np.sqrt(-energy / 11) * direction, E[2] + 0.4 * E[6])
    found = shared_codewords(Z, residuals, codewords, 4)
    assert_allclose(found, expected, atol=1e-4)
    assert_array_equal(shared_codewords(Z, residuals, codewords, 1), found[:1])


def test_one_codeword_is_updated_by_least_squares():
    """And residuals with it; what it was fitted to before counts by its weight."""
    rng = np.random.default_rng(0)
    z, V = rng.random(20), rng.standard_normal((20, 100)).astype(np.float32)
    f = unit(rng.standard_normal(100))
    Z = csc_array(z[:, np.newaxis].astype(np.float32))
    for weight in (0.0, 3.0):
        residuals, codewords = V - Z @ f, f.copy()
        weights = update_codewords(Z, residuals, codewords, np.array([weight]), rng)
        best = (z @ V + weight * f[0]) / (z @ z + weight)
        assert_allclose(weights, z @ z + weight, rtol=1e-6)
        assert_allclose(codewords[0], best / np.linalg.norm(best), atol=1e-5)
        assert_allclose(residuals, V - z[:, np.newaxis] * best, atol=1e-5)

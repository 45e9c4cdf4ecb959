"""Coupled state evolution: against its definition, its limits, and message passing itself."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sksupercode import AMPDecoder, CoupledEncoder, theory
from sksupercode.datasets import make_sparse_codes


@pytest.mark.parametrize("n_blocks, width", [(1, 1), (1, 4), (7, 1), (6, 3), (3, 5)])
@pytest.mark.parametrize("noise_variance", [0.0, 0.02])
def test_against_the_definition(n_blocks, width, noise_variance):
    density, undersampling, n_iter = 0.05, 0.2, 8
    n_rows = n_blocks + width - 1
    # Codewords of unit norm, spread over W of R blocks of N delta / R dimensions each.
    share = n_rows / (width * undersampling)
    error = np.full(n_blocks, density)
    for variances in theory.coupled_amp_state_evolution(
        density, undersampling, n_blocks, width, noise_variance, n_iter=n_iter
    ):
        t = [
            noise_variance
            + share / n_blocks * sum(error[c] for c in range(n_blocks) if c <= r < c + width)
            for r in range(n_rows)
        ]
        with np.errstate(divide="ignore"):
            tau = [width / sum(1 / t[r] for r in range(c, c + width)) for c in range(n_blocks)]
        assert_allclose(variances, tau, rtol=1e-9)
        error = theory.bernoulli_mmse(density, np.maximum(variances, 1e-300))


@pytest.mark.parametrize("width", [1, 4])
def test_one_block_is_not_coupled(width):
    density = np.array([0.01, 0.1, 1.0])
    path = theory.coupled_amp_state_evolution(density, 0.06, 1, width, 0.01, n_iter=20)
    assert path.shape == (3, 21, 1)
    expected = theory.amp_state_evolution(density, 0.06, 0.01, n_iter=20)
    assert_allclose(path[..., 0], expected, rtol=1e-12)
    d = theory.coupled_amp_dimension(2**16, 2**8, 1, width)
    assert_allclose(d, theory.amp_dimension(2**16, 2**8), rtol=1e-12)


def test_it_is_symmetric_and_decreases():
    path = theory.coupled_amp_state_evolution(0.1, [0.15, 0.3], 9, 3, n_iter=60)
    assert path.shape == (2, 61, 9)
    assert_allclose(path, path[..., ::-1], rtol=1e-9)
    assert np.all(np.diff(path, axis=-2) <= 1e-12)


def test_waves_come_from_the_ends():
    variances = theory.coupled_amp_state_evolution(1 / 64, 0.05, 24, 4, n_iter=25)[-1]
    assert np.all(np.diff(variances[:12]) >= 0)
    assert variances[0] < 1e-6 and variances[11] > 0.1


@pytest.mark.long
def test_dimension_separates():
    n_blocks, width = 12, 3
    n, k = 2**16, 2**11
    d = theory.coupled_amp_dimension(n, k, n_blocks, width)
    last = [
        theory.coupled_amp_state_evolution(k / n, a * d / n, n_blocks, width, n_iter=400)[-1].max()
        for a in (0.97, 1.03)
    ]
    assert last[0] > 0.05 and last[1] < 1e-3


@pytest.mark.long
def test_coupling_saves_dimensions():
    n, k = 2**16, 2**10
    uncoupled = theory.amp_dimension(n, k)
    d = [theory.coupled_amp_dimension(n, k, n_blocks, 3) for n_blocks in (8, 32)]
    assert np.all(np.diff([uncoupled, *d]) < 0)
    wide = theory.coupled_amp_dimension(n, k, 63, 6)
    assert wide < d[-1] and wide > theory.counting_dimension(n, k)
    assert theory.entropy(n, k) / d[-1] == pytest.approx(2.68, abs=0.01)


def test_dimension_of_arrays_and_ends():
    d = theory.coupled_amp_dimension([[2**10], [2**60]], [1, 2**10], 6, 2)
    assert d.shape == (2, 2) and np.all(np.isfinite(d)) and np.all(d >= 0)
    assert d[0, 1] == 0
    k = np.array([1, 100])
    assert_allclose(
        theory.coupled_amp_dimension(256, k, 6, 2),
        theory.coupled_amp_dimension(256, 256 - k, 6, 2),
        rtol=1e-12,
    )


def test_message_passing_follows_it():
    # Over 2 * 10 - 1 blocks of 862 codewords. The mean over dimensions of the residual's power is
    # that of the blocks' mean squared errors over delta. Averages over 8 samples of d = 4,000 have
    # a sampling error of sqrt(2 / 32,000) = 0.8 %, which iterations add up; 5 % are allowed.
    n, k, d, n_iter = 2**14, 2**11, 4000, 12
    Y = make_sparse_codes(n_samples=8, n_features=n, n_nonzero_coefs=k, random_state=3)
    encoder = CoupledEncoder(d, n_blocks=10, coupling_width=2, random_state=3)
    X = encoder.fit_transform(Y)
    decoder = AMPDecoder(encoder, max_iter=n_iter, convergence_tol=0.0).fit(X, Y)
    measured = decoder.effective_variance(X)[:, : n_iter + 1].mean(axis=0)
    path = theory.coupled_amp_state_evolution(k / n, d / n, 19, 4, n_iter=n_iter)
    errors = theory.bernoulli_mmse(k / n, np.maximum(path, 1e-300)).mean(axis=-1) * n / d
    expected = np.array([k / d, *errors[:-1]])
    relevant = expected > 0.01
    assert relevant.sum() > 8
    assert_allclose(measured[relevant], expected[relevant], rtol=0.05)


@pytest.mark.parametrize("name, position", [("n_blocks", 2), ("coupling_width", 3)])
@pytest.mark.parametrize("value", [0, 1.5, 10**5, [2, 3], "x"])
def test_illegal_blocks(name, position, value):
    for function, start in (
        (theory.coupled_amp_state_evolution, [0.1, 0.3]),
        (theory.coupled_amp_dimension, [100, 10]),
    ):
        arguments = [*start, 4, 2]
        arguments[position] = value
        with pytest.raises(ValueError, match=name):
            function(*arguments)


def test_no_iterations():
    path = theory.coupled_amp_state_evolution(0.1, 0.3, 3, 2, n_iter=0)
    assert_array_equal(path.shape, (1, 3))

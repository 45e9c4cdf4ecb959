# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from sksupercode import AdaptiveSuccessiveDecoder, AMPDecoder, GaussianChannel, RademacherEncoder
from sksupercode.datasets import make_sparse_codes
from sksupercode.theory import exponential_power_allocation


def problem(n_samples, k, section_size, rate, snr, powers, seed=0):
    Y = make_sparse_codes(
        n_samples, k * section_size, n_nonzero_coefs=k, sections=True, random_state=seed
    )
    capacity = np.log1p(snr) / 2
    d = round(k * np.log(section_size) / (rate * capacity))
    encoder = RademacherEncoder(d, power_allocation=powers, random_state=seed)
    X = encoder.fit_transform(Y)
    return encoder, GaussianChannel(1 / snr, relative=True, random_state=1).fit_transform(X), Y


def section_error_rate(decoder, X, Y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return 1 - decoder.fit(X, Y).predict(X).multiply(Y).sum() / Y.nnz


def literal(F, x, k, margin):
    """The decoder, one section and one step at a time, for sections of equal size."""
    size = len(F) // k
    found, residual = {}, x.copy()
    norms = np.linalg.norm(F, axis=1)
    while len(found) < k:
        statistics = F @ residual / norms / np.sqrt(np.mean(residual**2))
        new = {}
        for section in set(range(k)) - set(found):
            best = section * size + np.argmax(statistics[section * size : (section + 1) * size])
            if statistics[best] > np.sqrt(2 * np.log(size)) + margin:
                new[section] = best
        if not new:
            return None
        found |= new
        residual = residual - F[list(new.values())].sum(axis=0)
    return sorted(found.values())


@pytest.mark.parametrize("margin", [0.3, 1.0])
def test_is_the_literal_decoder(margin):
    encoder, X, Y = problem(20, 16, 32, 0.35, 15.0, None)
    F = np.asarray(encoder.dictionary_, dtype=np.float64)
    decoder = AdaptiveSuccessiveDecoder(encoder, margin=margin).fit(X, Y)
    expected = [literal(F, x, 16, margin) for x in X]
    n_stuck = sum(code is None for code in expected)
    assert 0 < n_stuck < 20
    with pytest.warns(ConvergenceWarning, match=f"{n_stuck} of 20 samples have sections"):
        codes = decoder.predict(X).indices.reshape(20, 16)
    for code, literal_code in zip(codes, expected, strict=True):
        if literal_code is not None:
            assert_array_equal(code, literal_code)


@pytest.mark.long
def test_power_allocation_and_message_passing_are_better():
    """Section error rates 0.02, 0.3 and 0.00 at 0.4 of the capacity; 10 samples of 256 sections.

    Where the sections of a sample stand or fall together, a rate of 0.3 has a standard error of
    0.14, but it does not come near 0.05.
    """
    snr, k = 15.0, 256
    powers = exponential_power_allocation(k, snr)
    rates = [
        section_error_rate(make(encoder), X, Y)
        for make, allocation in [
            (AdaptiveSuccessiveDecoder, powers),
            (AdaptiveSuccessiveDecoder, None),
            (lambda encoder: AMPDecoder(encoder, sections=True), None),
        ]
        for encoder, X, Y in [problem(10, k, 64, 0.4, snr, allocation)]
    ]
    assert rates[0] < 0.08
    assert rates[1] > 0.12
    assert rates[2] < 0.01


def test_undecided_sections_get_their_best_codeword():
    encoder, X, Y = problem(5, 8, 16, 3.0, 1.0, None)
    decoder = AdaptiveSuccessiveDecoder(encoder).fit(X, Y)
    with pytest.warns(ConvergenceWarning, match="5 of 5 samples have sections"):
        codes = decoder.predict(X)
    assert_array_equal(codes.indices.reshape(5, 8) // 16, np.tile(np.arange(8), (5, 1)))


def test_a_section_of_zero_codewords_gets_none():
    F = np.vstack([10 * np.eye(4), np.zeros((4, 4))])
    decoder = AdaptiveSuccessiveDecoder(F, 2).fit(F[:2])
    with pytest.warns(ConvergenceWarning, match="2 of 2 samples have sections"):
        codes = decoder.transform(F[:2]).toarray()
    assert_array_equal(codes, np.eye(8)[:2])


@pytest.mark.parametrize("margin", [-0.1, np.inf, "1"])
def test_illegal_margin(margin):
    with pytest.raises(ValueError, match="margin must be a finite real number >= 0"):
        AdaptiveSuccessiveDecoder(np.eye(3), 1, margin=margin).fit(np.ones((2, 3)))

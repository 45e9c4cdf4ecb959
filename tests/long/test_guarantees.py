"""What the theorems promise, on codebooks that are drawn and decoded.

A guarantee "the failure probability is at most p" is violated if so many failures, or more, would
have had probability below 0.00135, that of 3 standard errors, under a failure probability of p.
Guarantees are also seen to fail at a fraction of their dimension, where there are failures enough,
and limits to be near enough to what is measured that a much stricter one would be violated.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import os
from functools import partial
from itertools import combinations
from math import ceil, comb, floor

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import binomtest

from sksupercode import RademacherEncoder, SphericalEncoder, ThresholdDecoder, TopKDecoder, theory
from sksupercode.channels import GaussianChannel
from sksupercode.datasets import make_sparse_codes

pytestmark = pytest.mark.long

REPEATS = int(os.environ.get("SKSUPERCODE_LONG_REPEATS", "1"))
ALPHA = 0.00135


def exceeds(n_failures, n_trials, probability):
    """Whether so many failures refute a failure probability of at most ``probability``."""
    return binomtest(n_failures, n_trials, probability, alternative="greater").pvalue < ALPHA


def count_failures(make_decoder, n_features, k, n_components, n_codebooks):
    """Return how many codebooks fail on a code of their own; codebooks are independent."""
    rng = np.random.default_rng([n_features, k, n_components])
    failures = 0
    for seed in range(n_codebooks):
        Y = make_sparse_codes(1, n_features, n_nonzero_coefs=k, random_state=rng)
        encoder = RademacherEncoder(n_components, random_state=seed)
        X = encoder.fit_transform(Y)
        failures += make_decoder(encoder).fit(X, Y).score(X, Y) < 1
    return failures


@pytest.mark.parametrize("p", [0.5, 0.1])
@pytest.mark.parametrize("n_features, k", [(256, 1), (256, 2), (512, 4), (512, 16)])
@pytest.mark.parametrize("decoder", ["threshold", "top-k"])
def test_finite_size_guarantees(decoder, n_features, k, p, record_property):
    """Proposition 5 with all its constants."""
    if decoder == "threshold":
        d, tau = theory.threshold_guarantee_dimension(n_features, k, p, return_threshold=True)
        n_components = ceil(d)
        make_decoder = partial(ThresholdDecoder, threshold=float(tau))
    else:
        n_components = ceil(theory.topk_guarantee_dimension(n_features, k, p))
        make_decoder = TopKDecoder
    n_trials = 250 * REPEATS
    failures = count_failures(make_decoder, n_features, k, n_components, n_trials)
    record_property(f"{decoder} {n_features, k, n_components} p {p}", f"{failures}/{n_trials}")
    assert not exceeds(failures, n_trials, p)
    # For k <= 2 the scores are bounded closely, and the guarantee is loose.
    too_few = n_components // (3 if k > 2 else 6)
    failures = count_failures(make_decoder, n_features, k, too_few, 100)
    assert exceeds(failures, 100, p)


@pytest.mark.parametrize("p", [0.5, 0.1])
@pytest.mark.parametrize("n_features, coherence", [(64, 0.4), (128, 0.25), (256, 0.3)])
def test_coherence(n_features, coherence, p, record_property):
    """Proposition 1, with the pairs counted exactly, which is a little stronger than as printed."""
    limit = theory.coherence_dimension(n_features, coherence, p, sharp=True)
    assert limit < theory.coherence_dimension(n_features, coherence, p)
    n_components, n_trials = ceil(limit), 200 * REPEATS
    failures = sum(
        max_coherence(n_features, n_components, seed) >= coherence for seed in range(n_trials)
    )
    record_property(f"{n_features, coherence, n_components} p {p}", f"{failures}/{n_trials}")
    assert not exceeds(failures, n_trials, p)
    half = sum(
        max_coherence(n_features, n_components // 2, seed) >= coherence for seed in range(60)
    )
    assert exceeds(half, 60, p)


def max_coherence(n_features, n_components, seed):
    encoder = RademacherEncoder(n_components, random_state=seed)
    F = np.sign(encoder.fit_transform(csr_array(np.eye(n_features)))).astype(np.float32)
    gram = F @ F.T
    np.fill_diagonal(gram, 0)
    return np.abs(gram).max() / n_components


def all_codes(n_features, k):
    """Every code of k nonzero entries, once."""
    columns = np.array(list(combinations(range(n_features), k)))
    rows = np.repeat(np.arange(len(columns)), k)
    ones = np.ones(columns.size)
    return csr_array((ones, (rows, columns.ravel())), shape=(len(columns), n_features))


def superposition_counts(n_features, k, n_components, n_codebooks):
    """For each codebook, how often each of its superpositions occurs among all codes."""
    codes = all_codes(n_features, k)
    for seed in range(n_codebooks):
        X = RademacherEncoder(n_components, random_state=seed).fit_transform(codes)
        digits = np.rint(X * np.sqrt(n_components)).astype(np.int64) + k
        numbers = digits @ (2 * k + 1) ** np.arange(n_components)
        yield np.unique(numbers, return_inverse=True, return_counts=True)[1:]


@pytest.mark.parametrize("p", [0.5, 0.1])
@pytest.mark.parametrize("n_features, k", [(40, 2), (20, 3), (14, 5)])
def test_unique_decoding(n_features, k, p, record_property):
    """The code of a random support is nobody else's, with probability at least 1 - p."""
    n_trials = 300 * REPEATS
    n_components = ceil(theory.unique_decoding_dimension(n_features, k, p))

    def ambiguous(n_components, n_codebooks):
        counts = superposition_counts(n_features, k, n_components, n_codebooks)
        return np.array([np.mean(count[which] > 1) for which, count in counts])

    shares = ambiguous(n_components, n_trials)
    error = shares.std(ddof=1) / np.sqrt(n_trials)
    record_property(
        f"ambiguous {n_features, k, n_components} p {p}", f"{shares.mean():.4f} +- {error:.4f}"
    )
    assert shares.mean() <= p + 3 * error
    shares = ambiguous(n_components // 2, 60)
    assert shares.mean() > p + 3 * shares.std(ddof=1) / np.sqrt(60)


@pytest.mark.parametrize("n_features, k", [(40, 2), (20, 3), (14, 5)])
def test_counting(n_features, k, record_property):
    """A code holds at most d h_k bits on average, so that below a dimension some are lost."""
    limit = theory.counting_dimension(n_features, k)
    for n_components in (floor(limit), floor(limit / 2)):
        bits = []
        for _, count in superposition_counts(n_features, k, n_components, 100 * REPEATS):
            frequency = count / comb(n_features, k)
            bits.append(-(frequency * np.log2(frequency)).sum())
        mean, error = np.mean(bits), np.std(bits, ddof=1) / np.sqrt(len(bits))
        most = n_components * theory.entropy(n_features, k) / limit
        record_property(
            f"bits {n_features, k, n_components}", f"{mean:.3f} +- {error:.3f} <= {most:.3f}"
        )
        assert mean <= most + 3 * error
        assert mean < theory.entropy(n_features, k)
    # Far below the limit, the last of the two, a bound lower by a fifth would not hold.
    assert mean > 0.8 * most


@pytest.mark.parametrize("encoder_class", [RademacherEncoder, SphericalEncoder])
@pytest.mark.parametrize("noise_variance", [0.25, 1.0, 4.0])
@pytest.mark.parametrize("fraction", [0.4, 0.8, 1.2])
def test_fano_converse(encoder_class, noise_variance, fraction, record_property):
    """Proposition 2: no code of N messages does better, at ``fraction`` of 2 ln N / ln(1 + 1/P).

    The codewords have unit norm, so that 1/d is the variance per coordinate. All messages of a
    codebook are sent, which makes its rate that of an equiprobable message.
    """
    n_features = 512
    cost = 1 / theory.channel_capacity(noise_variance, unit="nats")
    n_components = round(fraction * cost * np.log(n_features))
    rng = np.random.default_rng(0)
    channel = GaussianChannel(noise_variance / n_components, random_state=rng)
    Y = csr_array(np.eye(n_features))
    rates = []
    for seed in range(8 * REPEATS):
        encoder = encoder_class(n_components, random_state=seed)
        X = channel.fit_transform(encoder.fit_transform(Y))
        rates.append(TopKDecoder(encoder).fit(X, Y).score(X, Y))
    rate, error = np.mean(rates), np.std(rates, ddof=1) / np.sqrt(len(rates))
    failure = min(1 - rate + 3 * error, 1)
    needed = theory.fano_dimension(n_features, noise_variance, failure)
    tight = theory.fano_dimension(n_features, noise_variance, failure, tight=True)
    record_property(
        f"{encoder_class.__name__} P {noise_variance} d {n_components}",
        f"failure {1 - rate:.4f} +- {error:.4f}, needs {needed:.1f}, {tight:.1f}",
    )
    assert needed <= tight <= n_components
    if encoder_class is SphericalEncoder and fraction > 0.5:
        assert tight > 0.35 * n_components


@pytest.mark.parametrize("n_features, k", [(1024, 1), (1024, 2), (2048, 8), (2048, 16)])
def test_threshold_converse(n_features, k, record_property):
    """Proposition 4: at its dimension, none of a range of thresholds decodes half of the codes."""
    n_components = floor(theory.threshold_converse_dimension(n_features, k))
    n_trials = 400 * REPEATS
    rng = np.random.default_rng(0)
    taus = np.linspace(0.3, 1.2, 10)
    hits = np.zeros((taus.size, n_trials // 20))
    for seed in range(hits.shape[1]):
        Y = make_sparse_codes(20, n_features, n_nonzero_coefs=k, random_state=rng)
        encoder = RademacherEncoder(n_components, random_state=seed)
        X = encoder.fit_transform(Y)
        hits[:, seed] = [
            ThresholdDecoder(encoder, threshold=tau).fit(X, Y).score(X, Y) for tau in taus
        ]
    rates, errors = hits.mean(axis=1), hits.std(axis=1, ddof=1) / np.sqrt(hits.shape[1])
    best = rates.argmax()
    record_property(f"best {n_features, k, n_components}", f"{rates[best]:.3f} at {taus[best]:.1f}")
    assert (rates + 3 * errors < 0.5).all()

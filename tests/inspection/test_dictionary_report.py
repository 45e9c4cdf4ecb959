# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import tracemalloc

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.linalg import hadamard
from scipy.sparse import csr_array
from sklearn.frozen import FrozenEstimator

from sksupercode import (
    AMPDecoder,
    MatchingPursuitDecoder,
    RademacherEncoder,
    SparseAutoencoder,
    SphericalEncoder,
    ThresholdDecoder,
    TopKDecoder,
    theory,
)
from sksupercode.dictionaries import DenseDictionary
from sksupercode.inspection import DictionaryReport, _geometry, dictionary_report
from sksupercode.model_selection import predicted_dimension
from sksupercode.plotting import DictionaryReportDisplay
from sksupercode.sae import SAEWeights

N, D = 30, 7


def make_dictionary(seed=0):
    """Codewords of many norms, one of them zero and two with a large negative cosine."""
    rng = np.random.default_rng(seed)
    F = rng.standard_normal((N, D)) * rng.lognormal(size=(N, 1))
    F[4] = 0
    F[20] = -3 * F[8] + 0.01 * F[9]
    return F


def make_sae(F=None, k=3, **changes):
    F = make_dictionary() if F is None else F
    b_dec, b_enc = np.full(F.shape[1], 0.5), np.zeros(len(F))
    weights = {"architecture": "topk", "W_dec": F, "b_dec": b_dec, "W_enc": F.T, "b_enc": b_enc}
    return SparseAutoencoder.from_weights(SAEWeights(**weights, k=k, **changes))


def cosine_matrix(F):
    U = F[F.any(axis=1)]
    U = U / np.linalg.norm(U, axis=1, keepdims=True)
    return U @ U.T


@pytest.mark.parametrize("block", [4, 29, 1024])
@pytest.mark.parametrize(
    "wrap", [np.asarray, DenseDictionary, make_sae, lambda F: FrozenEstimator(make_sae(F))]
)
def test_numbers_are_those_of_the_gram_matrix(monkeypatch, wrap, block):
    monkeypatch.setattr("sksupercode.inspection._geometry._BLOCK", block)
    F = make_dictionary()
    report = dictionary_report(wrap(F))
    C = cosine_matrix(F)
    pairs = C[np.triu_indices(N - 1, 1)]
    assert (report.n_latents, report.n_features, report.n_components) == (N, N - 1, D)
    assert report.coherence == pytest.approx(np.abs(pairs).max(), rel=1e-12)
    assert report.cosines.pair == (8, 20)
    assert report.mean_cosine == pytest.approx(pairs.mean(), rel=1e-10)
    assert report.mean_absolute_cosine == pytest.approx(np.abs(pairs).mean(), rel=1e-12)
    assert report.rms_cosine == pytest.approx(np.sqrt(np.mean(pairs**2)), rel=1e-12)
    assert report.effective_dimension == pytest.approx(1 / np.mean(pairs**2), rel=1e-12)
    counts, _ = np.histogram(pairs, bins=len(report.cosines.counts), range=(-1, 1))
    np.testing.assert_array_equal(report.cosines.counts, counts)
    expected = np.linalg.eigvalsh(C)[::-1][:D]
    np.testing.assert_allclose(report.eigenvalues, expected, rtol=1e-10)
    p = expected / expected.sum()
    assert report.effective_rank == pytest.approx(np.exp(-np.sum(p * np.log(p))), rel=1e-10)
    assert report.n_nonzero_coefs is report.entropy_bits is report.mean_l0 is None


@pytest.mark.parametrize("dtype, rtol", [(np.float16, 1e-5), (np.float32, 1e-5), (np.int8, 1e-12)])
def test_precisions(dtype, rtol):
    F = make_dictionary().astype(dtype)
    report, expected = dictionary_report(F), dictionary_report(F.astype(np.float64))
    assert report.rms_cosine == pytest.approx(expected.rms_cosine, rel=rtol)
    assert report.coherence == pytest.approx(expected.coherence, rel=rtol)
    assert report.mean_absolute_cosine == pytest.approx(expected.mean_absolute_cosine, rel=rtol)
    np.testing.assert_allclose(report.eigenvalues, expected.eigenvalues, rtol=rtol)


def test_three_codewords_that_meet_the_welch_bound():
    angles = 2 * np.pi * np.arange(3) / 3
    report = dictionary_report(np.column_stack([np.cos(angles), np.sin(angles)]))
    numbers = report.coherence, report.rms_cosine, -report.mean_cosine, report.welch_bound
    for number in (*numbers, report.mean_absolute_cosine):
        assert number == pytest.approx(0.5, rel=1e-12)
    np.testing.assert_allclose(report.eigenvalues, 1.5)
    assert report.effective_rank == pytest.approx(2, rel=1e-12)


def test_orthonormal_and_equal_codewords():
    report = dictionary_report(5 * np.eye(4, 6))
    assert report.coherence == report.rms_cosine == report.welch_bound == 0
    assert report.effective_dimension == np.inf
    assert report.effective_rank == pytest.approx(4, rel=1e-12)
    report = dictionary_report(np.ones((4, 6)))
    assert report.coherence == pytest.approx(1, rel=1e-12)
    assert report.effective_dimension == pytest.approx(1, rel=1e-12)
    assert report.effective_rank == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("max_pairs, n_drawn", [(1, 1), (29 + 28 + 27, 3), (29 + 28 + 26, 2)])
def test_pairs_of_some_codewords(max_pairs, n_drawn):
    F = np.random.default_rng(0).standard_normal((30, 16))
    C = np.abs(np.triu(cosine_matrix(F), 1))
    for seed in range(5):
        report = dictionary_report(F, max_pairs=max_pairs, random_state=seed)
        n_pairs = sum(range(29, 29 - n_drawn, -1))
        assert report.cosines.n_pairs == report.cosines.counts.sum() == n_pairs
        assert report.coherence == pytest.approx(C[report.cosines.pair], rel=1e-12)
        assert report.rms_cosine == dictionary_report(F).rms_cosine
        text = f"coherence and mean absolute cosine of {n_pairs / 435:.2%} of all pairs"
        assert text in str(report)
    coherences = {dictionary_report(F, max_pairs=1, random_state=s).coherence for s in range(5)}
    assert len(coherences) > 1 and max(coherences) <= C.max() * (1 + 1e-12)


def test_the_mean_absolute_cosine_of_some_pairs_is_unbiased():
    F = np.random.default_rng(0).standard_normal((30, 16)) * np.linspace(0.1, 1, 16)
    expected = dictionary_report(F).mean_absolute_cosine
    reports = [dictionary_report(F, max_pairs=90, random_state=seed) for seed in range(300)]
    means = np.array([report.mean_absolute_cosine for report in reports])
    assert abs(means.mean() - expected) < 4 * means.std() / np.sqrt(300)
    assert means.std() > 0
    C = np.abs(cosine_matrix(F))
    one = dictionary_report(F, max_pairs=1, random_state=0)
    of_one_with_all = (C.sum(axis=1) - 1) / 29
    assert np.abs(of_one_with_all - one.mean_absolute_cosine).min() < 1e-12


@pytest.mark.parametrize("n_features, d", [(1300, 64), (1100, 384)])
def test_the_mean_absolute_cosine_of_several_blocks(n_features, d):
    F = np.random.default_rng(0).standard_normal((n_features, d)).astype(np.float32)
    pairs = cosine_matrix(F.astype(np.float64))[np.triu_indices(n_features, 1)]
    report = dictionary_report(F)
    assert report.mean_absolute_cosine == pytest.approx(np.abs(pairs).mean(), rel=1e-6)


@pytest.mark.parametrize("make_encoder", [SphericalEncoder, RademacherEncoder])
@pytest.mark.parametrize("n_features, d", [(400, 50), (100, 300)])
def test_random_dictionaries_are_reported_as_random(make_encoder, n_features, d):
    n_trials = 40
    reports = [
        dictionary_report(make_encoder(d, n_features=n_features, random_state=seed))
        for seed in range(n_trials)
    ]
    # z is the standardised sum of many uncorrelated terms, skewed a little to the right.
    z = np.array([report.z_score for report in reports])
    assert abs(z.mean()) < 4 / np.sqrt(n_trials)
    assert 0.6 < z.std() < 1.5
    assert np.abs(z).max() < 5
    # Pairs are uncorrelated, and (E|cos|)^2 is about 2 / pi of 1 / d. A sum of an even number d of
    # signs may be 0, which makes its mean smaller by a fraction of about 1 / 2d.
    mean = np.mean([report.mean_absolute_cosine for report in reports])
    n_pairs = n_trials * reports[0].cosines.n_pairs
    error = 4 * np.sqrt((1 - 2 / np.pi) / d / n_pairs)
    expected = reports[0].mean_absolute_cosine_random
    bias = 0 if make_encoder is SphericalEncoder else expected / d
    assert abs(mean - expected) < error + bias
    # The median is exceeded in half of the trials, within four deviations of a binomial number;
    # signs have ties with it.
    coherences = np.array([report.coherence for report in reports])
    name = "coherence_random" if make_encoder is SphericalEncoder else "coherence_rademacher"
    median = getattr(reports[0], name)
    most = n_trials / 2 + 4 * np.sqrt(n_trials / 4)
    assert np.sum(coherences > median + 1e-6) < most
    assert np.sum(coherences < median - 1e-6) < most
    # Fluctuations of the spectrum are of order 1 / d, but of d^(-2/3) at its edges.
    mean = np.mean([report.eigenvalues for report in reports], axis=0)[: min(n_features, d)]
    low, high = reports[0].marchenko_pastur_edges
    assert low < mean[-1] < 1.3 * low and 0.9 * high < mean[0] < high
    for report in reports:
        assert report.effective_rank == pytest.approx(report.effective_rank_random, rel=0.02)


def test_a_crowded_dictionary_is_not_reported_as_random():
    rng = np.random.default_rng(0)
    F = rng.standard_normal((400, 50)) + 1.0
    report = dictionary_report(F)
    assert report.z_score > 100
    assert report.coherence > 1.1 * report.coherence_random
    assert report.mean_cosine == pytest.approx(0.5, abs=0.05)
    assert report.effective_dimension < 5
    assert report.eigenvalues[0] > 5 * report.marchenko_pastur_edges[1]


def test_codes(monkeypatch):
    sae, X = make_sae(), np.random.default_rng(1).standard_normal((200, D))
    monkeypatch.setattr("sksupercode.inspection._report.rows_per_block", lambda d: 33)
    report = dictionary_report(sae, X, random_state=0)
    Z = sae.transform(X).toarray()
    frequencies = (Z != 0).mean(axis=0)
    np.testing.assert_allclose(report.activation_frequencies, frequencies, rtol=1e-12)
    assert report.n_samples == 200
    assert report.mean_l0 == pytest.approx((Z != 0).sum(axis=1).mean(), rel=1e-12)
    assert report.n_never_active == np.sum(frequencies == 0) >= 1
    squares = np.square(Z * np.linalg.norm(make_dictionary(), axis=1))
    sparsities = np.sqrt(squares).sum(axis=1) ** 2 / squares.sum(axis=1)
    assert report.effective_k == pytest.approx(sparsities.mean(), rel=1e-10)
    assert 1 < report.effective_k < report.mean_l0
    f = frequencies[(frequencies > 0) & (frequencies < 1)]
    bits = -np.sum(f * np.log2(f) + (1 - f) * np.log2(1 - f))
    assert report.support_bits == pytest.approx(bits, rel=1e-12)
    assert report.support_bits_per_dimension == pytest.approx(bits / D, rel=1e-12)
    assert report.n_nonzero_coefs == 3
    # C(29, 3) = 3,654
    assert report.entropy_bits == pytest.approx(np.log2(3654), rel=1e-12)
    assert report.bits_per_dimension == pytest.approx(np.log2(3654) / D, rel=1e-12)


def test_codes_of_equal_strength_have_an_effective_k_of_l0():
    F = np.diag([1.0, 2.0, 4.0, 8.0])
    # Inner products with codewords are 1, and so are latents times norms.
    sae = SparseAutoencoder.from_weights(
        SAEWeights("topk", F, np.zeros(4), np.linalg.inv(F), np.zeros(4), k=4)
    )
    X = np.array([[1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    report = dictionary_report(sae, X)
    # The sample without a code has no effective k.
    assert report.effective_k == pytest.approx(3, rel=1e-12)
    assert report.mean_l0 == pytest.approx(2)
    inactive = dictionary_report(sae, X[2:])
    assert inactive.effective_k == inactive.mean_l0 == inactive.support_bits == 0
    assert inactive.n_nonzero_coefs == 1


def test_active_latents_of_zero_codewords_are_none_of_k():
    F = np.diag([1.0, 2.0, 0.0, 0.0])
    sae = SparseAutoencoder.from_weights(SAEWeights("relu", F, np.zeros(4), F, np.ones(4)))
    report = dictionary_report(sae, np.eye(4))
    assert (report.mean_l0, report.n_nonzero_coefs, report.n_features) == (4, 2, 2)


def test_codewords_whose_squares_overflow():
    F = make_dictionary()
    report, other = (dictionary_report(A) for A in (F, F * 2.0**600))
    assert (other.coherence, other.rms_cosine) == pytest.approx(
        (report.coherence, report.rms_cosine), rel=1e-6
    )


def test_a_decoder_encodes_as_well():
    F, X = make_dictionary(), np.random.default_rng(1).standard_normal((50, D))
    decoder = MatchingPursuitDecoder(F, n_nonzero_coefs=5).fit(X)
    report = dictionary_report(decoder, X)
    assert report.mean_l0 == pytest.approx(np.diff(decoder.transform(X).indptr).mean())


def test_predicted_dimensions_are_those_of_theory():
    signs, size = RademacherEncoder(), {"n_features": 400, "n_nonzero_coefs": 6}
    report = dictionary_report(
        SphericalEncoder(50, n_features=400, random_state=0), n_nonzero_coefs=6, random_state=0
    )
    dimensions = report.predicted_dimensions
    for name, decoder in {
        "threshold": ThresholdDecoder(signs, threshold="map"),
        "top-k": TopKDecoder(signs),
        "message passing": AMPDecoder(signs),
    }.items():
        assert dimensions[name] == predicted_dimension(decoder, **size, probability=0.9)
    assert dimensions["counting bound"] == theory.counting_dimension(400, 6)
    decoder = MatchingPursuitDecoder(signs)
    expected = predicted_dimension(decoder, **size, probability=0.9, random_state=1)
    # Eight draws a point are good to some percent.
    assert dimensions["matching pursuit"] == pytest.approx(expected, rel=0.1)
    assert min(dimensions.values()) == dimensions["counting bound"]
    assert max(dimensions.values()) == dimensions["threshold"]


@pytest.mark.parametrize("k", [1, 3, 4, 257, 300])
def test_every_sparsity_has_predicted_dimensions(k):
    F = np.random.default_rng(0).standard_normal((300, 4))
    report = dictionary_report(F, n_nonzero_coefs=k, random_state=0)
    dimensions = report.predicted_dimensions
    assert np.isfinite(list(dimensions.values())).all() and min(dimensions.values()) >= 0
    if k > 256:
        rule = theory.rule_of_thumb_dimension(300, k, "matching_pursuit")
        assert dimensions["matching pursuit"] == rule
    assert all(len(line) <= 80 for line in str(report).splitlines())


def test_seeds_reproduce_the_report():
    F = make_dictionary()
    first, second = (
        str(dictionary_report(F, n_nonzero_coefs=4, max_pairs=50, random_state=s)) for s in (7, 7)
    )
    assert first == second


def test_no_matrix_of_all_pairs_is_held():
    encoder = RademacherEncoder(16, n_features=10_000, random_state=0)
    tracemalloc.start()
    dictionary_report(encoder)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The bits of all pairs would be 12 MB, and their cosines 400 MB in float32.
    assert peak < 100e6


def test_print():
    sae, X = make_sae(), np.random.default_rng(1).standard_normal((200, D))
    report = dictionary_report(sae, X, random_state=0)
    assert isinstance(report, DictionaryReport)
    lines = str(report).splitlines()
    assert repr(report) == str(report)
    assert all(len(line) <= 80 for line in lines)
    cells = {line[:34].strip(): line[34:].split() for line in lines}
    assert lines[0] == "N = 29 codewords in d = 7 dimensions"
    assert report.verdict in " ".join(" ".join(lines[2:7]).split())
    assert "1 more are zero" in lines[1]
    assert float(cells["coherence"][0]) == pytest.approx(report.coherence, rel=1e-3)
    assert float(cells["rms cosine"][1]) == pytest.approx(7**-0.5, rel=1e-3)
    assert float(cells["which k of N"][1]) == pytest.approx(report.bits_per_dimension, rel=1e-3)
    assert float(cells["mean L0"][0]) == pytest.approx(report.mean_l0, rel=1e-3)


@pytest.mark.parametrize(
    "dictionary, options, message",
    [
        (SparseAutoencoder(), {}, "no dictionary_"),
        (RademacherEncoder(8), {}, "n_features and an integer random_state"),
        (None, {}, "dictionary must be"),
        (np.eye(4)[:1], {}, "two codewords that are not zero, got 1"),
        (np.zeros((4, 2)), {}, "two codewords that are not zero, got 0"),
        (np.eye(4), {"X": np.eye(4)}, "got dictionary=an array"),
        (RademacherEncoder(8, n_features=9, random_state=0), {"X": np.eye(8)}, "RademacherEncoder"),
        (make_sae(), {"X": np.ones((3, D + 1))}, r"\(n_samples, 7\), got \(3, 8\)"),
        (make_sae(), {"X": np.full((3, D), np.nan)}, "NaN"),
        (make_sae(), {"X": csr_array(np.eye(D))}, "X must be dense, got a csr_array"),
        (np.eye(4), {"n_nonzero_coefs": 0}, "n_nonzero_coefs"),
        (np.eye(4), {"n_nonzero_coefs": 5}, "n_nonzero_coefs must be at most 4"),
        (np.eye(4), {"max_pairs": 0}, "max_pairs"),
        (np.eye(4), {"random_state": "zero"}, "random_state"),
    ],
)
def test_refusals(dictionary, options, message):
    with pytest.raises(ValueError, match=message):
        dictionary_report(dictionary, **options)


@pytest.mark.parametrize("n_features, d", [(500, 30), (60, 200)])
def test_display_of_a_random_dictionary(n_features, d):
    report = dictionary_report(SphericalEncoder(d, n_features=n_features, random_state=0))
    axes = Figure().subplots(1, 2)
    display = DictionaryReportDisplay(report, name="mine").plot(axes)
    assert display.figure_ is axes[0].figure
    measured, expected = (line.get_ydata() for line in display.spectrum_)
    rank = min(n_features, d)
    np.testing.assert_array_equal(measured, report.eigenvalues[:rank])
    # Both sum to N, and eigenvalues repel each other: none is far from its quantile.
    assert expected.sum() == pytest.approx(n_features, rel=5e-3)
    np.testing.assert_allclose(measured[1:-1], expected[1:-1], rtol=0.15)
    assert display.spectrum_[0].get_label() == "mine"
    bars, curve = display.cosines_
    density, edges, _ = bars.get_data()
    assert np.sum(density * np.diff(edges)) == pytest.approx(1, rel=1e-12)
    t, law = curve.get_data()
    assert np.trapezoid(law, t) == pytest.approx(1, abs=0.01)
    # Where 100 pairs and more are in a bin of n_pairs, four deviations are 40 %.
    centers, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    full = np.interp(centers, t, law) * width * report.cosines.n_pairs > 100
    np.testing.assert_allclose(density[full], np.interp(centers, t, law)[full], rtol=0.4)
    assert n_features < 100 or full.sum() > 10


def few_pairs_alike(first, second, cosine=1.0):
    """Random codewords, of which the second of a pair is nearly the first."""
    F = np.random.default_rng(0).standard_normal((1600, 384))
    U = F / np.linalg.norm(F, axis=1, keepdims=True)
    other = U[second] - U[second] @ U[first] * U[first]
    F[second] = cosine * U[first] + np.sqrt(1 - cosine**2) * other / np.linalg.norm(other)
    return F


ODD = {
    "random": lambda rng: rng.standard_normal((500, 64)),
    "crowded": lambda rng: rng.standard_normal((500, 64)) + 0.5,
    "near": lambda rng: few_pairs_alike(0, 1, 0.96),
    "equal": lambda rng: few_pairs_alike(1500, 7),
    "opposite": lambda rng: few_pairs_alike(5, 7, -1.0),
    "flat": lambda rng: rng.standard_normal((500, 3)) @ rng.standard_normal((3, 64)),
    "a dimension less": lambda rng: (
        (rng.standard_normal((512, 64)) + rng.standard_normal(64)) * (np.arange(64) > 0)
    ),
    "few": lambda rng: rng.standard_normal((20, 384)),
    "two": lambda rng: rng.standard_normal((2, 5)),
    "orthogonal": lambda rng: np.eye(6),
    "all equal": lambda rng: np.ones((5, 8)),
    "a tight frame": lambda rng: np.vstack([np.eye(64), hadamard(64)]),
    "d = 1": lambda rng: rng.standard_normal((30, 1)),
    "d = 2": lambda rng: rng.standard_normal((30, 2)),
}
VERDICTS = {
    "random": "are like random ones, for which theory says how well decoders do.",
    "crowded": "more correlated than random ones, and interfere as those would in ",
    "near": "Codewords 0 and 1 are nearly the same (cosine 0.960), and decoders may take",
    "equal": "Codewords 7 and 1,500 are the same to six digits, and no decoder tells",
    "opposite": "Codewords 5 and 7 are opposite to six digits, and only nonnegative values",
    "flat": "span only 3 of 64 dimensions, where random ones span 64.",
    "few": "are linearly independent, least squares",
    "two": "As N is no more than d",
    "orthogonal": "orthogonal, and one step reads any code. As N is no more than d",
    "all equal": "span only 1 of 8 dimensions, where random ones span 5. The codewords are more",
    "a dimension less": "interfere as those would in 4 dimensions",
    "a tight frame": "closer to orthogonal than random ones",
}


@pytest.mark.parametrize("kind", VERDICTS)
def test_verdicts(kind):
    report = dictionary_report(ODD[kind](np.random.default_rng(0)))
    assert VERDICTS[kind] in report.verdict
    assert ("linearly independent" in report.verdict) == (kind in {"few", "two", "orthogonal"})
    pairs = {"near", "equal", "opposite", "all equal", "flat"}
    assert ("Codewords " in report.verdict) == (kind in pairs)
    assert abs(report.cosines.pair_cosine) == report.coherence
    if kind in pairs - {"flat"}:
        assert (report.cosines.pair_cosine < 0) == (kind == "opposite")


@pytest.mark.filterwarnings("error", "ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", ODD)
def test_displays_show_what_there_is_and_no_more(kind):
    report = dictionary_report(ODD[kind](np.random.default_rng(0)))
    display = DictionaryReportDisplay(report).plot(Figure().subplots(1, 2))
    spectrum, cosines = display.axes_
    largest = max(line.get_ydata().max() for line in display.spectrum_)
    bottom, top = spectrum.get_ylim()
    assert bottom < report.eigenvalues[0] < top < 2 * largest and bottom > 1e-5 * top
    bars, *laws = display.cosines_
    density, edges, _ = bars.get_data()
    one_pair = 1 / (report.cosines.n_pairs * (edges[1] - edges[0]))
    peaks = [law.get_ydata().max() for law in laws]
    assert len(laws) == (report.n_components > 1)
    # All bars and the upper part of the law are seen, and no limit is far from them.
    bottom, top = cosines.get_ylim()
    highest, lowest = max([*peaks, density.max()]), min([*peaks, one_pair])
    assert lowest / 1000 < bottom < lowest < highest < top < 10 * highest
    # Bars of equal codewords do not lie under the frame.
    left, right = cosines.get_xlim()
    assert left < -report.coherence and report.coherence < right < 1.1
    display.figure_.draw_without_rendering()
    assert len(display.to_frame()) == len(density) + min(report.n_features, report.n_components)


def test_two_reports_on_the_same_axes():
    axes = Figure().subplots(1, 2)
    for n, name in ((30, "one"), (60, "other")):
        F = np.random.default_rng(0).standard_normal((n, D))
        DictionaryReportDisplay.from_result(dictionary_report(F), name=name, axes=axes)
    texts = [text.get_text() for text in axes[0].get_legend().texts]
    assert texts == ["one", "random, theory", "other", "random as other, theory"]


def test_display_wants_two_axes():
    report = dictionary_report(np.eye(3))
    with pytest.raises(ValueError, match="axes must be two, got 1"):
        DictionaryReportDisplay(report).plot(Figure().subplots())


def test_near_duplicates_are_listed():
    rng = np.random.default_rng(0)
    F = rng.standard_normal((50, 32))
    F /= np.linalg.norm(F, axis=1, keepdims=True)
    noise = rng.standard_normal((5, 32))
    noise -= np.sum(noise * F[:5], axis=1, keepdims=True) * F[:5]
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    angles = np.array([[0.01], [0.02], [0.03], [0.04], [0.05]])
    copies = np.cos(angles) * F[:5] + np.sin(angles) * noise
    cosines = dictionary_report(np.vstack([F, -3 * copies])).cosines
    np.testing.assert_array_equal(cosines.duplicates, [(i, 50 + i) for i in range(5)])
    np.testing.assert_allclose(cosines.duplicate_cosines, -np.cos(angles[:, 0]))
    assert tuple(cosines.duplicates[0]) == cosines.pair
    assert dictionary_report(F).cosines.duplicates.shape == (0, 2)


def test_duplicates_are_those_of_the_verdict():
    F = np.eye(8)
    F[1] = [0.92, np.sqrt(1 - 0.92**2), *np.zeros(6)]
    report = dictionary_report(F)
    assert "Codewords 0 and 1 are nearly the same (cosine 0.920)" in report.verdict
    np.testing.assert_array_equal(report.cosines.duplicates, [(0, 1)])


def test_nearest_of_orthogonal_codewords():
    nearest = dictionary_report(np.eye(3)).cosines.nearest
    assert np.all((nearest >= 0) & (nearest != np.arange(3)))


@pytest.mark.parametrize("max_pairs", [2**27, 3000])
def test_nearest_codewords(max_pairs, monkeypatch):
    monkeypatch.setattr(_geometry, "_BLOCK", 32)
    F = np.random.default_rng(0).standard_normal((100, 12))
    F[[3, 70]] = 0
    unit = F / np.where(F.any(axis=1), np.linalg.norm(F, axis=1), 1)[:, np.newaxis]
    expected = unit @ unit.T
    np.fill_diagonal(expected, 0)
    cosines = dictionary_report(F, max_pairs=max_pairs, random_state=0).cosines
    found = cosines.nearest >= 0
    np.testing.assert_array_equal(np.flatnonzero(~found), [3, 70])
    pairs = expected[np.flatnonzero(found), cosines.nearest[found]]
    np.testing.assert_allclose(cosines.nearest_cosines[found], pairs, atol=1e-12)
    assert not cosines.nearest_cosines[~found].any()
    is_nearest = np.isclose(np.abs(cosines.nearest_cosines), np.abs(expected).max(axis=1))
    # Of 4,753 pairs, those of 39 codewords and all others are 3,042 or fewer.
    assert is_nearest.all() if max_pairs > 5000 else 39 <= np.count_nonzero(is_nearest[found]) < 98

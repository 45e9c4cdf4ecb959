"""Tensors of PyTorch on every public method: the numbers of NumPy, or a clear refusal."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import sys
import warnings
from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

import sksupercode.metrics
from sksupercode import (
    AMPDecoder,
    BasisPursuitDecoder,
    CoupledEncoder,
    DictionaryLearner,
    GaussianChannel,
    HadamardEncoder,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    RademacherEncoder,
    SparseAutoencoder,
    ThresholdDecoder,
    TopKDecoder,
    Transcoder,
)
from sksupercode._utils._validation import as_array
from sksupercode.datasets import make_planted_activations
from sksupercode.decoders import BaseDecoder
from sksupercode.dictionaries import (
    BoundDictionary,
    DenseDictionary,
    PackedSignDictionary,
    SignDictionary,
    WeightedDictionary,
)
from sksupercode.encoders import BaseEncoder
from sksupercode.inspection import dictionary_report, mean_difference, probe_latents
from sksupercode.metrics import exact_recovery_score, match_codes, match_dictionaries
from sksupercode.sae import SAEWeights, _feature_columns, compare_decoders
from sksupercode.symbols import codes_from_symbols, symbols_from_codes
from sksupercode.testing import all_estimators
from sksupercode.testing._problems import constructed
from tests.marks import long

torch = pytest.importorskip("torch", reason="needs PyTorch")

N, D = 24, 16
RECIPE = RademacherEncoder(D, n_features=N, random_state=0)
RNG = np.random.default_rng(0)
# One codeword in each half.
Y = np.eye(N)[np.arange(6)] + np.eye(N)[np.arange(6) + 12]
# Numbers that every dtype holds.
X = np.round(8 * RECIPE.fit_transform(Y)) / 8
F = np.round(8 * RNG.standard_normal((N, D))) / 8
METHODS = (
    "fit",
    "partial_fit",
    "fit_transform",
    "transform",
    "predict",
    "score",
    "inverse_transform",
    "reconstruct",
    "decision_function",
    "predict_proba",
    "normalize",
    "skip",
)
TAKE_Y = ("fit", "partial_fit", "fit_transform", "score")
# The dtype, and whether there is a gradient.
KINDS = [("float16", True), ("bfloat16", True), ("float32", False), ("float64", True)]
# What takes long is tried with the most and the least that has to be converted.
EXTREMES = KINDS[1:3]


def tensor(array, dtype="float64", has_gradient=False):
    """A tensor of these numbers, which with a gradient is the result of an operation."""
    array = torch.tensor(np.asarray(array), dtype=getattr(torch, dtype))
    return array.requires_grad_() * 1 if has_gradient else array


def as_numpy(array, dtype):
    """What a tensor of this dtype is to be taken for."""
    return np.asarray(array, dtype="float32" if dtype == "bfloat16" else dtype)


def estimators():
    weights = {
        "W_dec": F,
        "b_dec": F[0],
        "W_enc": F.T,
        "b_enc": F[:, 0],
        "k": 2,
        "normalization": "layer_norm",
    }
    for name, cls in all_estimators():
        if name == "Transcoder":
            yield cls.from_weights(SAEWeights("topk", **weights, W_skip=F[:D], is_transcoder=True))
        elif name == "SparseAutoencoder":
            yield cls(N, n_nonzero_coefs=2, max_iter=2, random_state=0)
            yield FrozenEstimator(cls.from_weights(SAEWeights("topk", **weights)))
        elif name == "DictionaryLearner":
            yield cls(N, n_nonzero_coefs=2, max_iter=2, random_state=0)
        elif issubclass(cls, BaseDecoder):
            estimator = constructed(cls, RECIPE, 2)
            # No test may depend on how fast the machine is.
            yield estimator.set_params(time_limit=None) if name.startswith("Max") else estimator
        else:
            estimator = cls()
            has_seed = "random_state" in estimator.get_params()
            yield estimator.set_params(random_state=0) if has_seed else estimator


def cases():
    for estimator in estimators():
        inner = getattr(estimator, "estimator", estimator)
        inner = inner if isinstance(estimator, FrozenEstimator) else estimator
        for method in METHODS:
            if hasattr(inner, method) and not ("fit" in method and hasattr(inner, "weights_")):
                yield pytest.param(inner, method, id=f"{type(inner).__name__}-{method}")


@cache
def fitted(estimator):
    """Fit an estimator for all of its methods, in the first of their tests."""
    if hasattr(estimator, "weights_"):
        return estimator
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return clone(estimator).fit(*data(estimator))


def data(estimator):
    return (Y, None) if isinstance(estimator, BaseEncoder) else (X, Y)


def arguments(estimator, method):
    """The arrays that a method takes."""
    samples, codes = data(estimator)
    if isinstance(estimator, Transcoder) and method == "score":
        return samples, F[:6]
    if method == "inverse_transform":
        Z = estimator.transform(samples)
        return (np.round(8 * (Z.toarray() if issparse(Z) else Z)) / 8,)
    return (samples, codes) if method in TAKE_Y else (samples,)


def call(estimator, method, *arrays):
    """What a method returns, as arrays; of one that fits, what the estimator does then."""
    if "fit" in method:
        estimator = clone(estimator)
    found = getattr(estimator, method)(*arrays)
    if method in ("fit", "partial_fit"):
        samples, _ = data(estimator)
        found = estimator.transform(samples)
    found = found if isinstance(found, tuple) else (found,)
    assert not any(isinstance(part, torch.Tensor) for part in found)
    return [part.toarray() if issparse(part) else np.asarray(part) for part in found]


CASES = [*cases()]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator, method", CASES)
def test_methods_of_estimators(estimator, method):
    estimator = fitted(estimator)
    arrays = arguments(estimator, method)
    for dtype, has_gradient in KINDS:
        tensors = [None if a is None else tensor(a, dtype, has_gradient) for a in arrays]
        wanted = [None if a is None else as_numpy(a, dtype) for a in arrays]
        found, wanted = call(estimator, method, *tensors), call(estimator, method, *wanted)
        for part, other in zip(found, wanted, strict=True):
            assert part.dtype == other.dtype
            assert_allclose(part, other, rtol=1e-5, atol=1e-6)


def refusals(array, name="X"):
    """Tensors that are no matrices of numbers, and what is said of them."""
    array = tensor(array)
    wide = array.shape[1]
    yield array[None], rf"{name} must be a matrix.*pass {name}\.reshape\(-1, {wide}\)"
    yield array[None].numpy(), rf"{name} must be a matrix.*pass {name}\.reshape\(-1, {wide}\)"
    yield array.to("meta"), f"{name} must be a tensor that holds numbers.*device='meta'"
    yield array.to_sparse(), rf"{name} must be a dense tensor.*pass {name}\.to_dense\(\)"
    yield array.to_sparse_csr(), rf"{name} must be a dense tensor.*pass {name}\.to_dense\(\)"
    yield [array, array[:2]], rf"{name} must be a matrix.*pass torch\.cat\({name}\)"
    shards = [array.numpy(), array[:2].numpy()]
    yield shards, rf"{name} must be a matrix.*2 arrays.*pass np\.concatenate\({name}\)"
    yield torch.nested.nested_tensor([array, array[:2]]), rf"pass torch\.cat\({name}\.unbind\(\)\)"
    yield (
        array.to(torch.complex128),
        f"(?s){name} must be a tensor of real numbers, got torch.complex128",
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator, method", CASES)
def test_what_is_no_matrix_is_refused(estimator, method):
    estimator = fitted(estimator)
    first, *others = arguments(estimator, method)
    for refused, match in refusals(first):
        with pytest.raises(ValueError, match=match):
            call(estimator, method, refused, *others)
    # What is ignored may be anything.
    if others and isinstance(estimator, BaseDecoder | Transcoder):
        for refused, match in list(refusals(others[0], "y"))[:5]:
            with pytest.raises(ValueError, match=match):
                call(estimator, method, first, refused)


def metrics():
    """Every function of ``sksupercode.metrics`` on matrices, with arguments and their names."""
    decoder = TopKDecoder(RECIPE, 2).fit(X)
    of_reconstructions = {"X": X, "X_hat": F[:6]}
    of_supports = {"y_true": Y, "y_pred": Y[::-1].copy()}
    given = {
        "exact_recovery_scorer": {"estimator": decoder, "X": X, "y": Y},
        "neg_fvu_scorer": {"estimator": decoder, "X": X},
        "match_dictionaries": {"dictionary": F, "other": F[::-1].copy()},
        "fraction_of_variance_unexplained": of_reconstructions | {"mean": X[0]},
        "normalized_mean_squared_error": of_reconstructions,
        "match_codes": of_supports,
        "decoded_information": {"y_true": np.eye(N)[:6], "y_pred": Y, "n_sections": 4},
        "exact_recovery_score": of_supports | {"sample_weight": np.arange(6) / 8},
    }
    for name in sksupercode.metrics.__all__:
        function = getattr(sksupercode.metrics, name)
        if not isinstance(function, type):
            by_kind = {"Z": Y}
            by_kind = of_supports if name.startswith("support") else by_kind
            by_kind = of_reconstructions if "reconstruction" in name else by_kind
            yield pytest.param(function, given.get(name, by_kind), id=name)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("metric, arrays", [*metrics()])
def test_metrics(metric, arrays):
    def changed(change, *kind):
        return {
            name: change(a, *kind) if isinstance(a, np.ndarray) else a for name, a in arrays.items()
        }

    for dtype, has_gradient in KINDS:
        found = metric(**changed(tensor, dtype, has_gradient))
        wanted = metric(**changed(as_numpy, dtype))
        if metric is match_dictionaries:
            found, wanted = found.cosines, wanted.cosines
        elif metric is match_codes:
            found, wanted = found.correlations, wanted.correlations
        assert not isinstance(found, torch.Tensor)
        assert_allclose(found, wanted, rtol=1e-6)
    for name, array in arrays.items():
        if isinstance(array, np.ndarray) and array.ndim == 2:
            # Scorers hand the codes on.
            name_there = "y_true" if name == "y" else name
            for refused, match in refusals(array, name_there):
                with pytest.raises(ValueError, match=match):
                    metric(**arrays | {name: refused})


def test_symbols():
    symbols = np.arange(12).reshape(3, 4) - 1
    Y = codes_from_symbols(torch.tensor(symbols), 11)
    assert_array_equal(Y.toarray(), codes_from_symbols(symbols, 11).toarray())
    for refused, match in refusals(Y.toarray(), "Y"):
        with pytest.raises(ValueError, match=match):
            symbols_from_codes(refused, 4)
    for dtype, has_gradient in KINDS:
        assert_array_equal(symbols_from_codes(tensor(Y.toarray(), dtype, has_gradient), 4), symbols)


# Of PyTorch, when the first sparse and the first nested tensor are made.
@pytest.mark.filterwarnings("ignore:Sparse CSR tensor|The PyTorch API of nested:UserWarning")
@pytest.mark.parametrize("dtype, has_gradient", EXTREMES[:1] + long(EXTREMES[1]))
def test_probes(dtype, has_gradient):
    labels, codes = torch.tensor([0, 1] * 12), tensor(F, dtype, has_gradient)
    numbers, classes = as_numpy(F, dtype), np.tile([0, 1], 12)
    assert_allclose(mean_difference(codes, labels), mean_difference(numbers, classes))
    options = {"n_latents": 2, "cv": 2, "random_state": 0}
    found = probe_latents(codes, torch.stack([labels, 1 - labels], dim=1), **options).scores
    assert_allclose(found[0], probe_latents(numbers, classes, **options).scores[0])
    for function, name in ((mean_difference, "X"), (probe_latents, "Z")):
        for refused, match in refusals(F, name):
            with pytest.raises(ValueError, match=match):
                function(refused, classes)


@pytest.mark.parametrize("dtype, has_gradient", KINDS)
# Three codewords are not enough for any of these samples.
@pytest.mark.filterwarnings("ignore:.* did not reach tol:sklearn.exceptions.ConvergenceWarning")
def test_dictionaries_and_numbers(dtype, has_gradient):
    """As a dictionary, as codewords to begin with, and in the place of numbers."""
    codewords, samples = tensor(F, dtype, has_gradient), tensor(X, dtype, has_gradient)
    number = tensor(0.25, dtype, has_gradient)
    wanted = OrthogonalMatchingPursuitDecoder(as_numpy(F, dtype), 3, tol=0.25).fit(X)
    decoder = OrthogonalMatchingPursuitDecoder(codewords, 3, tol=number).fit(samples)
    assert decoder.tol_ == 0.25
    assert_allclose(decoder.transform(X).toarray(), wanted.transform(X).toarray(), atol=1e-5)
    for decoder in (
        ThresholdDecoder(codewords, threshold=number),
        AMPDecoder(codewords, 2, damping=number),
        BasisPursuitDecoder(codewords, noise_std=number),
    ):
        name = next(name for name in vars(decoder) if vars(decoder)[name] is number)
        others = {"dictionary": as_numpy(F, dtype), name: 0.25}
        wanted = type(decoder)(**decoder.get_params(deep=False) | others)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found, wanted = (d.fit(X).transform(X).toarray() for d in (decoder, wanted))
        assert_allclose(found, wanted, atol=1e-5)
    for start in (
        codewords,
        SparseAutoencoder.from_weights(
            SAEWeights("relu", codewords, codewords[0], codewords.T, codewords[:, 0])
        ),
    ):
        learner = DictionaryLearner(N, n_nonzero_coefs=2, init=start, max_iter=1, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            assert learner.fit(samples).dictionary_.shape == (N, D)
    _, _, planted = make_planted_activations(5, dictionary=codewords, random_state=0)
    assert_allclose(planted, F)


@pytest.mark.parametrize("dtype, has_gradient", EXTREMES[:1] + long(EXTREMES[1]))
def test_comparisons_and_reports(dtype, has_gradient, monkeypatch):
    monkeypatch.setattr(_feature_columns, "PROBED", (1,))
    sae = SparseAutoencoder.from_weights(SAEWeights("topk", F, F[0], F.T, F[:, 0], k=2))
    transcoder = Transcoder.from_weights(
        SAEWeights("topk", F, F[0], F.T, F[:, 0], k=2, is_transcoder=True)
    )
    decoders = {"sae": sae, "transcoder": transcoder, "MP": MatchingPursuitDecoder(F, 2)}
    samples, targets = (tensor(a, dtype, has_gradient) for a in (X, F[:6]))
    numbers = ["L0", "FVU", "sample_error", "cosine", "dead_latents"]
    found = compare_decoders(decoders, samples, targets=targets)[numbers]
    wanted = compare_decoders(decoders, as_numpy(X, dtype), targets=as_numpy(F[:6], dtype))[numbers]
    assert_allclose(found, wanted, rtol=1e-5, atol=1e-9)
    assert_allclose(
        compare_decoders(decoders, list(samples), targets=F[:6])[numbers],
        wanted,
        rtol=1e-4,
        atol=1e-9,
    )
    for refused, match in refusals(X):
        with pytest.raises(ValueError, match=match):
            compare_decoders(decoders, refused, targets=targets)
        with pytest.raises(ValueError, match=match):
            dictionary_report(sae, refused)
    for refused, match in refusals(X, "targets"):
        with pytest.raises(ValueError, match=match):
            compare_decoders(decoders, X, targets=refused)
    # Twelve samples, so that every fold of the probes has both classes.
    many = np.tile(X, (2, 1))
    given = {"truth": np.tile(Y, (2, 1)), "labels": np.arange(12) % 2, "max_norm": 1e3}
    wanted = compare_decoders({"sae": sae}, many, **given)
    given = {name: tensor(array, dtype, has_gradient) for name, array in given.items()}
    found = compare_decoders({"sae": sae}, tensor(many, dtype, has_gradient), **given)
    assert_allclose(found.iloc[:, 6:], wanted.iloc[:, 6:], rtol=1e-5)
    for name in ("truth", "labels"):
        for refused, match in list(refusals(X, name))[3:5]:
            with pytest.raises(ValueError, match=match):
                compare_decoders(decoders, X, targets=targets, **{name: refused})
    assert dictionary_report(sae, samples).mean_l0 == dictionary_report(sae, X).mean_l0
    normalized = sae.denormalize(samples, torch.ones(6, 1), torch.zeros(6, 1))
    assert isinstance(normalized, np.ndarray)


def dictionaries():
    signs = np.where(F > 0, 1.0, -1.0)
    yield DenseDictionary(F)
    yield SignDictionary(signs)
    yield PackedSignDictionary(signs)
    yield WeightedDictionary(DenseDictionary(F), 1 + F[:, 0] ** 2)
    yield HadamardEncoder(D, n_features=N, random_state=0).codebook(N, D)
    yield BoundDictionary(signs[:4], signs[:6])
    yield CoupledEncoder(D, n_features=N, random_state=0).codebook(N, D)


@pytest.mark.parametrize("dictionary", [*dictionaries()], ids=lambda d: type(d).__name__)
@pytest.mark.parametrize("dtype, has_gradient", KINDS)
def test_methods_of_dictionaries(dictionary, dtype, has_gradient):
    samples, codes = tensor(X, dtype, has_gradient), tensor(Y, dtype, has_gradient)
    for method, array, part in (
        ("correlate", X, samples),
        ("to_units", X, samples),
        ("superpose", Y, codes),
    ):
        wanted = getattr(dictionary, method)(as_numpy(array, dtype))
        assert_allclose(getattr(dictionary, method)(part), wanted)
        with pytest.raises(ValueError, match=r"dimensions.*pass [XY]\.reshape\(-1, "):
            getattr(dictionary, method)(part[None])


def test_bfloat16_without_ml_dtypes(monkeypatch):
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    codewords, samples = tensor(F, "bfloat16"), tensor(X, "bfloat16", has_gradient=True)
    decoder = OrthogonalMatchingPursuitDecoder(codewords, 2).fit(samples)
    assert decoder.transform(samples).dtype == np.float32
    assert as_array(codewords, keeps_half=True).dtype == np.float32
    assert GaussianChannel(0.0).fit_transform(samples).dtype == np.float32


def test_tensors_in_many_forms():
    """Those that are strided, conjugate or of integers are taken as they are."""
    decoder = TopKDecoder(F, 2).fit(X)
    wanted = decoder.transform(X).toarray()
    stretched = tensor(np.repeat(X, 2, axis=1))[:, ::2]
    flipped = tensor(X.T.copy()).T
    negated = torch.complex(0 * tensor(X), -tensor(X)).conj().imag
    assert negated.is_neg()
    for samples in (stretched, flipped, negated, torch.nn.Parameter(tensor(X))):
        assert_allclose(decoder.transform(samples).toarray(), wanted)
    with torch.inference_mode():
        assert_allclose(decoder.transform(tensor(X) * 1).toarray(), wanted)
    for rows in ([tensor(X[0]), X[1].tolist()], [tensor(X[0]), X[1]]):
        assert_allclose(decoder.transform(rows).toarray(), wanted[:2])
    codes = torch.tensor(Y, dtype=torch.int64)
    assert exact_recovery_score(codes, codes.bool()) == 1.0

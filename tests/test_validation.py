# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from sksupercode import (
    DictionaryLearner,
    GaussianChannel,
    MatchingPursuitDecoder,
    RademacherEncoder,
    SparseAutoencoder,
    TopKDecoder,
)
from sksupercode._utils._validation import check_bool, check_integer, check_option, check_real
from sksupercode.dictionaries import DenseDictionary
from sksupercode.inspection import dictionary_report, probe_latents
from sksupercode.metrics import (
    exact_recovery_score,
    fraction_of_variance_unexplained,
    match_codes,
    match_dictionaries,
    mean_l0,
)
from sksupercode.sae import SAEWeights, compare_decoders


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3)])
def test_integers(value):
    checked = check_integer(value, "k", minimum=3, maximum=3)
    assert checked == 3 and type(checked) is int


@pytest.mark.parametrize("value", [2, 4, 3.0, np.float64(3), True, "3", None, [3], np.array([3])])
def test_not_the_integer_wanted(value):
    with pytest.raises(ValueError, match=r"k must be an integer >= 3 and <= 3, got "):
        check_integer(value, "k", minimum=3, maximum=3)


@pytest.mark.parametrize("value", [0.5, 1, np.float32(0.5), np.inf])
def test_reals(value):
    checked = check_real(value, "rate", 0)
    assert checked == value and type(checked) is float


@pytest.mark.parametrize("value", [-0.1, 1.0, np.nan, np.inf, True, "0.5", None, 1j])
def test_not_the_real_wanted(value):
    with pytest.raises(ValueError, match=r"rate must be a real number >= 0 and < 1, got "):
        check_real(value, "rate", 0, 1, closed="left")


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, pytest.param(10**400, id="huge")])
def test_infinity_can_be_refused(value):
    with pytest.raises(ValueError, match="tol must be a finite real number"):
        check_real(value, "tol", 0, closed="left")


def test_none_where_it_is_allowed():
    assert check_integer(None, "k", allow_none=True) is None
    assert check_real(None, "tol", allow_none=True) is None


@pytest.mark.parametrize("value", ["c", None, 1, ["a"]])
def test_options(value):
    assert check_option("a", "kind", ("a", "b")) == "a"
    with pytest.raises(ValueError, match="kind must be one of 'a', 'b', got "):
        check_option(value, "kind", ("a", "b"))


@pytest.mark.parametrize("value", [0, "yes", None, np.array([True])])
def test_bools(value):
    assert check_bool(np.True_, "sections") is True
    with pytest.raises(ValueError, match="sections must be True or False, got "):
        check_bool(value, "sections")


def problem(n_samples=6):
    Y = np.eye(8)[np.arange(n_samples) % 8] + np.eye(8)[(np.arange(n_samples) + 3) % 8]
    encoder = RademacherEncoder(n_components=64, n_features=8, random_state=0)
    return encoder, encoder.fit_transform(Y), Y


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_tensors(dtype):
    """Of every dtype, with gradients; what NumPy has no dtype for comes as float32."""
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    encoder, X, Y = problem()
    tensor = torch.tensor(X, dtype=getattr(torch, dtype), requires_grad=True)
    wanted = np.float64 if dtype == "float64" else np.float32
    decoder = TopKDecoder(encoder).fit(tensor, torch.tensor(Y))
    assert decoder.transform(tensor).dtype == decoder.reconstruct(tensor).dtype == wanted
    assert decoder.score(tensor, torch.tensor(Y)) == 1.0
    assert exact_recovery_score(torch.tensor(Y), decoder.predict(tensor)) == 1.0
    assert decoder.inverse_transform(torch.tensor(Y, dtype=torch.bfloat16)).dtype == np.float32
    assert encoder.transform(torch.tensor(Y, dtype=torch.float32)).dtype == np.float32
    codewords = torch.tensor(np.asarray(encoder.dictionary_), requires_grad=True)
    decoder = TopKDecoder(codewords.to(tensor.dtype), 2, values="binary").fit(tensor)
    assert decoder.score(tensor, Y) == 1.0
    assert fraction_of_variance_unexplained(tensor, tensor) == 0.0
    channel = GaussianChannel(0.0).fit(tensor)
    assert channel.transform(tensor).dtype == (np.float64 if dtype == "float16" else wanted)
    assert decoder.transform(list(tensor)).dtype == wanted
    F, zeros = codewords.to(tensor.dtype), torch.zeros(64, dtype=tensor.dtype)
    weights = SAEWeights("relu", F, zeros, F.T, zeros[:8])
    assert_array_equal(weights.W_enc, F.detach().double().numpy().T)
    with pytest.raises(ValueError, match="X must be a tensor that holds numbers"):
        decoder.transform(tensor.to("meta"))
    with pytest.raises(ValueError, match=r"X must be a dense tensor.*X\.to_dense\(\)"):
        decoder.transform(tensor.to_sparse())


def test_activations_of_many_texts_are_refused_by_name():
    encoder, X, Y = problem()
    decoder = TopKDecoder(encoder).fit(X, Y)
    for call in (decoder.transform, decoder.fit, GaussianChannel().fit, encoder.transform):
        with pytest.raises(ValueError, match=r"X .* shape \(2, 3, 64\): pass X\.reshape\(-1, 64\)"):
            call(X.reshape(2, 3, 64))


def test_matrices_that_are_not_joined_are_refused_with_what_to_do(tmp_path):
    """Whether they have the same length or not."""
    encoder, X, Y = problem()
    decoder = TopKDecoder(encoder).fit(X, Y)
    np.save(tmp_path / "shard.npy", X)
    mapped = np.load(tmp_path / "shard.npy", mmap_mode="r")
    for shards in ([mapped, mapped], (mapped, mapped[:2])):
        for call in (
            decoder.transform,
            SparseAutoencoder(8).fit,
            SparseAutoencoder(8).partial_fit,
            DictionaryLearner(8, n_nonzero_coefs=2).fit,
            DictionaryLearner(8, n_nonzero_coefs=2).partial_fit,
            lambda X: compare_decoders({"top-k": decoder}, X),
            lambda X: dictionary_report(decoder, X),
        ):
            match = r"^X must be a matrix, got .* 2 arrays, .*np\.concatenate.*partial_fit.*Dask"
            with pytest.raises(ValueError, match=match):
                call(shards)
    with pytest.raises(ValueError, match=r"^y_pred must .* pass scipy\.sparse\.vstack\(y_pred\)"):
        exact_recovery_score(Y, [csr_array(Y[:2]), csr_array(Y[2:])])


@pytest.mark.parametrize("names", ["a.npy", Path("a.npy"), ["a.npy", "b.npy"]])
def test_names_of_files_are_no_samples(names):
    encoder, X, Y = problem()
    decoder = TopKDecoder(encoder).fit(X, Y)
    for call in (
        decoder.transform,
        SparseAutoencoder(8).fit,
        lambda X: compare_decoders({"top-k": decoder}, X),
        lambda targets: compare_decoders({"top-k": decoder}, X, targets=targets),
    ):
        with pytest.raises(ValueError, match=r"must be an array, .*a\.npy.*: pass np\.load.*Dask"):
            call(names)


class Slices:
    """Rows that are read by slices alone, as of a class that joins files."""

    def __init__(self, X):
        self.X, self.shape = X, X.shape

    def __getitem__(self, rows):
        assert isinstance(rows, slice)
        return self.X[rows]


def test_objects_whose_slices_are_arrays():
    encoder, X, Y = problem()
    decoder = TopKDecoder(encoder).fit(Slices(X), Y)
    assert_array_equal(decoder.predict(Slices(X)).toarray(), decoder.predict(X).toarray())
    assert decoder.score(Slices(X), Y) == decoder.score(X, Y)
    learner = DictionaryLearner(4, n_nonzero_coefs=2, max_iter=1, random_state=0)
    assert_array_equal(clone(learner).fit(Slices(X)).dictionary_, clone(learner).fit(X).dictionary_)


def test_an_estimator_in_the_place_of_numbers_is_told_from_them():
    encoder, X, Y = problem()
    decoder = FrozenEstimator(TopKDecoder(encoder).fit(X, Y))
    for name, call in (
        ("Z", lambda: probe_latents(decoder, Y[:, 0])),
        ("Z", lambda: mean_l0(decoder)),
        ("y_pred", lambda: match_codes(Y, decoder)),
        ("truth", lambda: compare_decoders({"top-k": decoder}, X, truth=decoder)),
        ("X", lambda: encoder.transform(decoder)),
    ):
        with pytest.raises(ValueError, match=f"^{name} must .* TopKDecoder: pass its transform"):
            call()
    with pytest.raises(ValueError, match=r"^X_hat must .* pass its reconstruct\(X\)"):
        fraction_of_variance_unexplained(X, decoder)
    with pytest.raises(ValueError, match="^dictionary must .* pass its dictionary_"):
        DenseDictionary(decoder)


def test_codewords_that_are_columns_are_noticed():
    rng = np.random.default_rng(0)
    F, X = rng.standard_normal((30, 8)), rng.standard_normal((5, 8))
    weights = {"W_dec": F, "b_dec": np.zeros(8), "W_enc": F.T, "b_enc": np.zeros(30)}
    for name, call in (
        ("dictionary", TopKDecoder(F.T, 2).fit),
        ("dictionary", MatchingPursuitDecoder(DenseDictionary(F.T), 2).fit),
        ("dictionary", lambda X: compare_decoders({"top-k": TopKDecoder(F.T, 2)}, X)),
        ("the array", DenseDictionary(F.T).correlate),
        ("init", DictionaryLearner(30, n_nonzero_coefs=2, init=F.T).fit),
        ("dictionary", lambda X: match_dictionaries(F.T, F)),
        ("other", lambda X: match_dictionaries(F, F.T)),
        ("W_dec", lambda X: SAEWeights("relu", **weights | {"W_dec": F.T})),
        ("W_enc", lambda X: SAEWeights("relu", **weights | {"W_enc": F})),
    ):
        with pytest.raises(ValueError, match=rf"pass {name}\.T"):
            call(X)
    # Others are not taken for transposed.
    with pytest.raises(ValueError, match=r"30 dimensions\.$"):
        TopKDecoder(rng.standard_normal((9, 30)), 2).fit(X)
    assert "pass the transpose" in dictionary_report(F.T).verdict
    assert "transpose" not in dictionary_report(F).verdict


def test_dask_arrays():
    array = pytest.importorskip("dask.array", reason="needs Dask")
    encoder, X, Y = problem()
    lazy = array.from_array(X, chunks=(2, 64))
    decoder = TopKDecoder(encoder).fit(lazy, Y)
    np.testing.assert_array_equal(decoder.predict(lazy).toarray(), Y)
    unknown, codes = lazy[lazy[:, 0] > -9], array.from_array(Y)[array.from_array(Y)[:, 0] > -9]
    for call in (decoder.transform, encoder.transform, lambda X: GaussianChannel().fit(X)):
        with pytest.raises(ValueError, match=r"X.*compute_chunk_sizes\(\).*X\.compute\(\)"):
            call(unknown)
    for call in (decoder.fit, decoder.score):
        with pytest.raises(ValueError, match=r"y.*compute_chunk_sizes\(\)"):
            call(X, codes)


def test_names_of_columns_matter_only_where_fit_had_some(recwarn):
    pandas = pytest.importorskip("pandas", reason="needs pandas")
    encoder, X, Y = problem()
    frame = pandas.DataFrame(X.astype(np.float32)).add_prefix("x")
    decoder, channel = TopKDecoder(encoder).fit(X, Y), GaussianChannel(0.0).fit(X)
    assert decoder.transform(frame).dtype == channel.transform(frame).dtype == np.float32
    encoder.transform(pandas.DataFrame(Y).add_prefix("y"))
    assert not recwarn
    with pytest.raises(ValueError, match="feature names"):
        decoder.fit(frame, Y).transform(frame.rename(columns={"x0": "other"}))

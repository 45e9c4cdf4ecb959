"""What each format's files say, against the forward pass of the library that writes them."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.numpy import save_file

from sksupercode import Transcoder, load_sae
from sksupercode.sae._formats._registry import read_weights
from tests.sae import weight_files as files
from tests.sae.weight_files import DTYPES, D, K, N, latents, relu, top_k, wide

X = np.random.default_rng(99).standard_normal((20, D)).astype(np.float32)
X.setflags(write=False)


def check_latents(weights, expected):
    assert_allclose(latents(weights, X), expected, atol=1e-5)
    assert 0 < np.count_nonzero(expected) < expected.size


@pytest.mark.parametrize("dtype", ["F16", "BF16", "F32"])
@pytest.mark.parametrize("architecture", ["standard", "topk", "jumprelu", "gated"])
def test_saelens(tmp_path, architecture, dtype):
    arrays = files.saelens(tmp_path, architecture, dtype=dtype)
    weights = read_weights(tmp_path)
    a = {key: wide(array) for key, array in arrays.items()}
    x = X - a["b_dec"]
    if architecture == "gated":
        gate = (x @ a["W_enc"] + a["b_gate"] > 0).astype(np.float32)
        expected = gate * relu(x @ (a["W_enc"] * np.exp(a["r_mag"])) + a["b_mag"])
    else:
        z = x @ a["W_enc"] + a["b_enc"]
        expected = {
            "standard": lambda: relu(z),
            "topk": lambda: top_k(z, K),
            "jumprelu": lambda: relu(z) * (z > a["threshold"]),
        }[architecture]()
    check_latents(weights, expected)
    assert weights.name == f"SAELens {architecture}"
    for key, array in arrays.items():
        read = getattr(weights, key)
        assert read.dtype == DTYPES[dtype]
        assert_array_equal(wide(read), wide(array))
        assert not read.flags.owndata and not read.flags.writeable


@pytest.mark.parametrize("dtype", ["BF16", "F32"])
@pytest.mark.parametrize("architecture", files.TRANSCODER_SHAPES)
def test_saelens_transcoders(tmp_path, architecture, dtype):
    arrays = files.saelens(tmp_path, architecture, dtype=dtype)
    transcoder = load_sae(tmp_path).estimator
    assert type(transcoder) is Transcoder
    a = {key: wide(array) for key, array in arrays.items()}
    z = X @ a["W_enc"] + a["b_enc"]
    expected = relu(z) * (z > a.get("threshold", 0))
    assert_allclose(transcoder.transform(X).toarray(), expected, atol=1e-5)
    expected = expected @ a["W_dec"] + a["b_dec"]
    if "W_skip" in a:
        expected += X @ a["W_skip"].T
    assert_allclose(transcoder.reconstruct(X), expected, atol=1e-4)
    for config in ({"d_out": None}, {"d_out": D}, {"apply_b_dec_to_input": True}):
        files.saelens(tmp_path, architecture, **config)
        with pytest.raises(ValueError, match="|".join(config)):
            load_sae(tmp_path)


@pytest.mark.parametrize("rescales", [False, True])
def test_saelens_abstopk(tmp_path, rescales):
    a = files.saelens(tmp_path, "abstopk", rescale_acts_by_decoder_norm=rescales)
    norms = np.linalg.norm(a["W_dec"], axis=1) if rescales else 1.0
    z = ((X - a["b_dec"]) @ a["W_enc"] + a["b_enc"]) * norms
    expected = top_k(np.abs(z), K) * np.sign(z)
    sae = load_sae(tmp_path).estimator
    assert_allclose(sae.transform(X).toarray(), expected, atol=1e-5)
    expected = (expected / norms) @ a["W_dec"] + a["b_dec"]
    assert_allclose(sae.reconstruct(X), expected, atol=1e-4)


def test_saelens_log_threshold(tmp_path):
    logs = files.draw(4, log_threshold=N)
    a = files.saelens(tmp_path, "jumprelu", arrays={"threshold": None, **logs})
    weights = read_weights(tmp_path)
    assert_allclose(weights.threshold, np.exp(a["log_threshold"]), rtol=1e-6)
    logs["log_threshold"][3] = 1e3
    files.saelens(tmp_path, "jumprelu", arrays={"threshold": None, **logs})
    with pytest.raises(ValueError, match="threshold contains NaN or inf.*'log_threshold' in the"):
        read_weights(tmp_path)


def test_saelens_hooks_of_a_transcoder(tmp_path):
    hooks = {"hook_name": "blocks.1.ln2", "hook_name_out": "blocks.1.hook_mlp_out"}
    files.saelens(tmp_path, "standard", apply_b_dec_to_input=False, **hooks)
    assert type(load_sae(tmp_path).estimator) is Transcoder


def test_saelens_matching_pursuit(tmp_path):
    arrays = files.saelens(
        tmp_path, "matching_pursuit", residual_threshold=0.5, stop_on_duplicate_support=False
    )
    weights = read_weights(tmp_path)
    assert set(weights.arrays()) == {"W_dec", "b_dec"}
    assert_array_equal(weights.W_dec, arrays["W_dec"])
    assert (weights.residual_threshold, weights.max_iterations) == (0.5, None)
    assert weights.stops_on_duplicate_support is False
    files.saelens(tmp_path, "matching_pursuit", max_iterations=7)
    weights = read_weights(tmp_path)
    assert (weights.residual_threshold, weights.max_iterations) == (1e-2, 7)
    assert weights.stops_on_duplicate_support is True


def test_files_of_the_safetensors_library(tmp_path):
    arrays = files.saelens(tmp_path)
    save_file(arrays, tmp_path / "sae_weights.safetensors")
    assert_array_equal(read_weights(tmp_path).W_enc, arrays["W_enc"])


def test_saelens_keeps_mixed_precisions(tmp_path):
    threshold = np.full(N, 0.1, np.float32)
    files.saelens(tmp_path, "jumprelu", dtype="F16", arrays={"threshold": threshold})
    weights = read_weights(tmp_path)
    assert weights.W_enc.dtype == np.float16 and weights.threshold.dtype == np.float32
    assert_array_equal(weights.threshold, threshold)


def test_saelens_batch_topk_is_jumprelu(tmp_path):
    metadata = {"sae_lens_version": "6.0.0", "training_architecture": "batchtopk"}
    files.saelens(tmp_path, "jumprelu", metadata=metadata)
    weights = read_weights(tmp_path)
    assert (weights.architecture, weights.name) == ("jumprelu", "SAELens batchtopk")


@pytest.mark.parametrize("applies", [True, False])
def test_saelens_switches(tmp_path, applies):
    files.saelens(
        tmp_path,
        apply_b_dec_to_input=applies,
        rescale_acts_by_decoder_norm=applies,
        reshape_activations="hook_z" if applies else "none",
    )
    weights = read_weights(tmp_path)
    assert weights.applies_b_dec is applies and weights.rescales_by_norm is applies
    assert weights.k == K


@pytest.mark.parametrize("name", ["none", "layer_norm", "constant_norm_rescale"])
def test_saelens_normalization(tmp_path, name):
    files.saelens(tmp_path, normalize_activations=name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_weights(tmp_path).normalization == name


@pytest.mark.parametrize("name", ["expected_average_only_in", "covariance_whitening"])
def test_saelens_normalization_whose_scale_is_not_in_the_file(tmp_path, name):
    files.saelens(tmp_path, normalize_activations=name)
    with pytest.warns(UserWarning, match=f"{name}.*not in the file"):
        assert read_weights(tmp_path).normalization == "none"


@pytest.mark.parametrize("key", ["activation_fn", "activation_fn_str"])
def test_flat_saelens_topk(tmp_path, key):
    arrays = files.flat_saelens(
        tmp_path, architecture="standard", activation_fn_kwargs={"k": K}, **{key: "topk"}
    )
    weights = read_weights(tmp_path)
    assert weights.architecture == "topk" and weights.applies_b_dec
    check_latents(weights, top_k((X - arrays["b_dec"]) @ arrays["W_enc"] + arrays["b_enc"], K))


@pytest.mark.parametrize("value", [None, False, "none"])
def test_flat_saelens_relu(tmp_path, value):
    files.flat_saelens(tmp_path)
    config = json.loads((tmp_path / "cfg.json").read_text())
    config |= {"normalize_activations": value, "sae_lens_version": "5.9.1", "activation_fn": "relu"}
    (tmp_path / "cfg.json").write_text(json.dumps(config))
    weights = read_weights(tmp_path)
    assert (weights.architecture, weights.normalization) == ("relu", "none")


@pytest.mark.parametrize("architecture", ["gated", "jumprelu"])
def test_flat_saelens_other_architectures(tmp_path, architecture):
    files.flat_saelens(tmp_path, architecture, architecture=architecture, activation_fn="relu")
    assert read_weights(tmp_path).architecture == architecture
    files.flat_saelens(
        tmp_path, architecture, architecture=architecture, normalize_activations=True
    )
    with pytest.warns(UserWarning, match="expected_average_only_in"):
        read_weights(tmp_path)


def test_saelens_scaling_factor(tmp_path):
    ones = np.ones(N, np.float32)
    files.flat_saelens(tmp_path, arrays={"scaling_factor": ones}, finetuning_scaling_factor=True)
    assert read_weights(tmp_path).architecture == "relu"
    for finetuned in (True, False):
        files.flat_saelens(
            tmp_path, arrays={"scaling_factor": 2 * ones}, finetuning_scaling_factor=finetuned
        )
        with pytest.raises(ValueError, match=r"sae_weights.*scaling_factor"):
            read_weights(tmp_path)


def test_gemma_scope(tmp_path):
    arrays = files.gemma_scope(tmp_path)
    weights = read_weights(tmp_path)
    z = X @ arrays["W_enc"] + arrays["b_enc"]
    check_latents(weights, relu(z) * (z > arrays["threshold"]))
    files.gemma_scope(
        tmp_path, W_enc=None, W_dec=None, w_enc=arrays["W_enc"], w_dec=arrays["W_dec"]
    )
    assert_array_equal(read_weights(tmp_path).W_enc, arrays["W_enc"])
    np.savez_compressed(tmp_path / "params.npz", **arrays)
    assert_array_equal(read_weights(tmp_path).W_dec, arrays["W_dec"])
    fortran = {key: np.asfortranarray(array) for key, array in arrays.items()}
    np.savez(tmp_path / "params.npz", **fortran)
    assert_array_equal(read_weights(tmp_path).W_dec, arrays["W_dec"])


@pytest.mark.parametrize("transcode", [False, True])
def test_sparsify(tmp_path, transcode):
    arrays = files.sparsify(tmp_path, transcode=transcode)
    weights = read_weights(tmp_path)
    x = X if transcode else X - arrays["b_dec"]
    check_latents(weights, top_k(x @ arrays["encoder.weight"].T + arrays["encoder.bias"], K))
    assert_array_equal(weights.W_dec, arrays["W_dec"])


def test_sparsify_groupmax(tmp_path):
    a = files.sparsify(tmp_path, activation="groupmax")
    z = relu((X - a["b_dec"]) @ a["encoder.weight"].T + a["encoder.bias"])
    groups = z.reshape(len(X), K, N // K)
    expected = groups * (groups == groups.max(axis=2, keepdims=True))
    assert_allclose(load_sae(tmp_path).transform(X).toarray(), expected.reshape(z.shape), atol=1e-5)


@pytest.mark.parametrize("transcode", [True, False])
def test_sparsify_skip_connection(tmp_path, transcode):
    a = files.sparsify(tmp_path, skip_connection=True, transcode=transcode)
    sae = load_sae(tmp_path).estimator
    assert type(sae) is Transcoder
    x = X if transcode else X - a["b_dec"]
    expected = top_k(x @ a["encoder.weight"].T + a["encoder.bias"], K)
    assert_allclose(sae.transform(X).toarray(), expected, atol=1e-5)
    expected = expected @ a["W_dec"] + a["b_dec"] + X @ a["W_skip"].T
    assert_allclose(sae.reconstruct(X), expected, atol=1e-4)


def test_sparsify_expansion_factor(tmp_path):
    files.sparsify(tmp_path, num_latents=0, expansion_factor=N // D, activation=None)
    assert read_weights(tmp_path).shape == (N, D)
    files.sparsify(tmp_path, num_latents=0, expansion_factor=5)
    with pytest.raises(ValueError, match=r"\(30, 6\), got \(12, 6\) \(.*expansion_factor"):
        read_weights(tmp_path)


@pytest.mark.parametrize("name", files.DICTIONARY_SHAPES)
def test_dictionary_learning(tmp_path, torch, name):
    a = files.dictionary_learning(torch, tmp_path, name)
    weights = read_weights(tmp_path)
    if name in ("JumpReluAutoEncoder", "MatryoshkaBatchTopKSAE"):
        x = X if name == "JumpReluAutoEncoder" else X - a["b_dec"]
        z, W_dec = x @ a["W_enc"] + a["b_enc"], a["W_dec"]
    else:
        bias = a.get("b_dec", a.get("bias", a.get("decoder_bias", 0)))
        z, W_dec = (
            (X - bias) @ a["encoder.weight"].T + a.get("encoder.bias", 0),
            a["decoder.weight"].T,
        )
    if name == "AutoEncoderTopK":
        expected = top_k(z, K)
    elif name == "GatedAutoEncoder":
        expected = (z + a["gate_bias"] > 0) * relu(np.exp(a["r_mag"]) * z + a["mag_bias"])
    elif name in ("AutoEncoder", "AutoEncoderNew"):
        expected = relu(z)
    else:
        expected = relu(z) * (relu(z) > a.get("threshold", 0.25))
    check_latents(weights, expected)
    assert_array_equal(weights.W_dec, W_dec)
    assert weights.name == f"dictionary_learning {name}"


@pytest.mark.parametrize("name", ["BatchTopKSAE", "MatryoshkaBatchTopKSAE"])
def test_dictionary_learning_threshold_that_was_never_set(tmp_path, torch, name):
    files.dictionary_learning(torch, tmp_path, name, tensors={"threshold": torch.tensor(-1.0)})
    with pytest.warns(UserWarning, match=r"'threshold' is -1.0, so training never set it"):
        weights = read_weights(tmp_path)
    assert_array_equal(weights.threshold, np.full(N, -1.0))


def test_dictionary_learning_backup(tmp_path, torch):
    files.dictionary_learning(torch, tmp_path)
    state = torch.load(tmp_path / "ae.pt", weights_only=True)
    torch.save({"step": 5, "ae": state, "optimizer": {"state": {}}}, tmp_path / "ae.pt")
    assert_array_equal(read_weights(tmp_path).W_enc, state["encoder.weight"].numpy().T)


@pytest.mark.parametrize("where", ["tensor", "configuration"])
def test_dictionary_learning_k_in_one_place(tmp_path, torch, where):
    if where == "tensor":
        files.dictionary_learning(torch, tmp_path, k=None)
    else:
        files.dictionary_learning(torch, tmp_path, tensors={"k": None})
    assert read_weights(tmp_path).k == K


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_precisions_of_torch_files(tmp_path, torch, dtype):
    files.dictionary_learning(torch, tmp_path)
    state = torch.load(tmp_path / "ae.pt", weights_only=True)
    kept = ("k", "threshold")
    halves = {key: t if key in kept else t.to(getattr(torch, dtype)) for key, t in state.items()}
    halves["b_dec"] = torch.nn.Parameter(halves["b_dec"])
    torch.save(halves, tmp_path / "ae.pt")
    weights = read_weights(tmp_path)
    assert weights.W_enc.dtype.name == weights.b_dec.dtype.name == dtype
    assert_array_equal(wide(weights.W_enc), halves["encoder.weight"].detach().float().numpy().T)


@pytest.mark.parametrize("twice", [False, True])
def test_openai_topk(tmp_path, torch, twice):
    extra = {"activation.k": K, "activation.postact_fn": "ReLU"} if twice else {}
    a = files.openai(torch, tmp_path / "9.pt", **extra)
    weights = read_weights(tmp_path / "9.pt")
    z = (X - a["pre_bias"]) @ a["encoder.weight"].T + a["latent_bias"]
    check_latents(weights, top_k(z, K))
    assert weights.normalization == "layer_norm" and weights.name == "OpenAI TopK"
    assert_array_equal(weights.W_dec, a["decoder.weight"].T)


@pytest.mark.parametrize("entries", [{}, {"activation": None}])
def test_openai_relu(tmp_path, torch, entries):
    a = files.openai(torch, tmp_path / "9.pt", **({"activation": "ReLU"} | entries))
    weights = read_weights(tmp_path)
    z = (X - a["pre_bias"]) @ a["encoder.weight"].T + a["latent_bias"]
    check_latents(weights, relu(z))
    assert weights.normalization == "none"

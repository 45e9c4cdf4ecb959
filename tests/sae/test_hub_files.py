"""Files as they are released, apart from the package: what is read equals the libraries' own."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
import re
import warnings
from functools import partial

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator

from sksupercode import SparseAutoencoder, Transcoder, load_sae
from tests.sae import hub_families as families
from tests.sae import hub_files as files

N_SAMPLES = 40
# Files of PyTorch.
PT_KINDS = {
    "qwen_scope": files.qwen_scope,
    "qwen_scope, k passed": partial(files.qwen_scope, dtype="BF16", says_k=False),
    "hook_z": files.hook_z,
    "goodfire": files.linear_layers,
    "goodfire pth": partial(files.linear_layers, kind="goodfire pth", dtype="F16"),
    "deepseek_r1": partial(files.linear_layers, kind="deepseek_r1"),
}
KINDS = {
    **{
        f"gemma_scope_2, {site}": partial(files.gemma_scope_2, site=site)
        for site in ("resid_post", "attn_out_all", "mlp_out", "transcoder", "transcoder_all_affine")
    },
    "gemma_scope_2, bfloat16": partial(files.gemma_scope_2, dtype="BF16"),
    **{
        f"gemma_scope_2, {site}, no config": partial(files.gemma_scope_2, site=site, config=False)
        for site in ("resid_post", "transcoder_all", "transcoder_affine")
    },
    "gemma_scope_2, CLT": files.gemma_scope_2_clt,
    "gemma_scope_2, CLT, no skip": partial(files.gemma_scope_2_clt, has_skip=False),
    "gemma_scope, embedding": files.gemma_scope,
    "gemma_scope, transcoder": partial(files.gemma_scope, kind="transcoder"),
    "mwhanna": files.mwhanna_transcoders,
    "mntss CLT": files.mntss_clt,
    "llama_scope": families.llama_scope,
    "llama_scope, A": partial(families.llama_scope, site="A", dtype="F32", with_norms=False),
    "llama_scope, TC": partial(families.llama_scope, site="TC"),
    "llama_scope_r1": families.open_moss,
    "llama_scope_r1, norms": partial(families.open_moss, with_norms=True),
    "llama_scope_r1, no norms": partial(families.open_moss, with_norms=False),
    "llama_scope_r1, topk": partial(families.open_moss, act_fn="topk"),
    "llama_scope_r1, transcoder": partial(families.open_moss, out=True),
    **{
        f"open_moss, {act_fn}": partial(families.open_moss, keys="W_E", act_fn=act_fn)
        for act_fn in ("jumprelu", "topk", "relu")
    },
    "open_moss, norms": partial(families.open_moss, keys="W_E", with_norms=True),
    "open_moss, topk, norms": partial(
        families.open_moss, keys="W_E", act_fn="topk", with_norms=True
    ),
    "open_moss, folded": partial(families.open_moss, keys="W_E", norm="inference"),
    "open_moss, transcoder": partial(families.open_moss, keys="W_E", act_fn="topk", out=True),
    **{
        f"saelens, {architecture}, {normalization}": partial(
            families.saelens_transcoder, architecture=architecture, normalization=normalization
        )
        for architecture, normalization in (
            ("transcoder", "none"),
            ("transcoder", "layer_norm"),
            ("skip_transcoder", "none"),
            ("skip_transcoder", "constant_norm_rescale"),
            ("jumprelu_transcoder", "none"),
            ("jumprelu_skip_transcoder", "layer_norm"),
        )
    },
    "saelens, abstopk": families.saelens_abstopk,
    "saelens, abstopk, rescaled": partial(families.saelens_abstopk, rescales=True, dtype="BF16"),
    "saelens, log_threshold": families.saelens_log_threshold,
    "saelens, folder.pt": partial(families.saelens_before_6, needs="nothing"),
    "saelens, scale": partial(
        families.saelens_before_6, normalize_activations="expected_average_only_in"
    ),
    "saelens, scale, old": partial(families.saelens_before_6, normalize_activations=True),
    "saelens, normalization": partial(families.saelens_before_6, needs="normalization"),
    **{
        f"saelens, normalization, {said}": partial(
            families.saelens_before_6,
            needs="normalization",
            normalize_activations=said,
            apply_b_dec_to_input=False,
        )
        for said in (False, None)
    },
    "sparsify, skip": partial(families.sparsify, has_skip=True, transcode=True),
    "sparsify, skip of an autoencoder": partial(families.sparsify, has_skip=True, dtype="F16"),
    "sparsify, old skip": partial(families.sparsify, has_skip=True, old=True),
    "sparsify, transcoder": partial(families.sparsify, transcode=True, dtype="BF16"),
    "sparsify, groupmax": partial(families.sparsify, activation="groupmax"),
    "sparsify, groupmax, all": partial(
        families.sparsify, activation="groupmax", has_skip=True, transcode=True
    ),
    **PT_KINDS,
}


def hub_at(folder):
    return lambda repository: folder / repository.split("/")[1]


def cache_at(folder):
    """Return where repositories are in the cache of huggingface_hub."""
    return lambda repository: (
        folder / f"models--{repository.replace('/', '--')}" / "snapshots" / ("0f" * 20)
    )


def load(path, released, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loaded = load_sae(path, **released.options, **options)
    messages = [str(one.message) for one in caught if issubclass(one.category, UserWarning)]
    if released.warns:
        assert any(released.warns in message for message in messages), messages
    else:
        assert not messages
    return loaded


def check(loaded, released, X):
    assert isinstance(loaded, FrozenEstimator)
    kind = Transcoder if released.is_transcoder else SparseAutoencoder
    assert isinstance(loaded.estimator, kind)
    latents, outputs = released.forward(X.astype(np.float64))
    Z = loaded.transform(X).toarray()
    np.testing.assert_allclose(Z, latents, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(Z != 0, latents != 0)
    # No file is a test where all latents are active, or none.
    assert 0.01 < np.mean(latents != 0) < 0.9
    np.testing.assert_allclose(loaded.reconstruct(X), outputs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_latents_and_outputs(kind, tmp_path):
    if kind in PT_KINDS:
        pytest.importorskip("torch", reason="needs PyTorch")
    rng = np.random.default_rng(0)
    released = KINDS[kind](hub_at(tmp_path), rng)
    X = rng.standard_normal((N_SAMPLES, released.d_in)).astype(np.float32)
    check(load(released.path, released), released, X)
    check(load(released.path, released, format=released.format), released, X)
    if released.folder is not None:
        check(load(released.folder, released), released, X)
        check(load(str(released.folder), released, format=released.format), released, X)


def to_links(folder):
    """Move files to where the cache of huggingface_hub has them, and leave links behind."""
    blobs = folder.parents[1] / "blobs"
    blobs.mkdir()
    for number, path in enumerate(sorted(folder.rglob("*.*"))):
        if path.is_file():
            blob = path.rename(blobs / f"{number:040x}")
            try:
                path.symlink_to(blob)
            except OSError:
                path.write_bytes(blob.read_bytes())


@pytest.mark.parametrize(
    "kind",
    [
        "qwen_scope",
        "gemma_scope_2, transcoder_all, no config",
        "gemma_scope_2, CLT",
        "hook_z",
        "llama_scope",
        "llama_scope_r1",
        "mntss CLT",
        "goodfire",
        "saelens, skip_transcoder, none",
    ],
)
def test_links_in_the_cache_of_the_hub(kind, tmp_path):
    if kind in PT_KINDS:
        pytest.importorskip("torch", reason="needs PyTorch")
    rng = np.random.default_rng(7)
    released = KINDS[kind](cache_at(tmp_path), rng)
    to_links(next(tmp_path.glob("*/snapshots/*")))
    X = rng.standard_normal((N_SAMPLES, released.d_in)).astype(np.float32)
    for path in filter(None, (released.path, released.folder)):
        check(load(path, released), released, X)


def test_a_transcoder_by_the_name_of_its_repository(tmp_path):
    rng = np.random.default_rng(5)
    released = files.gemma_scope(cache_at(tmp_path), rng, kind="transcoder")
    released.options, released.warns = {}, "transcoder"
    X = rng.standard_normal((N_SAMPLES, released.d_in)).astype(np.float32)
    check(load(released.folder, released), released, X)


def test_latents_alone_without_the_skip(tmp_path):
    rng = np.random.default_rng(11)
    released = KINDS["sparsify, skip"](hub_at(tmp_path), rng)
    X = rng.standard_normal((N_SAMPLES, released.d_in))
    loaded = load(released.path, released)
    _, outputs = released.forward(X)
    _, at_zero = released.forward(np.zeros((1, released.d_in)))
    Z = loaded.transform(np.vstack([X, np.zeros_like(X[:1])]))
    decoded = loaded.inverse_transform(Z)
    np.testing.assert_allclose(decoded[-1], at_zero[0], rtol=1e-4, atol=1e-4)
    # What is left is linear in X.
    skip = outputs - decoded[:-1]
    W_skip, *_ = np.linalg.lstsq(X, skip, rcond=None)
    np.testing.assert_allclose(X @ W_skip, skip, atol=1e-4)
    assert np.abs(skip).max() > 0.1
    assert loaded.score(X, outputs) == pytest.approx(1, abs=1e-6)


def test_layers_beside_each_other_are_listed(tmp_path):
    rng = np.random.default_rng(3)
    path = files.mwhanna_transcoders(hub_at(tmp_path), rng).path
    with pytest.raises(ValueError, match=r"layer_0.*layer_1.*layer_2"):
        load_sae(path.parent)


def test_k_that_nothing_says(tmp_path):
    pytest.importorskip("torch", reason="needs PyTorch")
    path = files.qwen_scope(hub_at(tmp_path), np.random.default_rng(2), says_k=False).path
    with pytest.raises(ValueError, match=r"layer1\.sae\.pt.*\bk\b"):
        load_sae(path)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("sparsify, groupmax", {"k": 1}),
        ("saelens, abstopk", {"k": 1}),
        ("saelens, skip_transcoder, none", {"transcoder": False}),
        ("saelens, skip_transcoder, none", {"normalization": "layer_norm"}),
        ("saelens, log_threshold", {"transcoder": True}),
        ("llama_scope", {"scale": 0.123}),
        ("llama_scope, TC", {"transcoder": False}),
        ("open_moss, jumprelu", {"scale": 0.123}),
        ("open_moss, jumprelu", {"k": 1}),
        ("gemma_scope_2, transcoder", {"transcoder": False}),
        ("gemma_scope_2, resid_post", {"k": 3}),
    ],
)
def test_what_is_passed_contradicts_the_file(kind, options, tmp_path):
    path = KINDS[kind](hub_at(tmp_path), np.random.default_rng(4)).path
    with pytest.raises(ValueError, match=next(iter(options))):
        load_sae(path, **options)


@pytest.mark.parametrize(
    ("kind", "name", "change"),
    [
        ("llama_scope", "hyperparams.json", {"use_glu_encoder": True}),
        ("open_moss, topk", "config.json", {"act_fn": "batchtopk"}),
        ("open_moss, topk", "config.json", {"norm_activation": "batch-wise"}),
        ("gemma_scope_2, resid_post", "config.json", {"architecture": "topk"}),
        ("saelens, transcoder, none", "cfg.json", {"apply_b_dec_to_input": True}),
        ("saelens, transcoder, none", "cfg.json", {"architecture": "temporal"}),
    ],
)
def test_what_no_reader_knows(kind, name, change, tmp_path):
    folder = KINDS[kind](hub_at(tmp_path), np.random.default_rng(6)).folder
    config = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(config | change))
    with pytest.raises(ValueError, match=re.escape(name)) as refusal:
        load_sae(folder)
    assert next(iter(change)) in str(refusal.value)


def test_temporal_autoencoders_are_refused(tmp_path):
    rng = np.random.default_rng(1)
    folder = tmp_path / "gemma-2-2B" / "layer_12" / "temporal"
    tensors = {"D": files.draw(rng, 30, 8), "b": files.draw(rng, 1, 8), "E": files.draw(rng, 8, 30)}
    for name in ("k_ctx", "q_target", "v_ctx", "c_proj"):
        tensors[f"attn_layers.0.{name}.weight"] = files.draw(rng, 3, 30)
        tensors[f"attn_layers.0.{name}.bias"] = files.draw(rng, 3)
    path = files.write_safetensors(folder / "latest_ckpt.safetensors", tensors)
    (folder / "conf.yaml").write_text("llm:\n  dimin: 8\n")
    for where in (path, folder):
        with pytest.raises(ValueError, match=r"latest_ckpt\.safetensors.*emporal"):
            load_sae(where)

"""Files of single releases that say less than others, or what contradicts their weights.

Complete ones, as they lie on hubs, are in :mod:`tests.sae.test_hub_files`.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.numpy import load_file

from sksupercode import SparseAutoencoder, Transcoder, load_sae
from tests.sae import single_release_files as files
from tests.sae.single_release_files import D_OUT, D, K, N
from tests.sae.weight_files import draw, write_safetensors

X = np.random.default_rng(5).standard_normal((30, D)).astype(np.float32)
X.setflags(write=False)


def check(sae, outputs, kind=SparseAutoencoder):
    """Compare latents, their support and outputs."""
    assert type(sae.estimator) is kind
    latents, expected = outputs(X)
    Z = sae.transform(X).toarray()
    assert_array_equal(Z != 0, latents != 0)
    assert_allclose(Z, latents, atol=1e-4)
    assert_allclose(sae.estimator.reconstruct(X), expected, atol=1e-4)
    assert 0 < np.count_nonzero(latents) < latents.size


def load_quietly(path, **given):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load_sae(path, **given)


@pytest.mark.parametrize("site", ["resid_post_all", "mlp_out", "attn_out", "gemma-scope-2b-pt-mlp"])
def test_folders_of_autoencoders(tmp_path, site):
    """The innermost folder that says it counts."""
    folder = tmp_path / "transcoders" / site / "layer_1_width_16k_l0_small"
    _, outputs = files.gemma_scope_2(folder, config=False)
    check(load_quietly(folder), outputs)


@pytest.mark.parametrize("skip", [False, True])
def test_gemma_scope_2_transcoders(tmp_path, skip):
    """Told by two hooks, or by a number of outputs."""
    _, outputs = files.gemma_scope_2(tmp_path, skip=skip, hf_hook_point_out="model.mlp")
    check(load_quietly(tmp_path), outputs, Transcoder)
    _, outputs = files.gemma_scope_2(tmp_path, d_out=D_OUT, skip=skip, config=False)
    (tmp_path / "config.json").unlink()
    check(load_quietly(tmp_path), outputs, Transcoder)


@pytest.mark.parametrize("name", ["transcoder_all", "gemma-scope-2b-pt-transcoders", "clt"])
def test_folders_of_transcoders(tmp_path, name):
    folder = tmp_path / name / "layer_1_width_16k_l0_small"
    _, outputs = files.gemma_scope_2(folder, config=False)
    with pytest.warns(UserWarning, match=f"a transcoder, as it is in the folder '{name}'"):
        check(load_sae(folder), outputs, Transcoder)
    check(load_quietly(folder, transcoder=True), outputs, Transcoder)
    check(load_quietly(folder, transcoder=False), outputs)
    # What the configuration says is not a guess.
    files.gemma_scope_2(folder, type="sae")
    check(load_quietly(folder), outputs)
    a = draw(**{"W_dec": (N, D), "W_enc": (D, N), "b_dec": D, "b_enc": N, "threshold": N})
    (tmp_path / name / "layer_2").mkdir()
    np.savez(tmp_path / name / "layer_2" / "params.npz", **a)
    with pytest.warns(UserWarning, match="taken for a transcoder"):
        assert type(load_sae(tmp_path / name / "layer_2").estimator) is Transcoder


@pytest.mark.parametrize("name", ["gemma_scope_2", "clt", "llama_scope", "llama_scope_r1"])
def test_warnings_are_of_the_line_that_loads(tmp_path, name):
    folder = tmp_path / "transcoders"
    folder.mkdir()
    files.WITHOUT_TORCH[name](folder)
    if name == "gemma_scope_2":
        (folder / "config.json").unlink()
    with pytest.warns(UserWarning) as caught:
        load_sae(folder)
    assert {warning.filename for warning in caught} == {__file__}


@pytest.mark.parametrize(
    "keys, message",
    [
        ({"type": "crosscoder"}, "config.json: type must be one of sae, .*got 'crosscoder'"),
        ({"architecture": "topk"}, "config.json: architecture must be one of jump_relu"),
        ({"affine_connection": True}, "params.safetensors: 'affine_skip_connection' is missing"),
        ({"affine_connection": False, "skip": True}, "unknown affine_skip_connection"),
        ({"affine_connection": "no"}, "config.json: affine_connection must be true or false"),
    ],
)
def test_gemma_scope_2_refuses(tmp_path, keys, message):
    files.gemma_scope_2(tmp_path, **keys)
    with pytest.raises(ValueError, match=message):
        load_sae(tmp_path)


def test_as_many_latents_as_dimensions(tmp_path):
    a = draw(W_enc=(D, D), W_dec=(D, D), b_enc=D, b_dec=D)
    write_safetensors(tmp_path / "layer_3.safetensors", a)
    X = draw(X=(20, D))["X"]
    found = load_quietly(tmp_path).transform(X).toarray()
    assert_allclose(found, np.maximum(X @ a["W_enc"].T + a["b_enc"], 0), atol=1e-5)
    (tmp_path / "layer_3.safetensors").rename(tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="no known format by its keys"):
        load_sae(tmp_path)


def test_clt(tmp_path):
    path, outputs = files.clt(tmp_path)
    for given in (tmp_path, tmp_path / "W_dec_4.safetensors"):
        with pytest.warns(UserWarning, match="whose 3 decoders .*Its latents are right"):
            check(load_sae(given), outputs, Transcoder)
    files.clt(tmp_path, n=11)
    with pytest.raises(ValueError, match=r"more than one.*W_enc_11.safetensors \(clt\)"):
        load_sae(tmp_path)
    (tmp_path / "W_dec_4.safetensors").write_text("version https://git-lfs.github.com/spec/v1")
    with pytest.raises(ValueError, match=r"W_dec_4.safetensors: not the weights but a pointer"):
        load_sae(path)
    (tmp_path / "W_dec_4.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"W_dec_4.safetensors: no such file"):
        load_sae(path)


@pytest.mark.parametrize("includes_norms", [True, False])
def test_llama_scope(tmp_path, includes_norms):
    path, outputs = files.llama_scope(tmp_path, unit=False, includes_norms=includes_norms)
    check(load_quietly(path.parent), outputs)
    scale = np.sqrt(D) / 3.0
    check(load_quietly(path, scale=scale), outputs)
    with pytest.raises(ValueError, match=r"scale=2.0 contradicts the file"):
        load_sae(path, scale=2.0)


def test_llama_scope_without_norms(tmp_path):
    path, _ = files.llama_scope(tmp_path, unit=True, norm_activation="inference")
    sae = load_quietly(path).estimator
    assert sae.weights_.normalization == "none"
    assert_allclose(sae.weights_.threshold, 0.4, rtol=1e-6)
    path, outputs = files.llama_scope(tmp_path)
    config = json.loads((tmp_path / "hyperparams.json").read_text())
    files.write_config(
        tmp_path / "hyperparams.json", config | {"dataset_average_activation_norm": None}
    )
    with pytest.raises(ValueError, match=r"hyperparams.json: .*activation_norm must be an object"):
        load_sae(path)
    check(load_quietly(path, scale=np.sqrt(D) / 3), outputs)
    files.llama_scope(tmp_path, dataset_average_activation_norm={"out": 1.0})
    with pytest.raises(ValueError, match=r"hyperparams.json: .*activation_norm.in must be"):
        load_sae(path)


@pytest.mark.parametrize("kind", ["old", "new"])
@pytest.mark.parametrize("act_fn", ["jumprelu", "topk"])
def test_llama_scope_r1_that_does_not_say_whether_latents_have_norms(tmp_path, kind, act_fn):
    """As SAELens has it, they have none."""
    folders = [tmp_path / name for name in ("none", "false")]
    for folder, value in zip(folders, (None, False), strict=True):
        path, _ = files.llama_scope_r1(
            folder, kind=kind, act_fn=act_fn, sparsity_include_decoder_norm=value
        )
        arrays = load_file(path)
        name = "decoder.weight" if kind == "old" else "W_D"
        arrays[name] = 3 * arrays[name]
        write_safetensors(path, arrays)
    first, second = (load_quietly(folder) for folder in folders)
    assert_array_equal(first.transform(X).toarray(), second.transform(X).toarray())


def test_llama_scope_r1_whose_scale_is_not_in_the_file(tmp_path):
    path, outputs = files.llama_scope_r1(tmp_path)
    a = {key: v for key, v in load_file(path).items() if "average" not in key}
    path.unlink()
    write_safetensors(path, a)
    with pytest.raises(ValueError, match=r"'dataset_average.*mlp_in' is missing.*pass scale="):
        load_sae(path)
    check(load_quietly(path, scale=np.sqrt(D) / 2.5), outputs)


@pytest.mark.parametrize("name", files.WITH_TORCH)
def test_files_of_another_name(tmp_path, torch, name):
    given = {"k": K} if name == "qwen_scope" else {}
    path, outputs = files.WITH_TORCH[name](torch, tmp_path)
    renamed = tmp_path / "renamed.pt"
    path.rename(renamed)
    for config in tmp_path.glob("*_cfg.json"):
        config.rename(tmp_path / "renamed_cfg.json")
    check(load_quietly(renamed, **given), outputs)
    check(load_quietly(renamed, format=name, **given), outputs)


def test_k_of_qwen_scope(tmp_path, torch):
    path, _ = files.qwen_scope(torch, tmp_path)
    with pytest.raises(ValueError, match=r"layer7.sae.pt: 'k' is not in the file.*pass k="):
        load_sae(path)
    name = f"models--Qwen--SAE-Res-Qwen3-1.7B-Base-W32K-L0_{K}"
    path, outputs = files.qwen_scope(torch, tmp_path / name / "snapshots" / "ab12")
    with pytest.warns(UserWarning, match=f"k={K} is taken from the folder '{name}'"):
        check(load_sae(path), outputs)
    assert load_quietly(path, k=K + 1).estimator.weights_.k == K + 1
    (path.parent / "layer8.sae.pt").write_bytes(path.read_bytes())
    with pytest.raises(ValueError, match=r"more than one.*layer7.sae.pt \(qwen_scope\)"):
        load_sae(path.parent)


def test_keys_of_no_format(tmp_path):
    write_safetensors(tmp_path / "model.safetensors", draw(lm_head=(N, D)))
    with pytest.raises(ValueError, match="no known format by its keys: it holds lm_head. If it"):
        load_sae(tmp_path)

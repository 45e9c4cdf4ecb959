"""SAELens reads what is saved, writes what is read, and its loaders agree on released files."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from safetensors import safe_open

from sksupercode import SparseAutoencoder, Transcoder, load_sae
from sksupercode.sae import SAEWeights, as_module
from tests.sae import single_release_files as files
from tests.sae.single_release_files import D_OUT, D, N
from tests.sae.weight_files import draw

pytest.importorskip("sae_lens", reason="needs sae-lens, which brings transformer-lens")
torch = pytest.importorskip("torch", reason="needs PyTorch")
pytestmark = pytest.mark.filterwarnings("ignore")

X = np.random.default_rng(2).standard_normal((40, D)).astype(np.float32)
X.setflags(write=False)


def check(mine, theirs):
    with torch.no_grad():
        Z, X_hat = (function(torch.tensor(X)).numpy() for function in (theirs.encode, theirs))
    latents = mine.transform(X).toarray()
    assert_array_equal(latents != 0, Z != 0)
    assert_allclose(latents, Z, atol=1e-4)
    assert_allclose(mine.reconstruct(X), X_hat, atol=1e-4)
    assert 0 < np.count_nonzero(Z) < Z.size
    module, x = as_module(mine), torch.tensor(X)
    with torch.no_grad():
        assert_array_equal(module.encode(x) != 0, Z != 0)
        assert_allclose(module.encode(x), Z, atol=1e-4)
        assert_allclose(module(x), X_hat, atol=1e-4)
        assert_allclose(module.decode(module.encode(x)), theirs.decode(theirs.encode(x)), atol=1e-4)
    for name in ("d_in", "d_sae", "dtype", "device", "apply_b_dec_to_input"):
        assert getattr(module.cfg, name) == getattr(theirs.cfg, name)
    assert module.W_dec.shape == theirs.W_dec.shape


KINDS = {
    "standard": {"architecture": "relu"},
    "topk": {"architecture": "topk", "k": 3, "rescales_by_norm": True},
    "abstopk": {"architecture": "abstopk", "k": 3, "rescales_by_norm": True},
    "jumprelu": {"architecture": "jumprelu", "normalization": "layer_norm"},
    "gated": {"architecture": "gated"},
    "matching_pursuit": {"architecture": "matching_pursuit", "max_iterations": 3},
}
for name in ("transcoder", "skip_transcoder", "jumprelu_transcoder", "jumprelu_skip_transcoder"):
    activation = "jumprelu" if "jumprelu" in name else "relu"
    KINDS[name] = {"architecture": activation, "is_transcoder": True, "applies_b_dec": False}


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_read_back(tmp_path, kind):
    from sae_lens import SAE

    d_out = D_OUT if "transcoder" in kind else D
    a = draw(W_dec=(N, d_out), b_dec=d_out, W_enc=(D, N), b_enc=N, threshold=N, W_skip=(D, d_out))
    a |= draw(4, b_gate=N, b_mag=N, r_mag=N)
    a["W_dec"] /= np.linalg.norm(a["W_dec"], axis=1, keepdims=True)
    if "skip" not in kind:
        del a["W_skip"]
    weights = SAEWeights(**a, **KINDS[kind])
    weights = replace(weights, **dict.fromkeys(a.keys() - weights.arrays().keys()))
    mine = (Transcoder if weights.is_transcoder else SparseAutoencoder).from_weights(weights)
    mine.save(tmp_path / "mine", hook_name="blocks.8.hook_resid_post")
    theirs = SAE.load_from_disk(tmp_path / "mine")
    assert theirs.cfg.architecture() == kind
    assert theirs.cfg.metadata.hook_name == "blocks.8.hook_resid_post"
    check(mine, theirs)
    theirs.save_model(tmp_path / "theirs")
    read = load_sae(tmp_path / "theirs").estimator
    assert type(read) is type(mine)
    for name, array in weights.arrays().items():
        assert_array_equal(getattr(read.weights_, name), array)


LOADERS = {
    "gemma_scope_2": ("gemma_3_sae_huggingface_loader", "google/gemma-scope-2-1b-pt"),
    "qwen_transcoder": ("mwhanna_transcoder_huggingface_loader", "mwhanna/qwen3-4b-transcoders"),
    "clt": ("mntss_clt_layer_huggingface_loader", "mntss/clt-gemma-2-2b-2.5M"),
    "llama_scope": ("llama_scope_sae_huggingface_loader", "fnlp/Llama3_1-8B-Base-LXR-8x"),
    "llama_scope_r1": ("llama_scope_r1_distill_sae_huggingface_loader", "fnlp/R1"),
    "qwen_scope": ("qwen_scope_sae_huggingface_loader", "Qwen/SAE-Res-Qwen3-1.7B-Base-W32K-L0_3"),
    "hook_z": ("connor_rob_hook_z_huggingface_loader", "ckkissane/attn-saes"),
    "deepseek_r1": ("deepseek_r1_sae_huggingface_loader", "qresearch/DeepSeek-R1"),
}


@pytest.mark.parametrize("name", LOADERS)
def test_released_files(tmp_path, monkeypatch, name):
    from sae_lens.loading import pretrained_sae_loaders as loaders
    from sae_lens.registry import get_sae_class

    def download(repo_id=None, filename=None, subfolder=None, **_):
        return str(tmp_path / (subfolder or "") / filename)

    def shapes(repo_id, filename):
        with safe_open(tmp_path / filename, "np") as file:
            return {key: list(file.get_slice(key).get_shape()) for key in file.keys()}

    read = loaders.load_safetensors_weights
    monkeypatch.setattr(loaders, "hf_hub_download", download)
    monkeypatch.setattr(loaders, "get_safetensors_tensor_shapes", shapes)
    monkeypatch.setattr(loaders, "str_to_dtype", lambda *_: torch.float32)
    monkeypatch.setattr(
        loaders, "load_safetensors_weights", lambda path, **_: read(path, "cpu", "float32")
    )
    # Its own tables have the sizes of real models.
    hooks = "feature_input_hook: a\nfeature_output_hook: b\n"
    (tmp_path / "config.yaml").write_text(f"model_name: model\n{hooks}")
    (tmp_path / "wandb-config.yaml").write_text(
        f"d_model: {{value: {D}}}\nd_feature: {{value: {N}}}\nbatch_size: {{value: 1}}\n"
    )
    folder, scale = tmp_path, None
    if name == "gemma_scope_2":
        folder = tmp_path / "transcoder_all" / "layer_1_width_16k_l0_small_affine"
        path, _ = files.gemma_scope_2(folder, skip=True, model_name="google/gemma-3-1b-pt")
    elif name == "llama_scope":
        folder, scale = tmp_path / "L3R-8x", np.sqrt(D) / 3.0
        path, _ = files.llama_scope(folder)
    elif name == "llama_scope_r1":
        folder, scale = tmp_path / "L3R", np.sqrt(D) / 2.5
        path, _ = files.llama_scope_r1(folder, sparsity_include_decoder_norm=False)
    elif name in files.WITH_TORCH:
        path, _ = files.WITH_TORCH[name](torch, tmp_path)
    else:
        path, _ = files.WITHOUT_TORCH[name](tmp_path)
    where = str(folder.relative_to(tmp_path)) if folder != tmp_path else path.name
    where = "4" if name == "clt" else where
    loader, repo = LOADERS[name]
    config, state, _ = getattr(loaders, loader)(repo, where, device="cpu")
    config = loaders.handle_config_defaulting(config)
    config |= {"d_in": D, "d_sae": N, "dtype": "float32", "reshape_activations": "none"}
    theirs = get_sae_class(config["architecture"])[0].from_dict(config)
    theirs.load_state_dict({key: tensor.float() for key, tensor in state.items()})
    if scale is not None:
        theirs.fold_activation_norm_scaling_factor(scale)
    mine = load_sae(path, k=3 if name == "qwen_scope" else None).estimator
    assert mine.weights_.is_transcoder == ("transcoder" in config["architecture"])
    check(mine, theirs)

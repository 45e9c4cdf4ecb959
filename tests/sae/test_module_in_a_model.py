"""Modules in the hooks of real transformers, which are small and random, and in an evaluator."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sksupercode import MatchingPursuitDecoder, OrthogonalMatchingPursuitDecoder, SparseAutoencoder
from sksupercode.metrics import fraction_of_variance_unexplained
from sksupercode.sae import SAEWeights, as_module

torch = pytest.importorskip("torch", reason="needs PyTorch")
pytestmark = pytest.mark.filterwarnings("ignore")

N, D, VOCABULARY = 96, 32, 64
F = np.random.default_rng(0).standard_normal((N, D)).astype(np.float32)
F /= np.linalg.norm(F, axis=1, keepdims=True)
TOKENS = torch.tensor(np.random.default_rng(1).integers(VOCABULARY, size=(3, 10)))


def autoencoder(normalization="none"):
    zeros = np.zeros(N, np.float32)
    return SparseAutoencoder.from_weights(
        SAEWeights("topk", F, F[0], F.T.copy(), zeros, k=6, normalization=normalization)
    )


def estimators():
    yield autoencoder()
    yield autoencoder("layer_norm")
    yield OrthogonalMatchingPursuitDecoder(F, 6).fit(F)
    yield MatchingPursuitDecoder(autoencoder(), 6).fit(F)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("estimator", [*estimators()], ids=lambda e: type(e).__name__)
def test_transformers(estimator, dtype):
    """Activations go out of a hook, are decoded, and their reconstructions go in by a hook."""
    transformers = pytest.importorskip("transformers", reason="needs transformers")
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=D,
        intermediate_size=2 * D,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    model = transformers.LlamaForCausalLM(config).to(getattr(torch, dtype))
    layer, collected = model.model.layers[1], []
    handle = layer.register_forward_hook(lambda layer, args, output: collected.append(output))
    clean = model(TOKENS, labels=TOKENS).loss
    handle.remove()
    (x,) = (output[0] if isinstance(output, tuple) else output for output in collected)
    X_hat = estimator.reconstruct(x.reshape(-1, D))

    module = as_module(estimator, hook_name="model.layers.1")
    handle = layer.register_forward_hook(module.hook)
    layer.register_forward_hook(lambda layer, args, output: collected.append(output))
    with torch.no_grad():
        replaced = model(TOKENS, labels=TOKENS).loss
    x_hat = collected[1][0] if isinstance(collected[1], tuple) else collected[1]
    assert x_hat.dtype == model.dtype and x_hat.shape == (3, 10, D)
    tolerance = 1e-4 if dtype == "float32" else 1e-2
    assert_allclose(x_hat.float().reshape(-1, D), X_hat, rtol=tolerance, atol=tolerance)
    handle.remove()
    assert model(TOKENS, labels=TOKENS).loss == clean != replaced
    if isinstance(estimator, SparseAutoencoder):
        layer.register_forward_hook(module.hook)
        model(TOKENS, labels=TOKENS).loss.backward()
        assert model.model.embed_tokens.weight.grad.abs().sum() > 0
        assert module.W_dec.grad.abs().sum() > 0


@pytest.mark.parametrize("hook", ["blocks.0.hook_resid_post", "blocks.1.attn.hook_z"])
@pytest.mark.parametrize("estimator", [*estimators()], ids=lambda e: type(e).__name__)
def test_evaluation_by_saelens(estimator, hook):
    reason = "needs sae-lens, which brings transformer-lens"
    pytest.importorskip("sae_lens", reason=reason)
    from sae_lens.evals import EvalConfig, run_evals
    from sae_lens.training.activation_scaler import ActivationScaler
    from transformer_lens import HookedTransformer, HookedTransformerConfig

    config = HookedTransformerConfig(
        n_layers=2, d_model=D, d_head=8, n_ctx=16, d_vocab=VOCABULARY, act_fn="relu", seed=0
    )
    model = HookedTransformer(config)
    has_encoder = isinstance(estimator, SparseAutoencoder)
    module = as_module(estimator, hook_name=hook, model_name="random")
    store = SimpleNamespace(
        get_batch_tokens=lambda batch_size: TOKENS,
        reset_input_dataset=lambda: None,
        context_size=10,
        store_batch_size_prompts=3,
    )
    wanted = EvalConfig(
        n_eval_reconstruction_batches=1,
        n_eval_sparsity_variance_batches=1,
        compute_kl=True,
        compute_ce_loss=True,
        compute_l2_norms=True,
        compute_sparsity_metrics=True,
        compute_variance_metrics=True,
        compute_featurewise_density_statistics=True,
        compute_featurewise_weight_based_metrics=has_encoder,
    )
    found, _ = run_evals(
        module, store, model, ActivationScaler(), wanted, exclude_special_tokens=False
    )
    _, cache = model.run_with_cache(TOKENS)
    X = cache[hook].reshape(-1, D)
    L0 = float((module.encode(X) != 0).sum(-1).float().mean())
    assert found["sparsity"]["l0"] == pytest.approx(L0)
    fvu = fraction_of_variance_unexplained(X, module(X))
    assert found["reconstruction_quality"]["explained_variance"] == pytest.approx(1 - fvu, rel=1e-3)
    loss = model.run_with_hooks(
        TOKENS,
        return_type="loss",
        fwd_hooks=[(hook, lambda x, hook: module(x.reshape(3, 10, D)).reshape(x.shape))],
    )
    losses = found["model_performance_preservation"]
    assert losses["ce_loss_with_sae"] == pytest.approx(float(loss), rel=1e-4)

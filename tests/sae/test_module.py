"""Fitted estimators as modules of PyTorch: the same latents, gradients, dtypes, hooks, settings."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import copy
import io
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator

from sksupercode import (
    DictionaryLearner,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    RademacherEncoder,
    RefitDecoder,
    SparseAutoencoder,
    SwapDecoder,
    ThresholdDecoder,
    Transcoder,
)
from sksupercode.sae import SAEWeights, as_module
from sksupercode.sae._weights import ARCHITECTURES, NORMALIZATIONS
from sksupercode.testing import all_estimators
from sksupercode.testing._problems import constructed
from tests.marks import long

torch = pytest.importorskip("torch", reason="needs PyTorch")

N, D, D_IN = 40, 12, 9
X = (2 * np.random.default_rng(1).standard_normal((24, D)) + 0.5).astype(np.float32)


def weights(architecture, *, d_in=D, seed=0, **settings):
    """Random weights, with a dead latent, and with two pairs of latents that tie."""
    rng = np.random.default_rng(seed)
    arrays = {name: rng.standard_normal(N) for name in ("b_enc", "b_gate", "b_mag", "r_mag")}
    arrays["threshold"] = 0.5 * rng.standard_normal(N)
    arrays |= {"W_enc": rng.standard_normal((d_in, N)), "W_dec": rng.standard_normal((N, D))}
    arrays["b_dec"] = 0.3 * rng.standard_normal(D)
    for array in arrays.values():
        axis = array.shape.index(N) if N in array.shape else None
        if axis is not None:
            array.swapaxes(0, axis)[[11, 21]] = array.swapaxes(0, axis)[[10, 20]]
    arrays["W_dec"] /= np.linalg.norm(arrays["W_dec"], axis=1, keepdims=True) * rng.uniform(1, 2)
    arrays["W_dec"][7] = 0
    arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
    return SAEWeights(architecture, k=5, max_iterations=9, **arrays, **settings)


def transcoder(architecture="relu", *, with_skip=True, **settings):
    skip = np.random.default_rng(5).standard_normal((D_IN, D)).astype(np.float32)
    settings |= {"W_skip": skip} if with_skip else {}
    return Transcoder.from_weights(
        weights(architecture, d_in=D_IN, is_transcoder=True, applies_b_dec=False, **settings)
    )


def autoencoders():
    for architecture in ARCHITECTURES:
        for i, normalization in enumerate(NORMALIZATIONS):
            yield SparseAutoencoder.from_weights(
                weights(
                    architecture,
                    normalization=normalization,
                    normalization_scale=0.4,
                    applies_b_dec=i % 2 == 0,
                    rescales_by_norm=i > 1 and architecture not in ("gated", "matching_pursuit"),
                )
            )


def transcoders():
    yield from (transcoder(name, with_skip=name != "relu") for name in ("relu", "topk", "jumprelu"))
    yield transcoder("gated", normalization="expected_average", normalization_scale=2.5)
    yield transcoder("topk", normalization="layer_norm")
    tied = weights("matching_pursuit", is_transcoder=True, normalization="expected_average")
    yield Transcoder.from_weights(tied)


def name_of(estimator):
    return f"{estimator.weights_.architecture}-{estimator.weights_.normalization}"


ENCODERS = [*autoencoders(), *transcoders()]


def dense(Z):
    return Z.toarray() if hasattr(Z, "toarray") else Z


@pytest.mark.parametrize("estimator", ENCODERS, ids=name_of)
def test_autoencoders_and_transcoders(estimator):
    """Latents, of texts of tokens, are those of the estimator, and so are reconstructions."""
    samples = X[:, : estimator.n_features_in_]
    module, x = as_module(estimator), torch.tensor(samples).unflatten(0, (4, 6))
    Z = dense(estimator.transform(samples))
    z = module.encode(x)
    assert z.shape == (4, 6, N)
    assert_array_equal(z.detach().numpy().reshape(24, N) != 0, Z != 0)
    assert_allclose(z.detach().numpy().reshape(24, N), Z, rtol=1e-5, atol=1e-5)
    for x_hat in (module(x), module.eval()(x)):
        assert_allclose(
            x_hat.detach().numpy().reshape(24, D), estimator.reconstruct(samples), atol=2e-5
        )
    decoded = module.decode(z).detach().numpy().reshape(24, D)
    is_autoencoder = isinstance(estimator, SparseAutoencoder)
    wanted = estimator.reconstruct(samples) if is_autoencoder else estimator.inverse_transform(Z)
    assert_allclose(decoded, wanted, atol=2e-5)
    with torch.no_grad():
        assert_allclose(module.decode(module.encode(x)).reshape(24, D), wanted, atol=2e-5)


@pytest.mark.parametrize(
    "estimator", ENCODERS[::3] + long(*ENCODERS[1::3], *ENCODERS[2::3]), ids=name_of
)
def test_gradients(estimator):
    module = as_module(estimator, dtype="float64")
    samples = torch.tensor(X[:2, : estimator.n_features_in_], dtype=torch.float64)
    x = samples.requires_grad_()
    for function in (module.encode, module, lambda x: module.decode(module.encode(x))):
        assert torch.autograd.gradcheck(function, x)
    module(x).square().sum().backward()
    trained = dict(module.named_parameters())
    trained.pop("threshold", None)
    trained.pop("b_gate", None)
    assert all(parameter.grad.abs().sum() > 0 for parameter in trained.values())


def decoders():
    """Yield decoders, and the autoencoder that has normalised their samples, or else None."""
    F = np.random.default_rng(2).standard_normal((N, D)).astype(np.float32)
    sae = SparseAutoencoder.from_weights(weights("topk", normalization="expected_average"))
    normalizing = SparseAutoencoder.from_weights(weights("topk", normalization="layer_norm"))
    recipe = RademacherEncoder(D, n_features=N, random_state=0)
    yield OrthogonalMatchingPursuitDecoder(F, 4), None
    yield OrthogonalMatchingPursuitDecoder(F.astype(np.float16), 4, sparse_output=False), None
    yield MatchingPursuitDecoder(sae, 4), None
    yield MatchingPursuitDecoder(transcoder(), 4), None
    yield ThresholdDecoder(recipe, 4, values="real"), None
    yield RefitDecoder(normalizing), None
    yield SwapDecoder(FrozenEstimator(sae)), None
    yield MatchingPursuitDecoder(normalizing, 4), normalizing
    yield SwapDecoder(MatchingPursuitDecoder(normalizing, 4)), normalizing
    yield DictionaryLearner(20, n_nonzero_coefs=3, max_iter=2, random_state=0), None


@pytest.mark.parametrize(
    "decoder, normalizing", [*decoders()], ids=lambda value: type(value).__name__
)
def test_decoders(decoder, normalizing):
    samples = X if normalizing is None else normalizing.normalize(X)[0]
    if isinstance(decoder, DictionaryLearner):
        samples = np.random.default_rng(3).standard_normal((120, D)) + 1
    decoder.fit(samples)
    module, x = as_module(FrozenEstimator(decoder)), torch.tensor(X).unflatten(0, (4, 6))
    inputs, *undo = (X,) if normalizing is None else normalizing.normalize(X)
    X_hat = decoder.reconstruct(inputs)
    X_hat = X_hat if normalizing is None else normalizing.denormalize(X_hat, *undo)
    Z, z = dense(decoder.transform(inputs)), module.encode(x)
    assert_array_equal(z.numpy().reshape(Z.shape) != 0, Z != 0)
    assert_allclose(z.numpy().reshape(Z.shape), Z, rtol=1e-5, atol=1e-5)
    assert_allclose(module(x).numpy().reshape(24, D), X_hat, atol=2e-5)
    assert_allclose(module.decode(z).numpy().reshape(24, D), X_hat, atol=2e-5)
    # With a gradient of the latents the product is a dense one.
    x_hat = module.decode(z.requires_grad_())
    assert_allclose(x_hat.detach().numpy().reshape(24, D), X_hat, atol=2e-5)
    gradient = torch.autograd.grad(x_hat.sum(), z)[0][0, 0]
    slope = module.W_dec.sum(-1)
    assert_allclose(gradient / gradient.norm(), slope / slope.norm(), atol=1e-5)
    assert "without gradient" in repr(module)
    x.requires_grad_()
    for function in (module, module.encode):
        with pytest.raises(RuntimeError, match=r"no gradient in x: use torch\.no_grad\(\)"):
            function(x).sum().backward()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name, cls", all_estimators("decoder"))
def test_every_decoder(name, cls):
    # One codeword in each of two sections, which some decoders want.
    Y = np.eye(16)[:6] + np.eye(16)[8:14]
    recipe = RademacherEncoder(24, n_features=16, random_state=0)
    samples = recipe.fit_transform(Y)
    decoder = constructed(cls, recipe, 2)
    if name == "MaximumLikelihoodDecoder":
        # No test may depend on how fast the machine is.
        decoder.set_params(time_limit=None)
    decoder.fit(samples, Y)
    module, x = as_module(decoder), torch.tensor(samples).unflatten(0, (2, 3))
    Z, X_hat = decoder.transform(samples).toarray(), decoder.reconstruct(samples)
    assert_array_equal(module.encode(x).reshape(6, 16), Z)
    assert_allclose(module(x).reshape(6, 24), X_hat, atol=1e-12)
    assert_allclose(module.decode(module.encode(x)).reshape(6, 24), X_hat, atol=1e-12)


MODULES = [
    SparseAutoencoder.from_weights(weights("topk", normalization="layer_norm")),
    transcoder(),
    OrthogonalMatchingPursuitDecoder(weights("topk").W_dec, 3).fit(X),
]


@pytest.mark.parametrize("estimator", MODULES, ids=lambda estimator: type(estimator).__name__)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_dtypes_and_leading_dimensions(estimator, dtype):
    """Arithmetic is at least in the dtype of the weights, and results are in that of the tensor."""
    samples = torch.tensor(X[:, : estimator.n_features_in_])
    module, x = as_module(estimator), samples.to(dtype)
    assert (
        module.encode(x).dtype == module(x).dtype == module.decode(module.encode(x)).dtype == dtype
    )
    assert_array_equal(module.encode(x).detach() != 0, dense(estimator.transform(x.float())) != 0)
    assert_allclose(module(x).detach().float(), module(x.float()).detach(), rtol=2e-2, atol=2e-2)
    for shape in [(), (0,), (1, 2), (2, 0, 3)]:
        part = x[0].expand(*shape, -1)
        assert module.encode(part).shape == (*shape, N)
        assert module.decode(module.encode(part)).shape == module(part).shape == (*shape, D)
    other = copy.deepcopy(module).to(dtype)
    assert other.dtype == other.W_dec.dtype == dtype
    assert (other.cfg.dtype, module.cfg.dtype) == (str(dtype)[6:], "float32")
    assert other(x).dtype == other.decode(other.encode(x)).dtype == dtype
    assert as_module(estimator, dtype=str(dtype), device="cpu").dtype == dtype


@pytest.mark.parametrize("estimator", MODULES, ids=lambda estimator: type(estimator).__name__)
def test_copies_and_state(estimator):
    module, x = as_module(estimator), torch.tensor(X[:, : estimator.n_features_in_])
    module.encode(x.requires_grad_())
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    for other in (copy.deepcopy(module), loaded):
        other.load_state_dict(module.state_dict())
        assert_array_equal(other(x).detach(), module(x).detach())
    with torch.no_grad():
        module.W_dec.zero_()
    assert np.asarray(estimator.dictionary_).any() and loaded.W_dec.any()


def test_hooks():
    """A hook replaces a layer's output, or the first of several; a transcoder's is of the input."""
    decoder, x = MODULES[2], torch.tensor(X)
    module, replaced = as_module(decoder), as_module(transcoder())

    class Layer(torch.nn.Identity):
        def forward(self, x):
            return x, "cache"

    for layer in (torch.nn.Identity(), Layer()):
        handle = layer.register_forward_hook(module.hook)
        output = layer(x)
        found, *rest = output if isinstance(output, tuple) else (output,)
        assert_allclose(found, decoder.reconstruct(X), atol=1e-5)
        assert rest == (["cache"] if isinstance(layer, Layer) else [])
        handle.remove()
        assert layer(x)[0] is x if rest else layer(x) is x
    mlp = torch.nn.Linear(D_IN, D)
    mlp.register_forward_hook(replaced.hook)
    assert_allclose(
        mlp(x[:, :D_IN]).detach(), replaced.estimator.reconstruct(X[:, :D_IN]), atol=1e-5
    )


def test_hooks_of_layers_that_are_called_with_names():
    mlp = torch.nn.Linear(D_IN, D)
    mlp.register_forward_hook(as_module(transcoder()).hook)
    with pytest.raises(ValueError, match="args must hold the input of Linear"):
        mlp(input=torch.zeros(2, D_IN))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_autocast(architecture):
    module, x = as_module(SparseAutoencoder.from_weights(weights(architecture))), torch.tensor(X)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = module(x)
        found.sum().backward()
    error = torch.linalg.vector_norm(found - module(x)) / torch.linalg.vector_norm(module(x))
    assert found.dtype == torch.float32 and 0 < error < 0.2


def test_compilation_of_what_is_computed_in_numpy():
    """A graph breaks before NumPy, which has no place in it."""
    torch._dynamo.reset()
    module = as_module(OrthogonalMatchingPursuitDecoder(weights("topk").W_dec, 3).fit(X))
    found = torch.compile(module, backend="eager")(torch.tensor(X))
    assert_allclose(found, module(torch.tensor(X)), atol=1e-6)


def test_settings():
    estimator = MODULES[0]
    module = as_module(
        estimator,
        hook_name="blocks.8.hook_resid_post",
        model_name="pythia",
        context_size=128,
        own=1,
    )
    cfg = module.cfg
    assert (cfg.d_in, cfg.d_sae, cfg.hook_layer, cfg.context_size) == (D, N, 8, 128)
    assert (cfg.architecture, cfg.normalize_activations) == ("topk", "layer_norm")
    assert cfg.metadata.hook_name == cfg.hook_name == "blocks.8.hook_resid_post"
    assert cfg.own == cfg.to_dict()["own"] == 1
    assert cfg.metadata.exclude_special_tokens is cfg.hook_head_index is None
    assert asdict(cfg)["model_name"] == "pythia"
    assert (str(module.device), cfg.device) == ("cpu", "cpu")
    assert as_module(estimator, hook_layer=3, hook_name="a.8").cfg.hook_layer == 3
    with pytest.raises(ValueError, match=f"d_sae must be {N}, got 7"):
        as_module(estimator, d_sae=7)
    with pytest.raises(ValueError, match="hook_name must be a str or None, got 3"):
        as_module(estimator, hook_name=3)
    with pytest.raises(ValueError, match="dtype must be a float dtype of PyTorch.* got 'int8'"):
        as_module(estimator, dtype="int8")
    for device in ("abacus", 1.5, [1]):
        with pytest.raises(ValueError, match="device must be one that PyTorch can use or None"):
            as_module(estimator, device=device)


def test_wrong_input():
    module = as_module(MODULES[0])
    with pytest.raises(ValueError, match=rf"x must have shape \(\.\.\., {D}\), got \(2, 3\)"):
        module(torch.zeros(2, 3))
    for x in (X, torch.zeros(2, D, dtype=torch.int64)):
        with pytest.raises(ValueError, match="x must be a tensor of floats, got"):
            module.encode(x)
    module.encode(torch.tensor(X))
    with pytest.raises(ValueError, match="latents of the last encode.* 24 of them, got 2"):
        module.decode(torch.zeros(2, N))
    with pytest.raises(NotFittedError):
        as_module(SparseAutoencoder())
    for estimator in (3, PCA().fit(X)):
        with pytest.raises(ValueError, match="estimator must"):
            as_module(estimator)


def test_names_of_columns_are_no_matter():
    pandas = pytest.importorskip("pandas", reason="needs pandas")
    frame = pandas.DataFrame(X).add_prefix("x")
    decoder = OrthogonalMatchingPursuitDecoder(weights("topk").W_dec, 3).fit(frame)
    assert_allclose(as_module(decoder)(torch.tensor(X)), decoder.reconstruct(frame), atol=1e-5)
    decoder.transform(frame)


def test_nan_stays_nan():
    for architecture in ARCHITECTURES:
        module = as_module(SparseAutoencoder.from_weights(weights(architecture)))
        x = torch.tensor(X)
        x[1, 0] = torch.nan
        assert_array_equal(module(x).detach().isnan().all(-1), np.arange(24) == 1)


def test_import_without_torch():
    code = (
        "import sys\n"
        "import numpy as np\n"
        "from sksupercode import OrthogonalMatchingPursuitDecoder\n"
        "from sksupercode.sae import as_module\n"
        "assert 'torch' not in sys.modules\n"
        "X = np.eye(3)\n"
        "decoder = OrthogonalMatchingPursuitDecoder(X, 1).fit(X)\n"
        "sys.modules['torch'] = None\n"
        "try:\n"
        "    as_module(decoder)\n"
        "except ImportError as error:\n"
        "    assert 'as_module needs PyTorch' in str(error)\n"
        "else:\n"
        "    raise AssertionError\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_as_many_largest_as_there_are():
    from sksupercode.sae._torch_forward import largest

    z = torch.tensor([[0.5, 2.0, 0.5]])
    assert torch.equal(largest(z, z, 3), z)

"""Steps of training: products over active latents beside dense ones, and what a loss is."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from importlib import import_module

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.frozen import FrozenEstimator

from sksupercode import SparseAutoencoder
from tests.marks import long

# Trainings of few steps, too few for an automatic penalty.
pytestmark = pytest.mark.filterwarnings("ignore:.* latents are active on average, far from")

torch = pytest.importorskip("torch", reason="needs PyTorch")
_architectures = import_module("sksupercode.sae._architectures")
_topk_architectures = import_module("sksupercode.sae._topk_architectures")
_sparse_products = import_module("sksupercode.sae._sparse_products")
_training_settings = import_module("sksupercode.sae._training_settings")

N, D, K, BANDWIDTH = 300, 20, 4, 0.2
SPARSE = ("topk", "abstopk", "batchtopk", "matryoshka", "jumprelu")
KINDS = {"compiled": _sparse_products._Compiled, "eager": _sparse_products._Eager}


def make_model(architecture, **settings):
    """An autoencoder in training with random weights, half of whose latents are dead."""
    settings = {"n_nonzero_coefs": K, "bandwidth": BANDWIDTH, "l0_coef": 0.3, **settings}
    sae = SparseAutoencoder(N, architecture=architecture, **settings)
    rng = np.random.default_rng(0)
    arrays = {
        "W_dec": rng.standard_normal((N, D)),
        "W_enc": rng.standard_normal((N, D)),
        "b_dec": rng.standard_normal(D),
        "b_enc": rng.standard_normal(N),
    }
    if architecture == "jumprelu":
        arrays["threshold"] = rng.uniform(3, 6, N)
    settings = _training_settings.check_settings(sae)
    model = _architectures.TRAINABLE[architecture](settings, arrays)
    model.n_inactive[::2] = 10**6
    x = torch.from_numpy(rng.standard_normal((50, D)).astype(np.float32))
    return model, x, torch.from_numpy(np.arange(N) % 2 == 0)


def keep(z, k):
    """The k largest entries of each row, as far as they are positive, by PyTorch alone."""
    least = z.topk(k, dim=1).values[:, -1:]
    return torch.where(z >= least, z, 0).relu()


def dense_loss(model, x, dead):
    """The loss as it is written in papers, with zeros for latents that are not active."""
    z = (x - model.b_dec) @ model.W_enc.T + model.b_enc
    architecture, penalty = model.settings.architecture, 0.0
    if architecture == "topk":
        a = keep(z, K)
    elif architecture == "abstopk":
        a = keep(z.abs(), K) * z.sign()
    elif architecture == "jumprelu":
        theta = model.log_threshold.exp()
        # Beside a step, which has no gradient, the gradient of a ramp as wide as the kernel.
        ramp = ((z - theta) / BANDWIDTH).clamp(-0.5, 0.5)
        ramp = ramp - ramp.detach()
        is_active = (z > theta).float() + ramp
        a = z * (z > theta) + theta.detach() * ramp
        penalty = 0.3 * is_active.sum() / len(x)
    else:
        a = keep(z.reshape(1, -1), K * len(x)).reshape(z.shape)
    sizes = model.settings.prefix_sizes if architecture == "matryoshka" else [N]
    errors = [x - (a[:, :m] @ model.W_dec[:m] + model.b_dec) for m in sizes]
    loss = torch.stack([error.square().sum(dim=1).mean() for error in errors]).mean()
    dead = dead & ~(a != 0).any(dim=0)
    error = errors[-1].detach()
    error_hat = keep(z[:, dead], D // 2) @ model.W_dec[dead]
    relative = (error - error_hat).square().mean() / error.square().mean()
    return loss + penalty + relative / 32


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("architecture", SPARSE)
def test_gradients_are_those_of_dense_products(architecture, kind, monkeypatch):
    monkeypatch.setattr(_topk_architectures, "preactivations", KINDS[kind])
    model, x, dead = make_model(architecture)
    dense_loss(model, x, dead).backward()
    expected = {name: array.grad.clone() for name, array in model.parameters.items()}
    before = dense_loss(model, x, dead).item()
    for array in model.parameters.values():
        array.grad = None
    loss = model.loss(x, 1.0)
    loss.backward()
    assert loss.item() == pytest.approx(before, rel=1e-5)
    for name, array in model.parameters.items():
        scale = float(expected[name].abs().max())
        assert scale > 0
        assert_allclose(array.grad / scale, expected[name] / scale, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("architecture", SPARSE)
def test_threads_and_kinds_of_products_change_nothing(architecture, monkeypatch):
    X = np.random.default_rng(1).standard_normal((400, D)).astype(np.float32)
    settings = {"max_iter": 2, "batch_size": 100, "learning_rate": 1e-3, "random_state": 0}
    sae = SparseAutoencoder(N, architecture=architecture, n_nonzero_coefs=K, **settings).fit(X)
    before = sae.weights_
    # As many parts as there are threads, however small.
    for name in ("_WORTH_A_THREAD", "_ENTRIES_A_THREAD"):
        monkeypatch.setattr(_sparse_products, name, 1)
    monkeypatch.setattr("sksupercode._utils._threads.thread_count", lambda: 3)
    for name, array in sae.fit(X).weights_.arrays().items():
        assert_array_equal(array, getattr(before, name))
    monkeypatch.setattr(_topk_architectures, "preactivations", _sparse_products._Eager)
    for name, array in sae.fit(X).weights_.arrays().items():
        assert_allclose(array, getattr(before, name), atol=1e-3)


def test_ties_and_zeros():
    x, W, b = torch.ones(3, 2), torch.zeros(5, 2), torch.zeros(5)
    for kind in KINDS.values():
        z = kind(x, W, b)
        for support in (z.largest(2), z.largest_of_all(2), z.above(torch.zeros(5))):
            assert len(support) == 3 and len(support.latents) == 0
            values = _sparse_products.decode(z.at(support), support, W)
            assert_array_equal(values.detach(), np.zeros((3, 2)))
        assert len(kind(x, W, b + 1).largest(2).latents) == 6
    # Of equal ones the first.
    assert_array_equal(KINDS["compiled"](x, W, b + 1).largest(2).latents, [0, 1] * 3)


@pytest.mark.parametrize(
    "penalty",
    [
        {"architecture": "jumprelu"},
        *long(
            {"architecture": "jumprelu", "l0_coef": 3e-3},
            {"architecture": "gated", "l1_coef": "auto"},
            {"architecture": "relu", "l1_coef": "auto"},
        ),
    ],
    ids=str,
)
def test_numbers_of_latents(penalty):
    rng = np.random.default_rng(0)
    F = rng.standard_normal((60, D))
    # Penalties in place of numbers take longer to find theirs.
    size = (3000 if "l1_coef" in penalty else 1500), 60
    Y = rng.uniform(1, 2, size) * (rng.random(size) < 0.05)
    X, l0 = Y @ F, []
    settings = {"max_iter": 20, "batch_size": 100, "learning_rate": 3e-3, "random_state": 0}
    for k in (3, 8):
        sae = SparseAutoencoder(60, n_nonzero_coefs=k, **penalty, **settings).fit(X)
        l0.append(sae.transform(X).nnz / len(X))
    if "l0_coef" in penalty:
        # It counts, whatever k the thresholds start with.
        assert l0[0] == pytest.approx(l0[1], rel=0.5)
    else:
        assert_allclose(l0, [3, 8], rtol=0.2)
    with pytest.raises(ValueError, match="l[01]_coef"):
        SparseAutoencoder(60, l1_coef="much", l0_coef="much").fit(X)


def test_prefixes():
    X = np.random.default_rng(1).standard_normal((400, D))
    settings = {"max_iter": 2, "learning_rate": 1e-3, "random_state": 0}
    make = SparseAutoencoder(32, architecture="matryoshka", n_nonzero_coefs=K, **settings)
    auto = make.fit(X).dictionary_
    assert_array_equal(make.set_params(prefix_sizes=(2, 4, 8, 16, 32)).fit(X).dictionary_, auto)
    # With one prefix it is BatchTopK.
    one = make.set_params(prefix_sizes=[32]).fit(X).dictionary_
    other = make.set_params(architecture="batchtopk").fit(X).dictionary_
    assert_allclose(one, other, atol=1e-5)
    assert np.abs(one - auto).max() > 1e-3
    for sizes in ([8, 16], [16, 16, 32], [0, 32], "all", 32, [1.5, 32]):
        with pytest.raises(ValueError, match="prefix_sizes must be 'auto' or increasing"):
            make.set_params(prefix_sizes=sizes).fit(X)


@pytest.mark.parametrize("architecture", ["topk", "gated", *long(*SPARSE[1:], "relu")])
def test_arrays_of_dask_and_files(architecture, tmp_path):
    da = pytest.importorskip("dask.array", reason="needs Dask")
    X = np.random.default_rng(1).standard_normal((900, D)).astype(np.float32)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    sae = SparseAutoencoder(
        24, architecture=architecture, n_nonzero_coefs=K, max_iter=2, batch_size=100, random_state=0
    )
    sae.set_params(early_stopping=True, validation_fraction=0.2)
    before = sae.fit(X).weights_
    frozen = FrozenEstimator(sae).transform(X)
    for other in (mapped, da.from_array(X, chunks=(250, 7)), da.from_array(mapped, chunks=100)):
        for name, array in sae.fit(other).weights_.arrays().items():
            assert_array_equal(array, getattr(before, name))
        assert_array_equal(sae.transform(X).toarray(), frozen.toarray())
    lazy = da.from_array(X, chunks=250)
    assert sae.partial_fit(lazy).n_iter_ > 0
    with pytest.raises(ValueError, match=f"X has {D - 1} features"):
        sae.partial_fit(lazy[:, 1:])
    with pytest.raises(ValueError, match="NaN"):
        sae.fit(da.where(lazy == lazy[3, 3], np.nan, lazy))

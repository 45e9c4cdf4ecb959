"""Training of autoencoders beside SAELens: the time of a step, and what is learned in as many."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import importlib.util
import io
import tempfile
from contextlib import redirect_stderr

import numpy as np

from benchmarks._timing import timed
from sksupercode import SparseAutoencoder, load_sae
from sksupercode.datasets import load_activations

# Beside the size of a step, that of the autoencoders that learn from the shipped activations.
_SMALLER, _PASSES, _BATCH, _TEST = 8, 40, 500, 500
# Our name, theirs, what is ours to set, their penalty, and their learning rate, the best for them
# of those tried. Numbers of latents on other samples are to be alike: of their JumpReLU, none of
# nine "step" penalties left between 14 and 180 of 2,048, "quadratic" ones do. Our learning rate is
# "auto".
_KINDS = {
    "topk": ("TopK", {}, {}, 3e-3),
    "batchtopk": ("BatchTopK", {}, {}, 3e-3),
    "matryoshka": ("MatryoshkaBatchTopK", {}, {}, 3e-3),
    "gated": (
        "Gated",
        {"l1_coef": "auto", "n_nonzero_coefs": 20},
        {"l1_coefficient": 4.0},
        2e-3,
    ),
    "jumprelu": (
        "JumpReLU",
        {"n_nonzero_coefs": 31},
        {
            "jumprelu_sparsity_loss_mode": "quadratic",
            "target_l0": 32.0,
            "l0_coefficient": 1.0,
            "jumprelu_ste_to_input": True,
            "jumprelu_bandwidth": 0.2,
            "jumprelu_init_threshold": 0.2,
        },
        2e-3,
    ),
}
_STEPS = ("topk", "batchtopk", "matryoshka")


def sae_training(size, repeats, tell):
    """Compare steps of one batch, then FVU and L0 of other samples after as many steps."""
    missing = [name for name in ("torch", "sae_lens") if importlib.util.find_spec(name) is None]
    if "torch" in missing:
        return [{"method": "SparseAutoencoder", "note": "PyTorch is not installed"}]
    note = {"note": "SAELens is not installed"} if missing else {}
    rows = [{"method": f"{name}, one step"} for name in _STEPS]
    for row, architecture in zip(rows, _STEPS, strict=True):
        tell(row["method"])
        row |= _step_times(architecture, size, repeats, compares=not missing) | note
    for architecture, (_, own, _, _) in _KINDS.items():
        tell(architecture)
        rows.append(
            {"method": f"{architecture}, {_PASSES} passes"} | _own_quality(architecture, own, size)
        )
        if missing:
            rows[-1] |= note
            continue
        tell(f"SAELens, {architecture}")
        rows.append({"method": f"SAELens, {architecture}"} | _peer_quality(architecture, size))
    return rows


def _step_times(architecture, size, repeats, *, compares):
    """Return the seconds of our steps and of those of SAELens, in turns, on the same batch."""
    X = np.random.default_rng(0).standard_normal((size.n_samples, size.n_components))
    X = X.astype(np.float32)
    sae = SparseAutoencoder(
        size.n_features,
        architecture=architecture,
        n_nonzero_coefs=size.n_nonzero_coefs,
        init="random",
        batch_size=len(X),
        random_state=0,
    )
    # The first pass makes the optimiser, and compiles.
    trainer = sae.partial_fit(X).partial_fit(X)._trainer
    row = {"own_seconds": [], "training_seconds": [], "ratio": []}
    if not compares:
        row = {"own_seconds": []}
    else:
        import torch

        x = torch.from_numpy(trainer.units.normalized(X))
        peer = _saelens(architecture, size, len(X) * 1000, len(X), iter([]))
        peer.step(x)
    rows = np.arange(len(X))
    for _ in range(repeats):
        row["own_seconds"].append(timed(trainer.run_epoch, X, rows)[0])
        if compares:
            row["training_seconds"].append(timed(peer.step, x)[0])
            row["ratio"].append(row["training_seconds"][-1] / row["own_seconds"][-1])
    return row


def _own_quality(architecture, own, size):
    X, test, n_latents = _samples(size)
    sae = SparseAutoencoder(
        n_latents,
        architecture=architecture,
        batch_size=_BATCH,
        max_iter=_PASSES,
        random_state=0,
        **({"n_nonzero_coefs": size.n_nonzero_coefs} | own),
    )
    seconds, _ = timed(sae.fit, X)
    return {"training_seconds": seconds} | _quality(sae, test)


def _peer_quality(architecture, size):
    import torch

    X, test, n_latents = _samples(size)
    size = size.__class__(n_latents, size.n_nonzero_coefs, X.shape[1], len(X))
    generator = torch.Generator().manual_seed(0)

    def batches():
        samples = torch.from_numpy(X)
        while True:
            for batch in torch.randperm(len(X), generator=generator).split(_BATCH):
                yield samples[batch]

    # Without its progress bars.
    with torch.random.fork_rng(), redirect_stderr(io.StringIO()):
        torch.manual_seed(0)
        peer = _saelens(architecture, size, _PASSES * len(X), _BATCH, batches())
        seconds, sae = timed(peer.fit)
    with tempfile.TemporaryDirectory() as folder:
        sae.save_inference_model(folder)
        return {"training_seconds": seconds} | _quality(load_sae(folder), test)


def _samples(size):
    X = load_activations().data.astype(np.float32)
    return X[: min(4 * size.n_samples, len(X) - 2 * _TEST)], X[-_TEST:], size.n_features // _SMALLER


def _quality(sae, test):
    return {"l0": sae.transform(test).nnz / len(test), "fvu": 1 - sae.score(test)}


def _saelens(architecture, size, n_samples, batch_size, batches):
    """Return SAELens's trainer, with the schedule of learning rates of ours."""
    import sae_lens
    from sae_lens.config import LoggingConfig, SAETrainerConfig
    from sae_lens.training.sae_trainer import SAETrainer

    name, _, penalty, rate = _KINDS[architecture]
    settings = {
        "d_in": size.n_components,
        "d_sae": size.n_features,
        "normalize_activations": "expected_average_only_in",
        **penalty,
    }
    if architecture in _STEPS:
        settings["k"] = size.n_nonzero_coefs
    if architecture == "matryoshka":
        settings["matryoshka_widths"] = [size.n_features >> shift for shift in range(4, -1, -1)]
    sae = getattr(sae_lens, f"{name}TrainingSAE")(
        getattr(sae_lens, f"{name}TrainingSAEConfig")(**settings)
    )
    steps = n_samples // batch_size
    config = SAETrainerConfig(
        total_training_samples=n_samples,
        train_batch_size_samples=batch_size,
        lr=rate,
        lr_end=rate / 10,
        lr_warm_up_steps=steps // 20,
        lr_decay_steps=steps // 5,
        n_batches_for_norm_estimate=max(1, min(8, steps // 2)),
        logger=LoggingConfig(log_to_wandb=False),
    )
    return SAETrainer(config, sae, batches)

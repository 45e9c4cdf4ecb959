"""Arguments of the command that compares decoders on activations, and the files they name."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
from pathlib import Path

from numpy.lib.format import open_memmap

from sksupercode import load_sae
from sksupercode._cli._decoders import comparison_decoders

DECODERS = comparison_decoders()
_LOADED = ("format", "k", "normalization", "scale", "transcoder")
# It fits latents to what was encoded, which is not what a transcoder's codewords are for.
_OF_SAMPLES = "sae-refit"


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
        help="directory or weight file of the sparse autoencoder, or of a transcoder",
    )
    add(
        "--targets",
        type=Path,
        metavar="Y.npy",
        help="true output of the transcoder for the same samples, with which all are compared",
    )
    add(
        "--format",
        metavar="NAME",
        help="the library that wrote it, as load_sae names it (default: told by the files)",
    )
    add(
        "--k",
        type=int,
        metavar="K",
        help="number of active latents of the autoencoder, where its file does not have it",
    )
    add(
        "--scale",
        type=float,
        metavar="S",
        help="what its inputs are multiplied by, where its file does not have it",
    )
    add(
        "--normalization",
        metavar="NAME",
        help="how its inputs are normalised, as load_sae names it, where its file does not say",
    )
    add(
        "--transcoder",
        action=argparse.BooleanOptionalAction,
        help="whether it is a transcoder, where its file does not say",
    )
    add(
        "--decoders",
        nargs="+",
        choices=DECODERS,
        default=None,
        metavar="NAME",
        help="which to compare: "
        + ", ".join(DECODERS)
        + f" (default: all, without {_OF_SAMPLES} for a transcoder)",
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
    arguments.X = _activations(parser, "--activations", arguments.activations)
    arguments.Y = _activations(parser, "--targets", arguments.targets)
    try:
        arguments.autoencoder = load_sae(
            arguments.sae,
            **{name: getattr(arguments, name) for name in _LOADED},
        )
    except (OSError, ValueError, ImportError) as error:
        parser.error(f"--sae {arguments.sae}: {error}")
    estimator = arguments.autoencoder.estimator
    kind = "autoencoder" if estimator.reconstructs_samples_ else "transcoder"
    _require_columns(parser, arguments, "activations", kind, estimator.n_features_in_)
    _complete_targets(parser, arguments, estimator)


def _complete_targets(parser, arguments, estimator):
    """Compare the targets with the kind of the estimator and with X, and choose the decoders."""
    is_transcoder = not estimator.reconstructs_samples_
    if is_transcoder and arguments.Y is None:
        parser.error(f"--targets Y.npy is needed: --sae {arguments.sae} is a transcoder")
    if arguments.Y is not None:
        kind = "output of the transcoder" if is_transcoder else "autoencoder"
        d = estimator.dictionary_.shape[1]
        _require_columns(parser, arguments, "targets", kind, d)
        if len(arguments.Y) != len(arguments.X):
            parser.error(
                f"--targets {arguments.targets} has {len(arguments.Y)} rows, but --activations "
                f"{arguments.activations} has {len(arguments.X)}"
            )
    if arguments.decoders is None:
        arguments.decoders = [
            name for name in DECODERS if not (is_transcoder and name == _OF_SAMPLES)
        ]
    elif is_transcoder and _OF_SAMPLES in arguments.decoders:
        parser.error(f"--decoders {_OF_SAMPLES} is for autoencoders: a transcoder has no such fit")


def _require_columns(parser, arguments, option, kind, d):
    path, X = getattr(arguments, option), arguments.X if option == "activations" else arguments.Y
    if X.shape[1] != d:
        parser.error(
            f"--{option} {path} has {X.shape[1]} columns, but the {kind} in --sae "
            f"{arguments.sae} is for d = {d} dimensions"
        )


def _activations(parser, option, path):
    """Return the mapped file, or None where none is named."""
    if path is None:
        return None
    try:
        return map_activations(path)
    except (OSError, ValueError) as error:
        parser.error(f"{option} {path}: {error}")


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

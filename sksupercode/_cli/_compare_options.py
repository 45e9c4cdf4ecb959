"""Arguments of the command that compares decoders on activations, and the files they name."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
from pathlib import Path

from sksupercode import load_sae
from sksupercode._cli._compare_files import evenly_spaced, map_activations, read_codes, read_labels
from sksupercode._cli._decoders import comparison_decoders
from sksupercode.sae._baselines import KINDS
from sksupercode.sae._feature_columns import PROBED

DECODERS = comparison_decoders()
# What is measured, always, and of the truth and of probes.
COLUMNS = ("L0", "FVU", "sample_error", "cosine", "dead_latents", "seconds_per_sample")
TRUTH = ("F1", "precision", "recall", "MCC")
AUCS = tuple(f"AUC_{n}" for n in PROBED)
_LOADED = ("format", "k", "normalization", "scale", "transcoder")
# Exchanges take several times as long as what they begin with, and have to be asked for.
DEFAULT = tuple(name for name in DECODERS if not name.endswith("-swap"))
# They fit latents to what was encoded, which is not what a transcoder's codewords are for.
_OF_SAMPLES = ("sae-refit", "sae-swap")


class _Once(argparse.Action):
    """Store a value, of which a second one would silently replace the first."""

    def __call__(self, parser, namespace, values, option_string=None):
        if getattr(namespace, self.dest) is not None:
            parser.error(f"{option_string} may be given only once")
        setattr(namespace, self.dest, values)


def add_compare(commands):
    """Add the command ``compare`` to the parser's commands."""
    parser = commands.add_parser(
        "compare",
        help="compare a sparse autoencoder's encoder with other decoders, and stop",
        description="How much better than the one-step encoder of a sparse autoencoder are other "
        "decoders of the same codewords? Compare them on the same activations: "
        "numbers of active latents, fraction of variance unexplained, error, cosine, and time; "
        "against the truth, as features for probes, and beside baselines if asked for.",
    )
    add = parser.add_argument
    add(
        "--activations",
        nargs="+",
        type=Path,
        required=True,
        metavar="X.npy",
        help="activations, an array of shape (n_samples, d) as numpy.save or numpy.savez writes "
        "it, or several files of the rows; an .npy file is mapped, not loaded",
    )
    add(
        "--key",
        metavar="NAME",
        help="which array of .npz files of activations or targets (default: the only one)",
    )
    add(
        "--sae",
        action=_Once,
        type=Path,
        required=True,
        metavar="DIR",
        help="directory or weight file of the sparse autoencoder, or of a transcoder",
    )
    add(
        "--targets",
        nargs="+",
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
        + ". -refit fits values by least squares, and -swap also exchanges latents while that "
        "lowers the error, which takes several times as long (default: all without -swap, and for "
        f"a transcoder without {_OF_SAMPLES[0]})",
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
        "--truth",
        type=Path,
        metavar="CODES",
        help="true codes of the same samples, an .npz file of scipy.sparse.save_npz or an .npy "
        "file: adds F1, precision, recall and MCC",
    )
    add(
        "--labels",
        type=Path,
        metavar="Y.npy",
        help="binary labels of the same samples, of one task or a column for each, an .npy file or "
        "an .npz file of one array: adds the area under the ROC curve of probes on 1, 2, 5 and 20 "
        "latents, which take some seconds for each row of the table and task",
    )
    add(
        "--baselines",
        nargs="+",
        choices=KINDS,
        default=(),
        metavar="KIND",
        help="also compare each decoder on other codewords of the same norms: random directions, "
        "or shuffled coordinates",
    )
    add(
        "--max-norm",
        type=float,
        metavar="R",
        help="leave out samples of larger norm, as massive activations of language models are",
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
        "--y",
        metavar="COLUMN",
        default="FVU",
        help="which column of the table to draw against L0: " + ", ".join(COLUMNS) + ", or one "
        "of those that other options add (default: %(default)s)",
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
    if arguments.max_norm is not None and not arguments.max_norm > 0:
        parser.error(f"--max-norm must be above 0, got {arguments.max_norm}")
    columns = COLUMNS
    columns += TRUTH if arguments.truth is not None else ()
    columns += AUCS if arguments.labels is not None else ()
    if arguments.y not in columns:
        parser.error(f"--y must be one of {', '.join(columns)}, got {arguments.y}")
    arguments.X = _activations(parser, arguments, "activations")
    arguments.Y = _activations(parser, arguments, "targets")
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
    n_rows = len(arguments.X)
    rows = evenly_spaced(n_rows, arguments.max_samples)
    for option, read in (("truth", read_codes), ("labels", read_labels)):
        path = getattr(arguments, option)
        if path is not None:
            array = _read(parser, f"--{option}", path, read, path, rows, n_rows)
            setattr(arguments, option, array)


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
                f"{_named(arguments, 'targets')} has {len(arguments.Y)} rows, but "
                f"{_named(arguments, 'activations')} has {len(arguments.X)}"
            )
    if arguments.decoders is None:
        arguments.decoders = [
            name for name in DEFAULT if not (is_transcoder and name in _OF_SAMPLES)
        ]
    for name in arguments.decoders:
        if is_transcoder and name in _OF_SAMPLES:
            parser.error(f"--decoders {name} is for autoencoders: a transcoder has no such fit")


def _require_columns(parser, arguments, option, kind, d):
    X = arguments.X if option == "activations" else arguments.Y
    if X.shape[1] != d:
        parser.error(
            f"{_named(arguments, option)} has {X.shape[1]} columns, but the {kind} in --sae "
            f"{arguments.sae} is for d = {d} dimensions"
        )


def _named(arguments, option):
    """Return an option with its first file."""
    first, *others = getattr(arguments, option)
    return f"--{option} {first}" + " ..." * bool(others)


def _activations(parser, arguments, option):
    """Return the mapped files, or None where none is named."""
    paths = getattr(arguments, option)
    if paths is None:
        return None
    try:
        return map_activations(paths, arguments.key)
    except (OSError, ValueError) as error:
        parser.error(f"--{option} {error}")


def _read(parser, option, path, read, *arguments):
    try:
        return read(*arguments)
    except (OSError, ValueError) as error:
        parser.error(f"{option} {path}: {error}")

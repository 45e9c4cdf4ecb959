"""Several decoders on the same activations, compared in one pass over them."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.sparse import vstack
from sklearn import config_context

from sksupercode._utils._blocks import check_readable, rows_per_block
from sksupercode._utils._jobs import check_jobs
from sksupercode._utils._labels import check_groups
from sksupercode._utils._norms import warn_of_massive
from sksupercode._utils._tasks import Shared, run_tasks
from sksupercode._utils._threads import one_thread
from sksupercode._utils._validation import check_bool, check_generator, check_integer, check_real
from sksupercode.sae._baselines import Baselines, check_baselines
from sksupercode.sae._candidates import candidates_of
from sksupercode.sae._comparison_sums import Measurement, sums_of_blocks
from sksupercode.sae._feature_columns import check_tasks, check_truth, feature_columns


def compare_decoders(
    decoders,
    X,
    *,
    targets=None,
    n_nonzero_coefs=None,
    truth=None,
    labels=None,
    groups=None,
    baselines=(),
    max_norm=None,
    block_size=None,
    n_jobs=None,
    verbose=False,
    random_state=0,
):
    r"""Decode the same activations by several decoders, and compare the results.

    Parameters
    ----------
    decoders : dict of str to estimator
        Sparse autoencoders and transcoders as :func:`~sksupercode.load_sae` gives them, decoders,
        or other transformers with ``inverse_transform``. They are not changed: copies of those that
        are not fitted are fitted, on the first block of what they decode.

    X : array-like of shape (n_samples, d)
        Activations. An array mapped from a file, a Dask array of known shape, or any object with
        ``shape`` whose slices are arrays, is read block by block.

    targets : array-like of shape (n_samples, d_out) or None, default=None
        What all reconstructions are compared with: the true output where there are transcoders.
        These encode X, and everything else decodes ``targets``; a decoder of a transcoder's
        codewords decodes them less what the transcoder's skip connection adds. None is X. Read
        block by block as X.

    n_nonzero_coefs : array-like of int or None, default=None
        Numbers k of codewords. Every decoder with a parameter of this name is compared at each of
        them, but those whose ``transform`` does not go by it once: basis pursuit and thresholds,
        unless they are "map". Autoencoders keep their own. None takes decoders as they are.

    truth : array-like or sparse matrix or array of shape (n_samples, N_true) or None, default=None
        The true codes, where the samples are planted: adds columns on codes as features.

    labels : array-like of shape (n_samples,) or (n_samples, n_tasks) or None, default=None
        Binary labels of one task or several: adds columns of probes, which take some seconds for
        each row and task, 400 regressions. ``n_jobs`` divides rows.

    groups : array-like of shape (n_samples,) or None, default=None
        Which samples belong together, as the tokens of one text. A group is in one fold of the
        probes.

    baselines : {"random", "shuffled"} or a tuple of them, default=()
        Adds rows of each decoder on codewords that mean nothing, of the norms of its own: random
        directions, named "NAME, random"; or codewords whose coordinates are each permuted over all
        of them, "NAME, shuffled", which keeps coordinates that are large everywhere. What decoders
        find there is no achievement of the dictionary.

    max_norm : float or None, default=None
        Samples of larger norm, that of ``targets`` where there are these, are left out of
        everything: massive activations. ``10 * np.median(np.linalg.norm(X, axis=1))`` is a sensible
        limit. None leaves out none.

    block_size : int or None, default=None
        Number of samples that a decoder gets at a time. None goes by scikit-learn's
        ``working_memory``. Two such blocks for each job are in memory.

    n_jobs : int or None, default=None
        Number of workers among which blocks and decoders are divided, in the backend that
        ``joblib.parallel_config`` names: joblib's own processes, ``backend="threading"``,
        ``backend="dask"``. None is 1, unless a context says otherwise; -1 is all processors. The
        table is the same to the last bit, but for the times.

    verbose : bool, default=False
        Whether to show a progress bar, which needs rich and names the decoder at work. Basis
        pursuit takes hundreds of times as long as matching pursuit.

    random_state : int, RandomState, Generator or None, default=0
        Of the baselines, and of the folds of probes.

    Returns
    -------
    comparison : pandas.DataFrame or list of dict
        One row for each decoder and k, a data frame indexed by ``"decoder"`` if pandas is
        installed, and otherwise dicts in which that is a key; either is printed as a table of all
        columns. ``comparison.drop(columns=["cosine", "seconds_per_sample"]).round(3)`` has a place
        in 80 characters.
        ``comparison.attrs["n_left_out"]`` is the number of samples beyond ``max_norm``, and with
        ``labels`` ``"seconds_of_probes"`` is the time that probes took. Columns:

        * ``"L0"``, mean number of active latents;
        * ``"FVU"``, fraction of variance unexplained, pooled over samples and dimensions;
        * ``"sample_error"``, squared error of a sample over its squared norm, the mean, as of
          :func:`~sksupercode.metrics.normalized_mean_squared_error`;
        * ``"cosine"`` of samples and reconstructions, the mean;
        * ``"dead_latents"``, number of latents that are active on no sample;
        * ``"seconds_per_sample"`` of finding the latents in one thread, without reconstruction and
          fit. Jobs that share caches and memory may slow each other down.

        With ``n_nonzero_coefs``, before these:

        * ``"n_nonzero_coefs"``, the k that was asked for, NaN for what does not go by it.

        With ``truth``, of :func:`match_codes(truth, codes, "correlation")
        <sksupercode.metrics.match_codes>`:

        * ``"F1"``, ``"precision"``, ``"recall"`` and ``"MCC"``, means over true features, of
          which each has a latent of its own: with fewer latents than features that fire, their
          ratio is the most that each can be. ``"MCC"`` is of codes over samples, not of codewords.

        With ``labels``, of :func:`~sksupercode.inspection.probe_latents`:

        * ``"AUC_1"``, ``"AUC_2"``, ``"AUC_5"`` and ``"AUC_20"``, mean area under the ROC curve of
          probes on so many latents.

    Raises
    ------
    ValueError
        If there is no decoder, one of them is not a decoder, X or ``targets`` is not a matrix of
        finite numbers, there is a transcoder but no ``targets``, an autoencoder is not fitted,
        ``truth``, ``labels`` or ``groups`` are not of the samples, a parameter is illegal, or
        ``max_norm`` leaves out all.

    Warns
    -----
    MassiveActivationsWarning
        If a few of the samples, of very large norm, have most of the variance, so that the FVU
        speaks of them alone: pass ``max_norm``.

    See Also
    --------
    sksupercode.plotting.ParetoDisplay : A picture of it.
    sksupercode.metrics.fraction_of_variance_unexplained : The FVU of all samples.
    sksupercode.datasets.make_synth_sae_bench : Samples with true codes.

    Notes
    -----
    Decoders whose dictionary is an autoencoder with "layer_norm" or "constant_norm_rescale" get
    normalised samples, and the normalisation of their reconstructions is undone before they are
    scored.

    Baselines are copies of decoders, fitted on the other codewords and the first block, with the
    same k, values and intercept. All on one dictionary have the same codewords. An autoencoder's
    own encoder, or a decoder that begins with what that selects, has no baseline: its weights mean
    nothing for other codewords. Where that intercept is far from the mean of the samples, a
    baseline spends its codewords on the difference. Baselines of dictionaries with other intercepts
    are then not comparable.

    Columns on codes are of the codes of all samples. With ``truth`` or ``labels``, these are kept
    in memory, sparse.

    Each decoder decodes two samples before its time is measured, in each process. The time does not
    include compilation.

    Decoders have one thread each, for any ``n_jobs``: BLAS rounds differently with another number
    of threads. Machines of different kinds may round differently as well. Decoders are fitted once,
    and X is sliced in the process of the caller, to which warnings and errors come back. Threads
    share what a dictionary keeps for later calls; every process has its own. On one machine,
    processes map the same files and the same copy of each dictionary.

    Examples
    --------
    >>> import numpy as np
    >>> from sksupercode import MatchingPursuitDecoder, SparseAutoencoder
    >>> from sksupercode.sae import SAEWeights, compare_decoders
    >>> F = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    >>> weights = SAEWeights("topk", F, np.zeros(2), F.T, np.zeros(3), k=1)
    >>> sae = SparseAutoencoder.from_weights(weights)
    >>> X = np.array([[1.0, 0.0], [0.0, 2.0], [1.6, 0.8], [0.6, 0.8]])
    >>> decoders = {"SAE": sae, "MP": MatchingPursuitDecoder(sae, n_nonzero_coefs=2)}
    >>> comparison = compare_decoders(decoders, X)
    >>> comparison[["L0", "FVU", "dead_latents"]].round(3)
               L0    FVU  dead_latents
    decoder
    SAE      1.00  0.188             0
    MP       1.25  0.000             0

    Codes against the true ones, on the true dictionary and on random codewords:

    >>> from sksupercode import OrthogonalMatchingPursuitDecoder
    >>> from sksupercode.datasets import make_synth_sae_bench
    >>> X, codes, dictionary, intercept = make_synth_sae_bench(2000, size="small", random_state=0)
    >>> decoders = {"OMP": OrthogonalMatchingPursuitDecoder(dictionary, n_nonzero_coefs=7)}
    >>> table = compare_decoders(decoders, X - intercept, truth=codes, baselines="random")
    >>> table[["FVU", "F1", "MCC"]].round(2)
                  FVU    F1   MCC
    decoder
    OMP          0.17  0.76  0.82
    OMP, random  0.62  0.21  0.32
    """
    X = check_readable(X, "X")
    if targets is not None:
        targets = check_readable(targets, "targets")
        if targets.shape[0] != X.shape[0]:
            raise ValueError(
                f"targets must have {X.shape[0]} rows, as many as X, got shape "
                f"{tuple(targets.shape)}."
            )
    block_size = check_integer(block_size, "block_size", minimum=1, allow_none=True)
    check_jobs(n_jobs)
    check_bool(verbose, "verbose")
    n_samples = X.shape[0]
    truth, labels = check_truth(truth, n_samples), check_tasks(labels, n_samples)
    groups = check_groups(groups, n_samples)
    if groups is not None and labels is None:
        raise ValueError("groups are for probes, and need labels, got labels=None.")
    max_norm = check_real(max_norm, "max_norm", 0, closed="right", allow_none=True)
    seed = int(check_generator(random_state).integers(2**32))
    candidates = candidates_of(decoders, n_nonzero_coefs)
    baselines = Baselines(check_baselines(baselines, decoders), seed)
    for candidate in candidates:
        candidate.check_targets(targets)
        candidate.compare_names(X if targets is None or not candidate.takes_targets else targets)
    width = X.shape[1] + (0 if targets is None else targets.shape[1])
    block_size = block_size or rows_per_block(width)
    keeps_codes = truth is not None or labels is not None
    measurement = Measurement(candidates, max_norm, keeps_codes)
    # Imports rich by way of scikit-learn, which the import of the package should not.
    from sksupercode._utils._progress import bar_of_names, track

    with config_context(transform_output="default"), one_thread():
        with bar_of_names(verbose) as taken:
            kept, moments, sums = sums_of_blocks(
                measurement, baselines, (X, targets), block_size, n_jobs, taken
            )
        columns = [of_all.columns(moments.total()) for of_all in sums]
        if keeps_codes:
            given = [None if part is None else part[kept] for part in (truth, labels, groups)]
            check_tasks(given[1], np.count_nonzero(kept), "labels of samples up to max_norm")
            tasks = [(vstack(of_all.codes, format="csr"),) for of_all in sums]
            tasks = track(tasks, "Codes as features", len(tasks), verbose)
            found = run_tasks(feature_columns, Shared((*given, seed)), tasks, n_jobs)
            columns = [of_one | more for of_one, (more, _) in zip(columns, found, strict=True)]
    warn_of_massive(
        moments, "the FVU speaks of these alone: pass max_norm={norm} to leave them out."
    )
    rows = []
    for candidate, of_one in zip(measurement.candidates, columns, strict=True):
        asked = {} if n_nonzero_coefs is None else {"n_nonzero_coefs": candidate.k or np.nan}
        rows.append({"decoder": candidate.name, **asked, **of_one})
    attrs = {"n_left_out": n_samples - int(np.count_nonzero(kept))}
    if labels is not None:
        attrs["seconds_of_probes"] = sum(seconds for _, seconds in found)
    return _table(rows, attrs)


class Rows(list):
    """A list of dicts with ``attrs``, as a data frame has, that prints as a table."""

    def __repr__(self):
        if not self:
            return "[]"
        columns = [
            [name, *(f"{row[name]:.6g}" if name != "decoder" else row[name] for row in self)]
            for name in self[0]
        ]
        widths = [max(map(len, column)) for column in columns]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if i else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
            )
            for cells in zip(*columns, strict=True)
        )


def _table(rows, attrs):
    try:
        from sksupercode._utils._frames import Frame
    except ModuleNotFoundError:
        table = Rows(rows)
    else:
        table = Frame(rows).set_index("decoder")
    table.attrs = attrs
    return table

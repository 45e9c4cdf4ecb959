"""Several decoders on the same activations, compared in one pass over them."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from joblib import effective_n_jobs
from scipy.sparse import issparse
from sklearn import config_context
from sklearn.utils import check_array, gen_batches, gen_even_slices

from sksupercode._utils._blocks import rows_per_block
from sksupercode._utils._jobs import check_jobs
from sksupercode._utils._moments import RunningMoments
from sksupercode._utils._tasks import Shared, run_tasks
from sksupercode._utils._threads import one_thread
from sksupercode._utils._validation import as_array, check_integer, require_matrix
from sksupercode.sae._candidates import Sums, candidates_of, measure, read_blocks

# For each worker, so many blocks are in memory at a time, and so many tasks even out decoders that
# take longer than others.
_BLOCKS, _TASKS = 2, 8


def compare_decoders(
    decoders, X, *, targets=None, n_nonzero_coefs=None, block_size=None, n_jobs=None
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
        them. Autoencoders keep their own. None takes decoders as they are.

    block_size : int or None, default=None
        Number of samples that a decoder gets at a time. None goes by scikit-learn's
        ``working_memory``. Two such blocks for each job are in memory.

    n_jobs : int or None, default=None
        Number of workers among which blocks and decoders are divided, in the backend that
        ``joblib.parallel_config`` names: joblib's own processes, ``backend="threading"``,
        ``backend="dask"``. None is 1, unless a context says otherwise; -1 is all processors. The
        table is the same to the last bit, but for the times.

    Returns
    -------
    comparison : pandas.DataFrame or list of dict
        One row for each decoder and k, a data frame indexed by ``"decoder"`` if pandas is
        installed, and otherwise dicts in which that is a key. Columns:

        * ``"L0"``, mean number of active latents;
        * ``"FVU"``, fraction of variance unexplained, pooled over samples and dimensions;
        * ``"cosine"`` of samples and reconstructions, the mean;
        * ``"dead_latents"``, number of latents that are active on no sample;
        * ``"seconds_per_sample"`` of finding the latents in one thread, without reconstruction and
          fit. Jobs that share caches and memory may slow each other down.

    Raises
    ------
    ValueError
        If there is no decoder, one of them is not a decoder, X or ``targets`` is not a matrix of
        finite numbers, there is a transcoder but no ``targets``, or an autoencoder is not fitted.

    See Also
    --------
    sksupercode.plotting.ParetoDisplay : A picture of it.
    sksupercode.metrics.fraction_of_variance_unexplained : The FVU of all samples.

    Notes
    -----
    Decoders whose dictionary is an autoencoder with "layer_norm" or "constant_norm_rescale" get
    normalised samples, and the normalisation of their reconstructions is undone before they are
    scored.

    Each decoder decodes two samples before its time is measured, in each process, so that the time
    does not include compilation.

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
    """
    X = _check_matrix(X, "X")
    if targets is not None:
        targets = _check_matrix(targets, "targets")
        if targets.shape[0] != X.shape[0]:
            raise ValueError(
                f"targets must have {X.shape[0]} rows, as many as X, got shape "
                f"{tuple(targets.shape)}."
            )
    block_size = check_integer(block_size, "block_size", minimum=1, allow_none=True)
    check_jobs(n_jobs)
    candidates = candidates_of(decoders, n_nonzero_coefs)
    for candidate in candidates:
        candidate.check_targets(targets)
        candidate.compare_names(X if targets is None or not candidate.takes_targets else targets)
    width = X.shape[1] + (0 if targets is None else targets.shape[1])
    block_size = block_size or rows_per_block(width)
    with config_context(transform_output="default"), one_thread():
        moments, sums = _sums(candidates, (X, targets), block_size, n_jobs)
    rows = [
        {"decoder": candidate.name, **of_all.columns(moments)}
        for candidate, of_all in zip(candidates, sums, strict=True)
    ]
    try:
        import pandas
    except ModuleNotFoundError:
        return rows
    return pandas.DataFrame(rows).set_index("decoder")


def _check_matrix(X, name):
    if issparse(X):
        raise ValueError(f"{name} must be dense, got a {type(X).__name__} of shape {X.shape}.")
    require_matrix(X, name)
    X = X if hasattr(X, "shape") else check_array(as_array(X, name), input_name=name)
    if len(X.shape) != 2 or 0 in X.shape:
        raise ValueError(f"{name} must be a matrix with samples, got shape {tuple(X.shape)}.")
    return X


def _sums(candidates, arrays, block_size, n_jobs):
    """Return the moments of targets, and the sums of each candidate, added up block by block."""
    moments, sums, shared = RunningMoments(), [Sums() for _ in candidates], Shared(candidates)
    n_workers = effective_n_jobs(n_jobs)
    window = block_size * (_BLOCKS * n_workers if n_workers > 1 else 1)
    for rows in gen_batches(arrays[0].shape[0], window):
        starts = range(rows.start, rows.stop, block_size)
        slices = [slice(i, min(i + block_size, rows.stop)) for i in starts]
        blocks = [tuple(_block(array, part) for array in arrays) for part in slices]
        if rows.start == 0:
            first = read_blocks(*blocks[0])
            for candidate in candidates:
                candidate.fit(*first)
        n_parts = -(-_TASKS * n_workers // len(blocks)) if n_workers > 1 else 1
        parts = list(gen_even_slices(len(candidates), min(n_parts, len(candidates))))
        tasks = [(part, block) for block in blocks for part in parts]
        results = run_tasks(measure, shared, tasks, n_jobs)
        for (part, _), (of_block, of_part) in zip(tasks, results, strict=True):
            if of_block.n_samples:
                moments.merge(of_block)
            for of_all, of_candidate in zip(sums[part], of_part, strict=True):
                of_all.add(of_candidate)
    return moments, sums


def _block(X, rows):
    """Return some rows as an array that may be mapped from a file; None where there is none."""
    if X is None:
        return None
    block = X[rows]
    return block if isinstance(block, np.ndarray) else np.asarray(as_array(block))

"""Sparse autoencoders as scikit-learn transformers."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.sparse import issparse

from sksupercode._utils._batches import check_lazy_samples, is_lazy
from sksupercode._utils._optional import require
from sksupercode._utils._validation import as_array
from sksupercode._utils._warnings import warn
from sksupercode.sae._autoencoding import BaseSparseAutoencoder
from sksupercode.sae._weights import check_is_weights

# Rows of X and y that are compared.
_FEW = 100


class SparseAutoencoder(BaseSparseAutoencoder):
    r"""Sparse autoencoder: N latents, few of which are active on a sample.

    .. math::
        a = \phi\big((x - b_{dec})\, W_{enc} + b_{enc}\big), \qquad
        \hat x = a\, W_{dec} + b_{dec}

    with :math:`W_{enc}` of shape (d, N) and :math:`W_{dec}` of shape (N, d). The activation
    function :math:`\phi` is the architecture, and latents are nonnegative but for "abstopk";
    samples may be normalised before.

    Parameters
    ----------
    n_latents : int, default=1024
        Number N of latents.

    architecture : str, default="topk"
        What :meth:`fit` trains: "topk", "abstopk", "batchtopk", "matryoshka", "relu", "gated" or
        "jumprelu". Autoencoders made by :meth:`from_weights` may also be "groupmax" or
        "matching_pursuit".

    n_nonzero_coefs : int, default=32
        Number k of latents that "topk" and "abstopk" keep for each sample, and "batchtopk" and
        "matryoshka" on average over a batch; what the mean number of latents of the others is drawn
        to where their penalty is "auto". At most N. It is for training: weights keep the number
        that they were trained or loaded with.

    l1_coef : float or "auto", default="auto"
        Of "relu" and "gated": weight of the sum of latents, or of the positive pre-activations of
        gates, for samples of variance 1. "auto" changes it in training until k latents are active
        on average.

    l0_coef : float or "auto", default="auto"
        Of "jumprelu": weight of the number of active latents, for samples of variance 1. "auto"
        penalises the squared distance of their mean number from k instead.

    bandwidth : float, default=0.2
        Of "jumprelu": width of the kernel around a threshold by which it learns, for samples of
        variance 1.

    prefix_sizes : sequence of int or "auto", default="auto"
        Of "matryoshka": increasing numbers of latents. The first so many reconstruct a sample for
        themselves; the last is N. "auto" is N / 16, N / 8, N / 4, N / 2 and N.

    aux_coef : float, default=1/32
        Weight of the loss that revives dead latents, which "relu" and "gated" do not have.

    init : {"samples", "random"}, array-like of shape (N, d) or estimator, default="samples"
        The codewords at the start of training: samples drawn without replacement, as far as there
        are enough, minus their mean; random directions; rows of an array, divided by their norms;
        or ``dictionary_`` of a fitted estimator. Codewords of zeros are drawn as samples are.
        b_dec starts at ``intercept_`` of the estimator, if it has one no more than 32 standard
        deviations from the mean, else at the mean. An autoencoder of the same architecture and N,
        with codewords of unit norm and no normalisation, gives its encoder too. Put estimators
        inside :class:`sklearn.frozen.FrozenEstimator` where they are cloned, as in a grid search.

    learning_rate : float or "auto", default="auto"
        "auto" is :math:`4 \cdot 10^{-4} \sqrt{2^{14} / N}`, which falls with N as in [2]_, and four
        times that for "matryoshka" and "gated".

    batch_size : int, default=512
        Samples in a step.

    max_iter : int, default=100
        Passes over X; with early stopping, at most.

    early_stopping : bool, default=False
        Whether to hold out part of X, stop when its explained variance no longer rises, and keep
        the best weights.

    validation_fraction : float, default=0.1
        The fraction of X to hold out.

    n_iter_no_change : int, default=5
        Passes without a rise by more than ``tol`` after which it stops.

    tol : float, default=1e-4
        Least rise of the explained variance that counts.

    max_norm : float or None, default=None
        Samples of larger norm, as massive activations of language models have, are left out of
        everything that is learned, also by ``partial_fit``. They are told in one more pass over X.
        ``10 * np.median(np.linalg.norm(X[:10_000], axis=1))`` is a sensible limit. None leaves out
        none. ``score`` counts all samples.

    device : str or torch.device, default="cpu"
        Where to train. Everything else is on the CPU.

    verbose : bool, default=False
        Whether to show a progress bar, which needs rich.

    random_state : int, RandomState, Generator or None, default=None
        Seed of the first dictionary and of the order of samples.

    sparse_output : bool, default=True
        Whether latents come as CSR or as a dense array.

    Attributes
    ----------
    weights_ : SAEWeights
        All arrays, in the precision in which they are stored.

    dictionary_ : ndarray of shape (N, d)
        The codewords: rows of W_dec, divided by their norms where latents are multiplied by them.
        Read-only, at least float32.

    intercept_ : ndarray of shape (d,)
        b_dec.

    n_latents_ : int
        Number N of latents.

    n_features_in_ : int
        Number d of dimensions.

    feature_names_in_ : ndarray of shape (d,)
        Names of the columns of X in ``fit``, if all are strings.

    n_iter_ : int
        Passes over samples in training. Missing, as all attributes below, where weights were
        loaded.

    n_left_out_ : int
        Number of samples beyond ``max_norm``, in ``fit`` and all calls of ``partial_fit`` after it.

    loss_curve_ : list of float
        Mean loss in each pass, where 1 is the variance of X, or the mean squared distance of X from
        the ``intercept_`` of ``init``.

    validation_scores_ : list of float
        With early stopping, explained variance of the samples held out, after each pass.

    best_validation_score_ : float
        The largest of ``validation_scores_``, which is the score of the weights.

    See Also
    --------
    Transcoder : Its output is of another space than its input.
    load_sae : Autoencoders that other libraries have trained.
    MatchingPursuitDecoder : Finds other latents on the same dictionary.

    Notes
    -----
    Arithmetic is in float32, as in the libraries that train autoencoders, or in float64 if W_dec
    is, or if samples or weights are beyond 1e12 or below 1e-12. Weights of half precision are
    converted at their first use. Latents come in the dtype of X.
    Samples are encoded in blocks by scikit-learn's ``working_memory``.

    To undo "layer_norm" and "constant_norm_rescale" takes the mean and the scale of the same
    sample, which latents do not contain. With these, :meth:`inverse_transform`, and decoders that
    have such an autoencoder as ``dictionary``, work with normalised samples. :meth:`normalize`
    gives these, and :meth:`denormalize` undoes it. :meth:`reconstruct` does all steps.

    Training is in float32, on samples of mean 0 and variance 1 (the mean squared norm), or, where
    ``init`` has an ``intercept_``, with this as origin and a mean squared norm of 1. The shift
    and the scale are then included in the weights, so that the unit of X does not matter. Weights
    are float32, or float64 where X has a deviation beyond 1e12 or below 1e-12, or, in float64, a
    mean that is thousands of times larger. "batchtopk" [3]_ and "matryoshka" [4]_ are stored as
    "jumprelu" with one threshold. X that is mapped from a file, or an array of Dask, is read by
    batches.

    A clone is unfitted, as of any estimator. To keep the weights in a grid search, put the
    autoencoder inside :class:`sklearn.frozen.FrozenEstimator`.

    References
    ----------
    .. [1] T. Bricken et al., "Towards monosemanticity: decomposing language models with dictionary
       learning", Transformer Circuits Thread, 2023.
    .. [2] L. Gao et al., "Scaling and evaluating sparse autoencoders", 2024, arXiv:2406.04093.
    .. [3] B. Bussmann et al., "BatchTopK sparse autoencoders", 2024, arXiv:2412.06410.
    .. [4] B. Bussmann et al., "Learning multi-level features with Matryoshka sparse autoencoders",
       2025, arXiv:2503.17547.
    .. [5] S. Rajamanoharan et al., "Improving dictionary learning with gated sparse autoencoders",
       2024, arXiv:2404.16014.
    .. [6] S. Rajamanoharan et al., "Jumping ahead: improving reconstruction fidelity with JumpReLU
       sparse autoencoders", 2024, arXiv:2407.14435.

    Examples
    --------
    >>> import numpy as np
    >>> from sksupercode import SparseAutoencoder
    >>> from sksupercode.sae import SAEWeights
    >>> W_dec = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], dtype=np.float32)
    >>> weights = SAEWeights(
    ...     "topk", W_dec, np.zeros(2, np.float32), W_dec.T, np.zeros(4, np.float32), k=1
    ... )
    >>> sae = SparseAutoencoder.from_weights(weights)
    >>> Z = sae.transform([[2.0, -0.5], [0.0, -3.0]])
    >>> Z.toarray()
    array([[2., 0., 0., 0.],
           [0., 0., 0., 3.]])
    >>> sae.inverse_transform(Z)
    array([[ 2.,  0.],
           [ 0., -3.]])
    """

    def __init__(
        self,
        n_latents=1024,
        *,
        architecture="topk",
        n_nonzero_coefs=32,
        l1_coef="auto",
        l0_coef="auto",
        bandwidth=0.2,
        prefix_sizes="auto",
        aux_coef=1 / 32,
        init="samples",
        learning_rate="auto",
        batch_size=512,
        max_iter=100,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=5,
        tol=1e-4,
        max_norm=None,
        device="cpu",
        verbose=False,
        random_state=None,
        sparse_output=True,
    ):
        self.n_latents = n_latents
        self.architecture = architecture
        self.n_nonzero_coefs = n_nonzero_coefs
        self.l1_coef = l1_coef
        self.l0_coef = l0_coef
        self.bandwidth = bandwidth
        self.prefix_sizes = prefix_sizes
        self.aux_coef = aux_coef
        self.init = init
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.max_norm = max_norm
        self.device = device
        self.verbose = verbose
        self.random_state = random_state
        self.sparse_output = sparse_output

    @classmethod
    def from_weights(cls, weights, *, sparse_output=True):
        """Make a fitted autoencoder of given weights.

        Parameters
        ----------
        weights : SAEWeights
            Of N latents on d dimensions.

        sparse_output : bool, default=True
            Whether latents come as CSR or as a dense array.

        Returns
        -------
        sae : SparseAutoencoder
            Fitted. It shares its arrays with ``weights``.

        Raises
        ------
        ValueError
            If ``weights`` is no :class:`~sksupercode.sae.SAEWeights`, is of a transcoder, or has
            options that its architecture does not define.
        """
        check_is_weights(weights, is_transcoder=False)
        sae = cls(weights.shape[0], architecture=weights.architecture, sparse_output=sparse_output)
        if weights.k is not None:
            sae.n_nonzero_coefs = weights.k
        sae.n_features_in_ = weights.shape[1]
        return sae._set_weights(weights)

    def fit(self, X, y=None):
        """Train the autoencoder on X.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            Activations.

        y : None
            Ignored, with a warning if it may be the output of a layer whose input is X.

        Returns
        -------
        self : object
            The fitted autoencoder.

        Raises
        ------
        ImportError
            If PyTorch is not installed, or rich for ``verbose=True``.

        ValueError
            If a parameter is illegal, X is not a matrix of finite numbers, codewords of ``init``
            have another shape than (N, d), ``max_norm`` leaves out all, or training diverges.

        Warns
        -----
        MassiveActivationsWarning
            If a few samples of very large norm have most of the variance: pass ``max_norm``.

        ConvergenceWarning
            If a penalty that is "auto" has left more than twice k latents, or less than half of k.
        """
        training = _import_training()
        X = self._check_training_samples(X, reset=True)
        _warn_of_targets(X, y)
        for name in ("_trainer", "validation_scores_", "best_validation_score_"):
            vars(self).pop(name, None)
        return self._set_weights(training.train(self, X))

    def partial_fit(self, X, y=None):
        """Train for one more pass over X, at a learning rate that is constant after 100 steps.

        Samples are shifted and scaled by the mean and variance of all samples so far. The first
        codewords are drawn when two samples differ; until then, only the mean is learned. Where
        the root mean square distance of X from the mean of earlier samples is more than 32 standard
        deviations, samples as far as that are left out, with a warning. Training begins again, with
        a warning, once samples of another scale are more than the others. After ``fit`` or
        unpickling, mean and variance start again from the weights, and so does Adam.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            Activations.

        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted autoencoder.

        Raises
        ------
        ImportError
            If PyTorch is not installed.

        ValueError
            As in ``fit``, or if the present weights are not of the kind that training makes.
        """
        training = _import_training()
        fitted = self.__sklearn_is_fitted__()
        X = self._check_training_samples(X, reset=not fitted)
        weights, self._trainer = training.train_further(
            self, X, getattr(self, "_trainer", None), self.weights_ if fitted else None
        )
        return self._set_weights(weights)

    def _check_training_samples(self, X, reset):
        if is_lazy(X):
            return check_lazy_samples(self, X, reset=reset)
        return self._check_samples(X, reset=reset)

    def __getstate__(self):
        state = super().__getstate__()
        # PyTorch is for training only.
        return {name: value for name, value in state.items() if name != "_trainer"}


def _warn_of_targets(X, y):
    """Warn of a y that may be the output of a layer whose input is X: floats of the shape of X."""
    if issparse(y) or getattr(y, "shape", None) != X.shape:
        return
    # The first rows tell, where both may be files.
    first, target = (np.asarray(as_array(A[:_FEW])) for A in (X, y))
    if target.dtype.kind == "f" and not np.array_equal(first, target):
        warn(
            "y is ignored, but has the shape of X: an autoencoder reconstructs X. What "
            "reconstructs y from X is a Transcoder, which is trained in PyTorch, not here."
        )


def _import_training():
    require("torch", "Training a SparseAutoencoder")
    from sksupercode.sae import _training

    return _training

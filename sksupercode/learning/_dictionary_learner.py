"""The estimator that learns a dictionary."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from types import SimpleNamespace

from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from sksupercode._utils._batches import check_lazy_samples, is_lazy, read_rows, rows_to_learn
from sksupercode._utils._passes import check_passes, run_passes, split_rows
from sksupercode._utils._validation import (
    check_bool,
    check_generator,
    check_integer,
    check_samples,
)
from sksupercode._utils._warnings import warn
from sksupercode.decoders import MatchingPursuitDecoder
from sksupercode.learning._coder import decoder_on, resolve_decoder
from sksupercode.learning._learner import Learner
from sksupercode.metrics._reconstruction import explained_variance, pooled_fvu
from sksupercode.sae._saving import save_saelens
from sksupercode.sae._weights import weights_of_dictionary

# In the last passes no codeword is started again.
_WITHOUT_RESTARTS = 0.1


class DictionaryLearner(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Learns a dictionary by alternating between a decoder and an update of the codewords.

    .. math::
        \min_{F, b, Z} \sum_i \lVert x_i - b - z_i F \rVert^2
        \quad\text{with}\quad \lVert f_j \rVert = 1, \quad z_i = \text{decoder}(x_i - b)

    The decoder finds the codes Z of a batch, and then codewords are updated one after the other for
    these codes, together with what they leave of the samples, by the best fit to the batch and to
    the samples before it [1]_. Codewords that are dead, or that one or two others can replace, are
    started again from the samples that are explained worst.

    Parameters
    ----------
    n_latents : int, default=1024
        Number N of codewords.

    n_nonzero_coefs : int or None, default=32
        Number k of codewords in a sample, at most N. None takes that of ``decoder``.

    decoder : decoder or None, default=None
        Any decoder of this package, whose ``dictionary`` is set by the learner and may be None, as
        in ``MatchingPursuitDecoder(None)``. Decoders around another, such as
        :class:`~sksupercode.SwapDecoder`, are set inside. None is
        :class:`~sksupercode.OrthogonalMatchingPursuitDecoder` for nonnegative values.

    init : {"samples", "random"}, array-like of shape (N, d) or estimator, default="samples"
        The codewords at the start: samples drawn without replacement, minus their mean; random
        directions; or those of an array or a fitted estimator with ``dictionary_``, such as a
        sparse autoencoder. Codewords of zeros are drawn as samples.

    fit_intercept : bool, default=True
        Whether to learn b, which starts at the mean, or at the ``intercept_`` of ``init``, and
        stays there for one-step decoders. Otherwise b is 0.

    batch_size : int or "auto", default="auto"
        Samples of which codes are found before codewords change. "auto" is 1024, or N / 2 if that
        is more.

    max_iter : int, default=30
        Passes over X; with early stopping, at most.

    early_stopping : bool, default=False
        Whether to hold out part of X, stop when its explained variance no longer rises, and keep
        the best dictionary.

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

    verbose : bool, default=False
        Whether to show a progress bar, which needs rich.

    random_state : int, RandomState, Generator or None, default=None
        Seed of the first codewords, and of the order of samples and updates.

    Attributes
    ----------
    dictionary_ : float32 ndarray of shape (N, d)
        The codewords, of unit norm.

    intercept_ : float64 ndarray of shape (d,)
        What is subtracted from samples before decoding, and added to reconstructions.

    decoder_ : decoder
        The decoder, fitted on ``dictionary_`` and ``intercept_``.

    n_features_in_ : int
        Number d of columns of X.

    feature_names_in_ : ndarray of shape (d,)
        Names of the columns of X in ``fit``, if all are strings.

    n_iter_ : int
        Passes over samples.

    n_left_out_ : int
        Number of samples beyond ``max_norm``, in ``fit`` and all calls of ``partial_fit`` after it.

    loss_curve_ : list of float
        Mean squared error in each pass, of codes found before the update; 1 is the variance of X.

    validation_scores_ : list of float
        With early stopping, explained variance of the samples held out, after each pass.

    best_validation_score_ : float
        The largest of ``validation_scores_``, which is the score of the dictionary.

    See Also
    --------
    SparseAutoencoder : Learns a dictionary together with an encoder of one step.
    sksupercode.metrics.match_dictionaries : Which codeword is which of another dictionary.
    sksupercode.datasets.make_planted_activations : Samples of a known dictionary.
    sklearn.decomposition.MiniBatchDictionaryLearning : The same by penalties, for small N.

    Notes
    -----
    Learning is in float32. Nothing depends on the unit of X but parameters of ``decoder`` that have
    it, such as ``tol`` and binary values, and what pursuits and one-step decoders learn from powers
    of two times X is the same bit for bit. Equal seeds give equal results, whatever the
    number of threads.

    No matrix of N x N numbers is kept besides what pursuits keep within ``gram_memory`` (see
    :func:`sksupercode.set_config`), and codes are sparse throughout. X that is mapped from a file
    is read by batches, and so are Dask arrays, of which runs of eight batches are shuffled.

    Earlier samples fade: they count as much as a tenth of the samples so far, but as 32 activations
    of each codeword at least, and 100 at most. After 128 activations of each on average, dead
    codewords (two activations or fewer) and redundant ones are started again; in ``fit`` not in the
    last tenth of the passes. A codeword is redundant if at most a tenth of its squared norm is left
    by one or two others. So codewords whose cosine is .95 and more cannot be learned.

    A low error is not evidence of the right dictionary. Where features are active together only, as
    child and parent, a dictionary that merges them explains samples of k codewords better.

    References
    ----------
    .. [1] J. Mairal, F. Bach, J. Ponce and G. Sapiro, "Online learning for matrix factorization and
       sparse coding", JMLR 11, 2010.
    .. [2] M. Aharon, M. Elad and A. Bruckstein, "K-SVD: an algorithm for designing overcomplete
       dictionaries for sparse representation", IEEE Trans. Signal Process. 54(11), 2006.

    Examples
    --------
    >>> from sksupercode import DictionaryLearner
    >>> from sksupercode.datasets import make_planted_activations
    >>> from sksupercode.metrics import match_dictionaries
    >>> X, codes, dictionary = make_planted_activations(
    ...     4000, n_latents=64, n_components=32, n_nonzero_coefs=3, random_state=0
    ... )
    >>> learner = DictionaryLearner(64, n_nonzero_coefs=3, random_state=0).fit(X)
    >>> match_dictionaries(dictionary, learner).found
    1.0
    >>> learner.transform(X[:5]).shape
    (5, 64)
    """

    def __init__(
        self,
        n_latents=1024,
        *,
        n_nonzero_coefs=32,
        decoder=None,
        init="samples",
        fit_intercept=True,
        batch_size="auto",
        max_iter=30,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=5,
        tol=1e-4,
        max_norm=None,
        verbose=False,
        random_state=None,
    ):
        self.n_latents = n_latents
        self.n_nonzero_coefs = n_nonzero_coefs
        self.decoder = decoder
        self.init = init
        self.fit_intercept = fit_intercept
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.max_norm = max_norm
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X, y=None):
        """Learn the dictionary from X.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            Samples.

        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted learner.

        Raises
        ------
        ImportError
            If rich is not installed, for ``verbose=True``.

        ValueError
            If a parameter is illegal, X is not a matrix of finite numbers that differ, or
            ``max_norm`` leaves out all.
        """
        settings = self._check_settings()
        X = self._check_samples(X, reset=True)
        for name in ("validation_scores_", "best_validation_score_"):
            vars(self).pop(name, None)
        rng = check_generator(self.random_state)
        rows = rows_to_learn(X, settings.max_norm)
        n_left_out = len(X) - len(rows)
        rows, validation = split_rows(rows, settings, rng)
        self._warn_of_few_samples(len(rows))
        learner = Learner(settings, rng, X, rows)
        last = settings.max_iter - max(1, round(_WITHOUT_RESTARTS * settings.max_iter))
        held_out = None if validation is None else read_rows(X, validation)

        def score(learned):
            decoder = decoder_on(settings.decoder, *learned, held_out[:1])
            return 1 - pooled_fvu(held_out, lambda some: decoder.reconstruct(held_out[some]))

        learned = run_passes(
            self,
            settings,
            "Learning",
            lambda i: learner.run_pass(X, rows, restarts=i < last),
            learner.learned,
            score,
        )
        learner.go_back(learned)
        self.n_left_out_ = n_left_out
        return self._set_learned(learner, learned, X, rows)

    def partial_fit(self, X, y=None):
        """Learn from one more pass over X.

        Learning goes on where it was, also after ``fit`` and unpickling. ``init`` counts in the
        first call alone, whose samples set the unit of learning.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            Samples.

        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted learner.

        Raises
        ------
        ValueError
            As in ``fit``, or if ``n_latents`` is another than in earlier calls.
        """
        settings = self._check_settings()
        learner = getattr(self, "_learner", None)
        X = self._check_samples(X, reset=learner is None)
        rows = rows_to_learn(X, settings.max_norm, may_be_none=learner is not None)
        if learner is None:
            self._warn_of_few_samples(len(rows))
            learner = Learner(settings, check_generator(self.random_state), X, rows)
        elif learner.shape[0] != settings.n_latents:
            raise ValueError(
                "n_latents must not change between calls of partial_fit, from "
                f"{learner.shape[0]} to {settings.n_latents}."
            )
        elif len(rows):
            learner.see(X, rows)
        self.n_left_out_ = getattr(self, "n_left_out_", 0) + len(X) - len(rows)
        if not len(rows):
            return self
        learner.settings = settings
        loss = learner.run_pass(X, rows)
        self.n_iter_ = getattr(self, "n_iter_", 0) + 1
        self.loss_curve_ = [*getattr(self, "loss_curve_", []), loss]
        return self._set_learned(learner, learner.learned(), X, rows)

    def _check_settings(self):
        n_latents = check_integer(self.n_latents, "n_latents", minimum=1)
        k = check_integer(
            self.n_nonzero_coefs, "n_nonzero_coefs", minimum=1, maximum=n_latents, allow_none=True
        )
        batch_size = self.batch_size
        if isinstance(batch_size, str) and batch_size == "auto":
            batch_size = max(1024, n_latents // 2)
        return SimpleNamespace(
            n_latents=n_latents,
            decoder=resolve_decoder(self.decoder, k),
            init=self.init,
            fit_intercept=check_bool(self.fit_intercept, "fit_intercept"),
            batch_size=check_integer(batch_size, "batch_size", minimum=1),
            **vars(check_passes(self)),
        )

    def _check_samples(self, X, *, reset=False):
        if not reset:
            check_is_fitted(self)
        if is_lazy(X):
            return check_lazy_samples(self, X, reset=reset)
        return check_samples(self, X, reset=reset, keeps_half=True)

    def _warn_of_few_samples(self, n_samples):
        if n_samples < self.n_latents and isinstance(self.init, str) and self.init == "samples":
            warn(
                f"X has {n_samples} samples to learn n_latents={self.n_latents} codewords from: "
                f"{self.n_latents - n_samples} of them start in random directions."
            )

    def _set_learned(self, learner, learned, X, rows):
        if not self.loss_curve_[-1] < 1:
            warn(
                f"Codes of decoder={type(learner.settings.decoder[0]).__name__} leave "
                f"{self.loss_curve_[-1]:.3g} times the variance of X: nothing was learned. Choose "
                "another decoder, or other parameters of it.",
                ConvergenceWarning,
            )
        self._learner = learner
        self.dictionary_, self.intercept_ = learned
        self.decoder_ = decoder_on(learner.settings.decoder, *learned, read_rows(X, rows[:1]))
        return self

    def transform(self, X):
        """Decode each sample to its sparse code.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            Samples.

        Returns
        -------
        Z : CSR matrix or ndarray of shape (n_samples, N)
            Codes in the dtype of X, but float32 for float16; dense if ``decoder`` has
            ``sparse_output=False``.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with d columns.
        """
        return self.decoder_.transform(self._check_samples(X))

    def inverse_transform(self, X):
        """Superpose codes: ``x = z F + b``.

        Parameters
        ----------
        X : {array-like, sparse matrix or array} of shape (n_samples, N)
            Codes.

        Returns
        -------
        X_original : ndarray of shape (n_samples, d)
            Reconstructions, float32 for float32 codes and float64 otherwise.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with N columns.
        """
        check_is_fitted(self)
        return self.decoder_.inverse_transform(X)

    def reconstruct(self, X):
        """Decode and superpose each sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            Samples.

        Returns
        -------
        X_hat : ndarray of shape (n_samples, d)
            Reconstructions in the dtype of X, but float32 for float16.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with d columns.
        """
        return self.decoder_.reconstruct(self._check_samples(X))

    def score(self, X, y=None):
        """Return the explained variance, ``1 - FVU``.

        Parameters
        ----------
        X : array-like of shape (n_samples, d)
            Samples.

        y : None
            Ignored.

        Returns
        -------
        score : float
            One minus :func:`~sksupercode.metrics.fraction_of_variance_unexplained` of
            :meth:`reconstruct`; at most 1.

        Raises
        ------
        ValueError
            If X is not a matrix of finite numbers with d columns.

        Warns
        -----
        MassiveActivationsWarning
            If a few samples of very large norm have most of the variance.
        """
        X = self._check_samples(X)
        return explained_variance(X, lambda rows: self.decoder_.reconstruct(X[rows]))

    def save(self, path, **metadata):
        """Write the dictionary in the format of SAELens, which :func:`~sksupercode.load_sae` reads.

        SAELens has a place for learned dictionaries as autoencoders of matching pursuit: what is
        loaded finds codes by k steps of it, whatever ``decoder`` is, with a warning here if that is
        another.

        Parameters
        ----------
        path : str or os.PathLike
            A directory for ``sae_weights.safetensors`` and ``cfg.json``: a new or empty one, or one
            that holds these two files alone, which are replaced.

        **metadata : dict
            What others want to know of the model, such as ``model_name``, ``hook_name`` and
            ``context_size``: added to the metadata of ``cfg.json``, where SAELens looks for it.

        Raises
        ------
        FileExistsError
            If there is anything else at ``path``.

        ValueError
            If the decoder has no number k of steps, or metadata are not what JSON holds.
        """
        check_is_fitted(self)
        k = getattr(self.decoder_, "n_nonzero_coefs_", None)
        if k is None:
            raise ValueError(
                "n_nonzero_coefs must be a number for a file of matching pursuit, got None."
            )
        decoder = self.decoder_
        if type(decoder) is not MatchingPursuitDecoder or (
            decoder.values_ != "nonnegative" or decoder.tol_ is not None
        ):
            warn(
                f"The file has a place for nonnegative matching pursuit of {k} steps alone. What "
                f"is loaded has the dictionary, but not the codes of {type(decoder).__name__}."
            )
        weights = weights_of_dictionary(self.dictionary_, self.intercept_, k)
        save_saelens(weights, path, metadata)

    @property
    def _n_features_out(self):
        return len(self.dictionary_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

"""Any fitted estimator with a dictionary as a module of PyTorch, to be put into a model."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from copy import copy

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sksupercode._utils._optional import require
from sksupercode._utils._validation import check_device, unfrozen
from sksupercode.sae._base import BaseSparseCoder


def as_module(estimator, *, dtype=None, device=None, **cfg):
    r"""Make a ``torch.nn.Module`` of a fitted estimator, to be put into a model.

    .. math::
        \hat x = \text{decode}(\text{encode}(x)), \qquad \text{decode}(z) = z\, W_{dec} + b_{dec}

    ``encode``, ``decode`` and the module itself take tensors with any leading dimensions, on any
    device, and return tensors of the same dtype on the same device.

    Parameters
    ----------
    estimator : estimator
        A sparse autoencoder or transcoder, a decoder or a
        :class:`~sksupercode.DictionaryLearner`, fitted. It is not changed. What is inside a
        :class:`~sklearn.frozen.FrozenEstimator` is taken out.

    dtype : torch.dtype, str or None, default=None
        Of the weights. None is that in which the estimator computes, float32 or float64.

    device : torch.device, str or None, default=None
        Where the weights are; None is the CPU.

    **cfg : dict
        What evaluators want to know of the model, such as ``model_name``, ``hook_name``,
        ``hook_layer``, ``context_size`` and ``prepend_bos``. It is in ``module.cfg``, with
        ``d_in``, ``d_sae``, ``architecture``, ``dtype``, ``device``. Names that are not given have
        SAELens's default, or else are None. ``hook_layer`` is the first number in ``hook_name``
        otherwise.

    Returns
    -------
    module : torch.nn.Module
        With the methods

        * ``encode(x)``, latents (..., N) of x (..., d);
        * ``decode(z)``, reconstructions (..., d) of latents. An autoencoder with "layer_norm" or
          "constant_norm_rescale" normalises every sample by itself, and to undo that, they have to
          be those of the last ``encode``;
        * ``forward(x)``, which is both, with the skip connection of a transcoder;
        * ``hook(layer, args, output)``, for ``register_forward_hook``: the reconstruction in the
          place of the output, or of its first item where that is a tuple; a transcoder's is that
          of the input;

        and the attributes ``W_dec`` (N, d), ``b_dec`` (d,), ``cfg``, ``dtype``, ``device`` and
        ``estimator``. That of an autoencoder or transcoder has the arrays of its encoder besides,
        such as ``W_enc`` (d_in, N) and ``b_enc`` (N,).

    Raises
    ------
    ImportError
        If PyTorch is not installed.

    ValueError
        If there is no dictionary, PyTorch has no such dtype or cannot use the device, or ``cfg``
        contradicts the estimator.

    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.

    See Also
    --------
    compare_decoders : What decoders leave of activations that are in memory.

    Notes
    -----
    The module of an autoencoder or transcoder computes in PyTorch where the tensor is, in the wider
    of the tensor's dtype and its own, and gradients pass. Leave it in float32 for tensors of half
    precision: where weights are rounded, latents close to a threshold switch. Its arrays are
    parameters, copies of the weights. Norms of codewords by which latents are multiplied, and the
    constant scale of the input, are contained in them, so that rows of ``W_dec`` are
    ``estimator.dictionary_``.

    The module of a decoder or learner finds latents by the estimator, in NumPy on the CPU, and
    superposes them in PyTorch. Its ``W_dec`` and ``b_dec`` are parameters without gradient, and
    latents go on to be found by the estimator if they are changed. Latents have no gradient in x: a
    backward pass that reaches x through them raises a RuntimeError. Under ``torch.no_grad()``, or
    with ``x.detach()``, there is none.

    The names in ``cfg`` are those of the evaluators of SAELens and SAEBench. ``cfg.metadata``,
    where newer ones look for the same, is ``cfg`` itself.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from sksupercode import OrthogonalMatchingPursuitDecoder
    >>> from sksupercode.sae import as_module
    >>> F = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], dtype=np.float32)
    >>> decoder = OrthogonalMatchingPursuitDecoder(F, n_nonzero_coefs=1).fit(F)
    >>> module = as_module(decoder, hook_name="0")
    >>> module.encode(torch.tensor([[[2.0, 0.0], [0.0, 0.5]]]))
    tensor([[[2.0000, 0.0000, 0.0000],
             [0.0000, 0.0000, 0.5000]]])

    In a model:

    >>> model = torch.nn.Sequential(torch.nn.Identity(), torch.nn.ReLU())
    >>> handle = model[0].register_forward_hook(module.hook)
    >>> model(torch.tensor([[3.0, 4.5]]))
    tensor([[3.2400, 4.3200]])
    >>> handle.remove()
    """
    estimator = unfrozen(estimator)
    if not isinstance(estimator, BaseEstimator):
        raise ValueError(f"estimator must be a fitted estimator, got {estimator!r}.")
    check_is_fitted(estimator)
    if not hasattr(estimator, "transform") or not hasattr(estimator, "dictionary_"):
        raise ValueError(
            "estimator must have transform and dictionary_, as autoencoders, transcoders, decoders "
            f"and learners have, got {estimator!r}."
        )
    require("torch", "as_module")
    from sksupercode.sae._torch_modules import AutoencoderModule, DecoderModule

    device, dtype = check_device(device, allow_none=True), _as_dtype(dtype)
    # Tensors have no names of columns.
    estimator = copy(estimator)
    vars(estimator).pop("feature_names_in_", None)
    kind = AutoencoderModule if isinstance(estimator, BaseSparseCoder) else DecoderModule
    return kind(estimator, cfg).to(device=device, dtype=dtype)


def _as_dtype(dtype):
    import torch

    if dtype is None:
        return None
    named = getattr(torch, dtype.removeprefix("torch."), None) if isinstance(dtype, str) else dtype
    if not isinstance(named, torch.dtype) or not named.is_floating_point:
        raise ValueError(
            f"dtype must be a float dtype of PyTorch, its name or None, got {dtype!r}."
        )
    return named

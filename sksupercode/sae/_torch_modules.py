"""The modules of PyTorch that :func:`~sksupercode.sae.as_module` makes."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from abc import ABC, abstractmethod

import numpy as np
import torch
from scipy.sparse import csr_array
from sklearn import config_context
from torch import nn

from sksupercode._utils._memory import require_memory
from sksupercode._utils._validation import as_array, check_codes, unfrozen
from sksupercode.decoders._codebook import as_dictionary
from sksupercode.decoders._support_decoder import selecting_estimator
from sksupercode.sae._base import BaseSparseCoder
from sksupercode.sae._module_config import ModuleConfig
from sksupercode.sae._normalization import PER_SAMPLE
from sksupercode.sae._torch_forward import (
    largest,
    largest_of_groups,
    normalize,
    pursue,
    superpose,
    superpose_codes,
)


class DictionaryModule(nn.Module, ABC):
    """What all modules share: dtypes, leading dimensions, ``cfg`` and the hook.

    A subclass has ``_encode``, which returns latents of samples of shape (n, d_in), and what undoes
    their normalisation, sigma and mu, or None; and ``_reconstruct``, which does without dense
    latents where it can.
    """

    is_transcoder = False
    # Evaluators flatten the heads of "hook_z", and ask modules not to do it besides.
    hook_z_reshaping_mode = False

    def __init__(self, estimator, cfg, **known):
        super().__init__()
        self.estimator = estimator
        n_latents, d = np.shape(estimator.dictionary_)
        known |= {"d_in": estimator.n_features_in_, "d_out": d, "d_sae": n_latents}
        self.cfg = ModuleConfig.of(known, cfg)
        self._normalization = None

    def __getstate__(self):
        return super().__getstate__() | {"_normalization": None}

    def _add(self, name, array, requires_grad=True):
        # A copy, as arrays may be read-only or mapped from a file.
        parameter = nn.Parameter(torch.from_numpy(np.array(array)), requires_grad)
        self.register_parameter(name, parameter)

    @property
    def dtype(self):
        """Of the weights."""
        return self.W_dec.dtype

    @property
    def device(self):
        """Where the weights are."""
        return self.W_dec.device

    def _apply(self, fn, recurse=True):
        super()._apply(fn, recurse)
        self.cfg.dtype, self.cfg.device = str(self.dtype).removeprefix("torch."), str(self.device)
        return self

    def _weight(self, name, like):
        """Return a parameter in the dtype of a tensor, and where that is."""
        return getattr(self, name).to(like)

    def _rows(self, x, width, name):
        if not isinstance(x, torch.Tensor) or not x.is_floating_point():
            kind = x.dtype if isinstance(x, torch.Tensor) else type(x).__name__
            raise ValueError(f"{name} must be a tensor of floats, got {kind}.")
        if not x.ndim or x.shape[-1] != width:
            raise ValueError(f"{name} must have shape (..., {width}), got {tuple(x.shape)}.")
        return x.reshape(-1, width)

    def _widened(self, rows):
        return rows.to(torch.promote_types(rows.dtype, self.dtype))

    def encode(self, x):
        """Return the latents (..., N) of samples (..., d), in their dtype and on their device."""
        z, self._normalization = self._encode(self._rows(x, self.cfg.d_in, "x"))
        return _shaped(z, x)

    def decode(self, z):
        """Return reconstructions (..., d) of latents (..., N), in their dtype."""
        rows = self._widened(self._rows(z, self.cfg.d_sae, "z"))
        normalization = self._normalization
        if normalization is not None and len(normalization[0]) != len(rows):
            raise ValueError(
                "z must be latents of the last encode, by whose samples the normalisation is "
                f"undone: {len(normalization[0])} of them, got {len(rows)}."
            )
        x = superpose(rows, self._weight("W_dec", rows))
        return _shaped(self._completed(x, normalization), z)

    def forward(self, x):
        """Return reconstructions (..., d) of samples, or the output of a transcoder."""
        return _shaped(self._reconstruct(self._rows(x, self.cfg.d_in, "x")), x)

    def _completed(self, rows, normalization):
        """Add ``b_dec``, and undo the normalisation."""
        rows = rows + self._weight("b_dec", rows)
        if normalization is not None:
            scale, shift = (part.to(rows) for part in normalization)
            rows = rows * scale + shift
        return rows

    def hook(self, layer, args, output):
        """Put the reconstruction in the place of a layer's output: for ``register_forward_hook``.

        Where the output is a tuple, in the place of its first item.
        """
        if self.is_transcoder and not args:
            raise ValueError(
                f"args must hold the input of {type(layer).__name__}, which was called with names "
                "alone: replace its output in a hook of your own, by with_kwargs=True."
            )
        is_tuple = isinstance(output, tuple)
        x = args[0] if self.is_transcoder else output[0] if is_tuple else output
        return (self(x), *output[1:]) if is_tuple else self(x)

    def turn_off_forward_pass_hook_z_reshaping(self):
        """Do nothing, for evaluators: heads are never reshaped here."""

    def extra_repr(self):
        """Return the sizes, and what finds the latents."""
        return f"d_in={self.cfg.d_in}, d_sae={self.cfg.d_sae}, architecture={self.cfg.architecture}"

    @abstractmethod
    def _encode(self, x):
        """Return latents, and sigma and mu of samples or None."""

    @abstractmethod
    def _reconstruct(self, x):
        """Return reconstructions."""


def _shaped(rows, like):
    """Return rows with the leading dimensions and the dtype of a tensor."""
    return rows.to(like.dtype).reshape(*like.shape[:-1], rows.shape[-1])


class AutoencoderModule(DictionaryModule):
    """An autoencoder or transcoder, computed in PyTorch, with gradients."""

    def __init__(self, estimator, cfg):
        weights, forward = estimator.weights_, estimator._forward
        super().__init__(
            estimator,
            cfg,
            architecture=weights.architecture,
            apply_b_dec_to_input=weights.applies_b_dec,
            normalize_activations=weights.normalization
            if weights.normalization in PER_SAMPLE
            else "none",
        )
        self.weights, self._input_scale = weights, forward.input_scale
        self.is_transcoder = weights.is_transcoder
        # By which ``W_dec`` and ``b_dec`` are divided.
        self._divisor = forward.output_divisor
        norms = forward.norms if weights.rescales_by_norm else 1.0
        factors = {"W_enc": self._input_scale * norms, "b_enc": norms}
        arrays = {"W_dec": forward.dictionary, "b_dec": forward.intercept}
        for name in weights.arrays():
            if name not in arrays:
                factor = forward.dtype.type(factors.get(name, 1.0))
                arrays[name] = forward.widen(name) * factor
            self._add(name, arrays[name])

    def _encode(self, x):
        x, normalization = normalize(self._widened(x), self.weights.normalization)
        if self.is_transcoder:
            # Its output is of another space.
            normalization = None
        if self.weights.applies_b_dec:
            x = x - self._weight("b_dec", x) * (self._divisor / self._input_scale)
        if self.weights.architecture == "matching_pursuit":
            W_dec = self._weight("W_dec", x) * self._divisor
            return pursue(x * self._input_scale, W_dec, self.weights), normalization
        return self._activate(x @ self._weight("W_enc", x)), normalization

    def _activate(self, z):
        name, k = self.weights.architecture, self.weights.k
        if name == "gated":
            gate = z + self._weight("b_gate", z)
            z = z * self._weight("r_mag", z).exp() + self._weight("b_mag", z)
            # In this way round, nan stays nan.
            return torch.where(gate <= 0, 0, z.relu())
        z = z + self._weight("b_enc", z)
        if name == "abstopk":
            return largest(z, z.abs(), k)
        z = z.relu()
        if name == "jumprelu":
            return torch.where(z <= self._weight("threshold", z), 0, z)
        if name == "topk":
            return largest(z, z, k)
        return largest_of_groups(z, k) if name == "groupmax" else z

    def _reconstruct(self, x):
        z, normalization = self._encode(x)
        x_hat = self._completed(superpose(z, self._weight("W_dec", z)), normalization)
        if self.weights.W_skip is None:
            return x_hat
        return x_hat + self._widened(x) @ self._weight("W_skip", x_hat)


class DecoderModule(DictionaryModule):
    """A decoder or learner, which finds latents in NumPy, without a gradient in x."""

    def __init__(self, estimator, cfg):
        super().__init__(estimator, cfg, architecture=type(estimator).__name__)
        dictionary = as_dictionary(estimator.dictionary_)
        n_latents, d = dictionary.shape
        size = n_latents * d * dictionary.dtype.itemsize
        require_memory(2 * size, f"A module with {n_latents} codewords")
        self._add("W_dec", np.asarray(dictionary), requires_grad=False)
        intercept = np.broadcast_to(getattr(estimator, "intercept_", 0.0), (d,))
        self._add("b_dec", intercept.astype(dictionary.dtype), requires_grad=False)
        self._autoencoder, self._takes_normalized = _normalizing(estimator)

    @torch.compiler.disable
    def _codes(self, x):
        """Return codes in compressed sparse rows, as tensors where x is, and sigma and mu or None.

        These are latents, where rows start, and values.
        """
        normalized, normalization = x.detach(), None
        if self._autoencoder is not None:
            kind = self._autoencoder.weights_.normalization
            normalized, normalization = normalize(self._widened(normalized), kind)
        X = as_array(normalized if self._takes_normalized else x, "x")
        Z = csr_array((0, self.cfg.d_sae), dtype=np.float32)
        if len(X):
            with config_context(transform_output="default"):
                Z = check_codes(self.estimator.transform(X), "latents of x")
        parts = Z.indices.astype(np.int64), Z.indptr.astype(np.int64), Z.data
        latents, starts, values = (torch.from_numpy(part).to(x.device) for part in parts)
        return latents, starts, _WithoutGradient.apply(values, x), normalization

    def _encode(self, x):
        latents, starts, values, normalization = self._codes(x)
        z = values.new_zeros(len(x), self.cfg.d_sae)
        samples = torch.arange(len(x), device=x.device).repeat_interleave(starts.diff())
        return z.index_put((samples, latents), values), normalization

    def _reconstruct(self, x):
        latents, starts, values, normalization = self._codes(x)
        values = self._widened(values)
        rows = superpose_codes(latents, starts, values, self._weight("W_dec", values))
        return self._completed(rows, normalization)

    def extra_repr(self):
        """Return the sizes, and how latents are found."""
        return f"{super().extra_repr()}, latents by NumPy on the CPU, without gradient"


class _WithoutGradient(torch.autograd.Function):
    """Latents as they are, of which a backward pass to x is an error."""

    @staticmethod
    def forward(ctx, values, x):
        return values.view_as(values)

    @staticmethod
    def backward(ctx, gradient):
        raise RuntimeError(
            "Latents of a decoder are found in NumPy and have no gradient in x: use "
            "torch.no_grad(), pass x.detach(), or take the module of an autoencoder."
        )


def _normalizing(estimator):
    """Return the autoencoder by which samples are normalised, and whether that is to be done first.

    It is None where nothing is normalised. An autoencoder does it by itself, and so does a decoder
    around one.
    """
    estimator = selecting_estimator(estimator)
    encodes = isinstance(estimator, BaseSparseCoder)
    source = estimator if encodes else unfrozen(getattr(estimator, "dictionary", None))
    return (source if getattr(source, "normalizes_samples_", False) else None), not encodes

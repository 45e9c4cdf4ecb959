"""When a residual is short enough: the parameters ``tol`` and ``noise_std``, and their checks."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

from sksupercode._utils._validation import check_real


class ToleranceMixin:
    """Decoders that end a sample where the norm of its residual is at most ``tol_``.

    They have the parameters ``tol`` and ``noise_std``; ``_fit_decoder`` calls ``_learn_tolerance``.
    """

    @property
    def _has_tolerance(self):
        return self.tol is not None or self.noise_std is not None

    def _learn_tolerance(self):
        """Check ``tol`` and ``noise_std``, one of which may be given, and set ``tol_``."""
        tol, noise_std = (
            check_real(getattr(self, name), name, 0, closed="left", allow_none=True)
            for name in ("tol", "noise_std")
        )
        if tol is not None and noise_std is not None:
            raise ValueError(
                f"tol={self.tol!r} and noise_std={self.noise_std!r} are two names of one number: "
                "noise_std stands for tol = noise_std * sqrt(d); give one of them."
            )
        if noise_std is not None:
            tol = noise_std * math.sqrt(self.dictionary_.shape[1])
        self.tol_ = tol

"""What a file does not say: as the caller of `load_sae` gives it, or as folders are named."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math
import re
from dataclasses import dataclass

from sksupercode._utils._validation import (
    check_bool,
    check_integer,
    check_option,
    check_real,
)
from sksupercode._utils._warnings import warn
from sksupercode.sae._weights import NORMALIZATIONS, WITH_K

_K = re.compile(r"(?:^|[-_.])L0_(\d{1,9})(?!\d)", re.IGNORECASE)
_TRANSCODER = re.compile(r"(?:^|[-_.])(transcoders?|clt)(?:[-_.]|$)", re.IGNORECASE)
_AUTOENCODER = re.compile(
    r"(?:^|[-_.])(embedding|res|resid|mlp_out|[pi]t-mlp|att|attn)(?:[-_.]|$)", re.IGNORECASE
)
# Factors are roots of means that are stored in half precision.
_RTOL = 1e-3


@dataclass(frozen=True)
class Given:
    """Values for what is not in a file; None where the caller says nothing.

    Each fills a gap. One that contradicts the file is an error.
    """

    k: int | None = None
    normalization: str | None = None
    scale: float | None = None
    transcoder: bool | None = None

    def __post_init__(self):
        if self.k is not None:
            object.__setattr__(self, "k", check_integer(self.k, "k", minimum=1))
        if self.transcoder is not None:
            check_bool(self.transcoder, "transcoder")
        if self.normalization is not None:
            check_option(self.normalization, "normalization", NORMALIZATIONS)
        if self.scale is not None:
            scale = check_real(self.scale, "scale", 0, closed="neither")
            object.__setattr__(self, "scale", scale)
            if self.normalization not in (None, "expected_average"):
                raise ValueError(
                    f"normalization={self.normalization!r} has no scale, got scale={self.scale!r}."
                )

    def complete(self, path, settings):
        """Return the settings of a file, which are what it says, with what was given added."""
        settings = dict(settings)
        if self.k is not None and settings["architecture"] not in WITH_K:
            raise ValueError(
                f"{path}: k={self.k} was given, but the architecture is "
                f"{settings['architecture']!r}, which has no k."
            )
        for name, field in (("k", "k"), ("transcoder", "is_transcoder")):
            _fill(path, settings, field, getattr(self, name), name)
        normalization = "expected_average" if self.scale is not None else self.normalization
        said = "normalization" if self.scale is None else "scale"
        _fill(path, settings, "normalization", normalization, said, getattr(self, said))
        if self.scale is not None:
            stored = settings.setdefault("normalization_scale", self.scale)
            if not math.isclose(stored, self.scale, rel_tol=_RTOL):
                raise ValueError(f"{path}: scale={self.scale!r} contradicts the file: {stored!r}.")
        if settings.get("normalization") == "expected_average":
            if "normalization_scale" not in settings:
                raise ValueError(
                    f"{path}: normalization='expected_average' needs scale=, which is not in the "
                    f"file: what inputs are multiplied by."
                )
        return settings

    def k_in(self, config, key="k"):
        """Return the setting of a configuration, or what was given where it has none."""
        use_given = self.k is not None and not config.has(key)
        return {"k": self.k if use_given else config.integer(key)}

    def k_of(self, path):
        """Return a setting for a file without k: what was given, or is in a folder's name."""
        if self.k is not None:
            return {"k": self.k}
        for name in _folders(path):
            found = _K.findall(name)
            if found:
                k = int(found[-1])
                warn(f"{path}: k is not in the file; k={k} is taken from the folder {name!r}.")
                return {"k": k}
        raise ValueError(
            f"{path}: 'k' is not in the file, and no folder's name ends in L0_ and a number: pass "
            f"k=, the number of active latents."
        )

    def transcoder_of(self, path):
        """Return settings for a file that does not say whether it is of a transcoder."""
        if self.transcoder is not None:
            return {"is_transcoder": self.transcoder}
        for name in _folders(path):
            if _TRANSCODER.search(name):
                warn(
                    f"{path}: taken for a transcoder, as it is in the folder {name!r}. If it is "
                    f"not: transcoder=False."
                )
                return {"is_transcoder": True}
            if _AUTOENCODER.search(name):
                break
        return {}


def _fill(path, settings, field, value, name, given=None):
    if value is None:
        return
    if settings.setdefault(field, value) != value:
        raise ValueError(
            f"{path}: {name}={value if given is None else given!r} contradicts the file, where "
            f"{field} is {settings[field]!r}."
        )


def _folders(path):
    """Names of the folders that a file is in, from within, also those behind a link."""
    folder = path.absolute().parent
    names = [part.name for part in (folder, *folder.parents)]
    resolved = folder.resolve()
    if resolved != folder:
        names += [part.name for part in (resolved, *resolved.parents)]
    return names

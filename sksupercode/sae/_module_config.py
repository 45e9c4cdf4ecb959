"""What evaluators of autoencoders ask of a module: its sizes, and the model it is put into."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import re
from dataclasses import asdict, dataclass, field


@dataclass
class ModuleConfig:
    """Settings under the names of SAELens and SAEBench, and with their defaults.

    What has no default is None, under any name.

    Other settings may be set as attributes, and are in :meth:`to_dict` as well.
    """

    d_in: int
    d_sae: int
    architecture: str
    dtype: str = "float32"
    device: str = "cpu"
    d_out: int | None = None
    model_name: str | None = None
    hook_name: str | None = None
    hook_layer: int | None = None
    hook_head_index: int | None = None
    context_size: int | None = None
    prepend_bos: bool = True
    seqpos_slice: tuple = (None,)
    model_from_pretrained_kwargs: dict = field(default_factory=dict)
    apply_b_dec_to_input: bool = False
    normalize_activations: str = "none"
    reshape_activations: str = "none"
    finetuning_scaling_factor: bool = False
    activation_fn_str: str = ""
    activation_fn_kwargs: dict = field(default_factory=dict)
    dataset_path: str = ""
    dataset_trust_remote_code: bool = True
    training_tokens: int | None = None
    sae_lens_training_version: str | None = None
    neuronpedia_id: str | None = None

    def __post_init__(self):
        if not isinstance(self.hook_name, str | None):
            raise ValueError(f"hook_name must be a str or None, got {self.hook_name!r}.")
        number = re.search(r"\d+", self.hook_name or "")
        if self.hook_layer is None and number:
            self.hook_layer = int(number[0])

    @classmethod
    def of(cls, known, given):
        """Return settings that are known of a module, and those that were given besides.

        A ValueError tells of one that is given and known to be another.
        """
        for name in known.keys() & given.keys():
            if given[name] != known[name]:
                raise ValueError(f"{name} must be {known[name]!r}, got {given[name]!r}.")
        settings = known | given
        names = settings.keys() & cls.__dataclass_fields__.keys()
        cfg = cls(**{name: settings.pop(name) for name in names})
        vars(cfg).update(settings)
        return cfg

    @property
    def metadata(self):
        """The same settings, where newer evaluators look for those of the model."""
        return self

    def to_dict(self):
        """Return all settings by name."""
        return vars(self) | asdict(self)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return None

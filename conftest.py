# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from importlib.util import find_spec

# Doctests import every module, and these are of PyTorch.
NEED_TORCH = [
    "_architecture",
    "_architectures",
    "_module",
    "_sparse_products",
    "_topk_architectures",
    "_torch_forward",
    "_torch_modules",
    "_trainer",
    "_training",
]
collect_ignore = [f"sksupercode/sae/{name}.py" for name in NEED_TORCH if not find_spec("torch")]

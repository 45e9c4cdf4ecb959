# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from importlib.util import find_spec

# Doctests import every module, and these are of PyTorch.
NEED_TORCH = ["_module", "_torch_forward", "_torch_modules"]
collect_ignore = [f"sksupercode/sae/{name}.py" for name in NEED_TORCH if not find_spec("torch")]

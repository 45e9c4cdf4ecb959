"""``python -m sksupercode``."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import sys

from sksupercode._cli._main import main

if __name__ == "__main__":
    sys.exit(main())

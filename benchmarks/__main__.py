"""``python -m benchmarks``."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import sys

from benchmarks._main import main

if __name__ == "__main__":
    sys.exit(main())

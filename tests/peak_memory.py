"""How much memory a piece of code takes at most, in a process of its own."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import subprocess
import sys

import pytest

_PEAK = """
import resource
import sys
from pathlib import Path

def peak():
    status = Path("/proc/self/status")
    if status.exists():
        # Linux counts the peak of the process before its program was replaced in ru_maxrss.
        return 1024 * int(status.read_text().split("VmHWM:")[1].split()[0])
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
"""


def printed_number(code):
    """Return the number of bytes that code prints, which may call ``peak()``."""
    pytest.importorskip("resource", reason="peak memory is read from the resource module of Unix")
    process = subprocess.run(
        [sys.executable, "-c", _PEAK + code], capture_output=True, check=False, text=True
    )
    assert process.returncode == 0, process.stderr
    return int(process.stdout)

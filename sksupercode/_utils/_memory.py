"""Refuse what cannot fit in memory before the machine begins to swap."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import os
from pathlib import Path


def available_memory():
    """Return the memory that can still be taken, in bytes, or None where it cannot be told."""
    limits = [limit() for limit in (_machine_limit, _container_limit)]
    return min((limit for limit in limits if limit is not None), default=None)


def _machine_limit():
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _container_limit():
    group = Path("/sys/fs/cgroup")
    try:
        limit = int((group / "memory.max").read_text())
        used = int((group / "memory.current").read_text())
        # Files in the page cache are given up when memory runs short.
        statistics = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return limit - used + int(statistics["inactive_file"])
    except (KeyError, OSError, ValueError):
        return None


def require_memory(nbytes, purpose):
    """Raise a MemoryError, which ``purpose`` opens, if so many bytes exceed what is available."""
    available = available_memory()
    if available is not None and nbytes > available:
        raise MemoryError(
            f"{purpose} needs {nbytes:,} bytes, but only {available:,} bytes are available."
        )

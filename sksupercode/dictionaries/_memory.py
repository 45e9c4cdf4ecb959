"""Refuse what cannot fit in memory before the machine begins to swap."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import os


def available_memory():
    """Return the memory that can still be taken, in bytes, or None where it cannot be told."""
    try:
        with open("/proc/meminfo", encoding="ascii") as meminfo:
            for line in meminfo:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def require_memory(nbytes, purpose):
    """Raise a MemoryError that names the bytes needed if they exceed what is available.

    Parameters
    ----------
    nbytes : int
        Size of the request, in bytes.

    purpose : str
        What the memory is for; opens the message.

    Raises
    ------
    MemoryError
        If ``nbytes`` is more than the machine has available.
    """
    available = available_memory()
    if available is not None and nbytes > available:
        raise MemoryError(
            f"{purpose} needs {nbytes:,} bytes, but only {available:,} bytes are available."
        )

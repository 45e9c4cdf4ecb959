"""What needs a process of its own: peak memory, and the first call after an installation."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent.parent


def run_fresh(job, *, environment=None, **arguments):
    """Run a job of ``benchmarks._worker`` in a new process and return what it measured.

    Parameters
    ----------
    job : str
        Its name.

    environment : dict or None, default=None
        Environment variables to add.

    **arguments
        Passed on.

    Returns
    -------
    measured : dict
        With the key ``note`` if it could not be done.
    """
    outcome = subprocess.run(
        [sys.executable, "-m", "benchmarks._worker", job, json.dumps(arguments)],
        cwd=_FOLDER,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
    )
    if outcome.returncode:
        reason = outcome.stderr.strip().splitlines() or [f"exit status {outcome.returncode}"]
        return {"note": f"failed: {reason[-1]}"}
    return json.loads(outcome.stdout.splitlines()[-1])


def large_pursuit(size, repeats, tell):
    """Encode and decode with a matching pursuit in one pipeline."""
    return _pipeline("MatchingPursuitDecoder", size, repeats, tell)


def large_program(size, repeats, tell):
    """Encode and decode with basis pursuit in one pipeline."""
    return _pipeline("BasisPursuitDecoder", size, repeats, tell)


def _pipeline(decoder, size, repeats, tell):
    method = f"encoder, {decoder}"
    tell(method)
    measured = run_fresh("pipeline", decoder=decoder, size=asdict(size), repeats=repeats)
    if "note" in measured:
        return [{"method": method, "note": measured["note"]}]
    found = {"samples": size.n_samples, "recovery": measured["recovery"]}
    seconds, building = measured["seconds"], measured["building_seconds"] / size.n_samples
    return [
        {
            "method": method,
            **found,
            "seconds": seconds,
            "peak_bytes": measured["peak_bytes"],
            "note": f"codebook of {measured['codebook_bytes'] / 2**20:,.0f} MiB built before",
        },
        {
            "method": method,
            **found,
            "seconds": [building + taken for taken in seconds],
            "peak_bytes": max(measured["building_peak_bytes"], measured["peak_bytes"]),
            "note": "codebook built for these samples",
        },
    ]


def startup(size, repeats, tell):
    """Import and decode for the first time with an empty compilation cache, and with a full one."""
    rows = []
    for decoder in ("MatchingPursuitDecoder", "BasisPursuitDecoder"):
        stages = {"empty cache": [], "cached": []}
        for _ in range(repeats):
            tell(decoder)
            with tempfile.TemporaryDirectory() as cache:
                for stage in stages.values():
                    environment = {"NUMBA_CACHE_DIR": cache}
                    stage.append(
                        run_fresh(
                            "first_call",
                            environment=environment,
                            decoder=decoder,
                            size=asdict(size),
                        )
                    )
        for stage, runs in stages.items():
            row = {"method": decoder, "process": stage}
            notes = [measured["note"] for measured in runs if "note" in measured]
            if notes:
                rows.append(row | {"note": notes[0]})
                continue
            for key in ("import_seconds", "first_call_seconds"):
                row[key] = [measured[key] for measured in runs]
            rows.append(row | {"recovery": min(measured["recovery"] for measured in runs)})
    return rows

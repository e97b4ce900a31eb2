"""15 runs of ours and of a public code in fresh processes, from the start of Python to the result on disk.

Imports and compilation are part of it; ours runs without any stored program ("cold"), and with what an
earlier run has stored ("warm"). A module of this folder is run as

    python -m benchmarks.MODULE ours|FOLDER [FILE ...] RESULT
"""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.harness import Bench, Job, Row
from experiments.record import Refused

ROOT = Path(__file__).parents[1]
NAMES = {"15 runs of 1e4 steps, nothing stored": "cold", "15 runs of 1e4 steps, programs stored": "warm"}


def bench(room, module, folder, equality, rounds, *files):
    """`room` is a temporary folder, `equality(ours, theirs)` how far the two results are apart."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    cold = plain | {"JAX_ENABLE_COMPILATION_CACHE": "false"}
    warm = plain | {
        "JAX_COMPILATION_CACHE_DIR": str(Path(room.name) / "stored"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    sides = {"cold": ("ours", cold), "warm": ("ours", warm), "public": (str(folder.absolute()), plain)}
    jobs = {name: Job(partial(process, room, module, *side, *files), 1) for name, side in sides.items()}
    theirs = jobs["public"].run()
    rows = [
        # what "warm" finds stored is stored now
        Row(name, "process", ours, "public", equality(jobs[ours].run(), theirs))
        for name, ours in NAMES.items()
    ]
    return Bench(jobs, rows, rounds=rounds)


def process(room, module, side, environment, *files):
    """The result of one side, from a process of its own."""
    result = Path(room.name) / "result.npy"  # the room goes when no job holds it any more
    command = [sys.executable, "-m", f"benchmarks.{module}", side, *map(str, files), str(result)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or "no message").splitlines()[-1]
        raise Refused(f"the process of {side} failed: {said}")
    return np.load(result)

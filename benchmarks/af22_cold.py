"""The grid search on diagonal networks in a fresh process, from the start of Python to the result on disk.

The 15 runs of 1e4 steps of the public grid search, the last losses kept. Imports and compilation are part of
it; ours runs without any stored program, and with what an earlier run has stored. The process of the public
code imports JAX too, for the data, which costs it half a second of some ten.
"""

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.af22_diagonal import SHOWN, apart
from benchmarks.harness import Bench, Equality, Job, Row
from benchmarks.peers import lacking
from experiments.record import Refused

PEERS = ("understanding-sam",)
ROUNDS = 3
CLOSE = 1e-9  # up to the fifth radius; beyond it one rounding moves the loss by more
ROOT = Path(__file__).parents[1]
NAMES = {"15 runs of 1e4 steps, nothing stored": "cold", "15 runs of 1e4 steps, programs stored": "warm"}


def bench(peers):
    if "understanding-sam" not in peers:
        return Bench({}, [], dict.fromkeys(NAMES, lacking("understanding-sam")))
    room = tempfile.TemporaryDirectory()  # it goes when no job holds it any more
    plain = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    cold = plain | {"JAX_ENABLE_COMPILATION_CACHE": "false"}
    warm = plain | {
        "JAX_COMPILATION_CACHE_DIR": str(Path(room.name) / "stored"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    jobs = {
        "cold": Job(partial(process, room, "ours", cold), 1),
        "warm": Job(partial(process, room, "ours", warm), 1),
        "public": Job(partial(process, room, str(peers["understanding-sam"].absolute()), plain), 1),
    }
    theirs, rows = jobs["public"].run(), []
    kept = [k for k in range(len(theirs)) if k < 1 + len(SHOWN) or SHOWN[k - 1 - len(SHOWN)] <= SHOWN[4]]
    for name, ours in NAMES.items():
        found = jobs[ours].run()  # and what "warm" finds stored is stored now
        difference = apart(found[kept], theirs[kept])
        rows.append(Row(name, "process", ours, "public", {"losses off by": Equality(difference, CLOSE)}))
    return Bench(jobs, rows, rounds=ROUNDS)


def process(room, side, environment):
    """The result of one side, from a process of its own."""
    result = Path(room.name) / "result.npy"
    command = [sys.executable, "-m", "benchmarks._af22_process", side, str(result)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or "no message").splitlines()[-1]
        raise Refused(f"the process of {side} failed: {said}")
    return np.load(result)

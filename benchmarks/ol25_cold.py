"""Unified SAM on ridge regression in a fresh process, from the start of Python to the result on disk.

Ridge with n = d = 100, one example a step: 3 lam x 5 paths of 1e4 steps, the full loss kept every 100 steps.
Imports and compilation are part of it; ours runs without any stored program, and with what an earlier run
has stored. The public code runs every step of it.
"""

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.harness import Bench, Equality, Job, Row
from benchmarks.ol25_ridge import LAMS, RUNS, SHIFT, apart, task
from benchmarks.peers import lacking
from experiments.record import Refused

PEERS = ("unifiedsam",)
STEPS, ROUNDS = 10_000, 5
ROOT = Path(__file__).parents[1]
NAMES = {"15 runs of 1e4 steps, nothing stored": "cold", "15 runs of 1e4 steps, programs stored": "warm"}


def bench(peers):
    if "unifiedsam" not in peers:
        return Bench({}, [], dict.fromkeys(NAMES, lacking("unifiedsam")))
    room = tempfile.TemporaryDirectory()  # it goes when no job holds it any more
    write(room, task())
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
        "public": Job(partial(process, room, str(peers["unifiedsam"].absolute()), plain), 1),
    }
    theirs = jobs["public"].run()
    rows = []
    for name, ours in NAMES.items():
        difference = apart(jobs[ours].run(), theirs)  # and what "warm" finds stored is stored now
        equality = {"same indices: the curves differ by": Equality(difference, SHIFT)}
        rows.append(Row(name, "process", ours, "public", equality))
    return Bench(jobs, rows, rounds=ROUNDS)


def write(room, own):
    """The task of both sides."""
    f = own.f
    sizes = {"ridge": f.ridge, "gamma": own.gamma, "rhos": own.rhos, "lams": LAMS}
    np.savez(task_file(room), a=np.asarray(f.a), b=np.asarray(f.b), paths=RUNS, steps=STEPS, **sizes)


def task_file(room):
    return Path(room.name) / "task.npz"


def process(room, side, environment):
    """The result of one side, from a process of its own."""
    result = Path(room.name) / "result.npy"
    command = [sys.executable, "-m", "benchmarks._ol25_process", side, str(task_file(room)), str(result)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(
            f"the process of {side} failed: {(done.stderr.strip() or 'no message').splitlines()[-1]}"
        )
    return np.load(result)

"""Unified SAM on ridge regression in a fresh process, from the start of Python to the result on disk.

Ridge with n = d = 100, one example a step: 3 lam x 5 paths of 1e4 steps, the full loss kept every 100 steps;
cold and warm as in _cold.py. The public code runs every step of it.
"""

import tempfile
from pathlib import Path

import numpy as np

from benchmarks import _cold
from benchmarks.harness import Bench, Equality
from benchmarks.ol25_ridge import LAMS, RUNS, SHIFT, apart, task
from benchmarks.peers import lacking

PEERS = ("unifiedsam",)
STEPS, ROUNDS = 10_000, 5


def bench(peers):
    if "unifiedsam" not in peers:
        return Bench({}, [], dict.fromkeys(_cold.NAMES, lacking("unifiedsam")))
    room = tempfile.TemporaryDirectory()
    write(room, task())
    return _cold.bench(room, "_ol25_process", peers["unifiedsam"], equality, ROUNDS, task_file(room))


def equality(ours, theirs):
    return {"same indices: the curves differ by": Equality(apart(ours, theirs), SHIFT)}


def write(room, own):
    """The task of both sides."""
    f = own.f
    sizes = {"ridge": f.ridge, "gamma": own.gamma, "rhos": own.rhos, "lams": LAMS}
    np.savez(task_file(room), a=np.asarray(f.a), b=np.asarray(f.b), paths=RUNS, steps=STEPS, **sizes)


def task_file(room):
    return Path(room.name) / "task.npz"

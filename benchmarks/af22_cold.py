"""The grid search on diagonal networks in a fresh process, from the start of Python to the result on disk.

The 15 runs of 1e4 steps of the public grid search, the last losses kept; cold and warm as in _cold.py. The
process of the public code imports JAX too, for the data, which costs it half a second of some ten.
"""

import tempfile

from benchmarks import _cold
from benchmarks.af22_diagonal import SHOWN, apart
from benchmarks.harness import Bench, Equality
from benchmarks.peers import lacking

PEERS = ("understanding-sam",)
ROUNDS = 3
CLOSE = 1e-9  # up to the fifth radius; beyond it one rounding moves the loss by more


def bench(peers):
    if "understanding-sam" not in peers:
        return Bench({}, [], dict.fromkeys(_cold.NAMES, lacking("understanding-sam")))
    room = tempfile.TemporaryDirectory()
    return _cold.bench(room, "_af22_process", peers["understanding-sam"], equality, ROUNDS)


def equality(ours, theirs):
    kept = [k for k in range(len(theirs)) if k < 1 + len(SHOWN) or SHOWN[k - 1 - len(SHOWN)] <= SHOWN[4]]
    return {"losses off by": Equality(apart(ours[kept], theirs[kept]), CLOSE)}

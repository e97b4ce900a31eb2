"""A step of SAM beside one of SGD on every net, on one core: processor time, least over least.

Both by the rule of experiments/deep, float32, momentum 0.9, GroupNorm, convolutions by their own rule; SGD is
the same program with no ascent, by the size of micro-batches with which it is fastest, and SAM takes that
size. Each net has a process of its own, held to one core. SAM is two gradients and one update, and to 2.05 it
is right to say that it costs twice as much; a slow SGD would make less of it.
"""

import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from benchmarks.harness import Bench, Equality, Row
from experiments.record import Refused, progress

PEERS = ()
ROOT = Path(__file__).parents[1]
NETS = ("mlp", "convnet", "resnet8", "preactresnet18", "preactresnet18w16", "wrn16-4", "wrn28-10")
CLOSE = 1e-3  # in single precision a ReLU may turn within a step


def bench(peers):
    if why := lacking():
        return Bench({}, [], dict.fromkeys(NETS, why))
    rows: list[Row] = []
    costs: dict[str, list[tuple[float, float]]] = {}
    for net in NETS:
        progress(f"  {net}")
        found = process(net)
        names = {each: f"{each} of {net}" for each in ("SGD", "SAM")}
        costs |= {names[each]: found["costs"][each] for each in names}
        facts = {"SAM of radius 0 beside SGD": Equality(found["apart"], CLOSE)}
        title = f"{net}, SAM over SGD, micro-batches of {found['micro']}"
        rows.append(Row(title, "step", names["SGD"], names["SAM"], facts, found["compile_seconds"]))
    return Bench({}, rows, costs=costs)


def lacking():
    """Why nothing can run here, if so."""
    if missing := [each for each in ("equinox", "optax") if find_spec(each) is None]:
        return f"needs {' and '.join(missing)}, an extra: make test installs it"
    if not hasattr(os, "sched_setaffinity"):
        return "needs Linux, where a process can be held to one core"
    return None


def process(net):
    """What a process on one core has measured."""
    with tempfile.TemporaryDirectory() as room, one_core():
        result = Path(room) / "result.json"
        command = [sys.executable, "-m", "benchmarks._deep_process", net, str(result)]
        plain = os.environ | {"JAX_PLATFORMS": "cpu"}
        done = subprocess.run(command, cwd=ROOT, env=plain, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr.strip() or "no message").splitlines()[-1]
            raise Refused(f"the process of {net} failed: {said}")
        return json.loads(result.read_text())


@contextmanager
def one_core():
    """What is started meanwhile has one core; XLA then makes one thread."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)

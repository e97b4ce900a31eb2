"""What a deep net costs on this machine, and SGD against SAM: python -m experiments.deep.gpu --data FOLDER

    gpu_speed      images per second of SGD and SAM, and their share of the machine's own rate of matrix
                   products, measured in the same run; beside them a PyTorch loop, where there is PyTorch
    gpu_training   SGD and SAM of several radii over some epochs, for as many seeds as fit into --budget
    gpu_sharpness  the measures of those runs along training, lambda_1 ... lambda_5 among them

Each is written to --out as CSV, with JSON that tells device, versions, commit, command, seconds and seeds,
and again after every run, so that what is finished is kept. Meant for one NVIDIA GPU (make gpu); --quick
tries the same on any machine, on a small net and random images. Of a step the operations of three forward
passes are counted, six with SAM; other work is not.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import replace
from importlib.util import find_spec
from math import isnan
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import pandas as pd

from experiments.deep import data, folder, grid, loop, nets, train
from experiments.deep import settings as flags
from experiments.deep.rule import Rule
from experiments.deep.settings import Settings
from experiments.record import Refused, commit, found, keep, progress
from theory import admit

TORCH = Path(__file__).with_name("torch_loop.py")
LIBRARIES = (*folder.LIBRARIES, "jax-cuda12-plugin")
# By the digest of the examples: what their md5 sums alone do not say.
KNOWN = {
    "58f0d7734d745ebb1fa3b42e5757f047e29b2b0891c0c1c02fbcfbf3b8a1c48a": "96 images JPEG-approximated",
}


class Size(NamedTuple):
    """How much is done."""

    net: str
    batches: tuple[int, ...]  # of the speed
    steps: int  # of a timed scan
    rounds: int
    matrix: int  # side of the matrices of the machine's rate
    batch: int  # of the training
    epochs: int
    rhos: tuple[float, ...]
    measured: tuple[int, ...]  # epochs
    subset: int
    chunk: int


FULL = Size("preactresnet18", (128, 512), 40, 7, 8192, 128, 30, (0.05, 0.1, 0.2), (1, 5, 15, 30), 1024, 256)
QUICK = Size("convnet", (16, 32), 2, 2, 256, 32, 2, (0.05,), (1, 2), 64, 32)
QUICK_DATA = "teacher:128,8,8,3,10"


def parser():
    out = argparse.ArgumentParser(
        prog="python -m experiments.deep.gpu",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    out.add_argument(
        "--data", metavar="FOLDER", help="CIFAR-10 in python batches; with --quick random images"
    )
    out.add_argument("--out", metavar="DIR", required=True, help="folder of the tables")
    out.add_argument("--quick", action="store_true", help="the same in a minute, on a small net")
    out.add_argument("--net", help=f"of the tables (default {FULL.net}, with --quick {QUICK.net})")
    out.add_argument(
        "--budget", type=float, default=25.0, metavar="MINUTES", help="of the training (default 25)"
    )
    out.add_argument("--seeds", type=int, default=5, help="at most (default 5)")
    out.add_argument("--only", choices=("speed", "training"), help="one part (default: both)")
    out.add_argument("--commit", help="that of the code, where there is no git")
    out.add_argument(
        "--torch", metavar="PYTHON", help="a Python that has PyTorch (default: this one, if it has)"
    )
    out.add_argument("--debug", action="store_true", help="show where a failure happened")
    return out


def main(arguments=None):
    chosen = parser().parse_args(arguments)
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # PyTorch needs memory too
    try:
        execute(chosen)
    except (Refused, ValueError) as refused:
        if chosen.debug:
            raise
        print(f"gpu: {refused}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"gpu: interrupted; the tables of what is finished are in {chosen.out}", file=sys.stderr)
        return 130
    return 0


def execute(chosen):
    if not chosen.data and not chosen.quick:
        raise Refused("--data names the folder with CIFAR-10 (make gpu DATA=FOLDER), or take --quick")
    admit.whole(chosen.seeds, "--seeds", 1)
    if isnan(chosen.budget) or chosen.budget <= 0:
        raise Refused(f"--budget takes minutes, more than 0; got {chosen.budget:g}")
    size = QUICK if chosen.quick else FULL
    size = size._replace(net=chosen.net or size.net)
    where = chosen.data or QUICK_DATA
    source = data.load(where)
    try:
        Path(chosen.out).mkdir(parents=True, exist_ok=True)
    except OSError as wrong:
        raise Refused(f"cannot write to {chosen.out} ({wrong.strerror}); name another --out") from None
    train.keep_programs()
    tables = Tables(Path(chosen.out), told(chosen, size, source))
    if chosen.only != "training":
        speed(tables, size, where, source, chosen.torch)
    if chosen.only != "speed":
        training(tables, size, where, chosen)


# Tables


class Tables:
    """Where they go, and what stands beside each."""

    def __init__(self, out, story):
        self.out, self.story, self.begun = out, story, time.monotonic()

    def write(self, name, table, **more):
        story = self.story | more
        story |= {"table": name, "seconds": round(time.monotonic() - self.begun, 1)}
        story |= {"rows": len(table), "columns": list(table.columns)}
        keep(self.out, name, table, story)


def told(chosen, size, source):
    """The origin of all tables."""
    digest = folder.fingerprint(source)
    notes = [*source.notes, *([f"{source.name}, {KNOWN[digest]}"] if digest in KNOWN else [])]
    for note in notes:
        progress(note)
    device = jax.devices()[0]
    given = {name: getattr(chosen, name) for name in ("quick", "net", "budget", "seeds", "only")}
    usual = vars(parser().parse_args(["--out", "OUT"]))
    words = ["--data FOLDER"] if chosen.data else []
    words += [
        f"--{name}" + ("" if value is True else f" {value}")
        for name, value in given.items()
        if value != usual[name]
    ]
    return {
        "data": source.name,
        "digest": digest,
        "notes": notes,
        "net": size.net,
        "size": size._asdict(),
        "device": device.device_kind,
        "platform": device.client.platform_version,
        "cores": folder.cores(),
        "versions": {"python": platform.python_version()} | {each: found(each) for each in LIBRARIES},
        "commit": chosen.commit or commit(),
        "command": " ".join(["python -m experiments.deep.gpu", *words, "--out DIR"]),
    }


# Speed


def speed(tables, size, where, source, torch):
    rate = matrix_rate(size.matrix)
    progress(f"matrix products: {rate / 1e12:.3g} TFLOP/s")
    net, _ = jax.eval_shape(lambda: nets.build(size.net, jax.random.key(0), source.shape, source.classes))
    adds, parameters = nets.multiply_adds(net, source.shape), nets.parameters(net)
    rows = ours(size, where, source)
    theirs, why = beside(size, source, torch, parameters)
    table = pd.DataFrame([*rows, *theirs.get("rows", [])])
    passes = table.method.map({"SGD": 1, "SAM": 2})
    table["share"] = table.images_per_second * 6 * adds * passes / rate
    tables.write(
        "gpu_speed",
        table,
        matrix_rate=rate,
        multiply_adds=adds,
        parameters=parameters,
        sam_over_sgd=ratios(table),
        torch=why or {name: theirs[name] for name in ("device", "versions", "parameters")},
    )
    for key, each in table.groupby(["framework", "batch", "method"]):
        found = (
            f"{each.images_per_second.median():.0f} images/s, {each.share.median():.1%} of the matrix rate"
        )
        progress(f"{' '.join(map(str, key))}: {found}")


def matrix_rate(side, repeats=8, rounds=5):
    """Floating-point operations per second of bf16 matrix products, the best of some rounds."""
    a, b = jax.random.normal(jax.random.key(0), (2, side, side), jnp.bfloat16) / side**0.5
    chain = jax.jit(lambda a, b: jax.lax.fori_loop(0, repeats, lambda _, c: c @ b, a))
    chain(a, b).block_until_ready()
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        chain(a, b).block_until_ready()
        best = min(best, time.perf_counter() - began)
    return 2 * side**3 * repeats / best


def ours(size, where, source):
    """A row for each batch size, round and method; methods take turns."""
    stored, rows = loop.on_device(source), []
    for batch in size.batches:
        moving = {name: scans(size, where, source, stored, batch, name) for name in ("SGD", "SAM")}
        for round in range(size.rounds):
            for name, move in moving.items():
                row = {"framework": "ours", "batch": batch, "method": name, "round": round}
                rows.append(row | {"images_per_second": move()})
    return rows


def scans(size, where, source, stored, batch, method):
    """A function that trains by a scan of steps and tells its images per second."""
    settings = setting(size, where, method, batch=batch)
    form, (segment,), (run,) = loop.form(settings, source), settings.segments(), settings.runs()
    count = min(size.steps, form.steps)
    if not count:
        raise Refused(f"a batch of {batch} is more than the {form.examples} training examples")
    values = flags.values(run, segment)
    state = [loop.beginning(form)(0)]
    advance = loop.advancing(form, segment.rule, count if loop.fixed() else None)
    advance = loop.compiled(advance, (state[0], stored, values, form.steps, count), progress)

    def move():
        began = time.perf_counter()
        state[0] = advance(state[0], stored, values, form.steps, count)
        jax.block_until_ready(state[0].seen)
        return count * batch / (time.perf_counter() - began)

    move()
    return move


def ratios(table):
    """Time of a SAM step over that of an SGD step, the median over rounds."""
    out = {}
    for (framework, batch), rows in table.groupby(["framework", "batch"]):
        by_round = rows.pivot(index="round", columns="method", values="images_per_second")
        out[f"{framework}, batch {batch}"] = median(by_round.SGD / by_round.SAM)
    return out


def beside(size, source, torch, parameters):
    """(What the PyTorch loop prints, or {}; why it was not run, or None)."""
    python = torch or (sys.executable if find_spec("torch") else None)
    if python is None:
        return {}, "not run: no PyTorch here; --torch names a Python that has it"
    if not size.net.startswith("preactresnet18"):
        return {}, f"not run: its net is preactresnet18, not {size.net}"
    images, width = len(source.train_x), nets.RESIDUAL[size.net].stem
    options: dict[str, Any] = {"steps": size.steps, "rounds": size.rounds, "images": images, "width": width}
    options |= {"size": source.shape[0], "channels": source.shape[-1], "classes": source.classes}
    command = [python, str(TORCH), *(f"--{name}={value}" for name, value in options.items())]
    progress("the PyTorch loop")
    done = subprocess.run([*command, "--batch", *map(str, size.batches)], capture_output=True, text=True)
    if done.returncode:
        return {}, f"failed: {(done.stderr.strip().splitlines() or ['no word'])[-1]}"
    said = json.loads(done.stdout.splitlines()[-1])
    if said["parameters"] != parameters:
        return {}, f"another net: {said['parameters']} parameters, where ours has {parameters}"
    for row in said["rows"]:
        row["framework"] = "PyTorch"
    return said, None


# Training


def setting(size, where, method, **more):
    """`Settings` of a method: SGD, or SAM, or SAM with a radius."""
    name, _, rho = method.partition(" ")
    given = {"net": size.net, "data": where, "batch": size.batch, "epochs": size.epochs, "crop": 4}
    given |= {"flip": True, "gamma": ("cosine:0.1",), "decay": (5e-4,), "rho": (rho or "0.05",)}
    given |= {"rule": Rule(ascents=0 if name == "SGD" else 1, compute="bfloat16")}
    return Settings(**given | more)


def training(tables, size, where, chosen):
    """Every method from one seed after the other, while the budget lasts."""
    begun, longest, why = time.monotonic(), 0.0, f"all {chosen.seeds} seeds"
    epochs: list[pd.DataFrame] = []
    measures: list[pd.DataFrame] = []
    seeds: list[int] = []
    for seed in range(chosen.seeds):
        for method in ("SGD", *(f"SAM {rho:g}" for rho in size.rhos)):
            left = 60 * chosen.budget - (time.monotonic() - begun)
            if left < longest:
                why = f"the budget of {chosen.budget:g} minutes is spent"
                break
            settings = setting(size, where, method, seeds=(seed,), measure=size.measured)
            settings = replace(
                settings, measure_examples=size.subset, measure_chunk=size.chunk, measure_rho=0.05
            )
            began = time.monotonic()
            limits = grid.Limits(budget=left / 60, keep_diverged=True)
            outcome = train.trained(settings, limits=limits)
            longest = max(longest, time.monotonic() - began)
            if outcome.stopped:
                why = outcome.stopped
                break
            epochs.append(of_method(outcome.table, method))
            measures.append(of_method(outcome.measures, method))
            seeds = sorted({*seeds, seed})
            more = {"seeds": seeds, "ended": f"after {method} of seed {seed}"}
            tables.write("gpu_training", pd.concat(epochs), **more)
            tables.write("gpu_sharpness", pd.concat(measures), **more)
            last = outcome.table.iloc[-1]
            progress(
                f"{method}, seed {seed}: test accuracy {last.test_accuracy:.4f} after epoch {last.epoch}"
            )
        else:
            continue
        break
    if not epochs:
        raise Refused(f"no run ended within --budget {chosen.budget:g} minutes; allow more")
    progress(f"training ends: {why}")


def of_method(table, method):
    """With the method in front; descent has no radius."""
    name = method.split()[0]
    rho = 0.0 if name == "SGD" else table.rho.astype(float)
    return table.drop(columns="run").assign(rho=rho).assign(method=name).set_index("method").reset_index()


if __name__ == "__main__":
    sys.exit(main())

"""What a grid of runs keeps on disk, and how it is taken up again.

    checkpoint.npz    where the grid stands; the only file that --resume reads
    epochs.csv        a row per epoch, the same text as in the checkpoint
    measures.csv      a row per measurement of sharpness, so too density.csv
    result.json       at the end: configuration, the accuracy of every run, versions, device, seconds

A checkpoint tells its configuration, its data by their digest, device, cores and versions. Another
configuration or other data are refused; another device, number of cores or version is told, for bits may
differ from there on.
"""

import hashlib
import json
import os
import platform
from dataclasses import dataclass

import jax
import numpy as np

from experiments.deep import checkpoint, loop
from experiments.deep import settings as flags
from experiments.record import Refused, commit, found, strict

LIBRARIES = ("numpy", "jax", "jaxlib", "equinox", "optax")
CHECKPOINT, RESULT = "checkpoint.npz", "result.json"
TABLES = ("epochs", "measures", "density")


@dataclass
class Standing:
    """All that changes along a grid."""

    state: loop.State
    tables: dict[str, str]  # their texts
    step: int = 0  # that of the state
    run: int = 0
    begun: bool = False  # the start of this run is measured
    diverged: int | None = None  # the first step of this run that was not finite
    epoch_seconds: float = 0.0  # of scans, in the current epoch
    seconds: float = 0.0  # of the grid


KEPT = ("tables", "step", "run", "begun", "diverged", "epoch_seconds", "seconds")


def story(settings, source, notes):
    """What checkpoint and result tell alike."""
    return {
        "configuration": flags.texts(settings),
        "data": fingerprint(source),
        "notes": list(notes),
        "device": jax.devices()[0].device_kind,
        "cores": cores(),
        "versions": {"python": platform.python_version(), **{each: found(each) for each in LIBRARIES}},
    }


def fingerprint(source):
    """SHA-256 of the examples."""
    digest = hashlib.sha256()
    for each in (source.train_x, source.train_y, source.test_x, source.test_y):
        digest.update(f"{each.dtype.str} {each.shape}\n".encode())
        digest.update(np.ascontiguousarray(each).data)
    return digest.hexdigest()


def cores():
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def emptied(out, overwrite):
    """Make the folder; what an earlier run left there goes, if it may."""
    if (out / CHECKPOINT).exists() and not overwrite:
        raise Refused(
            f"{out} holds a run: go on with --resume, name another folder with --out, or give it up with "
            "--overwrite"
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in (RESULT, *map(table_file, TABLES), CHECKPOINT):
            (out / name).unlink(missing_ok=True)
    except OSError as wrong:
        raise Refused(f"cannot write to {out} ({wrong.strerror}); name another folder with --out") from None


def save(out, at, story):
    kept = {name: getattr(at, name) for name in KEPT}
    checkpoint.save(out / CHECKPOINT, at.state, story | kept)


def configuration(out):
    """name -> text of the flags that a checkpoint was begun with."""
    return checkpoint.load(out / CHECKPOINT)[0]["configuration"]


def resumed(out, state, here, say):
    """The standing that a checkpoint keeps, where it belongs to the story `here`; `state` is one like it."""
    header, arrays = checkpoint.load(out / CHECKPOINT)
    for name, text in here["configuration"].items():
        there = header["configuration"].get(name)
        if there != text:
            raise Refused(
                f"{out / CHECKPOINT} is of another configuration: {flags.flag(name)} is {there} there and "
                f"{text} here; leave flags out to take those of the checkpoint, or name another --out"
            )
    if header["data"] != here["data"]:
        raise Refused(
            f"{out / CHECKPOINT} was trained on other data than are now at --data "
            f"{here['configuration']['data']}; put those back or name another folder with --out"
        )
    for name in ("device", "cores", "versions"):
        if header[name] != here[name]:
            say(f"{name}: {header[name]} so far and {here[name]} from here on; bits may differ")
    arrays = checkpoint.restored(arrays, state, out / CHECKPOINT)
    return Standing(arrays, **{name: header[name] for name in KEPT})


def table_file(name):
    return f"{name}.csv"


def write_tables(out, at):
    """As they stand: half a line, or a row too many, of a process that was killed goes."""
    for name, text in at.tables.items():
        checkpoint.write(out / table_file(name), lambda file, text=text: file.write(text.encode()))


def add_rows(out, name, text):
    path = out / table_file(name)
    try:
        with open(path, "a") as file:
            file.write(text)
    except OSError as wrong:
        raise Refused(
            f"cannot write {path} ({wrong.strerror}); the checkpoint stays good: free some space, then go on "
            "with --resume"
        ) from None


def finish(out, at, story, settings, results):
    whole = story | {
        "command": flags.command(settings),
        "commit": commit(),
        "seconds": round(at.seconds, 3),
        "best": "chosen on the test set, hence optimistic",
        "runs": results,
    }
    text = json.dumps(strict(whole), indent=1, allow_nan=False) + "\n"
    checkpoint.write(out / RESULT, lambda file: file.write(text.encode()))

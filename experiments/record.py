"""Runs an experiment and writes what it found: NAME.csv, and NAME.json with where it came from.

An experiment is a module with
    run(seed=0, ...)    numbers, strings and tuples of numbers -> a tidy table
    QUICK               arguments for the same experiment in seconds
    SECONDS             the core-seconds it is expected to take with all defaults
    verdicts(table)     optional: case -> measured, bound, tolerance, hypotheses, controls, read by the ledger
    single(...)         optional, with the arguments of `run`: the one number that they ask for in place of a
                        table, None where they ask for the table
in this folder, or in deep/ among what trains its networks.

The JSON says `defaults: true` only for a run with all defaults; ledger and site take no other.
"""

import importlib
import inspect
import json
import math
import os
import platform
import subprocess
import sys
import time
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import jax
import numpy as np

from theory import admit

HERE = Path(__file__).parent
RESULTS = HERE / "results"
NO_EXPERIMENTS = ("record", "data")
KINDS = {int: "a whole number", float: "a number", str: "a name", bool: "true or false"}
LIBRARIES = ("numpy", "scipy", "jax", "jaxlib", "pandas", "scikit-learn", "equinox", "optax")


class Refused(Exception):
    """What a user can mend: one sentence."""


def paths():
    """The file of every experiment by its name. In deep/ those that declare their seconds are some."""
    found = {path.stem: path for path in HERE.glob("[!_]*.py") if path.stem not in NO_EXPERIMENTS}
    deep = (path for path in HERE.glob("deep/[!_]*.py") if "\nSECONDS = " in path.read_text(encoding="utf-8"))
    return found | {path.stem: path for path in deep}


def names():
    return sorted(paths())


def load(name):
    if name not in names():
        raise Refused(f"no experiment named {name!r}; there are {', '.join(names())}")
    module = paths()[name].relative_to(HERE.parent).with_suffix("")
    return importlib.import_module(".".join(module.parts))


def parameters(module):
    """Every argument of `run` and its default."""
    return {name: each.default for name, each in inspect.signature(module.run).parameters.items()}


def flag(name):
    return "--" + name.replace("_", "-")


def parsed(text, default, name):
    """A flag's text as the kind of thing its default is; a number may be a fraction, 1/6."""
    try:
        if isinstance(default, tuple):
            return tuple(parsed(part, default[0], name) for part in text.split(","))
        if isinstance(default, bool):
            return {"true": True, "false": False}[text.lower()]
        if isinstance(default, int):
            if not set(text) & set(".eE"):
                return int(text)
            if not float(text).is_integer():  # 1e5 is a whole number too
                raise ValueError
            return int(float(text))
        if isinstance(default, float) and "/" in text:
            return float(Fraction(text))
        return type(default)(text)
    except (ValueError, KeyError, OverflowError, ZeroDivisionError):
        kind = KINDS[type(default[0] if isinstance(default, tuple) else default)]
        several = " or several, with commas" if isinstance(default, tuple) else ""
        raise Refused(f"{flag(name)} takes {kind}{several}; got {text!r}") from None


def execute(name, given, quick=False, out=None, say=lambda text: None):
    """Run an experiment and write its table; the path of the JSON."""
    module = load(name)
    arguments = parameters(module)
    defaults = dict(arguments)
    arguments |= (module.QUICK if quick else {}) | given
    admit.whole(arguments["seed"], "the seed", 0, 2**63 - 1)
    usual = arguments == defaults
    folder = Path(out) if out else RESULTS if usual else RESULTS / "scratch"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as wrong:
        raise Refused(
            f"cannot write to {folder} ({wrong.strerror}); name another folder with --out"
        ) from None
    begun, spent = time.perf_counter(), sum(os.times()[:4])
    table = module.run(**arguments)
    verdicts = module.verdicts(table) if hasattr(module, "verdicts") else {}
    story = {
        "experiment": name,
        "arguments": arguments,
        "defaults": usual,
        "seed": arguments["seed"],
        "verdicts": verdicts,
        "rows": len(table),
        "columns": list(table.columns),
        "commit": commit(),
        "versions": {"python": platform.python_version()} | {each: found(each) for each in LIBRARIES},
        "device": str(jax.devices()[0].device_kind),
        "seconds": round(time.perf_counter() - begun, 3),
        "core_seconds": round(sum(os.times()[:4]) - spent, 3),
        "command": " ".join(
            [
                "python -m experiments",
                name,
                *(f"{flag(k)} {shown(v)}" for k, v in arguments.items() if v != defaults[k]),
            ]
        ),
    }
    keep(folder, name, table, story)
    say(f"{name}: {len(table)} rows, {story['seconds']:.1f} s, {os.path.relpath(folder / name)}.csv")
    return folder / f"{name}.json"


def keep(folder, name, table, story):
    """NAME.csv, and beside it the story as NAME.json."""
    beside = folder / f"{name}.json"
    write(folder / f"{name}.csv", lambda file: table.to_csv(file, index=False, na_rep="nan"), stale=beside)
    write(beside, lambda file: file.write(json.dumps(strict(story), indent=1, allow_nan=False) + "\n"))


def write(path, fill, stale=None):
    """Write beside, then rename: nothing half-written stands under the final name.

    `stale` is a file that speaks of the old one; it goes just before the new one comes.
    """
    beside = path.with_name(path.name + ".part")
    try:
        with open(beside, "w") as file:
            fill(file)
        if stale:
            stale.unlink(missing_ok=True)
        os.replace(beside, path)
    except OSError as wrong:
        raise Refused(
            f"cannot write {path} ({wrong.strerror}); free some space or name another folder with --out"
        ) from None
    finally:
        beside.unlink(missing_ok=True)


def strict(value):
    """JSON has no NaN and no infinity: null."""
    if isinstance(value, dict):
        return {str(key): strict(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def shown(value):
    """`value` as its flag takes it."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def found(library):
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def commit(folder=HERE.parent):
    """The commit of a checkout, marked where files differ from it; None outside one."""
    git = ["git", "-C", str(folder)]
    try:
        name = subprocess.run(
            [*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        changed = subprocess.run(
            [*git, "status", "--porcelain"], capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    return name + ("-changed" if changed else "")


def sign_test(first, second, level):
    """The verdict that more often than not `first` is not above `second`, pair by pair: the upper limit of
    the chance that it is, against 1/2.
    """
    from theory.confidence import median_above  # its scipy.special, of no use to most, takes long to load

    ratios = first / second
    return {
        "measured": median_above(ratios, 1.0, level),
        "bound": 0.5,
        "level": level,
        "median": float(ratios.median()),
        "controls": {"exchanged": median_above(1 / ratios, 1.0, level)},
    }


def progress(text):
    """A line on standard error for long work."""
    print(text, file=sys.stderr, flush=True)

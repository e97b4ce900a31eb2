"""Jobs run in turn, A B C A B C ..., in one process, and what a unit of one costs beside a unit of another.

A benchmark is a module with
    PEERS           the peers that some of its rows need
    bench(peers)    from the folders of the peers at hand, its jobs and rows

A ratio is theirs over ours, the median over rounds of what the two cost in the same round, with the
smallest and the largest: a change of load touches both. `cpu_ratio` is the same of the processor time that
they took, of all threads and child processes, which other work on the machine moves less; `least_ratio` is
that of the least processor time of each, whatever the round. A row whose two jobs do not compute the same is
not timed.
"""

import importlib
import json
import os
import platform
import resource
import time
from collections.abc import Callable
from importlib.metadata import version
from math import nan
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import jax

from experiments import record
from experiments.record import Refused

HERE = Path(__file__).parent
NO_BENCHMARKS = ("harness", "peers")
LIBRARIES = ("numpy", "scipy", "jax", "jaxlib")
ROUNDS = 7


class Job(NamedTuple):
    run: Callable[[], Any]
    units: float  # of work in one run


class Equality(NamedTuple):
    """How far two results are apart, and how far they may be."""

    difference: float
    tolerance: float

    @property
    def holds(self):
        return self.difference <= self.tolerance  # NaN does not


class Row(NamedTuple):
    name: str
    unit: str
    ours: str  # name of a job
    theirs: str
    equality: dict[str, Equality]  # what was compared; nothing where each side draws at random
    compile_seconds: float | None = None  # of ours, apart from its cost


class Bench(NamedTuple):
    jobs: dict[str, Job]
    rows: list[Row]
    lacking: dict[str, str] = {}  # rows that cannot run: what they lack, in a sentence
    rounds: int = ROUNDS
    costs: dict[str, list[tuple[float, float]]] = {}  # as of `in_turn`: of jobs that ran elsewhere


def names():
    return sorted(path.stem for path in HERE.glob("[!_]*.py") if path.stem not in NO_BENCHMARKS)


def load(name):
    if name not in names():
        raise Refused(f"no benchmark named {name!r}; there are {', '.join(names())}")
    return importlib.import_module(f"benchmarks.{name}")


def seconds(run):
    """What a run takes until its result is there."""
    begun = time.perf_counter()
    jax.block_until_ready(run())
    return time.perf_counter() - begun


def processor():
    """Seconds of processor time of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def compiled(function, *arguments):
    """The compiled program, and the seconds that tracing and compiling took."""
    begun = time.perf_counter()
    program = jax.jit(function).lower(*arguments).compile()
    return program, time.perf_counter() - begun


def in_turn(jobs, rounds):
    """(seconds, seconds of processor time) per unit in every round, for each job."""
    costs: dict[str, list[tuple[float, float]]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            spent = processor()
            wall = seconds(job.run)
            costs[name].append((wall / job.units, (processor() - spent) / job.units))
    return costs


def measured(bench):
    """A record for each row; jobs that no row of equal results needs do not run."""
    sound = [row for row in bench.rows if all(each.holds for each in row.equality.values())]
    wanted = {name for row in sound for name in (row.ours, row.theirs)}
    costs = bench.costs | in_turn(
        {name: job for name, job in bench.jobs.items() if name in wanted}, bench.rounds
    )
    records = [timed(row, costs) if row in sound else untimed(row) for row in bench.rows]
    return records + [blank(name) | {"why": why} for name, why in bench.lacking.items()]


def blank(name):
    ratios = ("ratio", "low", "high", "cpu_ratio", "least_ratio")
    names = ("unit", "ours", "theirs", *ratios, "rounds", "compile_seconds")
    return {"name": name} | dict.fromkeys(names) | {"equality": {}, "equal": None, "why": None}


def described(row):
    return blank(row.name) | {
        "unit": row.unit,
        "compile_seconds": row.compile_seconds,
        "equality": {what: each._asdict() for what, each in row.equality.items()},
        "equal": all(each.holds for each in row.equality.values()) if row.equality else None,
    }


def timed(row, costs):
    (ours, our_cpu), (theirs, their_cpu) = (zip(*costs[name], strict=True) for name in (row.ours, row.theirs))
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    cpu = [b / a if a else nan for a, b in zip(our_cpu, their_cpu, strict=True)]
    return described(row) | {
        "ours": median(ours),  # seconds per unit
        "theirs": median(theirs),
        "ratio": median(ratios),
        "low": min(ratios),
        "high": max(ratios),
        "cpu_ratio": median(cpu),
        "least_ratio": min(their_cpu) / min(our_cpu) if min(our_cpu) else nan,
        "rounds": len(ratios),
    }


def untimed(row):
    wrong = "; ".join(
        f"{what}: {each.difference:.1e}, more than {each.tolerance:.0e}"
        for what, each in row.equality.items()
        if not each.holds
    )
    return described(row) | {"why": f"not timed: the two do not compute the same ({wrong})"}


def provenance(peers, begun):
    """Where the numbers come from; `begun` is (seconds on the clock, load) at the start."""
    clock, load = begun
    return {
        "commit": record.commit(),
        "peers": {
            name: record.commit(folder) if (folder / ".git").exists() else None
            for name, folder in peers.items()
        },
        "versions": {"python": platform.python_version()} | {each: version(each) for each in LIBRARIES},
        "device": str(jax.devices()[0].device_kind),
        "cores": os.cpu_count(),
        "load": [load, os.getloadavg()[0]],  # of the last minute, at the start and at the end
        "seconds": round(time.perf_counter() - clock, 3),
    }


def write(path, story):
    """Strict JSON, written beside, then renamed."""
    beside = path.with_name(path.name + ".part")
    try:
        beside.write_text(json.dumps(record.strict(story), indent=1, allow_nan=False) + "\n")
        os.replace(beside, path)
    except OSError as wrong:
        beside.unlink(missing_ok=True)
        raise Refused(f"cannot write {path} ({wrong.strerror}); name another file with --json") from None

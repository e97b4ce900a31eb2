"""The runs of a grid, one after the other in the same compiled programs; cut, saved and told between scans.

An epoch is a row of equal scans of at most `Limits.chunk` steps, cut also where a checkpoint is due. Between
two of them come progress, checkpoint, budget and the wish to stop; none of those changes a bit of a run.

    checkpoint.npz    where the grid stands
    epochs.csv        a row per epoch: means over its steps of what each saw, then the test
    result.json       configuration, last and best test accuracy of every run, versions, device, seconds

The best accuracy of a run is chosen on the test set and therefore optimistic; the last one is not.
"""

import hashlib
import json
import os
import platform
import time
from dataclasses import dataclass, replace
from io import StringIO
from math import ceil, nan
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from experiments.deep import checkpoint, data, loop, report
from experiments.deep import settings as flags
from experiments.record import Refused, commit, found, strict
from theory import admit

SCAN_SECONDS = 20.0  # of a scan on a CPU where no chunk is given
LIBRARIES = ("numpy", "jax", "jaxlib", "equinox", "optax")
WATCHED = ("loss", "ahead_loss", "gradient_norm", "ahead_norm")  # where one is not finite, a run has diverged
AFTER = ("test_loss", "test_accuracy", "diverged", "seconds", "images_per_second")
COLUMNS = ("run", "epoch", "step", *map(flags.column, flags.VARIED), *loop.SEEN, *AFTER)


class Diverged(Exception):
    """A loss, a gradient or a weight is not finite: one sentence."""


class Limits(NamedTuple):
    """Where a run is cut, and what ends it before its time. No number of a run depends on it."""

    chunk: int | None = None  # most steps of a scan
    checkpoint_every: int | None = None  # steps
    budget: float | None = None  # minutes
    keep_diverged: bool = False

    def checked(self):
        for name in ("chunk", "checkpoint_every"):
            if getattr(self, name) is not None:
                admit.whole(getattr(self, name), flags.flag(name), 1)
        if self.budget is not None and not 0 <= self.budget < float("inf"):
            raise Refused(f"--budget takes minutes, not negative; got {self.budget:g}")
        return self


class Outcome(NamedTuple):
    table: pd.DataFrame  # a row per epoch and run
    results: list[dict]  # of the runs that are finished
    model: Any  # weights, running statistics and optimizer of the last run
    stopped: str | None  # why others are left


@dataclass
class Standing:
    """All that changes along a grid: a checkpoint keeps it."""

    state: loop.State
    step: int = 0  # that of the state, on this side of the device
    run: int = 0
    rows: str = report.line(COLUMNS)  # the text of epochs.csv
    diverged: int | None = None  # the first step of this run that was not finite
    epoch_seconds: float = 0.0  # of scans, in the current epoch
    seconds: float = 0.0  # of the grid, in sessions before this one


def trained(settings, out=None, *, limits=None, resume=False, overwrite=False, say=None, stopping=None):
    """Run the grid of `settings`: an `Outcome`. Files are kept in the folder `out`, if there is one.

    `resume` goes on from the checkpoint there, `overwrite` gives up what is there. `say` is a report, silent
    by default; `stopping()` is asked between scans whether to stop, and answers why, or None.
    """
    limits = (limits or Limits()).checked()
    grid = Grid(settings, Path(out) if out else None, limits, say or report.Silent())
    grid.begin(resume, overwrite)
    return grid.run(stopping or (lambda: None))


class Grid:
    def __init__(self, settings, out, limits, say):
        self.settings, self.out, self.limits, self.say = settings, out, limits, say
        self.begun, self.pace = time.monotonic(), Pace(limits.chunk)
        source = data.load(
            settings.data, seed=settings.data_seed, noise=settings.noise, examples=settings.examples
        )
        source = shortened(source, settings.test_examples)
        self.form, self.data = loop.form(settings, source), loop.on_device(source)
        if not self.form.steps:
            raise Refused(f"--batch {settings.batch} is more than the {self.form.examples} training examples")
        self.digest, self.notes = fingerprint(source), source.notes
        if over := self.form.examples % settings.batch:
            text = f"{over} of the {self.form.examples} examples sit out each epoch, others each time"
            self.notes += (text,)
        self.total = settings.steps or settings.epochs * self.form.steps
        self.runs, self.segments = settings.runs(), settings.segments()
        self.at = Standing(self.fresh(0))

    def fresh(self, run):
        """The state at the beginning of a run."""
        return loop.beginning(self.form)(self.runs[run]["seeds"])

    # Going on

    def run(self, stopping):
        while self.at.run < len(self.runs):
            while not self.ended():
                if why := stopping() or self.out_of_budget():
                    self.save()
                    return self.outcome(why)
                self.scan()
            if self.at.run + 1 == len(self.runs):
                break
            self.next()
        self.finish()
        return self.outcome(None)

    def ended(self):
        """All steps are done; or weights are not finite after an epoch, which no step can mend."""
        lost = self.at.diverged is not None and self.of_epoch() == self.form.steps
        return self.at.step == self.total or (lost and not finite(self.at.state.model.w))

    def of_epoch(self, step=None):
        """Steps of the epoch of the last step: from 1 to those of an epoch; 0 at the start."""
        step = self.at.step if step is None else step
        return (step - 1) % self.form.steps + 1 if step else 0

    def segment(self):
        """The rule of the next step."""
        epoch = self.at.step // self.form.steps + 1
        return [each for each in self.segments if each.epoch <= epoch][-1]

    def scan(self):
        """Some steps, up to where something is due."""
        count, segment = self.count(), self.segment()
        values = flags.values(self.runs[self.at.run], segment)
        began = time.perf_counter()
        advance = loop.advancing(self.form, segment.rule)
        state = advance(self.at.state, self.data, values, self.total, count)
        seen = np.asarray(state.seen)  # waits for the device
        seconds = time.perf_counter() - began
        self.pace.add((segment.rule, self.pace.fixed and count), count, seconds)
        self.at = replace(
            self.at, state=state, step=self.at.step + count, epoch_seconds=self.at.epoch_seconds + seconds
        )
        self.look(seen, count)
        if self.of_epoch() == self.form.steps or self.at.step == self.total:
            self.close_epoch()
        elif self.at.step % (self.limits.checkpoint_every or self.total) == 0:
            self.save()
        self.say.scan(self.place())

    def count(self):
        """Steps of the next scan: equal ones to the end of the epoch or to the next checkpoint."""
        step, every = self.at.step, self.limits.checkpoint_every or self.total
        epoch_ends = (step // self.form.steps + 1) * self.form.steps
        rest = min(epoch_ends, (step // every + 1) * every, self.total) - step
        return ceil(rest / ceil(rest / min(rest, self.pace.chunk)))

    def look(self, seen, count):
        """Find the first of the last `count` steps that is not finite."""
        if self.at.diverged is not None:
            return
        last = self.of_epoch()
        for place in range(last - count, last):
            for name in WATCHED:
                value = seen[place, loop.SEEN.index(name)]
                if not np.isfinite(value):
                    self.diverge(self.at.step - last + place + 1, f"{name} is {value:g}")
                    return

    def diverge(self, step, what):
        text = f"{self.which()}{what} at step {step}"
        if not self.limits.keep_diverged:
            kept = f"the last good state is kept in {self.file('checkpoint.npz')}; " if self.out else ""
            raise Diverged(f"{text}: {kept}take a smaller --gamma or --rho, or go on with --keep-diverged")
        self.say.say(f"{text}: the run goes on")
        self.at.diverged = step

    def which(self):
        run = self.runs[self.at.run]
        label = self.settings.label(run)
        return f"run {self.at.run + 1} ({label}): " if label else ""

    def close_epoch(self):
        """Test, and a row."""
        test = loop.testing(self.segments[-1].rule.compute)(self.at.state.model, self.data)
        loss, accuracy = float(test[0]), int(test[1]) / len(self.data.test_y)
        run, means = self.runs[self.at.run], self.means()
        row = {"run": self.at.run + 1, "epoch": self.epoch(), "step": self.at.step}
        row |= {flags.column(name): run.get(name, "") for name in flags.VARIED} | means
        seconds = self.at.epoch_seconds
        row |= {
            "test_loss": loss,
            "test_accuracy": accuracy,
            "diverged": self.at.diverged or "",
            "seconds": seconds,
            "images_per_second": self.of_epoch() * self.settings.batch / seconds,
        }
        line = report.line([row[name] for name in COLUMNS])
        self.at = replace(self.at, rows=self.at.rows + line, epoch_seconds=0.0)
        self.save()
        if self.out:
            report.append(self.file("epochs.csv"), line)
        self.say.epoch(self.place(), accuracy)

    def next(self):
        """The next run begins."""
        run = self.at.run + 1
        self.at = replace(self.at, state=self.fresh(run), step=0, run=run, diverged=None, epoch_seconds=0.0)
        self.save()

    def out_of_budget(self):
        """A scan like the longest so far would not end in time."""
        budget = self.limits.budget
        if budget is None or self.elapsed() + self.pace.longest <= 60 * budget:
            return None
        return f"the budget of {budget:g} minutes is spent"

    def elapsed(self):
        """Seconds of this session."""
        return time.monotonic() - self.begun

    # Telling

    def epoch(self):
        """That of the last step, from 1."""
        return (self.at.step - 1) // self.form.steps + 1

    def means(self):
        """name -> mean over the steps done of this epoch, in double precision."""
        seen = np.asarray(self.at.state.seen[: self.of_epoch()], float)
        return dict(zip(loop.SEEN, map(float, seen.mean(0)), strict=True))

    def place(self):
        means, total = self.means(), len(self.runs) * self.total
        done = self.at.run * self.total + self.at.step
        return report.Place(
            run=self.at.run + 1,
            runs=len(self.runs),
            label=self.settings.label(self.runs[self.at.run]),
            epoch=self.epoch(),
            epochs=ceil(self.total / self.form.steps),
            step=self.of_epoch(),
            steps=self.form.steps,
            done=done,
            total=total,
            loss=means["loss"],
            ahead_loss=means["ahead_loss"],
            accuracy=means["correct"],
            rate=self.settings.batch / self.pace.step,
            left=self.pace.left(total - done),
        )

    def results(self):
        """Of every run with a row for its last step, or lost."""
        table = pd.read_csv(StringIO(self.at.rows), dtype=dict.fromkeys(flags.SCHEDULED, str))
        out = []
        for run, rows in table.groupby("run"):
            if run > self.at.run and not self.ended():
                break
            out.append(summary(rows))
        return out

    def outcome(self, why):
        table = pd.read_csv(StringIO(self.at.rows), dtype=dict.fromkeys(flags.SCHEDULED, str))
        return Outcome(table, self.results(), self.at.state.model, why)

    # Keeping

    def file(self, name):
        return self.out / name

    def story(self):
        """What a checkpoint and the result tell alike."""
        return {
            "configuration": flags.texts(self.settings),
            "data": self.digest,
            "notes": list(self.notes),
            "device": jax.devices()[0].device_kind,
            "cores": cores(),
            "versions": {"python": platform.python_version(), **{each: found(each) for each in LIBRARIES}},
        }

    def save(self):
        if not self.limits.keep_diverged and not finite(self.at.state.model):
            self.diverge(self.at.step, "a weight is not finite")
        if self.out is None:
            return
        kept = {name: getattr(self.at, name) for name in KEPT}
        kept["seconds"] += self.elapsed()
        checkpoint.save(self.file("checkpoint.npz"), self.at.state, self.story() | kept)

    def begin(self, resume, overwrite):
        """Take up what is in the folder, or begin there."""
        for note in self.notes:
            self.say.say(note)
        if self.out is None:
            return
        file = self.file("checkpoint.npz")
        if resume:
            self.take_up(*checkpoint.load(file))
        elif file.exists() and not overwrite:
            raise Refused(
                f"{self.out} holds a run: go on with --resume, name another folder with --out, or give it up "
                "with --overwrite"
            )
        else:
            try:
                self.out.mkdir(parents=True, exist_ok=True)
                for name in ("checkpoint.npz", "result.json"):
                    self.file(name).unlink(missing_ok=True)
            except OSError as wrong:
                raise Refused(
                    f"cannot write to {self.out} ({wrong.strerror}); name another with --out"
                ) from None
            self.save()
        checkpoint.write(self.file("epochs.csv"), lambda out: out.write(self.at.rows.encode()))

    def take_up(self, header, arrays):
        file, here = self.file("checkpoint.npz"), self.story()
        for name, text in here["configuration"].items():
            there = header["configuration"].get(name)
            if there != text:
                raise Refused(
                    f"{file} is of another configuration: {flags.flag(name)} is {there} there and {text} "
                    "here; leave flags out to take those of the checkpoint, or name another folder with --out"
                )
        if header["data"] != here["data"]:
            raise Refused(f"{file} was trained on other data than are at {self.settings.data} now")
        for name in ("device", "cores", "versions"):
            if header[name] != here[name]:
                self.say.say(f"{name}: {header[name]} so far, {here[name]} from here on: bits may differ")
        state = checkpoint.restored(arrays, self.at.state, file)
        self.at = Standing(state, **{name: header[name] for name in KEPT})
        self.say.say(f"resumed at step {self.at.step} of run {self.at.run + 1}")

    def finish(self):
        if self.out is None:
            return
        self.save()
        story = self.story() | {
            "command": flags.command(self.settings),
            "commit": commit(),
            "seconds": round(self.at.seconds + self.elapsed(), 3),
            "columns": list(COLUMNS),
            "best": "chosen on the test set, hence optimistic",
            "runs": self.results(),
        }
        text = json.dumps(strict(story), indent=1, allow_nan=False) + "\n"
        checkpoint.write(self.file("result.json"), lambda out: out.write(text.encode()))


KEPT = ("step", "run", "rows", "diverged", "epoch_seconds", "seconds")


class Pace:
    """How long steps take; `chunk` is the most of a scan."""

    def __init__(self, chunk):
        self.given, self.fixed = chunk, jax.default_backend() != "cpu"
        self.compiled, self.step, self.longest = set(), nan, 0.0

    @property
    def chunk(self):
        if self.given:
            return self.given
        if self.fixed:
            return float("inf")
        # one step compiles, another is timed
        return 1 if self.step != self.step else max(1, int(SCAN_SECONDS / self.step))

    def add(self, program, count, seconds):
        if program not in self.compiled:
            self.compiled.add(program)
            return
        self.step = seconds / count
        self.longest = max(self.longest, seconds)

    def left(self, steps):
        return self.step * steps


def shortened(source, test_examples):
    """With the first so many test examples alone."""
    if test_examples is None:
        return source
    if test_examples > len(source.test_y):
        raise Refused(f"{source.name} has {len(source.test_y)} test examples; {test_examples} were asked for")
    return replace(source, test_x=source.test_x[:test_examples], test_y=source.test_y[:test_examples])


def fingerprint(source):
    """SHA-256 of the examples."""
    digest = hashlib.sha256()
    for each in (source.train_x, source.train_y, source.test_x, source.test_y):
        digest.update(f"{each.dtype.str} {each.shape}\n".encode())
        digest.update(np.ascontiguousarray(each).tobytes())
    return digest.hexdigest()


@jax.jit
def every_finite(tree):
    leaves = [each for each in jax.tree.leaves(tree) if jnp.issubdtype(each.dtype, jnp.inexact)]
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(each)) for each in leaves]))


def cores():
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def finite(tree):
    return bool(every_finite(tree))


def summary(rows):
    """Of one run, from its rows."""
    last, best = rows.iloc[-1], rows.loc[rows.test_accuracy.idxmax()]
    values = {flags.column(name): last[flags.column(name)] for name in flags.VARIED}
    return {
        "run": int(last.run),
        **{name: value for name, value in values.items() if value == value},
        "steps": int(last.step),
        "last_test_accuracy": float(last.test_accuracy),
        "best_test_accuracy": float(best.test_accuracy),
        "best_epoch": int(best.epoch),
        "diverged": None if pd.isna(last.diverged) else int(last.diverged),
        "seconds": round(float(rows.seconds.sum()), 3),
    }

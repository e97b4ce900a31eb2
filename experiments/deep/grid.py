"""The runs of a grid, one after the other in the same compiled programs; cut, saved and told between scans.

An epoch is a row of equal scans of at most `Limits.chunk` steps, cut also where a checkpoint is due. Between
two of them come progress, checkpoint, budget and the wish to stop; none of those changes a bit of a run.

A row of epochs.csv has means over the steps of the epoch of what each saw on its batch, augmented as it was:
`loss` and `correct` (the fraction) at w, `ahead_loss` at w + e, `gradient_norm` at w and `ahead_norm` of what
is descended along, `cosine` of e with what half precision leaves of it; then the test after the last step,
`seconds` of its scans, and the first step that was not finite in `diverged`. The best accuracy of a run is
chosen on the test set and therefore optimistic; the last one is not.
"""

import time
from dataclasses import replace
from io import StringIO
from math import ceil, inf, isnan, nan
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from experiments.deep import data, folder, loop, measure, report
from experiments.deep import settings as flags
from experiments.record import Refused
from theory import admit

SCAN_SECONDS = 20.0  # of a scan on a CPU where no chunk is given
WATCHED = ("loss", "ahead_loss", "gradient_norm", "ahead_norm")  # where one is not finite, a run has diverged
COLUMNS = (
    *("run", "epoch", "step"),
    *map(flags.column, flags.VARIED),
    *loop.SEEN,
    *("test_loss", "test_accuracy", "diverged", "seconds", "images_per_second"),
)


class Diverged(Exception):
    """A loss, a gradient or a weight is not finite: one sentence."""


class Limits(NamedTuple):
    """Where a run is cut, and what ends it before its time. No number of a run depends on it."""

    chunk: int | None = None  # most steps of a scan
    checkpoint_every: int | None = None  # steps of an epoch; its end has one in any case
    budget: float | None = None  # minutes
    keep_diverged: bool = False

    def checked(self):
        for name in ("chunk", "checkpoint_every"):
            if getattr(self, name) is not None:
                admit.whole(getattr(self, name), flags.flag(name), 1)
        if self.budget is not None and not 0 <= self.budget < inf:
            raise Refused(f"--budget takes minutes, not negative; got {self.budget:g}")
        return self


class Outcome(NamedTuple):
    table: pd.DataFrame  # a row per epoch and run
    measures: pd.DataFrame  # a row per measurement of sharpness
    density: pd.DataFrame  # (probe, node, weight) of each spectral density
    results: list[dict]  # of the runs that are finished
    model: Any  # weights, running statistics and optimizer of the last run
    stopped: str | None  # why others are left


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
        self.begun, self.pace, self.longest = time.monotonic(), Pace(limits.chunk), 0.0
        source = shortened(
            data.load(
                settings.data, seed=settings.data_seed, noise=settings.noise, examples=settings.examples
            ),
            settings.test_examples,
        )
        self.form, self.data = loop.form(settings, source), loop.on_device(source)
        self.subset = subset(settings, self.form.examples)
        if not self.form.steps:
            raise Refused(f"--batch {settings.batch} is more than the {self.form.examples} training examples")
        self.notes = [*source.notes, *idle(self.form), *covering(settings.segments())]
        self.story = folder.story(settings, source, self.notes)
        self.total = settings.steps or settings.epochs * self.form.steps
        self.epochs = ceil(self.total / self.form.steps)
        for name, each in [
            ("measure", settings.measure),
            ("switch", [each.epoch for each in settings.switch]),
        ]:
            if each and max(each) > self.epochs:
                raise Refused(f"{flags.flag(name)} names epoch {max(each)}; the run ends with {self.epochs}")
        self.runs, self.segments = settings.runs(), settings.segments()
        self.at = folder.Standing(self.fresh(0), {"epochs": report.line(COLUMNS)})

    def fresh(self, run):
        """The state at the beginning of a run."""
        return loop.beginning(self.form)(self.runs[run]["seeds"])

    def begin(self, resume, overwrite):
        """Take up what is in the folder, or begin there."""
        for note in self.notes:
            self.say.say(note)
        if self.out is None:
            return
        if resume:
            self.at = folder.resumed(self.out, self.at.state, self.story, self.say.say)
            self.say.say(f"{self.which()}resumed at step {self.at.step} of {self.total}")
        else:
            self.trace()
            folder.emptied(self.out, overwrite)
            self.save()
        folder.write_tables(self.out, self.at)

    def trace(self):
        """Let net and rule refuse what they cannot take, before a file is touched."""
        for segment in self.segments:
            values = flags.values(self.runs[0], segment)
            advance = loop.advancing(self.form, segment.rule)
            jax.eval_shape(advance, self.at.state, self.data, values, self.total, 1)

    def run(self, stopping):
        """To the end of the last run, or until there is a reason to stop."""
        while True:
            self.measure_start()
            while not self.ended():
                if why := stopping() or self.out_of_budget():
                    self.save()
                    return self.outcome(why)
                began = self.elapsed()
                compiling = self.scan()
                self.longest = max(self.longest, self.elapsed() - began - compiling)
            if self.at.run + 1 == len(self.runs):
                break
            run = self.at.run + 1
            self.at = replace(self.at, state=self.fresh(run), step=0, run=run, begun=False, diverged=None)
            self.save()
        if self.out:
            self.save()
            at = replace(self.at, seconds=self.at.seconds + self.elapsed())
            folder.finish(self.out, at, self.story, self.settings, self.results())
        return self.outcome(None)

    def measure_start(self):
        """Sharpness at the start of a run, once."""
        if 0 in self.settings.measure and not self.at.begun:
            self.at = replace(self.at, begun=True)
            self.keep(self.measured())

    # One scan

    def scan(self):
        """Steps up to where something is due, and that; the seconds that went into compilation."""
        count, segment = self.count(), self.segment()
        values = flags.values(self.runs[self.at.run], segment)
        arguments = (self.at.state, self.data, values, self.total, count)
        advance = loop.advancing(self.form, segment.rule, count if loop.fixed() else None)
        asked = time.perf_counter()
        advance = loop.compiled(advance, arguments, self.say.say)
        began = time.perf_counter()
        state = advance(*arguments)
        seen = np.asarray(state.seen)  # waits for the device
        seconds = time.perf_counter() - began
        self.pace.add(count, seconds)
        self.at = replace(
            self.at, state=state, step=self.at.step + count, epoch_seconds=self.at.epoch_seconds + seconds
        )
        self.look(seen, count)
        if self.of_epoch() == self.form.steps or self.at.step == self.total:
            self.close_epoch()
        elif self.of_epoch() % self.every() == 0:
            self.save()
        self.say.scan(self.place())
        return began - asked

    def count(self):
        """Steps of the next scan: equal ones to the next checkpoint, or to the end of the epoch."""
        done = self.at.step % self.form.steps
        due = (done // self.every() + 1) * self.every()
        rest = min(due, self.form.steps, done + self.total - self.at.step) - done
        return ceil(rest / ceil(rest / min(rest, self.pace.chunk)))

    def every(self):
        """Steps of an epoch between checkpoints."""
        return self.limits.checkpoint_every or self.form.steps

    def segment(self):
        """The rule of the next step."""
        return self.segment_of(self.at.step // self.form.steps + 1)

    def segment_of(self, epoch):
        return [each for each in self.segments if each.epoch <= max(epoch, 1)][-1]

    def of_epoch(self):
        """Steps done of the epoch of the last step; 0 at the start."""
        return (self.at.step - 1) % self.form.steps + 1 if self.at.step else 0

    def epoch(self):
        """That of the last step; 0 at the start."""
        return (self.at.step - 1) // self.form.steps + 1

    def close_epoch(self):
        """Test, and a row."""
        test = loop.testing(self.segment_of(self.epoch()).rule.compute)
        loss, right = test(self.at.state.model, self.data)
        accuracy, seconds = int(right) / len(self.data.test_y), self.at.epoch_seconds
        row = self.heading() | self.means()
        row |= {
            "test_loss": float(loss),
            "test_accuracy": accuracy,
            "diverged": self.at.diverged or "",
            "seconds": seconds,
            "images_per_second": self.of_epoch() * self.form.batch / seconds,
        }
        rows = {"epochs": [row]} | (self.measured() if self.epoch() in self.settings.measure else {})
        self.at = replace(self.at, epoch_seconds=0.0)
        self.keep(rows)
        self.say.epoch(self.place(), accuracy)

    def keep(self, rows):
        """Rows at the end of tables, in the checkpoint first."""
        texts = {}
        for name, each in rows.items():
            text = "".join(report.line(row.values()) for row in each)
            texts[name] = text if name in self.at.tables else report.line(each[0]) + text
        tables = {name: self.at.tables.get(name, "") + text for name, text in texts.items()}
        self.at = replace(self.at, tables=self.at.tables | tables)
        self.save()
        if self.out:
            for name, text in texts.items():
                folder.add_rows(self.out, name, text)

    def heading(self):
        """The first columns of every table."""
        run = self.runs[self.at.run]
        row = {"run": self.at.run + 1, "epoch": self.epoch(), "step": self.at.step}
        return row | {flags.column(name): run.get(name, "") for name in flags.VARIED}

    def measured(self):
        """Rows of the sharpness at this step."""
        settings, model = self.settings, self.at.state.model
        segment = self.segment_of(self.epoch())
        run = loop.sharp(self.form, segment.rule)
        now = loop.scheduled(flags.values(self.runs[self.at.run], segment), max(self.at.step, 1), self.total)
        rho = float(now.rho) if settings.measure_rho is None else settings.measure_rho
        key = jax.random.key(settings.data_seed)
        found = measure.measures(
            run.loss,
            model.w,
            loop.subset(self.data, self.subset),
            key,
            rho,
            adaptive_rho=settings.measure_adaptive_rho,
            cover=run.cover,
            ahead=run.ahead,
            rest=(model.stats, now, key),
            plan=plan(settings),
        )
        rows = {"measures": [self.heading() | {"radius": rho} | measure.row(found)]}
        if settings.density:
            columns = measure.density_rows(found)
            entries = [dict(zip(columns, each, strict=True)) for each in zip(*columns.values(), strict=True)]
            rows["density"] = [self.heading() | each for each in entries]
        return rows

    def means(self):
        """name -> mean over the steps done of this epoch, in double precision."""
        seen = np.asarray(self.at.state.seen, float)[: self.of_epoch()]
        return dict(zip(loop.SEEN, map(float, seen.mean(0)), strict=True))

    # Ends

    def ended(self):
        """All steps are done; or weights are not finite after an epoch, which no step can mend."""
        lost = self.at.diverged is not None and self.of_epoch() == self.form.steps
        return self.at.step >= self.total or (lost and not finite(self.at.state.model.w))

    def look(self, seen, count):
        """Find the first of the last `count` steps that is not finite."""
        if self.at.diverged is not None:
            return
        last = self.of_epoch()
        watched = seen[last - count : last, [loop.SEEN.index(name) for name in WATCHED]]
        wrong = np.argwhere(~np.isfinite(watched))
        if len(wrong):
            place, which = wrong[0]
            self.diverge(self.at.step - count + 1 + place, f"{WATCHED[which]} is {watched[place, which]:g}")

    def diverge(self, step, what):
        text = f"{self.which()}{what} at step {step}"
        if not self.limits.keep_diverged:
            kept = f"the last good state is kept in {self.out / folder.CHECKPOINT}; " if self.out else ""
            raise Diverged(f"{text}: {kept}take a smaller --gamma or --rho, or go on with --keep-diverged")
        self.say.say(f"{text}; the run goes on")
        self.at.diverged = int(step)

    def out_of_budget(self):
        """Why to stop: a scan, with all that follows it, like the longest so far would not end in time."""
        budget = self.limits.budget
        if budget is None or self.elapsed() + self.longest <= 60 * budget:
            return None
        return f"the budget of {budget:g} minutes is spent"

    def elapsed(self):
        """Seconds since this process began it."""
        return time.monotonic() - self.begun

    def save(self):
        if not self.limits.keep_diverged and not finite(self.at.state.model):
            self.diverge(self.at.step, "a weight is not finite")
        if self.out:
            at = replace(self.at, seconds=self.at.seconds + self.elapsed())
            folder.save(self.out, at, self.story)

    # What is told

    def which(self):
        label = self.settings.label(self.runs[self.at.run])
        return f"run {self.at.run + 1} ({label}): " if label else ""

    def place(self):
        means, total = self.means(), len(self.runs) * self.total
        done = self.at.run * self.total + self.at.step
        return report.Place(
            run=self.at.run + 1,
            runs=len(self.runs),
            label=self.settings.label(self.runs[self.at.run]),
            epoch=self.epoch(),
            epochs=self.epochs,
            step=self.of_epoch(),
            steps=self.form.steps,
            done=done,
            total=total,
            loss=means["loss"],
            ahead_loss=means["ahead_loss"],
            accuracy=means["correct"],
            rate=self.form.batch / self.pace.step,
            left=self.pace.step * (total - done),
        )

    def table(self, name="epochs"):
        text = self.at.tables.get(name)
        kinds = dict.fromkeys(flags.SCHEDULED, str)
        return pd.read_csv(StringIO(text), dtype=kinds) if text else pd.DataFrame()

    def results(self):
        """Of every run that is finished."""
        over = self.at.run + self.ended()
        return [summary(rows) for run, rows in self.table().groupby("run") if run <= over]

    def outcome(self, why):
        epochs, measures, density = map(self.table, folder.TABLES)
        return Outcome(epochs, measures, density, self.results(), self.at.state.model, why)


class Pace:
    """How long steps take."""

    def __init__(self, given):
        self.given = given
        self.step = nan  # seconds of one, in the last scan

    @property
    def chunk(self):
        """The most steps of a scan."""
        if self.given:
            return self.given
        if loop.fixed():
            return inf
        return 1 if isnan(self.step) else max(1, int(SCAN_SECONDS / self.step))

    def add(self, count, seconds):
        self.step = seconds / count


def shortened(source, test_examples):
    """With the first so many test examples alone."""
    if test_examples is None:
        return source
    if test_examples > len(source.test_y):
        raise Refused(f"{source.name} has {len(source.test_y)} test examples; {test_examples} were asked for")
    return replace(source, test_x=source.test_x[:test_examples], test_y=source.test_y[:test_examples])


def subset(settings, examples):
    """How many examples a measurement sees."""
    size = settings.measure_examples or min(flags.SUBSET, examples)
    if size > examples:
        raise Refused(f"--measure-examples is at most {examples}, the training examples; got {size}")
    for name in ("measure_group", "measure_chunk"):
        part = getattr(settings, name)
        if part and size % part:
            raise Refused(f"{flags.flag(name)} must divide the {size} examples of a measurement; got {part}")
    return size


def plan(settings):
    """Of a measurement."""
    density = {} if settings.density else {"density_probes": 0}
    return measure.Plan(m=settings.measure_group, chunk=settings.measure_chunk, **density)


def idle(form):
    """A sentence about what fills no batch."""
    over = form.examples % form.batch
    return [f"{over} of the {form.examples} examples sit out each epoch, others each time"] if over else []


def covering(segments):
    """A sentence about the tensors of an adaptive rule: the best radius depends on them."""
    covers = dict.fromkeys(each.rule.cover for each in segments if each.rule.adaptive)
    return [f"T of the adaptive rule covers: {', then '.join(covers)}"] if covers else []


@jax.jit
def every_finite(tree):
    leaves = [each for each in jax.tree.leaves(tree) if jnp.issubdtype(each.dtype, jnp.inexact)]
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(each)) for each in leaves]))


def finite(tree):
    return bool(every_finite(tree))


def summary(rows):
    """Of one run, from its rows."""
    last, best = rows.iloc[-1], rows.loc[rows.test_accuracy.idxmax()]
    values = {flags.column(name): last[flags.column(name)] for name in flags.VARIED}
    return {
        "run": int(last.run),
        **{name: value for name, value in values.items() if not pd.isna(value)},
        "steps": int(last.step),
        "last_test_accuracy": float(last.test_accuracy),
        "best_test_accuracy": float(best.test_accuracy),
        "best_epoch": int(best.epoch),
        "diverged": None if pd.isna(last.diverged) else int(last.diverged),
        "seconds": round(float(rows.seconds.sum()), 3),
    }

"""What a person sees of a long run, and the lines of its tables.

At a terminal a bar moves (rich), elsewhere plain lines come: one per epoch, and one every half minute of a
longer epoch.
"""

import csv
import io
import time
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.text import Text

EVERY = 30.0  # seconds between plain lines inside an epoch


class Place(NamedTuple):
    """Where a run stands."""

    run: int  # from 1
    runs: int
    label: str  # what distinguishes it from the others of its grid
    epoch: int  # from 1
    epochs: int
    step: int  # of this epoch, done
    steps: int  # of an epoch
    done: int  # steps of the whole grid
    total: int
    loss: float  # means over the steps done of this epoch, at w
    ahead_loss: float  # and at w + e
    accuracy: float
    rate: float  # images per second, NaN before there is one
    left: float  # seconds

    @property
    def text(self):
        grid = f"run {self.run}/{self.runs} " + (f"{self.label} " if self.label else "")
        where = f"epoch {self.epoch}/{self.epochs} "
        if self.step < self.steps:
            where += f"step {self.step}/{self.steps} "
        losses = f" loss {self.loss:.4g} at w, {self.ahead_loss:.4g} at w+e"
        return (grid if self.runs > 1 else "") + where + losses + f"  accuracy {self.accuracy:.4f}"

    @property
    def speed(self):
        return f"{self.rate:.0f} images/s  {span(self.left)} left"


def span(seconds):
    """1:02:03, 2:03 or 0:03."""
    if not 0 <= seconds < 1e9:
        return "?"
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


class Silent:
    """Says nothing; a context, as the others are."""

    def __enter__(self):
        return self

    def __exit__(self, *why):
        pass

    def say(self, text):
        """A sentence."""

    def scan(self, place):
        """Some steps are done."""

    def epoch(self, place, test_accuracy):
        """An epoch is done."""


class Lines(Silent):
    """Plain lines on a stream."""

    def __init__(self, stream, clock=time.monotonic):
        self.stream, self.clock, self.last = stream, clock, clock()

    def say(self, text):
        print(text, file=self.stream, flush=True)
        self.last = self.clock()

    def scan(self, place):
        if self.clock() - self.last >= EVERY:
            self.say(f"{place.text}  {place.speed}")

    def epoch(self, place, test_accuracy):
        self.say(f"{place.text} train, {test_accuracy:.4f} test  {place.speed}")


class Bars(Silent):
    """At a terminal: a line per epoch, and under them where the run stands, above a bar of the whole grid."""

    def __init__(self, stream):
        self.board = Board(
            BarColumn(None),
            TaskProgressColumn(),
            TextColumn("{task.fields[speed]}"),
            console=Console(file=stream),
        )
        self.task = self.board.add_task("", total=None, speed="")

    def __enter__(self):
        self.board.start()
        return self

    def __exit__(self, *why):
        self.board.stop()

    def say(self, text):
        self.board.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def scan(self, place):
        self.board.above = place.text
        self.board.update(self.task, completed=place.done, total=place.total, speed=place.speed)

    def epoch(self, place, test_accuracy):
        self.say(f"{place.text} train, {test_accuracy:.4f} test")
        self.scan(place)


class Board(Progress):
    """A bar under a line of text."""

    above = ""

    def get_renderables(self):
        yield Text(self.above)
        yield self.make_tasks_table(self.tasks)


def fitting(stream):
    """Bars at a terminal, lines elsewhere."""
    return Bars(stream) if stream.isatty() else Lines(stream)


# Tables


def line(values):
    """A line of CSV; nine digits tell any two numbers of single precision apart."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([shown(value) for value in values])
    return out.getvalue()


def shown(value):
    return f"{value:.9g}" if isinstance(value, float) else value

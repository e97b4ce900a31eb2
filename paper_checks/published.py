"""Tables that a paper prints, from PAPER/published.toml, with their provenance.

A cell "2.1±<0.1" is its value 2.1; its margin is 0.1, here the most that it can be. "±<0.0" is read as less
than a unit of the last digit, 0.1. A dash is NaN, and so is the margin of a cell that has none.
"""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
CELL = re.compile(r"(-|\d+\.?\d*)(?:±(<?)(\d+\.?\d*))?")
SOURCES = ("seen", "second hand")


class Printed(NamedTuple):
    """A table as numbers; columns that are no numbers stay text."""

    values: pd.DataFrame
    margins: pd.DataFrame
    about: dict[str, str]  # place, holds, source, read


@cache
def tables(paper):
    """Name -> table, of all that the paper prints and we have."""
    with open(HERE / paper / "published.toml", "rb") as file:
        return {name: parsed(fields) for name, fields in tomllib.load(file).items()}


def parsed(fields):
    header, *lines = (
        [each.strip() for each in line.split("|")] for line in fields["printed"].strip().split("\n")
    )
    columns = dict(zip(header, zip(*lines, strict=True), strict=True))
    numeric = {name: all(CELL.fullmatch(cell) for cell in cells) for name, cells in columns.items()}
    values = {
        name: [value(cell) for cell in cells] if numeric[name] else cells for name, cells in columns.items()
    }
    margins = {name: [margin(cell) for cell in columns[name]] for name in header if numeric[name]}
    about = {name: text for name, text in fields.items() if name != "printed"}
    return Printed(pd.DataFrame(values), pd.DataFrame(margins), about)


def value(cell):
    number, _, _ = parts(cell)
    return np.nan if number == "-" else float(number)


def margin(cell):
    _, below, size = parts(cell)
    if size is None:
        return np.nan
    return 0.1 if below and float(size) == 0 else float(size)


def parts(cell):
    """The number, the sign "<" and the margin, as printed."""
    found = CELL.fullmatch(cell)
    if found is None:
        raise ValueError(f'a cell is printed as "2.1", "2.1±0.1", "2.1±<0.1" or "-"; got {cell!r}')
    return found.groups()


# Claims about printed numbers


class Comparison(NamedTuple):
    """Each entry of `low` is at most its partner in `high`."""

    low: np.ndarray
    high: np.ndarray
    others: dict[str, Any]  # a falsified claim -> its (low, high), or a function of a factor that gives them


def complete(case):
    return {"numbers on both sides": bool(np.all(np.isfinite(case.low)) and np.all(np.isfinite(case.high)))}


def excess(case):
    """The largest of low - high."""
    return float(np.max(case.low - case.high))


def falsified(case):
    """The controls of a comparison."""

    def other(claim):
        if callable(claim):
            return lambda factor: other(claim(factor))
        return case._replace(low=claim[0], high=claim[1])

    return {name: other(claim) for name, claim in case.others.items()}


def same(a, b, others):
    """a = b, as a comparison: |a - b| is at most 0."""
    apart = {
        name: other if callable(other) else (np.abs(other[0] - other[1]), np.zeros(np.shape(other[0])))
        for name, other in others.items()
    }
    return Comparison(np.abs(a - b), np.zeros(np.shape(a)), apart)

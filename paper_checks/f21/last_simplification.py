"""1 / sqrt n + sqrt((X + 1/4) / (n - 1)) <= sqrt(4 X / (n - 1)), X = h^2 (n - 1) / 4, over a grid.

`measured` is the largest ratio of the sides. "alone": X from 2 log 15 on, the least that 2 log(6 n + 3 k) can
be, for every n. "threshold": X = 1.23 is enough, in the limit of large n, where
2 sqrt X >= 1 + sqrt(X + 1/4).
"""

from typing import NamedTuple

import numpy as np

from theory.bounds import f21

K = np.array([1, 2, 3, 10, 100, 1e3, 1e5, 1e7])
N = np.array([2, 3, 5, 10, 100, 1e4, 1e6, 1e8])
SQUARES = np.concatenate([[0], np.geomspace(1e-3, 1e9, 25)])
DELTA = np.array([1, 0.5, 0.05, 1e-6])
WHOLE = np.arange(2, 2001)


class Case(NamedTuple):
    reads: str  # "grid", "alone" or "threshold"
    share: float  # of 4 X: 1, but for a control


def cases():
    return {reads: Case(reads, 1.0) for reads in ("grid", "alone", "threshold")}


def hypotheses(case):
    return {"0 < delta <= 1": np.all((DELTA > 0) & (DELTA <= 1))}


def measured(case):
    if case.reads == "grid":
        n = N[:, None, None]
        x = f21.exponent(SQUARES, K[:, None, None, None], n, DELTA[:, None])
    elif case.reads == "alone":
        n, x = WHOLE, 2 * np.log(15) * np.geomspace(1, 1e6, 100)[:, None]
    else:
        n, x = np.array(1e300), 1.23 * np.geomspace(1, 1e6, 100)
    return np.max(f21.last_display(x, n) / np.sqrt(case.share * 4 * x / (n - 1)))


def bound(case):
    return 1.0


def controls(case):
    return {"a share of 4 X": lambda factor: case._replace(share=1 / factor)}

"""Gaussian noise of the width of the proof leaves the ball of radius rho with a chance of at most 1 / sqrt n.

The chance is the tail of the chi-square law with k degrees at k (1 + sqrt(log n / k))^2, exact by the
incomplete gamma function. `measured` is the largest ratio to 1 / sqrt n over 4582 pairs, k from 1 to 10^7 and
n from 2 to 10^9; "Laurent and Massart": that of the tail at k + 2 sqrt(k t) + 2 t, t = log(n) / 2, of which
the proof is made, and which is no farther out.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc

from theory.bounds import f21

K = np.unique(np.round(np.geomspace(1, 1e7, 60)))
N = np.unique(np.round(np.geomspace(2, 1e9, 80)))


class Case(NamedTuple):
    reads: str  # "ball", "point" or "order"
    shorter: float  # what the radius is divided by: 1, but for a control


def cases():
    return {
        "the ball": Case("ball", 1.0),
        "Laurent and Massart": Case("point", 1.0),
        "their point lies in the ball": Case("order", 1.0),
    }


def hypotheses(case):
    return {"n >= 2": np.min(N) >= 2}


def measured(case):
    k, n = np.meshgrid(K, N)
    ball, point = f21.ball(k, n), f21.laurent_massart(k, np.log(n) / 2)
    if case.reads == "order":
        return np.max(point / (ball / case.shorter**2))
    return np.max(chdtrc(k, (ball if case.reads == "ball" else point) / case.shorter**2) * np.sqrt(n))


def bound(case):
    return 1.0


def controls(case):
    return {"a shorter radius": lambda factor: case._replace(shorter=factor)}

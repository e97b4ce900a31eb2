"""f_1 = w^2 / 2 and f_2 = 2 w^2, drawn uniformly: variance 9 w^2 / 4, unbounded, yet (A, B, C) = (4, 0, 0).

So the expected residual holds where neither bounded variance nor bounded gradients do.

"condition"    the least A that serves at all states with B = C = 0 (a ratio of squares, the same at every w)
               against the lemma's A = L_max = 4
"variance"     its distance to 9 w^2 / 4 relative to that, over twelve decades of w
"no bound"     sigma^2 over the variance at w = sigma, below 1 for every sigma of those decades: none serves
"""

from typing import NamedTuple

import numpy as np

from theory import sampling
from theory.bounds import residual

CURVES = np.array([1.0, 4.0])
STATES = np.geomspace(1e-6, 1e6, 49)


class Case(NamedTuple):
    reads: str
    curves: np.ndarray  # f_i = curve_i w^2 / 2 + shift_i w
    shift: np.ndarray
    states: np.ndarray
    scale: float  # of what is claimed: 1, but for a control


def cases():
    return {
        reads: Case(reads, CURVES, np.zeros(2), STATES, 1.0)
        for reads in ("condition", "variance", "no bound")
    }


def hypotheses(case):
    a, b, c = lemma()
    return {"(A, B, C) = (4, 0, 0)": (a, b, c) == (4, 0, 0), "a common minimum": not np.any(case.shift)}


def lemma():
    """By the sampling lemma; the minima of both functions are at 0, so Delta = 0."""
    return residual.constants(sampling.uniform(2).moment, CURVES, 0.0)


def moments(case):
    """E|grad f_v|^2 and the variance at every state, by both draws."""
    slopes = case.states[:, None] * case.curves + case.shift
    return np.mean(slopes**2, axis=1), np.var(slopes, axis=1)


def measured(case):
    second, variance = moments(case)
    if case.reads == "condition":
        return np.max(second / (2 * np.mean(case.curves) * case.states**2 / 2))
    if case.reads == "variance":
        claimed = case.scale * 9 / 4 * case.states**2
        return np.max(np.abs(variance / claimed - 1))
    return np.max(case.states**2 / variance)  # sigma^2 over the variance at w = sigma


def bound(case):
    if case.reads == "condition":
        return lemma().a / case.scale
    return 0.0 if case.reads == "variance" else 1.0


def tolerance(case):
    return 1e-14


def controls(case):
    if case.reads == "condition":
        return {
            "A too small": lambda factor: case._replace(scale=factor),
            "A = L_avg without importance sampling": case._replace(scale=4 / 2.5),
        }
    if case.reads == "variance":
        return {
            "a little larger": lambda factor: case._replace(scale=factor),
            "the mean curvature in its place": case._replace(scale=(5 / 2) ** 2 / (9 / 4)),
        }
    return {
        "one curvature, two centres: bounded variance": case._replace(
            curves=np.full(2, 2.5), shift=np.array([-1.0, 1.0])
        ),
        "curvatures closer together": lambda factor: case._replace(
            curves=2.5 + np.array([-1.5, 1.5]) / factor
        ),
    }

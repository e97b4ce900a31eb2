"""1-SAM follows the flow of half the trace: |x_T - X(tau)| <= C (gamma^(1/2) + rho) but for a chance rho.

The instance is that of finite_step_one_sam.py, where X(tau) = 0.6 + (X(0) - 0.6) e^(-5 tau / 8), and C = 1/4
serves for all its steps and radii. "from the floor": started on the cycle; the chance is at most
E(x_T - X)^4 / (C (gamma^(1/2) + rho))^4 (Markov), a moment that is computed and not sampled. "from away":
from a start far off the minimisers, X(0) the end of gradient flow from there; some of the independent runs of
the rule fail, and `measured` is the upper end of the exact one-sided 99.9% interval for that chance (Clopper
and Pearson). "entry", the first phase: after 2 ln(1 / (gamma rho)) / gamma steps the same runs are within
2 gamma rho of the minimisers and within twice that bound of X(0).

The displays are remembered, and the bounds of the theorem are not sharp here: the mean is off by order gamma
and the spread is of order rho gamma^(1/2) (finite_step_one_sam.py).
"""

from functools import cache
from math import ceil, log
from typing import NamedTuple

import numpy as np
import scipy.integrate

from paper_checks.wml23 import finite_step_one_sam as model
from theory import confidence

CONSTANT = 0.25
FLOOR = ((0.1, 0.1), (0.05, 0.05), (0.025, 0.025), (0.0125, 0.0125))  # (gamma, rho)
AWAY = ((0.1, 0.1), (0.05, 0.1), (0.05, 0.05))
FAR = (-0.3, 0.5, 1.5)  # x, y_1, y_2
ENTRY = 2.0  # steps over ln(1 / (gamma rho)) / gamma
NEAR = 2.0  # distance to the minimisers over gamma rho
LEVEL = 0.999


class Case(NamedTuple):
    reads: str  # "floor", "away" or "entry"
    gamma: float
    rho: float
    claim: str  # whose flow: "trace", but for a control
    start: str  # "limit" of gradient flow; for a control the "start" itself
    scale: float  # of the drift, or of the steps to the entry: 1, but for a control


def cases():
    out = {}
    for gamma, rho in FLOOR:
        out[f"from the floor, gamma={gamma:g}, rho={rho:g}"] = case("floor", gamma, rho)
    for gamma, rho in AWAY:
        out[f"from away, gamma={gamma:g}, rho={rho:g}"] = case("away", gamma, rho)
        out[f"entry, gamma={gamma:g}, rho={rho:g}"] = case("entry", gamma, rho)
    return out


def case(reads, gamma, rho):
    return Case(reads, gamma, rho, "trace", "limit", 1.0)


def hypotheses(case):
    return {
        "(gamma + rho) ln(1 / (gamma rho)) < 1": (case.gamma + case.rho) * -log(case.gamma * case.rho) < 1
    }


def limit(case):
    """X(0)."""
    if case.reads == "floor":
        return model.START
    return projected() if case.start == "limit" else FAR[0]


@cache
def projected():
    """The x at which gradient flow from FAR ends."""

    def slope(w, _):
        x, y = w[0], w[1:]
        h = model.heights(x)
        return -np.array([np.sum(np.array([x, 1.5 * (x - 1)]) * y**2) / 4, *(h * y / 2)])

    return scipy.integrate.odeint(slope, FAR, [0.0, 60.0], rtol=1e-10, atol=1e-12)[-1, 0]


@cache
def ends(gamma, rho, steps):
    return model.ran(FAR, gamma, rho, steps, 1)


def width(case):
    return CONSTANT * (case.gamma**0.5 + case.rho)


def measured(case):
    gamma, rho = case.gamma, case.rho
    if case.reads == "entry":
        steps = ceil(case.scale * ENTRY * log(1 / (gamma * rho)) / gamma)
        w = ends(gamma, rho, steps)
        near = np.linalg.norm(w[:, 1:], axis=1) <= NEAR * gamma * rho
        failed = ~(near & (np.abs(w[:, 0] - limit(case)) <= 2 * width(case)))
        return confidence.upper(int(failed.sum()), len(w), LEVEL)
    flow = model.claimed(gamma, rho, case.claim, case.scale, limit(case))
    if case.reads == "away":
        x = ends(gamma, rho, model.horizon(gamma, rho))[:, 0]
        return confidence.upper(int(np.sum(~(np.abs(x - flow) <= width(case)))), len(x), LEVEL)
    off = model.expected(gamma, rho, lambda w: (w[:, 0] - flow) ** 4)
    return min(off / width(case) ** 4, 1.0)


def bound(case):
    return case.rho


def controls(case):
    out = {}
    if case.reads == "entry":
        out["fewer steps"] = lambda factor: case._replace(scale=1 / factor)
    else:
        out["the flow of the largest eigenvalue"] = case._replace(claim=model.TOP)
        out["no drift"] = case._replace(scale=0.0)
    if case.reads == "floor":
        out["without the half"] = case._replace(scale=2.0)
    else:
        out["the start in place of the end of gradient flow"] = case._replace(start="start")
    return out

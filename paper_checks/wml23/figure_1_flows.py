"""Figure 1 with F_1 = x_1^2 + 6 x_2^2 + 8, F_2 = 4 (1 - x_1)^2 + (1 - x_2)^2 + 1: both flows are linear.

As gamma -> 0 SAM with full batches on F_1 x_3^2 + F_2 x_4^2 follows x' = -grad F_1, to (0, 0), and 1-SAM on
the mean of the two follows x' = -grad (F_1 + F_2) / 2, to (4/5, 1/7). At a finite step the first is faster on
the same path, and the second ends elsewhere (theory/problems/valley.py). From (0.2, 0.3), on the cycle:

"SAM, radius": the rule against the flow at the finite step falls with rho at the order 2. "SAM, step": its
distance to (0.2 e^(-2 tau), 0.3 e^(-12 tau)) falls with gamma at the order 1. "1-SAM, radius": E x_T against
the flow at the finite step, order 2, without sampling (theory/one_sam.py). "1-SAM, end": the mean at which it
settles comes to (4/5, 1/7) with gamma at the order 1.

`measured` is the distance of the order of the finest pair of four to the claimed one.
"""

from functools import cache
from typing import NamedTuple

import jax
import numpy as np

from theory import one_sam, transfer
from theory.bounds.ol25 import cycle_radius
from theory.problems.valley import figure_1_single, figure_1_whole
from theory.update import step

WHOLE, SINGLE, START, TAU = figure_1_whole(), figure_1_single(), (0.2, 0.3), 0.4
TOP = 2 * (0.2**2 + 6 * 0.3**2 + 8)  # 2 F_1 at the start
RADII, GAMMA = (0.2, 0.1, 0.05, 0.025), 0.02
STEPS, SMALL_RADIUS = (0.02, 0.01, 0.005, 0.0025), 0.05
SIZES = (8, 8, 2, 2)
LOW, HIGH = (0.1, 0.05), (0.95, 0.45)
SPREAD = 5.0  # times rho^2
ENDS = {"SAM": np.array([0.0, 0.0]), "1-SAM": np.array([0.8, 1 / 7])}


class Case(NamedTuple):
    method: str  # "SAM" or "1-SAM"
    falls_with: str  # "radius" or "step"
    claim: str  # the method whose flow is claimed
    scale: float  # of the drift, or of the end point
    order: float


def cases():
    return {
        "SAM, radius": Case("SAM", "radius", "SAM", 1.0, 2.0),
        "SAM, step": Case("SAM", "step", "SAM", 1.0, 1.0),
        "1-SAM, radius": Case("1-SAM", "radius", "1-SAM", 1.0, 2.0),
        "1-SAM, end": Case("1-SAM", "step", "1-SAM", 1.0, 1.0),
    }


def hypotheses(case):
    return {"gamma lambda_1 < 2": max(STEPS) * TOP < 2, "the law stays in the box": reach() < 2}


@jax.jit
def run(start, gamma, rho, steps):
    rule = jax.value_and_grad(WHOLE.loss)
    return jax.lax.fori_loop(0, steps, lambda _, w: step(rule, w, gamma, rho, 1.0), start)


move = jax.jit(one_sam.moved)


def horizon(gamma, rho):
    return 2 * round(TAU / (gamma * rho**2) / 2)


@cache
def ended(gamma, rho):
    """x after T steps of SAM with full batches."""
    start = np.array([*START, cycle_radius(TOP, gamma, rho, 1.0), 0.0])
    return np.asarray(run(start, gamma, rho, horizon(gamma, rho)))[:2]


@cache
def walked(gamma, rho):
    chart = one_sam.Chart(SINGLE, gamma, rho, np.array(LOW), np.array(HIGH), SPREAD * rho**2)
    return one_sam.walk(chart, START, SIZES, move)


def reach():
    return max(walked(GAMMA, rho).reach for rho in RADII)


@cache
def flow(claim, gamma, tau, scale):
    f, drift = (SINGLE, "single_drift") if claim == "1-SAM" else (WHOLE, "full_drift")
    return one_sam.flow(f, lambda f, x: scale * getattr(f, drift)(x, gamma), START, tau)


def errors(case):
    if case.falls_with == "radius":
        for rho in RADII:
            steps = horizon(GAMMA, rho)
            claimed = flow(case.claim, GAMMA, steps * GAMMA * rho**2, case.scale)
            if case.method == "SAM":
                yield np.linalg.norm(ended(GAMMA, rho) - claimed)
            else:
                off = one_sam.expected(walked(GAMMA, rho), lambda w, to=claimed: w[:, :2] - to, steps)
                yield np.linalg.norm(off)
    else:
        for gamma in STEPS:
            if case.method == "SAM":
                claimed = flow(
                    case.claim, 0.0, horizon(gamma, SMALL_RADIUS) * gamma * SMALL_RADIUS**2, case.scale
                )
                yield np.linalg.norm(ended(gamma, SMALL_RADIUS) - claimed)
            else:
                here = walked(gamma, SMALL_RADIUS)
                end = transfer.stationary(here.matrix) @ here.states[:, :2]
                yield np.linalg.norm(end - case.scale * ENDS[case.claim])


def measured(case):
    *_, coarse, fine = errors(case)
    return abs(np.log2(coarse / fine) - case.order)


def bound(case):
    return 0.2 if case.falls_with == "radius" else 0.1


def controls(case):
    other = "SAM" if case.method == "1-SAM" else "1-SAM"
    out = {"the other method's flow": case._replace(claim=other)}
    if case.method == "SAM" or case.falls_with == "radius":
        out["the eigenvalues of the caption"] = case._replace(scale=0.5)
    return out | {"a little more": lambda factor: case._replace(scale=factor)}

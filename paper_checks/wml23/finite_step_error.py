"""Against the limiting flow X' = -P grad lambda_1 / 2 the error is gamma times a constant; rho / gamma may
be large.

"order": how far the order in gamma of the error relative to the length of the flow is from 1, for gamma
lambda_1 from 0.2 down, of the finest pair. "constant": that error over gamma, extrapolated from the finest
pair, against the derivative in gamma of the flow at the speed (2 / (2 - gamma lambda_1))^2 = 1 + gamma
lambda_1 + ..., at gamma = 0. What is left is of order (gamma lambda_1)^2 and rho^2; gamma lambda_1 bounds
it. "rho / gamma = 40": the error against the flow of a finite step, in units of rho^2.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from paper_checks.wml23 import finite_step_flow as flow
from theory.bounds import wml23_flow

NAMES = ("valley", "pair", "network", "net")
REACHES = (0.2, 0.1, 0.05, 0.025)  # gamma lambda_1 at the start
RHO, TIME = 0.01, 0.05
LARGE = {"valley": 0.04, "pair": 0.04}  # rho, with gamma = rho / 40
MARGIN = 0.1


class Case(NamedTuple):
    reads: str  # "order", "constant" or "large"
    name: str
    factor: float  # of the limiting speed, of the constant, or of the finite speed: 1, but for a control
    look: str  # "lambda_1", or "trace" in a control


def cases():
    out = {
        f"{reads}, {name}": Case(reads, name, 1.0, "lambda_1")
        for reads in ("order", "constant")
        for name in NAMES
    }
    return out | {f"rho / gamma = 40, {name}": Case("large", name, 1.0, "lambda_1") for name in LARGE}


def hypotheses(case):
    return {"gamma lambda_1 <= 0.2": max(REACHES) <= 0.2}


def gamma_of(name, reach):
    _, w, _, look = flow.models()[name]
    return reach / look(w).top


def ridden(case, reach):
    return flow.ride(case.name, gamma_of(case.name, reach), RHO, 1.0, TIME)


def error(case, reach):
    """Relative to the length of the limiting flow."""
    look = flow.of_trace if case.look == "trace" else flow.models()[case.name].look
    found = ridden(case, reach)
    predicted = flow.flowed(look, found.begun, found.time, lambda top: case.factor)
    return np.linalg.norm(found.ended - predicted) / np.linalg.norm(predicted - found.begun)


@cache
def constant(name, time):
    """Of gamma in that error: the derivative, by a difference, of the flow at speed 1 + gamma lambda_1."""
    _, w, _, look = flow.models()[name]
    ends = [flow.flowed(look, w, time, lambda top, tiny=tiny: 1 + tiny * top) for tiny in (0.0, 1e-4)]
    return np.linalg.norm(ends[1] - ends[0]) / 1e-4 / np.linalg.norm(ends[0] - w)


def excess(case):
    """The error against the flow of a finite step over rho^2, at a large rho / gamma."""
    rho = LARGE[case.name]
    found = flow.ride(case.name, rho / 40, rho, 1.0, TIME)
    look = flow.models()[case.name].look
    predicted = flow.flowed(
        look, found.begun, found.time, lambda top: case.factor * wml23_flow.speed(top, rho / 40, rho, 1.0)
    )
    return np.linalg.norm(found.ended - predicted) / np.linalg.norm(predicted - found.begun) / rho**2


def measured(case):
    if case.reads == "order":
        return abs(flow.order([error(case, reach) for reach in REACHES[-2:]]) - 1)
    if case.reads == "constant":
        coarse, fine = (error(case, reach) / gamma_of(case.name, reach) for reach in REACHES[-2:])
        return abs((2 * fine - coarse) / (case.factor * constant(case.name, TIME)) - 1)
    return excess(case)


def bound(case):
    return {"order": MARGIN, "constant": REACHES[-1], "large": 3.0}[case.reads]


def controls(case):
    out = {
        "a little more": lambda factor: case._replace(factor=factor),
        "without the half": case._replace(factor=2.0),
    }
    if case.reads == "order" and case.name == "valley":
        out["the flow of the trace"] = case._replace(look="trace")
    return out

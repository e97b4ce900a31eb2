"""|x_T - X(T_3)| <= C gamma ln(1/rho) at T = T_3 / (gamma rho^2), X' = -P grad lambda_1 / 2, X(0) = Phi(x_0).

The theorem leaves the constant open. Here C is that of gamma in the flow at a finite step
(finite_step_error.py, times the length of the flow), which ln(1/rho) > 2.8 leaves room for what the first
phase adds. From starts off the manifold, gamma lambda_1 and rho falling together, rho / gamma constant and
small; the last points themselves, not their limits. `measured` is the largest |x_T - X| / (gamma
ln(1/rho)).
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from paper_checks.wml23 import finite_step_error as order_gamma
from paper_checks.wml23 import finite_step_flow as flow

NAMES = ("valley", "pair", "network", "net")
SIZES = ((0.2, 0.06), (0.1, 0.03), (0.05, 0.015))  # gamma lambda_1 at the minimiser, rho
DISTANCE = 0.05  # of the start from the manifold
TIME = {"valley": 1.0, "pair": 0.2, "network": 0.2, "net": 0.2}


class Case(NamedTuple):
    name: str
    factor: float  # of the drift: 1, but for a control
    look: str  # "lambda_1", or "trace" in a control
    ascends: bool  # False for the control that descends the gradient


def cases():
    return {name: Case(name, 1.0, "lambda_1", True) for name in NAMES}


def hypotheses(case):
    f, w, _, look = flow.models()[case.name]
    found = [look(x).eigs for x in (w, flow.limit(f, ended(case.name, *SIZES[-1], True)[0]))]
    return {"lambda_1 stays apart": min(eigs[-1] - np.append(0, eigs)[-2] for eigs in found) > 0.1}


@cache
def start(name):
    """(x_0, Phi(x_0)) off the manifold."""
    f, w, *_ = flow.models()[name]
    away = np.random.default_rng(3).standard_normal(len(w))
    off = w + DISTANCE * away / np.linalg.norm(away)
    return off, flow.limit(f, off)


@cache
def ended(name, reach, rho, ascends):
    """(x_T, gamma, T gamma rho^2)."""
    f, w, _, look = flow.models()[name]
    gamma = reach / look(w).top
    steps = int(flow.manifold.steps_for(TIME[name], gamma, rho))
    last = flow.run(f, start(name)[0], gamma, rho if ascends else 0.0, 1.0, steps)
    return last, gamma, steps * gamma * rho**2


@cache
def predicted(name, factor, look):
    """X(T_3)."""
    seen = flow.of_trace if look == "trace" else flow.models()[name].look
    return flow.flowed(seen, start(name)[1], TIME[name], lambda top: factor)


def measured(case):
    found = []
    for reach, rho in SIZES:
        last, gamma, _ = ended(case.name, reach, rho, case.ascends)
        far = np.linalg.norm(last - predicted(case.name, case.factor, case.look))
        found.append(far / (gamma * np.log(1 / rho)))
    return max(found)


def bound(case):
    length = np.linalg.norm(predicted(case.name, 1.0, "lambda_1") - start(case.name)[1])
    return order_gamma.constant(case.name, TIME[case.name]) * length


def controls(case):
    out = {
        "a faster flow": lambda factor: case._replace(factor=factor),
        "without the half": case._replace(factor=2.0),
        "gradient descent": case._replace(ascends=False),
    }
    if case.name == "valley":
        out["the flow of the trace"] = case._replace(look="trace")
    return out

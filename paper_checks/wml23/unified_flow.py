"""The slow flow of the mixed rule has the speed (2 lam / (2 - h - (1 - lam) gamma rho l_1^2))^2, h = gamma
l_1.

From the cycle of the mixed rule, as in finite_step_flow.py. "order 2": the error against
this flow in rho. "lam squared": against SAM's flow slowed by lam^2, which is what it tends to; the error is
of order 1. `measured` is how far the order of the finest pair of radii is from the claimed one.
"""

from typing import NamedTuple

import numpy as np

from paper_checks.wml23 import finite_step_flow as flow
from theory.bounds import wml23_flow

NAMES = ("valley", "pair", "network")
LAMS = (0.5, 0.8)
REACH = 0.5  # gamma lambda_1
RADII = (0.05, 0.025, 0.0125, 0.00625)


class Case(NamedTuple):
    name: str
    lam: float
    speed: str  # "mixed", "lam squared", or the neighbouring formula of a control
    order: float  # claimed
    factor: float  # of the speed: 1, but for a control


def cases():
    claims = {"order 2": ("mixed", 2.0), "lam squared": ("lam squared", 1.0)}
    return {
        f"{label}, {name}, lam={lam:g}": Case(name, lam, speed, order, 1.0)
        for label, (speed, order) in claims.items()
        for name in NAMES
        for lam in LAMS
    }


def setting(case):
    _, w, time, look = flow.models()[case.name]
    return w, time, look, REACH / look(w).top


def hypotheses(case):
    w, _, look, gamma = setting(case)
    top = look(w).top
    return {"lam > 0": case.lam > 0, "a cycle": gamma * top * (1 + (1 - case.lam) * RADII[0] * top) < 2}


def error(case, rho):
    w, time, look, gamma = setting(case)
    ridden = flow.ride(case.name, gamma, rho, case.lam, time)

    def speed(top):
        sam = wml23_flow.speed(top, gamma, rho, 1.0)
        return (
            case.factor
            * {
                "mixed": wml23_flow.speed(top, gamma, rho, case.lam),
                "lam squared": case.lam**2 * sam,
                "lam": case.lam * sam,
                "SAM": sam,
            }[case.speed]
        )

    predicted = flow.flowed(look, ridden.begun, ridden.time, speed)
    return np.linalg.norm(ridden.ended - predicted) / np.linalg.norm(predicted - ridden.begun)


def measured(case):
    return abs(flow.order([error(case, rho) for rho in RADII[-2:]]) - case.order)


def bound(case):
    return flow.MARGIN


def controls(case):
    out = {
        "a little faster": lambda factor: case._replace(factor=factor),
        "lam in place of its square": case._replace(speed="lam"),
        "the speed of SAM": case._replace(speed="SAM"),
    }
    if case.order == 2:
        out["lam squared alone"] = case._replace(speed="lam squared")
    return out

"""Along gradient flow from beta = 0 to an interpolator int f dt = phi(beta_inf) / 4, at the k of the start.

Proof: d/dt of the Bregman divergence of phi from beta(t) to beta_inf is -4 f, since asinh(beta / k) moves by
-2 X'r / n and X beta_inf = y; it falls from phi(beta_inf) to 0. The left side comes from the flow, the right
side from the convex problem. `measured` is the distance of 4 int f / phi to 1.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from paper_checks.af22 import implicit_bias as flows
from theory import flow
from theory.problems import diagonal

ONE = diagonal.diagonal([[1.7]], [0.9])


class Case(NamedTuple):
    problem: str
    u: float  # u(0), of the problem with one weight
    method: str
    rho: float  # 0, but for a control
    end: float
    start: float  # k(0) over u(0)^2: 1/2, but for a control
    share: float  # of phi that is claimed, times 4


def problem(case):
    return (ONE, np.array([case.u])) if case.problem == "one weight" else flows.problem(case.problem)


def cases():
    out = {}
    for name in ("reference", "small"):
        u = flows.problem(name)[1]
        label = f"{name}, u(0) from {u.min():g} to {u.max():g}"
        out[label] = Case(name, 0.0, "n-SAM", 0.0, flows.END, 0.5, 1.0)
    for u in (1e-3, 0.2):
        out[f"one weight, u(0)={u:g}"] = Case("one weight", u, "n-SAM", 0.0, 400.0, 0.5, 1.0)
    return out


@cache
def followed(name, u, method, rho, end):
    """(int f dt, the largest residual) at the end."""
    f, start = flows.problem(name) if name != "one weight" else (ONE, np.array([u]))
    found = flow.path(
        f, start / np.sqrt(2), diagonal.groups(f.n, f.n if method == "n-SAM" else 1), rho, [end]
    )
    return found.loss[0], np.abs(f.x @ found.beta[0] - f.y).max()


def hypotheses(case):
    return {"the flow interpolates": followed(*case[:5])[1] < 1e-12}


def measured(case):
    f, u = problem(case)
    start = case.start * u**2
    beta = f.y / f.x[0] if case.problem == "one weight" else flows.least(f, f.y, start)
    return abs(4 * followed(*case[:5])[0] / (case.share * flows.potential(beta, start)) - 1)


def bound(case):
    return 0.0


def tolerance(case):
    return 1e-10


def controls(case):
    return {
        "a quarter and a little": lambda factor: case._replace(share=factor),
        "k(0) = u(0)^2": case._replace(start=1.0),
        "along 1-SAM": case._replace(method="1-SAM", rho=0.1),
        "cut short": case._replace(end=1.0),
    }

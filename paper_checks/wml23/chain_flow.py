"""On (w_1 ... w_K - 1)^2 / 2, S_p = sum w_k^-p: lambda_1 = S_2, P grad lambda_1 = -2 (w_k^-3 - w_k^-1 S_4 /
S_2).

"right side": at fits of K weights, against the dense Hessian and its derivatives, relative. "differences":
along X' = -P grad lambda_1 / 2 the conserved w_j^2 - w_k^2 falls at the rate 2 / (w_j w_k)^2, relative.
"run": three weights, SAM from its cycle; w_j^2 - w_k^2 needs no limit map. Its change over the run, against
that along the flow at the speed of a finite step; `measured` is how far the order of the error in rho is
from 2.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from paper_checks.wml23 import finite_step_flow as flow
from theory.bounds import wml23_flow
from theory.problems.factorisation import chain

SIZES = (2, 4)


class Case(NamedTuple):
    reads: str  # "right side", "differences" or "run"
    size: int  # K
    power: int  # p of S_p / S_(p - 2), of (w_j w_k)^(2 - p) in the rate: 4, but for a control
    factor: float  # of the claim: 1, but for a control
    finite: bool


def cases():
    out = {f"right side, K={size}": Case("right side", size, 4, 1.0, True) for size in SIZES}
    out |= {f"differences, K={size}": Case("differences", size, 4, 1.0, True) for size in SIZES}
    return out | {"run, K=3": Case("run", 3, 4, 1.0, True)}


@cache
def fit(size):
    """A fit of weights between 0.5 and 2, some of them negative."""
    w = np.exp(np.random.default_rng(size).uniform(-0.7, 0.7, size))
    w[:2] *= -1
    return w / np.prod(w) ** (1 / size)


def hypotheses(case):
    return {"a fit": abs(np.prod(fit(case.size)) - 1) < 1e-14}


def slope(case, w):
    """P grad lambda_1 as claimed."""
    ratio = np.sum(np.abs(w) ** -case.power) / np.sum(np.abs(w) ** (2.0 - case.power))
    return -2 * case.factor * (w**-3 - ratio / w)


def measured(case):
    if case.reads == "run":
        return abs(flow.order([error(case, rho) for rho in flow.RADII[-2:]]) - 2)
    w = fit(case.size)
    if case.reads == "right side":
        seen = flow.sight(chain(), w)
        gaps = np.append(slope(case, w) - seen.slope, case.factor * np.sum(w**-2) - seen.top)
        return np.max(np.abs(gaps)) / np.max(np.abs(seen.slope))
    moved = -w * slope(case._replace(power=4), w)  # (w^2)' along the flow
    found, parts = (x[:, None] - x[None] for x in (moved, w**2))
    claimed = -2 * parts * np.abs(w[:, None] * w[None]) ** (2.0 - case.power)
    return np.max(np.abs(found - claimed)) / np.max(np.abs(claimed))


def error(case, rho):
    f, w, time, look = flow.models()["chain"]
    gamma = flow.REACHES[0] / look(w).top
    ridden = flow.ride("chain", gamma, rho, 1.0, time)

    def speed(top):
        return wml23_flow.speed(top, gamma, rho, 1.0) if case.finite else 1.0

    end = flow.flowed(lambda x: flow.Look(f.spectrum(x), f.vector(x), slope(case, x)), w, ridden.time, speed)
    found = f.invariant(ridden.last) - f.invariant(flow.cycle("chain", gamma, rho, 1.0))
    claimed = f.invariant(end) - f.invariant(w)
    return np.linalg.norm(found - claimed) / np.linalg.norm(claimed)


def bound(case):
    return flow.MARGIN if case.reads == "run" else 0.0


def tolerance(case):
    return 1e-9 if case.reads == "run" else 1e-12  # sums of a few powers of weights up to 2


def controls(case):
    out = {"a little larger": lambda factor: case._replace(factor=factor)}
    if case.size > 2 or case.reads == "right side":  # w_1 w_2 = 1 hides its power
        out["powers one lower"] = case._replace(power=3)
    if case.reads == "run":
        out["the speed of a vanishing step"] = case._replace(finite=False)
    return out

"""1-SAM brings f + E_k R_k within epsilon rho^2 of its infimum, if the limiting flow ends at the least trace.

f + E_k R_k = mean_k max over |v| <= rho of f_k(w + v), with maxima as in corollary_5_6.py; it grows with
|y_k|, so its infimum is that over x at y = 0, found to rounding. On h_1, h_2 of finite_step_one_sam.py the
flow ends at 0.6, the least trace, and from x = -0.6 the time T_epsilon = 2.5 serves for epsilon = 1/10.

`measured` bounds the chance that the excess is above epsilon rho^2, by the fourth moment of the excess over
(epsilon rho^2)^4, computed and not sampled; `bound` is gamma^(1/2) + rho^(1/2), the chance of corollary 5.6:
the display was not seen. On the cycle the excess is at least (gamma / 2) mean_k h_k^2 rho^2, so gamma must be
small against epsilon. "sampled": the same by runs of the rule, the upper end of the exact 99.9% interval.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import scipy.optimize

from paper_checks.wml23 import finite_step_one_sam as model
from paper_checks.wml23 import theorem_5_4 as away
from paper_checks.wml23.corollary_5_6 import worst_losses
from theory import confidence, one_sam
from theory.bounds.ol25 import cycle_radius

EPSILON, TIME, START = 0.1, 2.5, -0.6
STEPS = ((0.025, 0.1), (0.025, 0.025), (0.0125, 0.0125))  # (gamma, rho)
SAMPLED = (0.025, 0.1)
LOW = -0.8  # of x


class Case(NamedTuple):
    reads: str  # "moment" or "sampled"
    gamma: float
    rho: float
    epsilon: float
    time: float
    method: str  # "1-SAM", but for a control: full batches


def cases():
    out = {
        f"gamma={gamma:g}, rho={rho:g}": Case("moment", gamma, rho, EPSILON, TIME, "1-SAM")
        for gamma, rho in STEPS
    }
    return out | {"sampled": Case("sampled", *SAMPLED, EPSILON, TIME, "1-SAM")}


def hypotheses(case):
    return {"gamma h_k < 2": case.gamma * np.max(model.heights(LOW)) < 2, "0 < epsilon": case.epsilon > 0}


@cache
def infimum(rho):
    """The least mean_k max over |v| <= rho of f_k, over rho^2."""

    def at(x):
        return np.mean(worst_losses(np.array([[x, 0.0, 0.0]]), rho)) / rho**2

    return scipy.optimize.minimize_scalar(at, bracket=(0.5, 0.6, 0.7), tol=1e-10).fun


def excess(states, rho):
    """(f + E_k R_k) / rho^2 above its infimum, at every state."""
    return np.mean(worst_losses(states, rho), axis=1) / rho**2 - infimum(rho)


@cache
def ended(gamma, rho, steps):
    return model.ended(START, gamma, rho, steps)


def measured(case):
    gamma, rho = case.gamma, case.rho
    steps = round(case.time / (gamma * rho**2))
    if case.method == "full batches":  # they settle at x = 0 on the cycle of y_1
        end = np.array([[0.0, cycle_radius(1.0, gamma, rho, 1.0), 0.0]])
        return float(excess(end, rho)[0] > case.epsilon)
    if case.reads == "sampled":
        off = excess(ended(gamma, rho, steps), rho)
        return confidence.upper(int(np.sum(~(off <= case.epsilon))), len(off), away.LEVEL)
    walk = model.walked(gamma, rho, LOW, START)
    moment = one_sam.expected(walk, lambda w: excess(w, rho) ** 4, steps)
    return min(moment / case.epsilon**4, 1.0)


def bound(case):
    return case.gamma**0.5 + case.rho**0.5


def controls(case):
    out = {
        "a smaller epsilon": lambda factor: case._replace(epsilon=case.epsilon / factor),
        "full batches": case._replace(method="full batches"),
        "a large step": case._replace(gamma=0.25),
    }
    if case.reads == "sampled":  # each factor would be a run of its own
        return out | {"stopped early": case._replace(time=case.time / 4)}
    return out | {"stopped early": lambda factor: case._replace(time=case.time / factor)}

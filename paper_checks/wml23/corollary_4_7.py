"""SAM brings f + R_max within epsilon rho^2 of its infimum, for every epsilon, at a step and a time that
depend on it.

In the valley of two bowls, whose flow ends where lambda_1 is least. The infimum is at least rho^2 min
lambda_1 / 2: from any x a move by rho along y_1, away from 0, leaves f at lambda_1 (|y_1| + rho)^2 / 2 or
more. On the cycle f + R_max is lambda_1 rho^2 / 2 times (2 / (2 - gamma lambda_1))^2, so that gamma =
epsilon / 2 and the time at which the flow has lambda_1 within epsilon / 2 of its least serve. `measured` is
(f + R_max) / rho^2 less half that least eigenvalue.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from paper_checks.wml23 import finite_step_flow as flow
from paper_checks.wml23.corollary_4_6 import climbed

EPSILONS = (0.09, 0.03, 0.01)
RHO = 0.2
LEAST = 1.0  # lambda_1 = 1 + x^2 / 4 at x = 0


class Case(NamedTuple):
    epsilon: float
    length: float  # of gamma, in epsilon / 2: 1, but for a control
    share: float  # of the time that is run: 1, but for a control
    lam: float  # of the rule: 1, but for a control


def cases():
    return {f"epsilon={epsilon:g}": Case(epsilon, 1.0, 1.0, 1.0) for epsilon in EPSILONS}


def time_for(epsilon):
    """x = x_0 exp(-t / 4) has x^2 / 4 = epsilon / 2."""
    x = flow.models()["valley"].w[0]
    return 2 * np.log(x**2 / (2 * epsilon))


def hypotheses(case):
    return {"epsilon is not met at the start": case.epsilon < flow.models()["valley"].w[0] ** 2 / 8}


@cache
def reached(gamma, time, lam):
    """(f + R_max) / rho^2 at the end."""
    f, w, _, look = flow.models()["valley"]
    start = flow.cycle("valley", gamma, RHO, 1.0)
    last = flow.run(f, start, gamma, RHO, lam, int(flow.manifold.steps_for(time, gamma, RHO)))
    return float(f.loss(last) + climbed(f, last, look(w).vector, RHO)) / RHO**2


def measured(case):
    time = case.share * time_for(case.epsilon)
    return reached(case.length * case.epsilon / 2, time, case.lam) - LEAST / 2


def bound(case):
    return case.epsilon


def controls(case):
    return {
        "steps too long": lambda factor: case._replace(length=factor),
        "stopped early": lambda factor: case._replace(share=1 / factor),
        "USAM": case._replace(lam=0.0),
    }

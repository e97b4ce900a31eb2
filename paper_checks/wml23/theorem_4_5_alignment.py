"""In the second phase the angle between gradient and top eigenvector is of order rho, from starts off the
cycle.

At one slow time for all radii, never at one number of steps. `measured` is how far the order of the angle
in rho, of the finest pair, is from 1. Gradient descent turns to the smallest eigenvalue, and where the gap
lambda_1 - lambda_2 closes the angle is of order one (eigenvalue_gap.py). The coefficient is
alignment_angle.py's.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from paper_checks.wml23 import finite_step_flow as flow
from paper_checks.wml23.alignment_angle import between
from paper_checks.wml23.lemma_3_5 import frame
from paper_checks.wml23.limit_map import gradient

NAMES = ("network", "net")
RADII = (0.04, 0.02, 0.01, 0.005)
REACH, TIME = 0.35, 0.1  # gamma lambda_1, the slow time
DISTANCE = 1e-3  # of the start from the manifold
MARGIN = 0.1


class Case(NamedTuple):
    name: str
    descends: bool  # without an ascent, in a control
    vector: int  # the place of the eigenvector, from the last
    power: float  # of the steps in 1 / rho: 2, but for a control


def cases():
    return {name: Case(name, False, -1, 2.0) for name in NAMES}


def hypotheses(case):
    f, _, _, look = flow.models()[case.name]
    ends = [look(flow.limit(f, last)).eigs for last in (reached(case, RADII[0]), reached(case, RADII[-1]))]
    return {"lambda_1 stays apart": min(eigs[-1] - eigs[-2] for eigs in ends) > 0.1}


def reached(case, rho):
    return ended(case.name, case.descends, rho, case.power)


@cache
def ended(name, descends, rho, power):
    f, w, _, look = flow.models()[name]
    gamma = REACH / look(w).top
    away = np.random.default_rng(9).standard_normal(len(w))
    steps = int(flow.manifold.steps_for(TIME, gamma, RADII[0] * (rho / RADII[0]) ** (power / 2)))
    return flow.run(
        f, w + DISTANCE * away / np.linalg.norm(away), gamma, 0.0 if descends else rho, 1.0, steps
    )


def angle(case, rho):
    f = flow.models()[case.name].f
    last = reached(case, rho)
    g = gradient(f, last)
    return between(g, frame(f, last).vectors[:, [case.vector]])


def measured(case):
    return abs(flow.order([angle(case, rho) for rho in RADII[-2:]]) - 1)


def bound(case):
    return MARGIN


def controls(case):
    return {
        "the second eigenvector": case._replace(vector=-2),
        "gradient descent": case._replace(descends=True),
    }

"""On its cycle SAM's gradient is off the top eigenvector by rho times a coefficient
(theory/bounds/wml23_flow.py).

The coefficient is of order gamma on a decoupled loss and in codimension one, where it is |P grad lambda_1|
gamma / (2 (2 - gamma lambda_1)), and of order one elsewhere. From the cycle, after as many steps as the
slowest normal direction needs; eigenvectors and third derivatives by automatic differentiation at the last
point and at its limit. `measured` is how far the order in rho of |angle / formula - 1|, of the finest pair,
is from the claimed one: 2 in the valley, else 1.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from paper_checks.wml23 import finite_step_flow as flow
from paper_checks.wml23.lemma_3_5 import frame
from paper_checks.wml23.limit_map import gradient
from paper_checks.wml23.third_order_drift import third
from theory.bounds import wml23_flow

ORDER = {"valley": 2.0, "pair": 1.0, "network": 1.0, "net": 1.0}
REACHES = (0.5, 1.2)  # gamma lambda_1
RADII = (0.002, 0.001, 0.0005, 0.00025)
STEPS = 800  # the net's slowest direction shrinks by 0.965 a step
MARGIN = 0.1


class Case(NamedTuple):
    name: str
    reach: float
    lam: float  # of the rule: 1, but for a control
    factor: float  # of the formula: 1, but for a control
    normal: bool  # whether the formula has its part across the manifold


def cases():
    return {
        f"{name}, gamma lambda_1={reach:g}": Case(name, reach, 1.0, 1.0, True)
        for name in ORDER
        for reach in REACHES
    }


def hypotheses(case):
    eigs = frame(flow.models()[case.name].f, flow.models()[case.name].w).eigs
    return {"lambda_1 stays apart": eigs[-1] - eigs[-2] > 0.1, "gamma lambda_1 < 2": case.reach < 2}


@cache
def reached(name, reach, rho, lam):
    """(the angle, the coefficient, its part along the manifold) after the run."""
    f, w, _, look = flow.models()[name]
    gamma = reach / look(w).top
    last = flow.run(f, flow.cycle(name, gamma, rho, 1.0), gamma, rho, lam, STEPS)
    angle = between(gradient(f, last), frame(f, last).vector[:, None])
    eigs, vectors = frame(f, flow.limit(f, last))
    pulls = vectors.T @ third(f, flow.limit(f, last), vectors[:, -1])
    rank = len(look(w).eigs)
    along = np.append(pulls[:-rank], np.zeros(rank))
    return angle, *(wml23_flow.misalignment(eigs, each, rank, gamma) for each in (pulls, along))


def between(g, vectors):
    """The angle between a vector and the span of orthonormal columns."""
    inside = vectors @ (vectors.T @ g)
    return np.arctan2(np.linalg.norm(g - inside), np.linalg.norm(inside))


def measured(case):
    gaps = []
    for rho in RADII[-2:]:
        angle, whole, along = reached(case.name, case.reach, rho, case.lam)
        gaps.append(abs(angle / (case.factor * rho * (whole if case.normal else along)) - 1))
    return abs(flow.order(gaps) - ORDER[case.name])


def bound(case):
    return MARGIN


def controls(case):
    out = {
        "a little larger": lambda factor: case._replace(factor=factor),
        "without the half": case._replace(factor=2.0),
        "USAM": case._replace(lam=0.0),
    }
    if case.name in ("network", "net"):
        out["as on a decoupled loss"] = case._replace(normal=False)
    return out

"""USAM contracts to the manifold and stops: its shift is finite, of the order of the first distance squared.

"shift": in the valley, off the floor by y along one coordinate; `measured` is how far the order in y of the
shift over its formula, less 1, is from 2, for the finest pair. "stops": how much Phi moves between 1000 and
21000 steps, in the valley, on the product of two weights and on the network. "alignment": the angle, after
300 steps, between the gradient and the slowest normal direction, to which USAM turns as descent does.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from paper_checks.wml23 import finite_step_flow as flow
from paper_checks.wml23.limit_map import gradient
from theory.bounds import wml23_flow

DISTANCES = (0.2, 0.1, 0.05, 0.025)
STEPS = 300
SHORT, LONG = 1000, 21_000
RHO, REACH = 0.1, 0.5  # gamma lambda_1
MARGIN = 0.2


class Case(NamedTuple):
    reads: str  # "shift", "stops" or "alignment"
    name: str
    lam: float  # of the rule: 0, but for a control
    ascent: float  # of rho in the formula: 1, but for a control
    factor: float  # of the formula: 1, but for a control


def cases():
    out = {"shift, valley": Case("shift", "valley", 0.0, 1.0, 1.0)}
    out |= {f"stops, {name}": Case("stops", name, 0.0, 1.0, 1.0) for name in ("valley", "pair", "network")}
    return out | {"alignment, valley": Case("alignment", "valley", 0.0, 1.0, 1.0)}


def setting(name):
    """(f, minimiser, its look, gamma)."""
    f, w, _, look = flow.models()[name]
    return f, w, look(w), REACH / look(w).top


def hypotheses(case):
    _, _, look, gamma = setting(case.name)
    return {"gamma lambda_1 (1 + rho lambda_1) < 2": gamma * look.top * (1 + RHO * look.top) < 2}


@cache
def ended(name, lam, distance, steps):
    """After `steps` steps from a distance along the top eigenvector."""
    f, w, look, gamma = setting(name)
    return flow.run(f, w + distance * look.vector, gamma, RHO, lam, steps)


def measured(case):
    f, w, look, gamma = setting(case.name)
    if case.reads == "stops":
        found = [flow.limit(f, ended(case.name, case.lam, 0.1, steps)) for steps in (SHORT, LONG)]
        return np.linalg.norm(found[1] - found[0])
    if case.reads == "alignment":
        slowest = np.eye(len(w))[-1]  # the second valley
        g = gradient(f, flow.run(f, w + 0.1 * (look.vector + slowest), gamma, RHO, case.lam, STEPS))
        return np.linalg.norm(g - (g @ slowest) * slowest) / np.linalg.norm(g)
    gaps = []
    for y in DISTANCES:
        claimed = wml23_flow.usam_shift(look.top, look.slope[0], gamma, case.ascent * RHO, y)
        shift = ended(case.name, case.lam, y, STEPS)[0] - w[0]
        gaps.append(abs(shift / (case.factor * claimed) - 1))
    return abs(flow.order(gaps) - 2)


def bound(case):
    return MARGIN if case.reads == "shift" else 0.0


def tolerance(case):
    """Of Phi, twice; of an angle that fell by 0.7 in a step."""
    return 1e-9 if case.reads == "shift" else 1e-12


def controls(case):
    if case.reads != "shift":
        return {"SAM": case._replace(lam=1.0), "a little of SAM": case._replace(lam=0.1)}
    return {
        "a little larger": lambda factor: case._replace(factor=factor),
        "of gradient descent": case._replace(ascent=0.0),
        "without the half": case._replace(factor=2.0),
    }

"""The interpolator of least potential is beta = k sinh(X' nu) at the maximiser nu of the dual.

Weak duality holds for any b with X b = y and any nu, with the gap

    phi(b) - nu'y + sum_j k_j (cosh((X' nu)_j) - 1) >= 0,

so a pair whose gap is zero solves both problems. `measured` is the largest of |X beta - y| / |y|, of the gap
over phi, and of the distance of beta to k sinh(X' nu) over |beta|. k from 1e-12 to 1e4, equal in all
coordinates or spread over nine powers of ten.
"""

from typing import NamedTuple

import numpy as np

from paper_checks.af22 import implicit_bias as flows
from theory.problems import diagonal

EACH = (1e-12, 1e-6, 0.125, 1e4)


class Case(NamedTuple):
    imbalance: np.ndarray  # (d,), of the solution
    claimed: np.ndarray  # (d,), of the dual: the same, but for a control
    turn: float  # of the dual solution: 1, but for a control
    interpolator: str  # "potential", but for a control


def cases():
    spread = np.geomspace(1e-6, 1e3, 30)[np.random.default_rng(6).permutation(30)]
    out = {f"k={k:g}": Case(np.full(30, k), np.full(30, k), 1.0, "potential") for k in EACH}
    return out | {"k from 1e-6 to 1e3": Case(spread, spread, 1.0, "potential")}


def hypotheses(case):
    f, _ = flows.problem("reference")
    return {"independent rows": np.linalg.eigvalsh(f.x @ f.x.T)[0] > 1e-6}


def measured(case):
    f, _ = flows.problem("reference")
    beta, dual = map(np.asarray, flows.compiled["least"](f.x, f.y, case.imbalance))
    if case.interpolator == "l2":
        beta = diagonal.least_l2(f.x, f.y)
    angle = case.turn * dual @ f.x
    potential = flows.potential(beta, case.claimed)
    excess = np.sum(case.claimed * 2 * np.sinh(angle / 2) ** 2)  # k (cosh - 1)
    gap = abs(potential - case.turn * dual @ f.y + excess) / potential
    fit = np.linalg.norm(f.x @ beta - f.y) / np.linalg.norm(f.y)
    form = np.abs(beta - case.claimed * np.sinh(angle)).max() / np.abs(beta).max()
    return max(fit, gap, form)


def bound(case):
    return 0.0


def tolerance(case):
    return 1e-12


def controls(case):
    return {
        "k a little larger": lambda factor: case._replace(claimed=case.claimed * factor),
        "nu a little larger": lambda factor: case._replace(turn=factor),
        "k = 1 in the dual": case._replace(claimed=np.ones(30)),
        "least l2": case._replace(interpolator="l2", claimed=np.minimum(case.claimed, 1.0)),
    }

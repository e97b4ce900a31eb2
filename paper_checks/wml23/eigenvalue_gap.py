"""Where the two largest eigenvalues meet the gradient leaves v_1, but stays near the span of v_1 and v_2.

On a matrix factorisation whose gap lambda_1 - lambda_2 closes on the way the run slides along equal
eigenvalues and the gradient turns between the two vectors. In a valley of two heights that cross the run
passes the crossing: the entry along v_2 has decayed and must grow again before the gradient turns to it.
`measured` is the largest angle to the span over twelve iterates at the end; the bound 5 rho is a margin of
ours. No theorem is claimed there.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from paper_checks.wml23 import finite_step_flow as flow
from paper_checks.wml23.alignment_angle import between
from paper_checks.wml23.lemma_3_5 import frame
from paper_checks.wml23.limit_map import gradient
from theory import manifold
from theory.problems import valley
from theory.problems.factorisation import factorisation

RHO, REACH = 0.04, 0.35  # radius, gamma lambda_1 at the start
TIME = 4.0  # the slow time
SEEN, APART = 12, 9  # iterates looked at, and the steps between them: both ends of a cycle


class Case(NamedTuple):
    name: str
    span: tuple[int, ...]  # the places of the eigenvectors, from the last


class Start(NamedTuple):
    f: Any
    w: np.ndarray  # a minimiser


@cache
def starts():
    f = valley.valley([1.0, 1.5], [[1.0], [-1.0]], np.zeros((2, 1, 1)))  # heights 1 + x, 1.5 - x
    u, v = flow.factors()
    u, v = u * [0.8, 1.8], v * [0.875, 3.25]  # singular values 1.6, 0.9 and 0.7, 1.3
    return {
        "valley": Start(f, f.on_floor([0.6])),
        "matrix": Start(factorisation(u @ v.T), np.concatenate([u.ravel(), v.ravel()])),
    }


def cases():
    return {name: Case(name, (-1, -2)) for name in starts()}


@cache
def slid(name):
    """The frames at the minimiser it starts from and at the limit of its end; twelve iterates there."""
    f, w = starts()[name]
    begun = frame(f, w)
    gamma = REACH / begun.top
    last = flow.run(f, w + 1e-4, gamma, RHO, 1.0, int(manifold.steps_for(TIME, gamma, RHO)))
    ended = frame(f, flow.limit(f, last))
    seen = [last]
    for _ in range(SEEN - 1):
        seen.append(flow.run(f, seen[-1], gamma, RHO, 1.0, APART))
    return begun, ended, [(gradient(f, w), frame(f, w).vectors) for w in seen]


def hypotheses(case):
    begun, ended, _ = slid(case.name)
    gaps = [here.eigs[-1] - here.eigs[-2] for here in (begun, ended)]
    return {
        "apart at the start": gaps[0] > 0.1,
        "they met": gaps[1] < 0.02 or abs(begun.vector @ ended.vector) < 0.1,
    }


def measured(case):
    *_, seen = slid(case.name)
    return max(between(g, vectors[:, list(case.span)]) for g, vectors in seen)


def bound(case):
    return 5 * RHO


def controls(case):
    return {"the top eigenvector alone": case._replace(span=(-1,))}

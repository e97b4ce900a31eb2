"""Near the manifold a step moves Phi by -(gamma rho^2 / 2) P T[u, u], u = g / |g|, but for O(gamma + rho).

The two lower orders vanish: dPhi g = 0 (lemma_3_2.py), and dPhi H = -d^2Phi[g, .] is of the order of g.
"drift": w is off the manifold by rho gamma in a random direction, rho = gamma, and gamma is halved;
`measured` is how far the order of |Phi(w+) - Phi(w) + (gamma rho^2 / 2) P T[u, u]| / (gamma rho^2), of the
finest pair, is from 1. "gradient of lambda_1": where u is the top eigenvector v, P T[v, v] is P grad
lambda_1, here against differences of the largest eigenvalue over two minimisers.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from paper_checks.wml23 import finite_step_flow as flow
from paper_checks.wml23.lemma_3_5 import frame
from paper_checks.wml23.limit_map import gradient
from theory import manifold

NAMES = ("pair", "network", "net")
REACHES = (0.04, 0.02, 0.01)  # gamma lambda_1
MARGIN = 0.1
WIDTH = 1e-3  # of the differences

third = flow.compiled(lambda f, w, v: manifold.third(f.loss, w, v))


class Case(NamedTuple):
    reads: str  # "drift" or "gradient of lambda_1"
    name: str
    factor: float  # of the claimed drift or gradient: 1, but for a control
    place: int  # of the eigenvector, from the last; -2 in a control
    direction: str  # "gradient", or "second" in a control: the direction u of the drift
    projected: bool


def cases():
    return {
        f"{reads}, {name}": Case(reads, name, 1.0, -1, "gradient", True)
        for reads in ("drift", "gradient of lambda_1")
        for name in NAMES
    }


@cache
def here(name):
    """(eigenvalues, eigenvectors) at the model's minimiser."""
    f, w, *_ = flow.models()[name]
    return frame(f, w)


def tangent(name, x):
    """P x at the model's minimiser."""
    normal = here(name)[1][:, -len(flow.models()[name].look(flow.models()[name].w).eigs) :]
    return x - normal @ (normal.T @ x)


def hypotheses(case):
    eigs = here(case.name)[0]
    return {"lambda_1 is simple": eigs[-1] - eigs[-2] > 0.1}


@cache
def stepped(name, reach):
    """(u, drift of Phi over gamma rho^2) for one step."""
    f, w, *_ = flow.models()[name]
    gamma = reach / here(name)[0][-1]
    away = np.random.default_rng(7).standard_normal(len(w))
    start = w + gamma**2 * away / np.linalg.norm(away)
    after = flow.run(f, start, gamma, gamma, 1.0, 1)
    g = gradient(f, start)
    return g / np.linalg.norm(g), (flow.limit(f, after) - flow.limit(f, start)) / gamma**3


def gap(case, reach):
    u, drift = stepped(case.name, reach)
    if case.direction == "second":
        u = here(case.name)[1][:, -2]
    f, w, *_ = flow.models()[case.name]
    pull = third(f, w, u)
    claimed = -0.5 * case.factor * (tangent(case.name, pull) if case.projected else pull)
    return np.linalg.norm(drift - claimed)


@cache
def difference(name):
    """A tangent direction, and the derivative of lambda_1 along it."""
    f, w, *_ = flow.models()[name]
    along = tangent(name, np.random.default_rng(8).standard_normal(len(w)))
    along /= np.linalg.norm(along)
    tops = [frame(f, flow.limit(f, w + width * along)).top for width in (-WIDTH, WIDTH)]
    return along, (tops[1] - tops[0]) / (2 * WIDTH)


def measured(case):
    if case.reads == "drift":
        return abs(flow.order([gap(case, reach) for reach in REACHES]) - 1)
    f, w, *_ = flow.models()[case.name]
    along, slope = difference(case.name)
    return abs(case.factor * along @ third(f, w, here(case.name)[1][:, case.place]) / slope - 1)


def bound(case):
    return MARGIN if case.reads == "drift" else 0.0


def tolerance(case):
    """Of the differences, of second order."""
    return 1e-9 if case.reads == "drift" else 10 * WIDTH**2


def controls(case):
    out = {"a little larger": lambda factor: case._replace(factor=factor)}
    if case.reads == "drift":
        out |= {
            "without the half": case._replace(factor=2.0),
            "along the second eigenvector": case._replace(direction="second"),
            "not projected": case._replace(projected=False),
        }
    elif case.name != "pair":  # its second eigenvector is along the manifold
        out["the second eigenvector"] = case._replace(place=-2)
    return out

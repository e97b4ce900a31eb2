"""Along the second phase |R_max(x_T) - rho^2 lambda_1(X) / 2| <= C gamma rho^2 ln(1/rho), R_max(x) the
worst rise.

The runs are those of theorem_4_5.py. C, left open there, is here what is true to leading order in gamma:
lambda_1^2 / 2 from the cycle, where R_max = (rho^2 lambda_1 / 2) (2 + h) / (2 - h), h = gamma lambda_1
(theory/bounds/wml23.py), and half the change of lambda_1(X) with the speed of the flow. R_max is the larger
end of two climbs v <- rho grad f(x + v) / |grad f(x + v)| from both signs of the top eigenvector; on the
product of two weights no angle gives more. `measured` is the largest |R_max - rho^2 lambda_1(X) / 2| /
(gamma rho^2 ln(1/rho)).
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from paper_checks.wml23 import finite_step_flow as flow
from paper_checks.wml23 import theorem_4_5 as theorem
from theory.update import direction

NAMES = ("valley", "pair", "network")
CLIMBS = 60
ANGLES = 20_000


class Case(NamedTuple):
    name: str
    factor: float  # of rho^2 lambda_1 / 2: 1, but for a control
    moved: bool  # whether lambda_1 is that of X(T_3), not of X(0)
    place: int  # of the eigenvalue, from the last


def cases():
    return {name: Case(name, 1.0, True, -1) for name in NAMES}


def hypotheses(case):
    if case.name != "pair":
        return theorem.hypotheses(theorem.cases()[case.name])
    rho = theorem.SIZES[0][1]
    (a, b), *_ = theorem.ended("pair", *theorem.SIZES[0], True)
    angles = 2 * np.pi * np.arange(ANGLES) / ANGLES
    around = ((a + rho * np.cos(angles)) * (b + rho * np.sin(angles)) - 1) ** 2 / 2 - (a * b - 1) ** 2 / 2
    found = worst_rise("pair", *theorem.SIZES[0])
    return theorem.hypotheses(theorem.cases()["pair"]) | {
        "the worst direction": max(around) < found * (1 + 1e-12)
    }


@flow.compiled
def climbed(f, w, start, rho):
    """R_max by two climbs."""

    def climb(v):
        return jax.lax.fori_loop(0, CLIMBS, lambda _, v: rho * direction(jax.grad(f.loss)(w + v), 1.0), v)

    return jnp.maximum(*(f.loss(w + climb(sign * rho * start)) for sign in (1.0, -1.0))) - f.loss(w)


@cache
def worst_rise(name, reach, rho):
    f, _, _, look = flow.models()[name]
    last, _, _ = theorem.ended(name, reach, rho, True)
    return float(climbed(f, last, look(flow.limit(f, last)).vector, rho))


def eigenvalue(case):
    """lambda_1(X), of the limiting flow."""
    x = theorem.predicted(case.name, 1.0, "lambda_1") if case.moved else theorem.start(case.name)[1]
    return np.append(0, flow.models()[case.name].look(x).eigs)[case.place]


def measured(case):
    found = []
    for reach, rho in theorem.SIZES:
        gamma = theorem.ended(case.name, reach, rho, True)[1]
        gap = worst_rise(case.name, reach, rho) - case.factor * rho**2 * eigenvalue(case) / 2
        found.append(abs(gap) / (gamma * rho**2 * np.log(1 / rho)))
    return max(found)


def bound(case):
    """C; the change with the speed, 1 + gamma lambda_1, by a difference."""
    _, _, _, look = flow.models()[case.name]
    begun, tiny = theorem.start(case.name)[1], 1e-4
    tops = [
        look(flow.flowed(look, begun, theorem.TIME[case.name], lambda top, gamma=gamma: 1 + gamma * top)).top
        for gamma in (0.0, tiny)
    ]
    return tops[0] ** 2 / 2 + abs(tops[1] - tops[0]) / tiny / 2


def controls(case):
    out = {
        "a little more": lambda factor: case._replace(factor=factor),
        "without the half": case._replace(factor=2.0),
        "the second eigenvalue": case._replace(place=-2),
    }
    if case.name == "pair":  # on the others lambda_1 falls by little
        out["lambda_1 of the start"] = case._replace(moved=False)
    return out

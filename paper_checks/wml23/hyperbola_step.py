"""On (a b - 1)^2 / 2 a step of SAM multiplies Q = a^2 - b^2, which gradient flow conserves, exactly.

    Q+ / Q = 1 - 2 gamma rho s e' / R - gamma^2 e'^2 (1 - rho^2 / R^2),     e' = e + rho s R + rho^2 a b / R^2

with e = a b - 1, s = sign e, R = hypot(a, b). "proof": as an identity in a, b, s, R, gamma, rho with s^2 =
1, R^2 = a^2 + b^2; and "the finite step": with the e' of the cycle, 2 s R rho / (2 - h), h = gamma R^2, the
factor is exactly 1 - 2 gamma rho^2 (2 / (2 - h))^2 but for the rho^2 / R^2, a proof of the slow flow on
this curved manifold. `measured` counts the terms that do not cancel. "rule": 2000 steps of the rule as
coded, relative to Q.
"""

from functools import cache
from typing import NamedTuple

import jax
import numpy as np
import sympy

from theory.problems.factorisation import chain
from theory.update import step

STEPS, GAMMA, RHO = 2000, 0.1, 0.07


class Case(NamedTuple):
    reads: str  # "proof", "finite step" or "rule"
    square: float  # of the term in gamma^2: 1, but for a control
    bend: float  # of the term rho^2 a b / R^2 in e': 1, but for a control
    half: float  # of the drift of a finite step: 1, but for a control


def cases():
    return {
        "proof, the step": Case("proof", 1, 1, 1),
        "proof, the finite step": Case("finite step", 1, 1, 1),
        "rule": Case("rule", 1, 1, 1),
    }


def hypotheses(case):
    return {"the gradient does not vanish": np.all(np.abs(walked()[:, 0] * walked()[:, 1] - 1) > 1e-6)}


def factor(case, a, b, s, size, gamma, rho):
    """What Q is multiplied by."""
    ahead = a * b - 1 + rho * s * size + case.bend * rho**2 * a * b / size**2
    return 1 - 2 * gamma * rho * s * ahead / size - case.square * gamma**2 * ahead**2 * (1 - rho**2 / size**2)


def left_of_step(case):
    """The terms of Q+ - Q factor that do not cancel."""
    a, b, s, size, gamma, rho = sympy.symbols("a b s R gamma rho")
    x, y = sympy.symbols("x y")
    slope = [sympy.diff((x * y - 1) ** 2 / 2, z) for z in (x, y)]
    # grad f = e (b, a) has the size |e| R: its direction is s (b, a) / R
    there = {x: a + rho * s * b / size, y: b + rho * s * a / size}
    after = [z - gamma * part.subs(there, simultaneous=True) for z, part in zip((a, b), slope, strict=True)]
    rest = after[0] ** 2 - after[1] ** 2 - (a**2 - b**2) * factor(case, a, b, s, size, gamma, rho)
    whole = sympy.numer(sympy.together(sympy.expand(rest)))
    reduced = sympy.reduced(whole, [s**2 - 1, size**2 - a**2 - b**2], s, size, a, b, gamma, rho)[1]
    return len(sympy.Poly(reduced, a, b, s, size, gamma, rho).terms()) if reduced != 0 else 0


def left_of_finite_step(case):
    size, gamma, rho = sympy.symbols("R gamma rho")
    stiff = 2 - gamma * size**2
    ahead = 2 * size * rho / stiff
    found = -2 * gamma * rho * ahead / size - case.square * gamma**2 * ahead**2
    claimed = -2 * case.half * gamma * rho**2 * (2 / stiff) ** 2
    rest = sympy.numer(sympy.together(found - claimed))
    return len(sympy.Poly(rest, size, gamma, rho).terms()) if sympy.expand(rest) != 0 else 0


@cache
def walked():
    """The points of a run, (STEPS + 1, 2)."""
    rule = jax.value_and_grad(chain().loss)

    def move(w, _):
        after = step(rule, w, GAMMA, RHO, 1.0)
        return after, after

    start = np.array([1.7, 0.8])
    return np.concatenate([start[None], jax.jit(lambda w: jax.lax.scan(move, w, length=STEPS)[1])(start)])


def measured(case):
    if case.reads == "proof":
        return float(left_of_step(case))
    if case.reads == "finite step":
        return float(left_of_finite_step(case))
    (a, b), (c, d) = walked()[:-1].T, walked()[1:].T
    claimed = factor(case, a, b, np.sign(a * b - 1), np.hypot(a, b), GAMMA, RHO)
    gap = np.abs(c**2 - d**2 - claimed * (a**2 - b**2))
    return np.max(gap / (a**2 + b**2))


def bound(case):
    return 0.0


def tolerance(case):
    return 1e-14 if case.reads == "rule" else 0.5  # of a number of terms


def controls(case):
    out = {"without the term in gamma^2": case._replace(square=0)}
    if case.reads == "finite step":
        out["without the half"] = case._replace(half=2)
    else:
        out["without the term in rho^2 ahead"] = case._replace(bend=0)
    if case.reads == "rule":
        out["a larger term in gamma^2"] = lambda factor: case._replace(square=factor)
    return out

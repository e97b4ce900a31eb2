"""Where the residual of an example crosses zero the flow of normalised 1-SAM jumps, and is driven back.

A lone example has the gradient r q with q = x (v, u), |q|^2 = <x^2, u^2 + v^2>. Normalised, its ascent is
+-rho q / |q| however small r is. With T = <x^3, u v> its residual there is +-rho |q| + rho^2 T / |q|^2, and
its descent moves r at the rate

    -(+-rho |q| + rho^2 T / |q|^2) (|q|^2 +- 2 rho T / |q|) / n,

which jumps by -2 (rho |q|^3 + 2 rho^3 T^2 / |q|^3) / n at r = 0 and points to r = 0 from both sides where
rho |x|_inf < |q|, since |T| <= |x|_inf |q|^2 / 2. "jump" compares it with the rule of theory/update.py at
r = +-1e-9; "driven back": also with the push of the other example both rates, over the jump, point to r = 0,
so that the flow slides along it and a solver stalls. Unnormalised, or on the full batch, there is no jump.
"""

from functools import cache
from typing import NamedTuple

import jax
import numpy as np

from paper_checks.af22.implicit_bias import repeated
from theory import flow
from theory.problems import diagonal

NEAR = 1e-9


class Case(NamedTuple):
    reads: str  # "jump" or "driven back"
    lam: float
    m: int
    rho: float
    scale: float  # of the claimed jump: 1, but for a control


def cases():
    return {
        f"{reads}, rho={rho:g}": Case(reads, 1.0, 1, rho, 1.0)
        for reads in ("jump", "driven back")
        for rho in (0.05, 0.3)
    }


def hypotheses(case):
    x, _, u, v = example()
    near = case.rho * np.abs(x[0]).max() < np.sqrt(x[0] ** 2 @ (u**2 + v**2))
    return {"normalised": case.lam == 1, "groups smaller than the data": case.m < 2, "a small radius": near}


def example():
    """Two examples; the first is fitted, the second nearly."""
    x = np.array([[1.0, -0.5, 2.0], [0.5, 1.5, -0.2]])
    u, v = np.array([0.8, 0.6, 0.9]), np.array([0.3, -0.2, 0.4])
    return x, x @ (u * v) + np.array([0.0, 0.01]), u, v


@jax.jit
def rate(x, y, u, v, groups, rho, lam):
    """dr_1/dt along the flow of the rule."""
    du, dv = flow.rule_slope(diagonal.Diagonal(x, y), groups, rho, lam, (u, v))
    return -x[0] @ (du * v + dv * u)


@cache
def sides(lam, m, rho):
    """dr_1/dt at r_1 = +NEAR and at -NEAR."""
    x, y, u, v = example()
    groups = repeated(diagonal.groups(2, m))
    return [float(rate(x, y - side * np.array([NEAR, 0]), u, v, groups, rho, lam)) for side in (1, -1)]


def measured(case):
    x, _, u, v = example()
    size, bend = np.sqrt(x[0] ** 2 @ (u**2 + v**2)), x[0] ** 3 @ (u * v)
    jump = case.scale * (case.rho * size**3 + 2 * case.rho**3 * bend**2 / size**3)  # n = 2
    above, below = sides(case.lam, case.m, case.rho)
    if case.reads == "jump":
        return abs((above - below) / -jump - 1)
    return max(above, -below) / jump


def bound(case):
    return 0.0


def tolerance(case):
    """Terms of order r, which NEAR stands for, are of either sign."""
    return 100 * NEAR


def controls(case):
    out = {"unnormalised": case._replace(lam=0.0), "the full batch": case._replace(m=2)}
    if case.reads == "jump":
        out["a little larger"] = lambda factor: case._replace(scale=factor)
    return out

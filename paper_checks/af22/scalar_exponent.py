"""n = d = 1: Delta = [x y asinh(y / (x k)) - x^2 (sqrt((y / x)^2 + k^2) - k)] / 2, with k = alpha^2.

Along gradient flow beta' = -2 sqrt(beta^2 + k^2) x r, so that Delta = int x^2 r^2 dt is the integral of
x (y - x b) / (2 sqrt(b^2 + k^2)) over b from 0 to y / x. "proof": the primitive has this derivative and is 0
at 0, symbolically. "flow": against the integral along the flow. "growth": the slope in log(1 / alpha) between
alpha and alpha / 10 is x y.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import sympy

from theory import flow
from theory.problems import diagonal

X, Y, K, B = sympy.symbols("x y k b", positive=True)


class Case(NamedTuple):
    reads: str
    x: float
    y: float
    init: float  # alpha
    start: float  # k over alpha^2: 1, but for a control
    scale: float  # of the claim


def cases():
    out = {"proof": Case("proof", 1.7, 0.9, 0.2 / np.sqrt(2), 1.0, 1.0)}
    for x, y, u in ((1.7, 0.9, 0.2), (0.6, 2.0, 0.01), (2.0, 0.3, 1.0)):
        out[f"flow, x={x:g}, y={y:g}, u(0)={u:g}"] = Case("flow", x, y, u / np.sqrt(2), 1.0, 1.0)
    return out | {"growth": Case("growth", 1.7, 0.9, 1e-9, 1.0, 1.0)}


def hypotheses(case):
    return {"positive": min(case.x, case.y, case.init) > 0}


def primitive(b):
    """int_0^b x (y - x s) / (2 sqrt(s^2 + k^2)) ds, claimed."""
    return (X * Y * sympy.asinh(b / K) - X**2 * (sympy.sqrt(b**2 + K**2) - K)) / 2


@cache
def sides():
    """(the derivative of the claimed primitive, by how much it differs from the integrand)."""
    slope = sympy.diff(primitive(B), B)
    return slope, sympy.simplify(slope - X * (Y - X * B) / (2 * sympy.sqrt(B**2 + K**2)))


def claimed(case, init):
    x, y, k = case.x, case.y, case.start * init**2
    beta = y / x
    bend = beta**2 / (np.sqrt(beta**2 + k**2) + k)  # sqrt(beta^2 + k^2) - k
    return case.scale * (x * y * np.arcsinh(beta / k) - x**2 * bend) / 2


@cache
def followed(x, y, init):
    f = diagonal.diagonal([[x]], [y])
    found, beta = flow.moment(f, init, 2000.0)
    assert abs(x * beta[0] - y) < 1e-12
    return float(flow.exponent(f, found, diagonal.groups(1, 1))[0])


def measured(case):
    if case.reads == "proof":
        slope, difference = sides()
        wrong = difference + (sympy.nsimplify(case.scale) - 1) * slope
        ends = case.scale * primitive(B).subs(B, 0)
        at = {X: 1, Y: 2, B: 1, K: case.start}
        return 0.0 if (wrong, ends) == (0, 0) and case.start == 1 else abs(float(wrong.subs(at))) + 0.5
    if case.reads == "growth":
        return abs((claimed(case, case.init / 10) - claimed(case, case.init)) / np.log(10) - case.x * case.y)
    return abs(claimed(case, case.init) / followed(case.x, case.y, case.init) - 1)


def bound(case):
    return 0.0


def tolerance(case):
    return 1e-10 if case.reads == "flow" else 1e-12


def controls(case):
    out = {"a little larger": lambda factor: case._replace(scale=factor)}
    if case.reads == "flow":
        out["k = u(0)^2"] = case._replace(start=2.0)
        out["without the half"] = case._replace(scale=2.0)
    return out

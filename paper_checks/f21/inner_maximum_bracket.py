"""On a small net the inner maximum lies between what climbs find and a trust region plus M rho^3 / 6.

M bounds the third derivatives of the net within the ball (theory/problems/tanh_net.py), so Taylor's
remainder is at most M rho^3 / 6, and the quadratic model, solved exactly, plus that much is an upper bound.
`measured` is the best value that climbs attain, `bound` the upper bound: the slack of a case less 1 is the
width of its bracket, in shares of the maximum. At "one unit" w = 0, x_1 = 1, x_2 = -a and a y_2 = y_1: the
slopes of the two examples cancel, tanh''' = -2 is at its largest and so are the residuals -y, and the true
third derivative is a share (1 - a^2) / (1 + a^2) of M, but for what 1 / y adds.
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import Array, inner
from theory.problems.tanh_net import TanhNet, tanh_net

STARTS, ITERATIONS = 4, 12


class Case(NamedTuple):
    f: TanhNet
    w: Array  # (d,)
    rho: float
    wider: float = 1.0  # the ball that is climbed over the claimed one
    less: float = 1.0  # M over this
    exchanged: bool = False


def cases():
    rng = np.random.default_rng(0)
    x, y, second = rng.standard_normal((20, 4)), rng.standard_normal(20), rng.standard_normal(5)
    w = rng.standard_normal(20)
    out = {f"20 weights, rho={rho:g}": Case(tanh_net(x, y, second), w, rho) for rho in (0.001, 0.01, 0.1)}
    x, y, second = 0 * x, 0 * y, 0 * second  # one weight counts, in the same program
    x[:2, 0], y[:2], second[0] = (1, -0.1), (100, 1000), 1
    return out | {"one unit": Case(tanh_net(x, y, second), 0 * w, 0.1)}


def hypotheses(case):
    return {"all residuals are within reach": np.all(np.abs(case.f.residuals(case.w)) <= case.f.reach)}


@cache
def solver():
    def solve(f, w, starts, radius, third):
        return inner.bracket(lambda v: f.loss(w + v) - f.loss(w), starts, radius, third, ITERATIONS)

    return jax.jit(solve)


def solved(case, radius):
    third = np.mean(case.f.third_near(case.w, radius)) / case.less
    starts = np.random.default_rng(1).standard_normal((STARTS, len(case.w)))
    found = solver()(case.f, jnp.asarray(case.w), starts, radius, third)
    return float(found.lower), float(found.upper)


def measured(case):
    lower, upper = solved(case, case.wider * case.rho)
    return upper if case.exchanged else lower


def bound(case):
    lower, upper = solved(case, case.rho)
    return lower if case.exchanged else upper


def controls(case):
    out = {
        "climbs in a wider ball": lambda factor: case._replace(wider=factor),
        "the ends exchanged": case._replace(exchanged=True),
    }
    if not np.any(case.w):  # there M is nearly attained
        out["M too small"] = lambda factor: case._replace(less=factor)
    return out

"""The step that raises the linearised loss most in a p-ball, as Equation 2 has it and theory/ascent.py.

For 1 < p < inf the ball is strictly convex, and e on its sphere is the one maximiser of <e, g> exactly if g
is a positive multiple of the sphere's normal there: sign(e_i) |e_i / rho|^(p-1) = g_i / |g|_q. `measured` is
the largest distance of the two sides over random gradients of sizes 1e-6 to 1e6; at p = 1 and inf, where the
ball has corners, the relative distance of <e, g> to the largest of its values at all corners. Beside it

    holder_equality    | |e|_p / rho - 1 | and | <e, g> / (rho |g|_q) - 1 |, the larger
    one_norm_limit     with k largest entries and the others below a share r of them,
                       |e(p) - e(1)|_inf <= rho [log(k) (1 - 1/p) + d r^(q-1)] / k    as p -> 1

The last: an entry of a largest coordinate is rho (k + x)^(-1/p), x <= d r^q the sum over the rest, between
rho k^(-1/p) and rho (k + x)^(-1), and k^(-1/p) <= k^(-1) (1 + log(k) (1 - 1/p) k^(1 - 1/p)).
"""

from functools import partial
from itertools import product
from math import inf
from typing import NamedTuple

import jax
import numpy as np

from theory import Array, ascent

NORMS = (1, 1.05, 1.5, 2, 3, 10, inf)
RHO, DRAWS, D = 0.3, 20, 6
NEAR = tuple(1 + 2.0**-k for k in range(3, 11))  # p -> 1
EPS = 2.0**-52


class Case(NamedTuple):
    reads: str
    p: float
    g: Array  # (draws, d)
    scale: float = 1.0  # of the step
    other: float = 0.0  # the norm whose step it is instead, for a control
    alone: bool = False  # one of the largest entries takes the whole step


def cases():
    rng = np.random.default_rng(0)
    g = rng.standard_normal((DRAWS, D)) * 10 ** rng.uniform(-6, 6, (DRAWS, 1))
    ties = np.array([[1.0, -1.0, 0.3, 0.0], [0.25, 2.0, -2.0, 2.0]])
    out = {}
    for p in NORMS:
        out[f"p={p:g}"] = Case("equation_2", p, g)
        out[f"holder_equality: p={p:g}"] = Case("holder", p, g)
    return out | {"one_norm_limit: two and three ties": Case("limit", 1, ties)}


def hypotheses(case):
    return {"the gradient is not zero": np.all(np.any(case.g != 0, axis=1))}


@partial(jax.jit, static_argnums=1)
def units(g, p):
    return jax.vmap(partial(ascent.unit, p=p))(g)


def steps(case, p):
    return RHO * case.scale * np.asarray(units(case.g, p))


def length(x, p):
    """|x|_p of every row, from |x| / max |x|."""
    top = np.abs(x).max(axis=1)
    if p == inf:
        return top
    return top * np.sum((np.abs(x) / top[:, None]) ** p, axis=1) ** (1 / p)


def dual(p):
    return {1: inf, inf: 1}.get(p) or p / (p - 1)


def corners(p, d):
    """All of the p-ball at p = 1 and p = inf."""
    return np.concatenate([np.eye(d), -np.eye(d)]) if p == 1 else np.array(list(product([-1, 1], repeat=d)))


def measured(case):
    p, g = case.p, case.g
    if case.reads == "limit":
        return worst_limit(case)
    e = steps(case, case.other or p)
    if case.reads == "holder":
        gain = np.sum(e * g, axis=1)
        return max(np.abs(length(e, p) / RHO - 1).max(), np.abs(gain / (RHO * length(g, dual(p))) - 1).max())
    if p in (1, inf):
        best = RHO * (g @ corners(p, g.shape[1]).T).max(axis=1)
        return np.abs(np.sum(e * g, axis=1) / best - 1).max()
    normal = np.sign(e) * (np.abs(e) / RHO) ** (p - 1)
    return np.abs(normal - g / length(g, dual(p))[:, None]).max()


def worst_limit(case):
    """The largest ratio of |e(p) - e(1)|_inf to its bound, over NEAR."""
    top = np.abs(case.g).max(axis=1)
    ties = np.abs(case.g) == top[:, None]
    first = ties & (np.cumsum(ties, axis=1) == 1)
    count = ties.sum(axis=1)
    limit = steps(case, 1)
    if case.alone:
        limit = RHO * np.sign(case.g) * first
    share = np.where(ties, 0, np.abs(case.g) / top[:, None]).max(axis=1)
    ratios = []
    for p in NEAR:
        slack = (1 - 1 / p) * np.log(count) * count ** (1 - 1 / p) + case.g.shape[1] * share ** (1 / (p - 1))
        ratios.append(np.abs(steps(case._replace(scale=1.0), p) - limit).max(axis=1) / (RHO * slack / count))
    return np.max(ratios)


def bound(case):
    return 1.0 if case.reads == "limit" else 0.0


def tolerance(case):
    """Roundings of a sum, and the power p - 1 or q that multiplies them."""
    if case.reads == "limit":
        return 1e-9
    power = max(dual(case.p), case.p) if case.p not in (1, inf) else 1
    return 16 * D * power * EPS


def controls(case):
    if case.reads == "limit":
        return {"one of the largest alone": case._replace(alone=True)}
    out = {"a little longer": lambda factor: case._replace(scale=factor)}
    if case.p != 2:
        out["the step of p = 2"] = case._replace(other=2)
        out["p and q exchanged"] = case._replace(other=dual(case.p))
    return out

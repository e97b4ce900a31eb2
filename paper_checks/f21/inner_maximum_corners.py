"""For p = 1 and inf the inner maximum of a quadratic is at a corner if it is convex along the ball's edges.

Proved in theory/inner.py; less than convexity is needed, and the Hessians here are indefinite. `measured` is
the largest rise found in the ball, among points and by climbs from the best of them, `bound` the claimed
maximum. A climb goes to the vertex that is best for the slope at hand, or a half, a quarter, ... of the way
there: it stays in the ball and never falls. Separable quadratics need no corners at p = inf.

    first_order_exact    up to a radius the corner that the gradient chooses is the best point of the ball,
                         whatever the curvature; for p = 2 an error of order rho^3 is left (inner_value_error)
"""

from math import inf
from typing import NamedTuple

import numpy as np

from theory import Array, inner

POINTS, KEPT, MOVES = 4_000, 20, 30


class Case(NamedTuple):
    h: Array  # (d, d)
    g: Array  # (d,)
    p: float
    radius: float = 0.8
    wider: float = 1.0  # the ball that is searched over the claimed one
    first_order: bool = False  # the corner that the gradient chooses
    stretch: float = 1.0  # of both balls


def cases():
    rng = np.random.default_rng(0)
    out = {}
    for p in (1, inf):
        for d in (2, 4, 8):
            h = rng.standard_normal((d, d))
            h = (h + h.T) / 2
            h += np.eye(d) * (0.1 - min(inner.edge_curvature(h, p), 0))
            out[f"p={p:g}, d={d}"] = Case(h, rng.standard_normal(d) / 5, p)
    for p in (1, inf):
        for d in (2, 8):
            h, g = rng.standard_normal((d, d)), rng.standard_normal(d)
            h = (h + h.T) / 2
            out[f"first_order_exact: p={p:g}, d={d}"] = exactly(h, g, p)
    out["first_order_exact: p=1, attained"] = exactly(np.array([[-2.0, 2], [2, 2]]), np.array([1, 0.4]), 1)
    out["first_order_exact: p=inf, attained"] = exactly(np.diag([-2.0, 1]), np.ones(2), inf)
    return out | {
        "p=inf, separable, d=200": Case(np.diag(rng.standard_normal(200)), rng.standard_normal(200), inf)
    }


def exactly(h, g, p):
    return Case(h, g, p, inner.first_order_radius(h, g, p), first_order=True)


def separable(case):
    return np.array_equal(case.h, np.diag(np.diag(case.h)))


def hypotheses(case):
    if case.first_order:
        return {"a radius small enough": case.radius <= inner.first_order_radius(case.h, case.g, case.p)}
    convex = inner.edge_curvature(case.h, case.p) >= 0
    return {"convex along the edges, or separable": convex or (separable(case) and case.p == inf)}


def rise(case, e):
    return e @ case.g + 0.5 * np.sum((e @ case.h) * e, axis=-1)


def vertices(case, slopes):
    """The corner of the claimed ball that is best for each slope."""
    if case.p == inf:
        return radius(case) * np.sign(slopes)
    top = np.argmax(np.abs(slopes), axis=1)
    return radius(case) * np.eye(slopes.shape[1])[top] * np.sign(slopes)


def radius(case):
    return case.stretch * case.radius


def measured(case):
    rng = np.random.default_rng(1)
    e = rng.standard_normal((POINTS, len(case.g))) ** (5 if case.p == 1 else 1)
    size = np.abs(e).max(1, keepdims=True) if case.p == inf else np.abs(e).sum(1, keepdims=True)
    e *= case.wider * radius(case) * np.where(rng.random(size.shape) < 0.5, 1, rng.random(size.shape)) / size
    e = e[np.argsort(rise(case, e))[-KEPT:]]
    shares = 0.5 ** np.arange(12)[:, None, None]
    for _ in range(MOVES):
        way = case.wider * vertices(case, case.g + e @ case.h) - e
        tried = np.concatenate([e[None], e + shares * way])
        e = tried[np.argmax(rise(case, tried), axis=0), np.arange(len(e))]
    return rise(case, e).max()


def bound(case):
    if case.first_order:
        return rise(case, vertices(case, case.g[None]))[0]
    if separable(case):
        return inner.separable(np.diag(case.h), case.g, radius(case)).value
    return inner.best(case.h, case.g, radius(case), case.p).value


def controls(case):
    out = {"a wider ball": lambda factor: case._replace(wider=factor)}
    if case.first_order:
        return out | {"a larger radius": lambda factor: case._replace(stretch=factor)}
    if bound(case) > bound(case._replace(first_order=True)) + 1e-3:
        out["the corner that the gradient chooses"] = case._replace(first_order=True)
    if not separable(case):
        bent = case.h - 10 * np.abs(case.h).max() * np.eye(len(case.g))
        out["curved down along the edges"] = case._replace(h=bent)
    return out

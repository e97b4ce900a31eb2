"""The inner maximum, the largest f(w + e) - f(w) over |e|_p <= rho: at corners, else between two bounds.

Corners. A quadratic that is convex along every edge of a polytope is largest at a corner: from a point inside
a face go along an edge of the face, whichever way does not fall, until the face ends; its dimension has
fallen. The edges of the ball of p = inf are e_i, of p = 1 e_i - e_j and e_i + e_j, so what is needed is

    p = inf    H_ii >= 0                               2^d corners
    p = 1      H_ii + H_jj >= 2 |H_ij|, i != j         2 d corners: rho |g_i| + rho^2 H_ii / 2

less than convexity, which gives both. With a diagonal H the ball of p = inf is a product of intervals, and
each entry is maximised by itself, whatever the signs.

First order. While the slope keeps the sign of each entry (p = inf) or its largest entry and the sign of that
(p = 1) on the whole ball, the first-order step a = rho s_p(g) is exactly a maximiser: on the way from any e
to a the slope g(e) gains g(e) . (a - e) >= rho |g(e)|_q - |g(e)|_q |e|_p >= 0. On a quadratic entry i of the
slope changes by at most rho sum_j |H_ij|, for p = 1 by rho max_j |H_ij|: `first_order_radius`.

Bounds. With |Hess f(w + e) - Hess f(w)| <= M |e| Taylor's remainder is at most M |e|^3 / 6, so the maximum is
at most that of the quadratic model plus M r^3 / 6, r the largest |e| of the ball. For p = 1 and inf a model
that curves down along an edge is replaced by a larger one that does not, unless its first-order step is a
maximiser. Any value attained is a bound from below.

Place: f21, equation 1, beyond p = 2, which is `largest_in_ball` of theory/sharpness.py.
"""

from math import inf, sqrt
from typing import NamedTuple

import numpy as np

from theory import Array, admit
from theory.sharpness import largest_found, largest_in_ball, second_order

MOST = 16  # entries whose 2^d corners are listed


class Top(NamedTuple):
    """A maximum and where it is attained."""

    value: Array
    step: Array  # (d,)


class Bracket(NamedTuple):
    """The maximum lies in [lower, upper]; lower is attained at step."""

    lower: Array
    step: Array  # (d,)
    upper: Array


def corners(d, p):
    """The corners of the unit ball of p = 1 or inf, (count, d)."""
    if polytope(p) == 1:
        return np.concatenate([np.eye(d), -np.eye(d)])
    d = admit.whole(d, "the number of entries whose corners are listed", 1, MOST)
    return 1.0 - 2.0 * (np.arange(2**d)[:, None] >> np.arange(d) & 1)


def edge_curvature(hessian, p):
    """The least curvature along an edge of the ball of p = 1 or inf; corners are enough if it is >= 0."""
    diagonal = np.diag(hessian)
    if polytope(p) == inf or len(diagonal) == 1:
        return np.min(diagonal)
    pairs = diagonal[:, None] + diagonal - 2 * np.abs(hessian)
    return np.min(pairs[~np.eye(len(diagonal), dtype=bool)]) / 2


def polytope(p):
    if p not in (1, inf):
        raise ValueError(f"the ball has corners for p = 1 and p = inf; got p = {p:g}")
    return p


def largest_at_corners(hessian, slope, radius, p):
    """The maximum of slope . v + v' hessian v / 2 over |v|_p <= radius, p = 1 or inf, where it is exact."""
    hessian, slope = admit.numbers(hessian, "the Hessian"), admit.numbers(slope, "the slope")
    if hessian.shape != slope.shape * 2 or not np.array_equal(hessian, hessian.T):
        raise ValueError(
            f"a quadratic needs a symmetric Hessian (d, d) and a slope (d,); got shapes {hessian.shape}, "
            f"{slope.shape}, or a Hessian that is not symmetric: take the mean with its transpose"
        )
    admit.steps(0, radius, 0)
    curvature = edge_curvature(hessian, p)
    if p == inf and np.array_equal(hessian, np.diag(np.diag(hessian))):
        return separable(np.diag(hessian), slope, radius)
    if curvature < -1e-12 * np.abs(hessian).max():
        raise ValueError(
            f"the quadratic curves down along an edge of the ball of p = {p:g} ({curvature:.3g}): "
            "it may be largest inside; `above` bounds it"
        )
    return best(hessian, slope, radius, p)


def best(hessian, slope, radius, p):
    points = radius * corners(len(slope), p)
    values = points @ slope + 0.5 * np.sum((points @ hessian) * points, axis=1)
    k = np.argmax(values)
    return Top(values[k], points[k])


def first_order_radius(hessian, slope, p):
    """A radius up to which rho s_p(slope) is a maximiser of the quadratic over |v|_p <= rho, p = 1 or inf."""
    sizes, entries = np.abs(slope), np.abs(hessian)
    if polytope(p) == inf:
        return np.min(sizes / np.sum(entries, axis=1))
    i, largest = np.argmax(sizes), np.max(entries, axis=1)
    others = np.arange(len(sizes)) != i
    between = (sizes[i] - sizes[others]) / (largest[i] + largest[others])
    return min(np.min(between, initial=inf), sizes[i] / largest[i])


def separable(curvatures, slope, radius):
    """The maximum of slope . v + sum_i curvatures_i v_i^2 / 2 over |v|_inf <= radius, any d and any signs."""
    down = curvatures < 0
    inside = np.abs(slope) / np.where(down, -curvatures, 1)
    sizes = np.where(down, np.minimum(inside, radius), radius)
    step = np.where(slope < 0, -sizes, sizes)
    return Top(slope @ step + 0.5 * curvatures @ step**2, step)


def above(hessian, slope, radius, p, third):
    """At least the inner maximum over |e|_p <= radius, p = 1, 2 or inf; third is M."""
    if p == 2:
        return largest_in_ball(hessian, slope, radius).value + third * radius**3 / 6
    hessian, slope = np.asarray(hessian), np.asarray(slope)
    longest = radius * (sqrt(len(slope)) if polytope(p) == inf else 1)
    if radius > first_order_radius(hessian, slope, p):
        down = np.diag(hessian) if p == inf else np.full(len(slope), edge_curvature(hessian, 1))
        hessian = hessian + np.diag(np.maximum(-down, 0))
    return best(hessian, slope, radius, p).value + third * longest**3 / 6


def bracket(rise, starts, radius, third, iterations):
    """The maximum of rise(v), rise(0) = 0, over |v| <= radius, between the best of climbs and `above`.

    Compile it with `rise` and `iterations` static.
    """
    model = second_order(rise)
    lower, step = largest_found(model, starts, radius, True, iterations)
    _, slope, hessian = model(0 * step)
    return Bracket(lower, step, above(hessian, slope, radius, 2, third))

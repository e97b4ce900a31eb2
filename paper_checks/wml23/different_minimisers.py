"""Three penalties, three minimisers of one loss, proved in rational numbers.

f(w, y_1, y_2) = (h_1(w) y_1^2 + h_2(w) y_2^2) / 4, h_1 = 2 + w^2 / 2, h_2 = 1 + 3 (w - 1)^2 / 4 on all of
R^3 (`two_bowls` of theory/problems/valley.py). "limit": the limiting regularisers on y = 0, max(h) / 4,
min(h) / 4 and (h_1 + h_2) / 12, are least at w = 0, 1 and 3/5 alone. The cases with a radius say the same of
f + R at that radius:

worst.    f + R is at least f(w, |y_1| + rho, y_2) >= rho^2 h_1(w) / 4 >= rho^2 h_1(0) / 4 everywhere, and
          that is its value at (0, 0, 0): where |n| = 1 and n_0 = t, f(rho n) is affine in n_2^2, so at most
          rho^2 max_k h_k(rho t) (1 - t^2) / 4, and h_k(rho t) (1 - t^2) <= h_1(0). Radius 0 is tried too:
          h_k is convex, so that all between follow.
ascent.   x + rho u, u = g / |g|, has |y_k| + rho |u_k| where x has |y_k|; 2 |y_k| |u_k| = h_k y_k^2 / |g| and
          |u_0| <= sum_k |h_k'| y_k^2 / (4 |g|). With h_k >= m = min_k h_k(1) and u_0^2 <= |u_0|

              f + R >= (m / 4) [|y|^2 + rho^2 (1 - u_0^2) + 2 rho sum_k |y_k u_k|] >= m rho^2 / 4

          wherever h_k >= (rho / 4) |h_k'|. That is the infimum, approached from (1, 0, e), e -> 0; at other w
          of y = 0 the infimum over a shrinking ball is rho^2 min(h) / 4, which is larger.
average.  f + R = sum_k y_k^2 E h_k(w + rho n_0) / 4 + rho^2 (h_1 + h_2)(w) / 12 + a constant, the odd moments
          being zero: least at y = 0, w = 3/5.

Every step is a polynomial in one variable that must be nonnegative on the line (of degree 2: by its
discriminant) or on [-1, 1] (by Bernstein coefficients after halvings). `measured` counts those not proved.
"""

from fractions import Fraction
from math import comb
from typing import NamedTuple

HEIGHTS = (  # coefficients of 1, w, w^2
    (Fraction(2), Fraction(0), Fraction(1, 2)),
    (Fraction(7, 4), Fraction(-3, 2), Fraction(3, 4)),
)
LEAST = {"worst": Fraction(0), "ascent": Fraction(1), "average": Fraction(3, 5)}
RADII = (Fraction(1, 100), Fraction(1, 4), Fraction(1, 2))
HALVINGS = 6


class Case(NamedTuple):
    notion: str
    radius: Fraction  # 0: the limiting regularisers
    w: Fraction  # the claimed minimiser


def cases():
    out = {}
    for notion, w in LEAST.items():
        out[f"{notion}, limit"] = Case(notion, Fraction(0), w)
        for radius in RADII:
            out[f"{notion}, rho={float(radius):g}"] = Case(notion, radius, w)
    return out


def hypotheses(case):
    return {"positive heights": all(on_line(each) for each in HEIGHTS), "rho <= 1/2": case.radius <= 0.5}


# Polynomials: lists of coefficients, the constant first


def value(p, at):
    return sum(c * at**k for k, c in enumerate(p))


def minus(p, q):
    size = max(len(p), len(q))
    p, q = (list(each) + [Fraction(0)] * (size - len(each)) for each in (p, q))
    return [a - b for a, b in zip(p, q, strict=True)]


def times(p, q):
    out = [Fraction(0)] * (len(p) + len(q) - 1)
    for i, a in enumerate(p):
        for j, b in enumerate(q):
            out[i + j] += a * b
    return out


def stretched(p, by):
    """p(by t)."""
    return [c * by**k for k, c in enumerate(p)]


def slope(p):
    return [k * c for k, c in enumerate(p)][1:]


def on_line(p):
    """Whether a + b w + c w^2 >= 0 for all w, by its discriminant."""
    a, b, c = (list(p) + [Fraction(0)] * 3)[:3]
    return a >= 0 and c >= 0 and b**2 <= 4 * a * c


def on_interval(p):
    """Whether p >= 0 on [-1, 1] is proved by Bernstein coefficients, halving where they do not."""
    orders = range(len(p))
    moved = [
        sum(p[k] * comb(k, j) * 2**j * (-1) ** (k - j) for k in orders[j:]) for j in orders
    ]  # p(2 s - 1)
    share = [[Fraction(comb(i, j), comb(orders[-1], j)) for j in range(i + 1)] for i in orders]
    return halved([sum(a * b for a, b in zip(row, moved, strict=False)) for row in share], HALVINGS)


def halved(bernstein, depth):
    if min(bernstein) >= 0:
        return True
    if depth == 0 or bernstein[0] < 0 or bernstein[-1] < 0:
        return False
    left, right, row = [], [], bernstein
    while row:
        left.append(row[0])
        right.append(row[-1])
        row = [(a + b) / 2 for a, b in zip(row, row[1:], strict=False)]
    return halved(left, depth - 1) and halved(right[::-1], depth - 1)


# The inequalities


def inequalities(case):
    """Whether each is proved."""
    at = [value(each, case.w) for each in HEIGHTS]
    if case.notion == "average":
        total = [sum(each) for each in zip(*HEIGHTS, strict=True)]
        return [on_line(minus(total, [sum(at)]))]
    if case.notion == "ascent":
        steep = [[sign * case.radius / 4 * c for c in slope(each)] for each in HEIGHTS for sign in (1, -1)]
        least = [on_line(minus(each, [min(at)])) for each in HEIGHTS]
        return least + [on_line(minus(HEIGHTS[k // 2], each)) for k, each in enumerate(steep)]
    cap = [Fraction(1), Fraction(0), Fraction(-1)]  # 1 - t^2
    rises = [
        times(stretched(shifted(each, case.w), radius), cap)
        for each in HEIGHTS
        for radius in (Fraction(0), case.radius)
    ]
    highest = [max(at)]
    return [on_line(minus(HEIGHTS[0], highest)), *(on_interval(minus(highest, each)) for each in rises)]


def shifted(p, by):
    """p(by + u) for degree 2."""
    a, b, c = p
    return [value(p, by), b + 2 * c * by, c]


# The check


def measured(case):
    return sum(not proved for proved in inequalities(case))


def bound(case):
    return 0


def tolerance(case):
    return 0.5


def controls(case):
    out = {f"that of the {other} direction": case._replace(w=w) for other, w in LEAST.items() if w != case.w}
    return out | {
        "beside it": lambda factor: case._replace(w=case.w + Fraction(factor).limit_denominator(1000) - 1)
    }

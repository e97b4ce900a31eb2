"""phi(x) = x^2 + 3 sin^2 x is 8-smooth and PL with mu = 1/32, even 0.17553; by interval arithmetic.

phi is even and phi'(x) = 2x + 3 sin 2x, so with r = phi'^2 / (2 phi), on x > 0:

    x <= 1/2:  phi <= 4 x^2 and phi' >= 8x - 4x^3 >= 7x, so r >= 49/8;
    x >= 5:    phi <= x^2 + 3 and phi' >= 2x - 3 > 0, so r >= (2x - 3)^2 / (2 (x^2 + 3)), increasing: 7/8.

Between them [1/2, 5] is cut until the least lower bound of r over the pieces, by the mean value form, is
within 1e-9 of a value that r attains. The smoothness is the largest |phi''| = |2 + 6 cos 2x|, over one
period, cut in the same way. `measured` is for mu the claimed constant, its bound the best one (rounded down);
for L the best constant (rounded up) and the claimed one.
"""

from functools import cache, partial
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
from flint import arb

from theory.problems import polyak

NARROW = 1e-9


class Case(NamedTuple):
    reads: str  # "mu" or "L"
    claimed: float


def cases():
    return {
        "mu = 1/32": Case("mu", 1 / 32),
        "mu = 0.17553": Case("mu", polyak.PL),
        "L = 8": Case("L", polyak.SMOOTHNESS),
    }


def hypotheses(case):
    low, high = (best_pl if case.reads == "mu" else best_smoothness)()
    return {"enclosed to 1e-9": 0 <= high - low <= 2 * NARROW}


def slope(x):
    return 2 * x + 3 * (2 * x).sin()


def curvature(x):
    return 2 + 6 * (2 * x).cos()


def third(x):
    return -12 * (2 * x).sin()


def signed(sign, function, x):
    return sign * function(x)


def ratio(x):
    return slope(x) ** 2 / (2 * (x**2 + 3 * x.sin() ** 2))


def ratio_slope(x):
    """(log r)' = 2 phi'' / phi' - phi' / phi, times r."""
    value = x**2 + 3 * x.sin() ** 2
    return slope(x) * curvature(x) / value - slope(x) ** 3 / (2 * value**2)


@cache
def best_pl():
    """Below and above inf r."""
    low, high = least(ratio, ratio_slope, 0.5, 5.0)
    return min(low, 7 / 8), high


@cache
def best_smoothness():
    """Below and above max |phi''|: -max is the least of -phi'' and of phi''."""
    ways = [
        least(partial(signed, sign, curvature), partial(signed, sign, third), -1.0, 2.5) for sign in (1, -1)
    ]
    return max(-high for _, high in ways), max(-low for low, _ in ways)


def least(value, derivative, start, end):
    """Floats below and above the least value on [start, end], at most NARROW apart."""

    def bounded(a, b):
        middle = arb((a + b) / 2)
        piece = middle.union(arb(a)).union(arb(b))
        found = value(middle)
        below = found + derivative(piece) * (piece - middle)
        return float(lower(below)), float(upper(found)), a, b

    first = bounded(start, end)
    pieces, high = [first], first[1]
    while True:
        low, found, a, b = heappop(pieces)
        high = min(high, found)
        if high - low <= NARROW:
            return low, high
        for left, right in ((a, (a + b) / 2), ((a + b) / 2, b)):
            heappush(pieces, bounded(left, right))


def lower(ball):
    """A float below the ball; where it was divided by zero there is none."""
    return np.nextafter(float(ball.lower()), -np.inf) if ball.is_finite() else -np.inf


def upper(ball):
    return np.nextafter(float(ball.upper()), np.inf)


def measured(case):
    return case.claimed if case.reads == "mu" else best_smoothness()[1]


def bound(case):
    return best_pl()[0] if case.reads == "mu" else case.claimed


def tolerance(case):
    """None for mu, whose bound is rounded down; for L, which is attained, what its enclosure leaves open."""
    return np.finfo(float).tiny if case.reads == "mu" else 2 * NARROW


def controls(case):
    if case.reads == "mu":
        return {
            "mu = 0.2": case._replace(claimed=0.2),
            "mu too large": lambda factor: case._replace(claimed=case.claimed * factor),
        }
    return {
        "L = 6": case._replace(claimed=6.0),
        "L too small": lambda factor: case._replace(claimed=case.claimed / factor),
    }

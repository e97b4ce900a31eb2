"""rho < 1/L: the points that full-batch unnormalised SAM does not move are the critical points; interval
arithmetic.

On a line w + rho L'(w) is increasing where rho < 1/L and keeps the critical points, so that L'(w + rho L'(w))
has no other zeros; in any dimension <grad L(w + rho g), g> >= (1 - rho L) |g|^2 (alignment.py). Here the
zeros of both are counted on an interval: it is cut until on every piece the function is away from 0, or
monotone with ends whose signs are sure. `measured` is the zeros that SAM has beyond those of L'. -cos has the
curvature -L at a maximum, where rho = 1 / L is the limit; the tilted one and x^2 / 16 - cos x leave a little
more."""

from collections.abc import Callable
from typing import Any, NamedTuple

from flint import arb

SMALLEST = 2.0**-40  # of a piece; a zero that is not simple is never decided


class Case(NamedTuple):
    slope: Callable[[Any], Any]  # L'
    curvature: Callable[[Any], Any]
    smoothness: float
    ends: tuple[float, float]
    rho: float


def pendulum(x):
    return x.sin()


def tilted_pendulum(x):
    return x.sin() - arb("0.3")


def pendulum_curvature(x):
    return x.cos()


def waves(x):
    return x / 8 + x.sin()


def waves_curvature(x):
    return arb(1) / 8 + x.cos()


FUNCTIONS = {
    "-cos x": (pendulum, pendulum_curvature, 1.0, (-1.0, 5.2)),  # about a period, of ends that are no zeros
    "-cos x - 0.3 x": (tilted_pendulum, pendulum_curvature, 1.0, (-1.0, 5.2)),
    "x^2 / 16 - cos x": (waves, waves_curvature, 1.125, (-10.0, 10.1)),
}


def cases():
    return {
        f"{name}, rho L = {reach:g}": Case(slope, curvature, whole, ends, reach / whole)
        for name, (slope, curvature, whole, ends) in FUNCTIONS.items()
        for reach in (0.5, 0.99)
    }


def zeros(value, derivative, ends):
    """How many zeros `value` has between the ends; None where rounding leaves it open."""
    found, pieces = 0, [ends]
    while pieces:
        a, b = pieces.pop()
        middle = arb((a + b) / 2)
        piece = middle.union(arb(a)).union(arb(b))
        if value(piece).contains(0):
            if not derivative(piece).contains(0):
                left, right = value(arb(a)), value(arb(b))
                if left.contains(0) or right.contains(0):
                    return None
                found += int((left > 0) != (right > 0))
            elif b - a < SMALLEST:
                return None
            else:
                cut = a + 0.487 * (b - a)  # no round number, so that no zero is an end
                pieces += [(a, cut), (cut, b)]
    return found


def ahead(case):
    """L'(w + rho L'(w)) and its derivative."""
    rho = arb(case.rho)

    def value(x):
        return case.slope(x + rho * case.slope(x))

    def derivative(x):
        return case.curvature(x + rho * case.slope(x)) * (1 + rho * case.curvature(x))

    return value, derivative


def hypotheses(case):
    return {
        "rho < 1 / L": case.rho * case.smoothness < 1,
        "there are critical points": (zeros(case.slope, case.curvature, case.ends) or 0) > 0,
    }


def measured(case):
    value, derivative = ahead(case)
    still, critical = zeros(value, derivative, case.ends), zeros(case.slope, case.curvature, case.ends)
    return float("nan") if still is None or critical is None else float(abs(still - critical))


def bound(case):
    return 0.0


def tolerance(case):
    """Between whole numbers."""
    return 0.5


def controls(case):
    return {"rho larger": lambda factor: case._replace(rho=case.rho * factor)}

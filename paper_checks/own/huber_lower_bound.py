"""The Huber function that turns linear at c = D / (2 gamma L T + 1), D = |x_0|, for all parameters and T.

Its slope is L c beyond c, whatever the ascent adds, since x + rho L c > c. "stays": x_T = D - T gamma L c
is c + T gamma L c, so all T + 1 iterates are beyond c. "value": L c x_T - L c^2 / 2 = L D^2 / (4 gamma L T
+ 2). "half": the convex bound D^2 / (2 gamma T) is that value times 2 + 1 / (gamma L T).
"""

from paper_checks import algebra
from paper_checks.algebra import parameters
from theory.bounds import own

hypotheses, measured, bound = algebra.hypotheses, algebra.measured, algebra.bound
tolerance, controls = algebra.tolerance, algebra.controls


def cases():
    return {
        "stays": algebra.vanish("the threshold", stays),
        "value": algebra.vanish("the threshold", value),
        "half": algebra.vanish("the bound", half),
        "gradients": algebra.signs("", gradients, an_earlier_turn=earlier),
    }


def turn(distance, top, gamma, steps):
    return distance / (2 * gamma * top * steps + 1)


def stays(factor):
    distance, top, gamma, steps = at = parameters("D L gamma T")
    c = factor * turn(*at)
    return [distance - steps * gamma * top * c - (1 + steps * gamma * top) * c]


def value(factor):
    distance, top, gamma, steps = at = parameters("D L gamma T")
    c = factor * turn(*at)
    last = distance - steps * gamma * top * c
    return [top * c * last - top * c**2 / 2 - own.huber_gap(*at)]


def half(factor):
    distance, top, gamma, steps = at = parameters("D L gamma T")
    ratio = 2 + 1 / (gamma * top * steps)
    return [factor * own.convex_gap(distance, gamma, steps) - ratio * own.huber_gap(*at)]


def gradients(_, far=1):
    """x_t - c and y_t - c at t = T u / (1 + u)."""
    distance, top, gamma, steps, rho, u = parameters("D L gamma T rho u")
    c = turn(distance, top, gamma, steps)
    x = distance - far * steps * u / (1 + u) * gamma * top * c
    return [x - c, x + rho * top * c - c]


def earlier(_):
    return gradients(_, far=3)

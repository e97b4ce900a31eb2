"""f(x_T) - f* <= |x_0 - x*|^2 / (2 gamma T) for gamma <= 1 / (L (1 + rho L)), rho L <= (1 + sqrt 13) / 2.

With r = rho L, v = 3 + r - r^2 (not negative up to that radius) and G = 1 / ((1 + r) (1 + s)), every such
step: "condition" (1 + r) (1 + s)^2 `potential_region` = [(1 + s)^2 r v + 3 s + s^2] / ... is the sum of
terms that are not negative, so the potential of own/convex_potential falls. "monotone": q gamma = 1 / (1 +
s) <= 2, and Theorem A at mu = 0 lets no f(x_t) grow: 1 - (1 - gamma q)^2 has no negative coefficient.
Summed over t, T gamma f(x_T) <= gamma sum f(x_t) <= |x_0|^2 / 2. "the end": at s = 0 the condition is r (r
+ 1) (3 + r - r^2) / (1 + r)^2.
"""

from paper_checks import algebra
from paper_checks.algebra import parameters
from theory.bounds import own

hypotheses, measured, bound = algebra.hypotheses, algebra.measured, algebra.bound
tolerance, controls = algebra.tolerance, algebra.controls


def cases():
    return {
        "condition": algebra.vanish("the step", condition),
        "its terms": algebra.signs("", terms, without_s=without),
        "the end": algebra.vanish("the step", end),
        "monotone": algebra.signs("steps past 2 / q", monotone),
    }


def condition(factor):
    top, r, s = parameters("L r s")
    gamma = factor / (top * (1 + r) * (1 + s))
    v = 3 + r - r**2
    claimed = ((1 + s) ** 2 * r * v + 3 * s + s**2) / ((1 + r) * (1 + s) ** 2)
    return [own.potential_region(top, gamma, r / top) - claimed]


def terms(_, missing=0):
    r, s, v = parameters("r s v")
    return [((1 + s) ** 2 * r * v + 3 * s + s**2) - missing]


def without(_):
    return terms(_, missing=1)


def end(factor):
    top, r = parameters("L r")
    gamma = factor / (top * (1 + r))
    return [own.potential_region(top, gamma, r / top) - r * (3 + r - r**2) / (1 + r)]


def monotone(factor):
    """1 - (1 - gamma q)^2 at gamma = 2 / (q (1 + s)), in which the steps of the rate lie."""
    top, rho, s = parameters("L rho s")
    gamma = factor * 2 / (own.end(top, rho) * (1 + s))
    return [1 - (1 - gamma * own.end(top, rho)) ** 2]

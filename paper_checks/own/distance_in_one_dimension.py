"""In one dimension k / x = a (1 + rho b) lies between p and q for every rho >= 0, for all parameters.

b = g / x and a = k / y are average curvatures, between mu and L because f' grows by at least mu and at most
L a unit; with mu = m, L = m + l they are m + l s / (1 + s) and m + l t / (1 + t). Then k / x - p and q - k
/ x have no negative coefficient, their product is the disc of Theorem B, and "ball" of own/distance_factor
gives the factor.
"""

from paper_checks import algebra
from paper_checks.algebra import parameters
from theory.bounds import own

hypotheses, measured, bound = algebra.hypotheses, algebra.measured, algebra.bound
tolerance, controls = algebra.tolerance, algebra.controls


def cases():
    return {
        "above p": algebra.signs("the lower end", above, a_negative_radius=above_backwards),
        "below q": algebra.signs("the slope k / x", below, a_negative_radius=below_backwards),
    }


def slope(towards=1):
    """p, k / x, q."""
    m, spread, r, s, t = parameters("m l r s t")
    rho = towards * r
    a, b = m + spread * s / (1 + s), m + spread * t / (1 + t)
    return own.end(m, rho), a * (1 + rho * b), own.end(m + spread, rho)


def above(factor, towards=1):
    low, found, _ = slope(towards)
    return [found - factor * low]


def below(factor, towards=1):
    _, found, high = slope(towards)
    return [high - factor * found]


def above_backwards(factor):
    return above(factor, -1)


def below_backwards(factor):
    return below(factor, -1)

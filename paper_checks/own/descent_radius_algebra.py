"""Theorem C, for all parameters: g_c is where the longest safe step of Theorem A is gamma, and what follows.

With lam = t / (1 + t) and gamma = 2 / (L (1 + rho (1 - lam) L) (1 + w)), every rule admitted; rho' = rho (1
- lam + lam / g), q' = L (1 + rho' L). "threshold": gamma q' = 2 at g = g_c. "beyond", "below": 2 - gamma q'
at g = g_c (1 + s), gamma q' - 2 at g = g_c / (1 + s) have no negative coefficient. "no growth": 1 - (1 -
gamma q')^2 beyond g_c, the factor of Theorem A for mu = 0. "bracket": g (gamma q' - 1) is affine in g, with
the values gamma rho lam L^2 at 0 and g_c at g_c, whence f+ - f* <= V from below. "cycle": on L x^2 / 2 the
step from g_c / L ends at -g_c / L.
"""

from paper_checks import algebra
from paper_checks.algebra import parameters
from theory.bounds import own

hypotheses, measured, bound = algebra.hypotheses, algebra.measured, algebra.bound
tolerance, controls = algebra.tolerance, algebra.controls


def cases():
    return {
        "threshold": algebra.vanish("g_c", threshold),
        "beyond": algebra.signs("the size of g_c", beyond),
        "below": algebra.signs("g_c", below),
        "no growth": algebra.signs("the size of g_c", no_growth),
        "bracket": algebra.vanish("its value at 0", bracket),
        "cycle": algebra.vanish("g_c", cycle),
    }


def rule():
    """L, gamma, rho, lam and s."""
    top, rho, t, w, s = parameters("L rho t w s")
    lam = t / (1 + t)
    return top, 2 / (top * (1 + rho * (1 - lam) * top) * (1 + w)), rho, lam, s


def reach(size, top, gamma, rho, lam):
    """gamma q'."""
    return gamma * own.end(top, own.mixed_radius(size, rho, lam))


def threshold(factor):
    top, gamma, rho, lam = at = parameters("L gamma rho lam")
    return [reach(factor * own.sam_radius(*at), *at) - 2]


def beyond(factor):
    *at, s = rule()
    return [2 - reach(own.sam_radius(*at) * (1 + s) / factor, *at)]


def below(factor):
    *at, s = rule()
    return [reach(factor * own.sam_radius(*at) / (1 + s), *at) - 2]


def no_growth(factor):
    *at, s = rule()
    return [1 - (1 - reach(own.sam_radius(*at) * (1 + s) / factor, *at)) ** 2]


def bracket(factor):
    top, gamma, rho, lam, size = parameters("L gamma rho lam g")
    least = own.sam_radius(top, gamma, rho, lam)
    slope, start = gamma * top * (1 + rho * (1 - lam) * top) - 1, factor * gamma * rho * lam * top**2
    return [
        size * (reach(size, top, gamma, rho, lam) - 1) - slope * size - start,
        slope * least + start - least,
    ]


def cycle(factor):
    top, gamma, rho, lam = at = parameters("L gamma rho lam")
    size = factor * own.sam_radius(*at)
    x = size / top
    return [x - gamma * top * (x + own.mixed_radius(size, rho, lam) * size) + x]

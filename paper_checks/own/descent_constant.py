"""Theorem D, for all parameters: an identity each for gamma L <= 1 and gamma L >= 1, signs, and sharpness.

Smoothness gives f(x+) <= f(x) - gamma <g, k> + L gamma^2 |k|^2 / 2 and |k - g| <= rho L |g|, by definition.
"identity": gamma <g, k> - L gamma^2 |k|^2 / 2 - phi |g|^2 is a (rho^2 L^2 |g|^2 - |k - g|^2) + b |k - c
g|^2. "signs": a and b at gamma = 1 / (L (1 + s)) and (1 + s) / L. "kink": f'' = -L towards y, L towards x+,
for gamma L <= 1 and rho L <= 1; "quadratic": curvature L, for gamma L >= 1: both lose phi |g|^2 exactly.
"smaller": phi(gamma (1 + rho L)) less phi(gamma (1 - rho L)) is 2 gamma rho L (1 - gamma L).
"""

from paper_checks import algebra
from paper_checks.algebra import parameters
from theory.bounds import own
from theory.interpolation import G, K, mixed, product, square

hypotheses, measured, bound = algebra.hypotheses, algebra.measured, algebra.bound
tolerance, controls = algebra.tolerance, algebra.controls


def cases():
    return {
        "identity, gamma L <= 1": algebra.vanish("phi", identity_short),
        "identity, gamma L >= 1": algebra.vanish("phi", identity_long),
        "signs": algebra.signs("steps past 1 / L", signs),
        "kink": algebra.vanish("phi", kink),
        "quadratic": algebra.vanish("phi", quadratic),
        "smaller": algebra.vanish("the difference", smaller),
    }


def phi(top, gamma, rho, towards):
    return own.fall(top, gamma * (1 - towards * rho * top))


def identity(factor, towards):
    top, gamma, rho = parameters("L gamma rho")
    a, b, c = own.slope_multipliers(top, gamma, rho, towards)
    gain = mixed((gamma, product(G, K)), (-top * gamma**2 / 2, square(K)))
    away = mixed((1, K), (-1, G))
    return mixed(
        (1, gain),
        (-factor * phi(top, gamma, rho, towards), square(G)),
        (-a * rho**2 * top**2, square(G)),
        (a, square(away)),
        (-b, square(mixed((1, K), (-c, G)))),
    )


def identity_short(factor):
    return identity(factor, 1)


def identity_long(factor):
    return identity(factor, -1)


def signs(factor):
    top, r, s = parameters("L r s")
    short, long = factor / (top * (1 + s)), (1 + s) / top
    return [*own.slope_multipliers(top, short, r, 1)[:2], *own.slope_multipliers(top, long, r, -1)[:2]]


def kink(factor):
    top, gamma, rho, g = parameters("L gamma rho g")
    k = g - top * rho * g
    after = g * (-gamma * k) + top * (gamma * k) ** 2 / 2
    return [after + factor * phi(top, gamma, rho, 1) * g**2]


def quadratic(factor):
    top, gamma, rho, x = parameters("L gamma rho x")
    g, after = top * x, x - gamma * top * (x + rho * top * x)
    return [top * (after**2 - x**2) / 2 + factor * phi(top, gamma, rho, -1) * g**2]


def smaller(factor):
    top, gamma, rho = parameters("L gamma rho")
    difference = phi(top, gamma, rho, -1) - phi(top, gamma, rho, 1)
    return [difference - factor * 2 * gamma * rho * top * (1 - gamma * top)]

"""Theorem E, for all parameters: the potential falls by inequalities, a square, and a form in (g, k).

"identity": |x|^2 / 2 - |x+|^2 / 2 - gamma f(x+) is gamma (Q_*y + Q_yx + Q_x+), a square and
`potential_rest`. "form": four times its determinant is gamma^2 / L^2 times `potential_region`, the
condition; its entry in k is gamma (1 - G) (2 + G) / (2 L), so it has no negative value for G <= 1 where the
condition holds. "entries": at gamma = 1 / (L (1 + s)). "region": in powers of G the condition reads 1 + 2 r
- r^2 + G - 2 (r + 1) G^2 >= 0; "root": it vanishes at G = (1 + d) / (4 (r + 1)) with d^2 = 1 - 8 (r + 1)
(r^2 - 2 r - 1).
"""

from paper_checks import algebra
from paper_checks.algebra import parameters
from theory.bounds import own, own_certificates
from theory.interpolation import matrix

hypotheses, measured, bound = algebra.hypotheses, algebra.measured, algebra.bound
tolerance, controls = algebra.tolerance, algebra.controls


def cases():
    return {
        "identity": algebra.vanish("the multipliers", identity),
        "form": algebra.vanish("the condition", form),
        "entries": algebra.signs("steps past 1 / L", entries),
        "region": algebra.vanish("the square of G", region),
        "root": algebra.vanish("the root", root),
    }


def identity(factor):
    return algebra.tampered(own_certificates.potential(*parameters("L gamma rho")), factor).leftover


def rest(top, gamma, rho):
    return [row[1:3] for row in matrix(own_certificates.potential_rest(top, gamma, rho))[1:3]]


def form(factor):
    top, gamma, rho = at = parameters("L gamma rho")
    (gg, gk), (_, kk) = rest(*at)
    stretch = gamma * top
    return [
        4 * (gg * kk - gk**2) * top**2 / gamma**2 - factor * own.potential_region(*at),
        kk - gamma * (1 - stretch) * (2 + stretch) / (2 * top),
    ]


def entries(factor):
    top, rho, s = parameters("L rho s")
    (gg, _), (_, kk) = rest(top, factor / (top * (1 + s)), rho)
    return [gg, kk]


def region(factor):
    top, gamma, rho = at = parameters("L gamma rho")
    r, stretch = rho * top, gamma * top
    claimed = 1 + 2 * r - r**2 + stretch - factor * 2 * (r + 1) * stretch**2
    return [own.potential_region(*at) - claimed]


def root(factor):
    """1 + 2 r - r^2 = (d^2 - 1) / (8 (r + 1)) in the place of the constant term."""
    r, d = parameters("r d")
    stretch = factor * (1 + d) / (4 * (r + 1))
    return [(d**2 - 1) / (8 * (r + 1)) + stretch - 2 * (r + 1) * stretch**2]

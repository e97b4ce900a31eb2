"""Certificates of A, B, B', the disc and E in fractions, one by one, at rational parameters.

mu / L in {0, 1/1000, 1/100, 1/10, 1/2, 9/10} and (mu, L) = (1/10, 10), rho l from 1/100 to 20: no
multiplier is negative, the values of f cancel, and the form that remains is positive semidefinite by exact
L D L', without the squares of the symbolic proof. `measured` counts the points at which that fails; the
bound is 0. "refused": steps at 1.01 gamma_c and 0.999 gamma_d, where the certificates of the outer regimes
must fail; measured counts those that do not. Where a bound is attained, lowering it by a millionth leaves
no certificate.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from flint import fmpq

from paper_checks.algebra import rational, tampered
from theory.bounds import own, own_certificates
from theory.interpolation import NOTHING, X, mixed, square

MILLIONTH = fmpq(1, 10**6)
ENDS = [(fmpq(*share), fmpq(1)) for share in [(0, 1), (1, 1000), (1, 100), (1, 10), (1, 2), (9, 10)]]
CLASSES = [*ENDS, (fmpq(1, 10), fmpq(10))]  # (mu, L)
REACHES = [
    fmpq(a, b) for a, b in [(1, 100), (1, 4), (1, 2), (9, 10), (1, 1), (101, 100), (3, 2), (3, 1), (20, 1)]
]
CLASS_RADII = [(mu, top, reach / (top - mu)) for mu, top in CLASSES for reach in REACHES]
WIDE = [at for at in CLASS_RADII if own.excess(*at) >= 0]


class Case(NamedTuple):
    points: list
    certificate: Callable[..., Any]
    size: int  # the number of points
    refused: bool = False
    factor: Any = 1  # of the multipliers
    pairs: tuple = ()  # of these, by default of all
    lowered: Any = 0  # the share by which the bound is lowered


def cases():
    long = [(top, 2 * c / own.end(top, rho), rho) for _, top, rho in CLASS_RADII for c in LENGTHS]
    convex = [
        (top, c / own.end(top, rho), rho)
        for _, top, rho in CLASS_RADII
        if rho * top <= fmpq(23, 10)
        for c in (fmpq(1, 10), fmpq(1, 2), fmpq(1))
    ]
    return {
        "disc": Case(CLASS_RADII, disc, 63),
        "function values, balanced step": Case(CLASS_RADII, own_certificates.gap_balanced, 63),
        "function values, long steps": Case(long, own_certificates.gap_long, 252),
        "convex": Case(convex, potential, 126),
        "distance, short steps": Case(below(1), own_certificates.distance_short, 87),
        "distance, long steps": Case(above(1), own_certificates.distance_long, 105),
        "distance, between": Case(inside(), own_certificates.distance_between, 140),
        "refused past gamma_c": Case(below(fmpq(101, 100))[2::3], own_certificates.distance_short, 29, True),
        "refused below gamma_d": Case(above(fmpq(999, 1000))[::3], own_certificates.distance_long, 35, True),
    }


LENGTHS = fmpq(1), fmpq(11, 10), fmpq(3, 2), fmpq(3)


def below(scale):
    """gamma_c / 10, gamma_c / 2 and gamma_c, where it is positive."""
    return [
        (mu, top, scale * c * own.gamma_c(mu, top, rho), rho)
        for mu, top, rho in WIDE
        if own.gamma_c(mu, top, rho) > 0
        for c in (fmpq(1, 10), fmpq(1, 2), fmpq(1))
    ]


def above(scale):
    return [
        (mu, top, scale * c * own.gamma_d(mu, top, rho), rho)
        for mu, top, rho in WIDE
        for c in (fmpq(1), fmpq(11, 10), fmpq(2))
    ]


def inside():
    out = []
    for mu, top, rho in WIDE:
        if own.excess(mu, top, rho) > 0:
            low, high = max(own.gamma_c(mu, top, rho), fmpq(0)), own.gamma_d(mu, top, rho)
            shares = [fmpq(1, 100), fmpq(1, 3), fmpq(1, 2), fmpq(9, 10), fmpq(99, 100)]
            out += [(mu, top, low + c * (high - low), rho) for c in shares]
    return out


def disc(mu, top, rho):
    wide = own.excess(mu, top, rho) >= 0
    return (own_certificates.disc_wide if wide else own_certificates.disc_narrow)(mu, top, rho)


def potential(top, gamma, rho):
    """With the form in (g, k) put back, which must be positive semidefinite too."""
    found = own_certificates.potential(top, gamma, rho)
    whole = mixed((1, found.target), (1, own_certificates.potential_rest(top, gamma, rho)))
    return found._replace(target=whole)


def weakened(found, share):
    """A bound or a depth less by share |x|^2; a factor of f less by that share, balanced by Q_*x."""
    if found.target != NOTHING:
        return found._replace(target=mixed((1, found.target), (-share, square(X))))
    less = found.values["x"] * share
    multipliers = found.multipliers | {("*", "x"): found.multipliers.get(("*", "x"), 0) + less}
    values = found.values | {"x": found.values["x"] - less, "*": found.values["*"] + less}
    return found._replace(values=values, multipliers=multipliers)


def proved(case):
    for at in case.points:
        found = case.certificate(*at)
        if case.factor != 1:
            found = tampered(found, rational(case.factor), *case.pairs)
        yield (weakened(found, case.lowered) if case.lowered else found).proves


def hypotheses(case):
    return {"the number of points": len(case.points) == case.size}


def measured(case):
    found = list(proved(case))
    return sum(found) if case.refused else len(found) - sum(found)


def bound(case):
    return 0.0


def tolerance(case):
    return 0.5


def controls(case):
    if case.refused:
        inner = case.points[0]
        scale = fmpq(1, 2) if case.certificate is own_certificates.distance_short else fmpq(2)
        return {"a step where it holds": case._replace(points=[(*inner[:2], scale * inner[2], inner[3])])}
    if case.certificate is potential:
        far = [(top, gamma, 3 / top) for top, gamma, _ in case.points]
        return {"rho L = 3": case._replace(points=far)}
    ascent = {"Q_xy and Q_yx by a tenth": case._replace(factor=1.1, pairs=(("x", "y"), ("y", "x")))}
    return (ascent if case.certificate is own_certificates.gap_balanced else {}) | {
        "the multipliers": lambda factor: case._replace(factor=factor),
        "a bound smaller by a millionth": case._replace(lowered=MILLIONTH),
    }

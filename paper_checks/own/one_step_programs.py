"""Semidefinite programs that know no closed form find the worst cases of theory/bounds/own.py, to 1e-6.

Each case is a grid of mu, rho and gamma with L = 1; each program (theory/programs.py) is solved by clarabel and
by scs at 1e-9, and `measured` is the largest distance of either optimum to the closed form. They bound the
same worst cases from above and below by other means than the certificates and the extremal functions.

"the disc", "descent" and "potential" are the most that a form, or a growth, can be; the closed forms are
delta, -phi, and 0 in the region of Theorem E. Controls: the factor of the quadratics where it is exceeded, the
closed form a little larger, and scs at its own loose tolerance, 1e-4.
"""

from functools import cache
from typing import NamedTuple

import clarabel
import scs

from theory import programs
from theory.bounds import own

CURVATURES = (0.01, 0.1, 0.5)
STRETCHES = (0.6, 1.0, 1.2)  # of the balanced step
NARROW, WIDE = (0.05, 0.5, 1.0), (1.5, 3.0, 10.0)  # rho (L - mu)
LOOSE = {"eps_abs": 1e-4, "eps_rel": 1e-4}


class Case(NamedTuple):
    programs: tuple
    pairs: tuple  # their solutions
    claimed: tuple
    wrong: tuple  # what a neighbouring formula says; empty where there is none
    scale: float  # of what is claimed: 1, but for a control


def case(made, claimed, wrong=()):
    pairs = tuple(programs.both(each, clarabel, scs) for each in made)
    return Case(tuple(made), pairs, tuple(claimed), tuple(wrong), 1.0)


def grid(spreads):
    """(mu, L, gamma, rho) around the balanced step."""
    for curvature in CURVATURES:
        for spread in spreads:
            rho = spread / (1 - curvature)
            for stretch in STRETCHES:
                yield curvature, 1.0, stretch * own.balanced_step(curvature, 1.0, rho), rho


def inside(shares):
    """(mu, L, gamma, rho) with rho (L - mu) > 1 and gamma at a share of the way from gamma_c to gamma_d."""
    for curvature in CURVATURES:
        for spread in WIDE:
            rho = spread / (1 - curvature)
            low, high = own.gamma_c(curvature, 1.0, rho), own.gamma_d(curvature, 1.0, rho)
            for share in shares:
                gamma = low + share * (high - low)
                if gamma > 0:
                    yield curvature, 1.0, gamma, rho


@cache
def built():
    out = {}
    every = [*grid(NARROW + WIDE)]
    longer = [own.dist_worst(*at) for at in every]  # what distance does, not values
    out["function values"] = case(
        [programs.gap(*at) for at in every], [own.quad_factor(*at) for at in every], longer
    )
    at = [*grid(NARROW)]
    out["distance, rho l <= 1"] = case(
        [programs.distance(*each) for each in at], [own.quad_factor(*each) for each in at]
    )
    at = [*inside((0.2, 0.5, 0.8))]
    out["distance, between gamma_c and gamma_d"] = case(
        [programs.distance(*each) for each in at],
        [own.between(*each) for each in at],
        [own.quad_factor(*each) for each in at],
    )
    at = [*inside((-0.2, 1.2))]
    out["distance, outside"] = case(
        [programs.distance(*each) for each in at],
        [own.quad_factor(*each) for each in at],
        [own.between(*each) for each in at],
    )
    at = [(curvature, 1.0, spread / (1 - curvature)) for curvature in CURVATURES for spread in NARROW + WIDE]
    out["the disc"] = case(
        [programs.disc(*each) for each in at], [own.disc_depth(*each) for each in at], [0.0] * len(at)
    )
    at = [(1.0, gamma, rho) for gamma in (0.125, 0.5, 1.0, 1.3) for rho in (0.1, 0.5, 0.9)]
    at += [(1.0, 1.2, 1.5)]
    out["descent"] = case(
        [programs.descent(*each) for each in at],
        [-own.descent_constant(*each) for each in at],
        [-own.fall(1.0, gamma) for _, gamma, _ in at],  # that of gradient descent
    )
    at = [(1.0, 0.66, 0.5), (1.0, 0.84, 1.0), (1.0, 1 / 3, 2.0), (1.0, 0.3, 2.3)]
    beyond = [(1.0, 0.9, 1.0), (1.0, 0.1, 3.0), (1.0, 0.25, 3.0)]
    out["potential"] = case([programs.potential(*each) for each in at], [0.0] * len(at))
    far = case([programs.potential(*each) for each in beyond], [0.0] * len(beyond))
    return out, far


def cases():
    return built()[0]


def hypotheses(case):
    return programs.states(case.pairs)


def measured(case):
    return programs.off(case.pairs, [case.scale * number for number in case.claimed])


def bound(case):
    return 0.0


def tolerance(case):
    return programs.AGREE


def loosely(case):
    pairs = [programs.both(each, clarabel, scs, **LOOSE) for each in case.programs]
    return case._replace(pairs=tuple(pairs))


def controls(case):
    out = {"scs at a tolerance of 1e-4": loosely(case)}
    if any(case.claimed):
        out["a little larger"] = lambda factor: case._replace(scale=factor)
    else:
        out["outside the region of the potential"] = built()[1]
    if case.wrong:
        out["the neighbouring formula"] = case._replace(claimed=case.wrong)
    return out

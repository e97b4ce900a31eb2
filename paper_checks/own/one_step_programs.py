"""Semidefinite programs that know no closed form find the worst cases of theory/bounds/own.py, to 1e-6.

Each case is a grid of mu, rho and gamma with L = 1; each program (theory/programs.py) is solved by clarabel
and by scs at 1e-9, and `measured` is the largest distance of either optimum to the closed form. They meet
the same numbers by other means than the certificates and the extremal functions.

"the disc", "descent" and "potential" are the most that a form, or a growth, can be; the closed forms are
delta, -phi, and 0 in the region of Theorem E. Controls: a neighbouring formula, the closed form a little
larger, and scs at its own loose tolerance, 1e-4.

Other checks by programs read their cases in the same ways: "equal", every optimum is what is claimed;
"agree", the two solvers do; "at most" and "at least", the largest ratio of an optimum to what is claimed,
or the other way round. A number that is not claimed strictly enough to survive the tolerance is no
inequality: the strict ones claim MORE on top.
"""

from functools import cache
from typing import Any, NamedTuple

import clarabel
import numpy as np
import scs

from theory import programs
from theory.bounds import own

CURVATURES = (0.01, 0.1, 0.5)
STRETCHES = (0.6, 1.0, 1.2)  # of the balanced step
NARROW, WIDE = (0.05, 0.5, 1.0), (1.5, 3.0, 10.0)  # rho (L - mu)
LOOSE = {"eps_abs": 1e-4, "eps_rel": 1e-4}
MORE = 10 * programs.AGREE


class Case(NamedTuple):
    reads: str
    programs: tuple
    pairs: tuple  # their solutions
    claimed: tuple
    given: dict[str, Any]  # hypotheses of its own
    wrong: dict[str, dict]  # control -> the fields that it falsifies
    scale: float  # of what is claimed: 1, but for a control


def case(reads, made, claimed=None, given=None, pairs=None, **wrong):
    """`wrong` names other claims about the same programs."""
    pairs = solved(made) if pairs is None else pairs
    claimed = [pair.value for pair in pairs] if claimed is None else claimed
    falsified = {name.replace("_", " "): {"claimed": tuple(numbers)} for name, numbers in wrong.items()}
    return Case(reads, tuple(made), tuple(pairs), tuple(claimed), given or {}, falsified, 1.0)


def solved(made, **settings):
    return tuple(programs.both(each, clarabel, scs, **settings) for each in made)


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


def each(function, places):
    return [function(*at) for at in places]


@cache
def built():
    every, narrow = [*grid(NARROW + WIDE)], [*grid(NARROW)]
    middle, outside = [*inside((0.2, 0.5, 0.8))], [*inside((-0.2, 1.2))]
    radii = [(mu, 1.0, spread / (1 - mu)) for mu in CURVATURES for spread in NARROW + WIDE]
    steps = [(1.0, gamma, rho) for gamma in (0.125, 0.5, 1.0, 1.3) for rho in (0.1, 0.5, 0.9)]
    steps.append((1.0, 1.2, 1.5))
    region = [(1.0, 0.66, 0.5), (1.0, 0.84, 1.0), (1.0, 1 / 3, 2.0), (1.0, 0.3, 2.3)]
    beyond = [(1.0, 0.9, 1.0), (1.0, 0.1, 3.0), (1.0, 0.25, 3.0)]
    out = {
        "function values": case(
            "equal",
            each(programs.gap, every),
            each(own.quad_factor, every),
            the_factor_of_the_distance=each(own.dist_worst, every),
        ),
        "distance, rho l <= 1": case(
            "equal",
            each(programs.distance, narrow),
            each(own.quad_factor, narrow),
            the_same_without_an_ascent=[own.quad_factor(mu, top, gamma, 0) for mu, top, gamma, _ in narrow],
        ),
        "distance, between gamma_c and gamma_d": case(
            "equal",
            each(programs.distance, middle),
            each(own.between, middle),
            the_quadratics=each(own.quad_factor, middle),
        ),
        "distance, outside": case(
            "equal",
            each(programs.distance, outside),
            each(own.quad_factor, outside),
            tau=each(own.between, outside),
        ),
        "the disc": case(
            "equal", each(programs.disc, radii), each(own.disc_depth, radii), no_depth=[0.0] * len(radii)
        ),
        "descent": case(
            "equal",
            each(programs.descent, steps),
            [-own.descent_constant(*at) for at in steps],
            gradient_descent=[-own.fall(1.0, gamma) for _, gamma, _ in steps],
        ),
    }
    potential = case("equal", each(programs.potential, region), [0.0] * len(region))
    pairs = solved(each(programs.potential, beyond))
    potential.wrong["outside its region"] = {"pairs": pairs, "claimed": (0.0,) * len(beyond)}
    return out | {"potential": potential}


def cases():
    return built()


def hypotheses(case):
    return programs.states(case.pairs) | case.given


def measured(case):
    claimed = [case.scale * number for number in case.claimed]
    if case.reads in ("equal", "agree"):
        return programs.off(case.pairs, claimed)
    values = [pair.value for pair in case.pairs]
    parts = (values, claimed) if case.reads == "at most" else (claimed, values)
    return float(np.max([first / second for first, second in zip(*parts, strict=True)]))  # NaN if one is


def bound(case):
    return 0.0 if case.reads in ("equal", "agree") else 1.0


def tolerance(case):
    return programs.AGREE


def controls(case):
    out = {}
    if case.reads in ("equal", "agree"):
        out["scs at a tolerance of 1e-4"] = loosely(case)
    if case.reads == "at most":
        out["a little smaller"] = lambda factor: case._replace(scale=1 / factor)
    elif case.reads != "agree" and any(case.claimed):
        out["a little larger"] = lambda factor: case._replace(scale=factor)
    return out | {name: case._replace(**fields) for name, fields in case.wrong.items()}


def loosely(case):
    """The same with a second solver that stops too early."""
    return case._replace(pairs=solved(case.programs, **LOOSE))

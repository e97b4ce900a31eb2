"""How fast the penalties over rho^2 tend to their limits: the order in rho, and the next coefficients.

Formulas and proofs in theory/bounds/wml23_penalties.py; problems and penalties of definition_4_1.py. "order":
log2 of the ratio of successive errors at radii halved four times, extrapolated to rho = 0 by the polynomial
through all four; `measured` is its distance to the claimed order. "first", "second": the coefficients of rho
and rho^2, extrapolated likewise from what is left over without the terms before; relative distance to the
formula. On the floor of a valley the third derivative along v_1 and v_M vanishes, and the order is 2.

"tilt": the largest sine of the angle between gradients at distance r and the range of H is of order r, which
is why the infimum over a shrinking ball is the minimum over the sphere of that range.

average_penalty_rate: for polynomials of degree four the penalty is tr H / (2 d) + rho^2 (bilaplacian) / (8 d
(d + 2)) exactly ("identity"), its left side a sum over nodes of the sphere. 1 - cos(a . w), averaged over
several a, is no polynomial: Bessel functions give its mean in any dimension.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import scipy.special

from paper_checks.wml23 import definition_4_1 as limits
from paper_checks.wml23.definition_4_1 import RADII, of_radii, points
from theory.bounds import wml23_penalties as rates
from theory.sharpness import sphere_rule

ROW = {"worst": "", "ascent": "ascent_penalty_rate: ", "average": "average_penalty_rate: "}
MARGIN = {"order": 1e-3, "tilt": 1e-3, "first": 1e-5, "second": 1e-4}  # fourth and higher powers are left
WAVES = 4  # vectors a of the cosines
COSINES = {"cosines, d=2": 2, "cosines, d=3": 3, "cosines, d=50": 50}


class Case(NamedTuple):
    point: str
    notion: str
    reads: str  # "order", "first", "second", "tilt" or "identity"
    order: float  # claimed
    scale: float  # of the claimed coefficient: 1, but for a control
    limit: float  # what the claimed limit is multiplied by: 1, but for a control


def cases():
    out = {}
    for point, (q, rank, _) in points().items():
        for notion, terms in (("worst", rates.worst(q)), ("ascent", rates.ascent(q, rank))):
            bent = abs(terms.first) > 1e-12
            if not bent and abs(terms.second) < 1e-12:
                continue  # on the range of H the valley is a quadratic
            for reads in ("order", "first", "second") if bent else ("order", "second"):
                out[f"{ROW[notion]}{reads}, {point}"] = Case(
                    point, notion, reads, 1.0 if bent else 2.0, 1.0, 1.0
                )
        if point != "valley":  # one axis lies on its floor, without a gradient
            out[f"{ROW['ascent']}tilt, {point}"] = Case(point, "ascent", "tilt", 1.0, 1.0, 1.0)
        out[f"{ROW['average']}identity, {point}"] = Case(point, "average", "identity", 2.0, 1.0, 1.0)
    for name in COSINES:
        for reads in ("order", "second"):
            out[f"{ROW['average']}{reads}, {name}"] = Case(name, "average", reads, 2.0, 1.0, 1.0)
    return out


def hypotheses(case):
    if case.point in COSINES:
        return {"a minimiser": True}
    q, rank, _ = points()[case.point]
    eigs = np.linalg.eigvalsh(q.hessian)
    met = {"rank H = M": np.sum(eigs > 1e-10) == rank}
    if case.notion == "worst":
        met["lambda_1 is simple"] = eigs[-1] - eigs[-2] > 1e-3
        found = of_radii(case.point, "worst")
        met["no direction rises more"] = np.all(found <= [rates.at_most(q, rho) for rho in RADII])
    if case.notion == "ascent":
        met["lambda_M is simple"] = rank == 1 or eigs[-rank + 1] - eigs[-rank] > 1e-3
        down = rates.in_range(q, rank).negative
        found = of_radii(case.point, "ascent")
        met["no direction rises less"] = np.all(-found <= [rates.at_most(down, rho) for rho in RADII])
    return met


# Means of cosines


@cache
def waves(d):
    return np.random.default_rng(d).standard_normal((WAVES, d)) / np.sqrt(d)


def one_minus_bessel(d, x):
    """1 - E cos(x n_1) on the sphere, by its series: sum over k >= 1 of -(-x^2 / 4)^k / (k! (d/2)_k)."""
    k = np.arange(1, 20)[:, None]
    return -np.sum((-(x**2) / 4) ** k / (scipy.special.factorial(k) * scipy.special.poch(d / 2, k)), axis=0)


def mean_of_cosines(d, rho):
    return np.mean(one_minus_bessel(d, rho * np.linalg.norm(waves(d), axis=1)))


@cache
def values(point, notion):
    """(the penalty over rho^2 at every radius, its claimed series)."""
    if point in COSINES:
        d = COSINES[point]
        squares = np.sum(waves(d) ** 2, axis=1)
        series = rates.Series(np.mean(squares) / (2 * d), 0.0, -np.mean(squares**2) / (8 * d * (d + 2)))
        return np.array([mean_of_cosines(d, rho) for rho in RADII]) / RADII**2, series
    q, rank, _ = points()[point]
    if notion == "worst":
        return of_radii(point, notion), rates.worst(q)
    if notion == "ascent":
        return of_radii(point, notion), rates.ascent(q, rank)
    nodes, weights = sphere_rule(len(q.slope), 4)
    found = [weights @ [q.rise(rho * n) for n in nodes] for rho in RADII]
    return np.array(found) / RADII**2, rates.average(q)


def tilts(point):
    """The largest sine over points at distance r = every radius."""
    q, rank, _ = points()[point]
    beside = np.linalg.eigh(q.hessian)[1][:, :-rank]
    found = []
    for r in RADII:
        slopes = np.array([q.model(r * n)[1] for n in limits.sides(len(q.slope))])
        found.append(np.max(np.linalg.norm(slopes @ beside, axis=1) / np.linalg.norm(slopes, axis=1)))
    return np.array(found)


# The check


def measured(case):
    if case.reads == "tilt":
        found = tilts(case.point)
        return abs(limits.at_zero(np.log2(found[:-1] / found[1:]), RADII[1:]) - case.order)
    found, series = values(case.point, case.notion)
    limit, first, second = case.limit * series.limit, case.scale * series.first, case.scale * series.second
    if case.reads == "identity":
        claimed = limit + second * RADII**2
        return np.max(np.abs(found / claimed - 1))
    left = found - limit
    if case.reads == "order":
        slopes = np.log2(np.abs(left[:-1] / left[1:]))
        return abs(limits.at_zero(slopes, RADII[1:]) - case.order)
    if case.reads == "first":
        return abs(limits.at_zero(left / RADII, RADII) / first - 1)
    return abs(limits.at_zero((left - series.first * RADII) / RADII**2, RADII) / second - 1)


def bound(case):
    return 0.0


def tolerance(case):
    return 1e-13 if case.reads == "identity" else MARGIN[case.reads]


def controls(case):
    if case.reads == "tilt":
        return {"another order": case._replace(order=3 - case.order)}
    without = {"without the half": case._replace(limit=2.0)}
    if case.reads == "order":
        return without | {"another order": case._replace(order=3 - case.order)}
    out = {"a little larger": lambda factor: case._replace(scale=factor)}
    if case.reads == "identity":
        d = len(points()[case.point].q.slope)
        out["moments of independent entries"] = case._replace(scale=(d + 2) / d)
        out["without the dimension"] = case._replace(limit=float(d))
        return out | without
    out["the other sign"] = case._replace(scale=-1.0)
    if case.reads == "first":
        out["one half in place of one sixth"] = case._replace(scale=3.0)
    return out

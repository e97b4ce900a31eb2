"""What the three penalties over rho^2 tend to at a minimiser: lambda_1 / 2, lambda_M / 2 and tr H / (2 d).

All losses here are polynomials of degree four in at most five variables: two that curve at random, the
hyperbola (a b - 1)^2 / 2 at (1/2, 2), a valley. Penalties are taken at radii 2^-5 to 2^-9 and extrapolated to
rho = 0 by the polynomial through all five, so that rho^5 is left; `measured` is the distance of that limit to
the claimed one, over the latter. The largest rise over the ball is the best of climbs from random starts and
no more than wml23_penalties.at_most (a hypothesis); the average is exact.

limiting_regulariser: the infimum over |x' - x| <= r = 2^-24 rho^2, for the worst and the average direction
over points of that ball, and then rho -> 0. (Were r of order rho^2, a move along v_1 would change the term of
order rho.) With r fixed, rho -> 0 gives the least value on the piece of the manifold in the ball instead.
"shortfall": the infimum of the ascent penalty that is found lies below the minimum over the sphere of range H
by no more than is proved in wml23_penalties.ball_shortfall, which tends to 0 with r.

theorem_e_4: the ascent direction alone. Its infimum over the ball is searched for by descent from random
starts, with the gradient grad f(x+) - grad f(x') + rho H (I - u u') grad f(x+) / |g|; the supremum tends to
lambda_1 / 2.
"""

from functools import cache
from itertools import permutations
from typing import NamedTuple

import jax
import numpy as np
import scipy.optimize

from theory.bounds import wml23_penalties as rates
from theory.problems import curved
from theory.problems.valley import two_bowls
from theory.sharpness import Quartic, largest_found, limits

D = 5  # all are embedded in this dimension, so that one program serves
RADII = 2.0 ** -np.arange(5, 10)
NEAR, NEARER = 2.0**-9, 2.0**-24  # r / rho^2
FIXED = 0.125  # a ball that does not shrink
STARTS = 2  # of climbs and of descents
SIDES = 6  # points of a ball's surface at which a penalty is taken, and their opposites
CHUNK = 64  # climbs in one compiled call
GTOL = 1e-9  # of a descent
MARGIN = 1e-6  # rho^5 is left of a series with coefficients of order one
FLOOR = 0.5  # where in the valley
NOTIONS = ("worst", "ascent", "average")


class Point(NamedTuple):
    """f about a minimiser, and the rank of its Hessian there."""

    q: Quartic
    rank: int
    tilt: float  # of gradients at distance r, over r, as r -> 0; NaN where no bound is at hand


class Case(NamedTuple):
    point: str
    notion: str
    reads: str  # "radius", "ball", "fixed ball", "search" or "shortfall"
    claim: str  # the notion whose limit is claimed
    scale: float  # of it: 1, but for a control
    sign: float  # 1 for the infimum over the ball; -1 for the supremum, a control
    power: float  # of rho, by which a penalty is divided
    share: float  # r / rho^2


@cache
def losses():
    return {
        "curved, d=5, M=3": curved.random(7, 5, [1.6, 1.1, 0.7], 0.35),
        "curved, d=4, M=2": curved.random(1, 4, [1.3, 0.8], 0.35),
        "hyperbola": curved.curved([[0.5, 2.0]], [[[0.0, 1.0], [1.0, 0.0]]]),
    }


@cache
def points():
    out = {name: Point(f.expansion, f.n, f.bend / f.steepness) for name, f in losses().items()}
    out["valley"] = Point(in_valley(two_bowls(), FLOOR), 2, np.nan)
    return out


def in_valley(f, x):
    """The polynomial about the point x of a floor of one dimension."""
    bend, slope, constant = (np.asarray(part).ravel() for part in (f.bend, f.slope, f.constant))
    heights, slopes = constant + slope * x + bend * x**2 / 2, slope + bend * x
    third, fourth = np.zeros((1 + f.n,) * 3), np.zeros((1 + f.n,) * 4)
    for k in range(1, 1 + f.n):
        for place in set(permutations((0, k, k))):
            third[place] = slopes[k - 1] / f.n
        for place in set(permutations((0, 0, k, k))):
            fourth[place] = bend[k - 1] / f.n
    return Quartic(np.zeros(1 + f.n), np.diag([0.0, *heights / f.n]), third, fourth)


def cases():
    out = {}
    for point, (_, rank, tilt) in points().items():
        for notion in NOTIONS:
            case = Case(point, notion, "radius", notion, 1.0, 1.0, 2.0, NEAR)
            out[f"{point}, {notion}"] = case
            out[f"limiting_regulariser: {point}, {notion}"] = case._replace(
                reads="search" if notion == "ascent" else "ball",
                share=NEARER,
            )
        if rank > 1:
            out[f"theorem_e_4: {point}"] = out[f"limiting_regulariser: {point}, ascent"]
        if rank > 1 and np.isfinite(tilt):
            for share in (2.0**-4, NEAR):
                label = f"limiting_regulariser: shortfall, {point}, r = {share:g} rho^2"
                out[label] = Case(point, "ascent", "shortfall", "ascent", 1.0, 1.0, 2.0, share)
    return out


def hypotheses(case):
    q, rank, _ = points()[case.point]
    eigs = np.linalg.eigvalsh(q.hessian)
    met = {
        "a minimiser": not np.any(q.slope) and eigs[0] > -1e-12,
        "rank H = M": np.sum(eigs > 1e-10) == rank,
    }
    if case.notion == "worst" and case.reads == "radius":
        found = of_radii(case.point, "worst")
        met["no direction rises more"] = all(
            rates.at_least(q, rho) * (1 - 1e-13) <= x <= rates.at_most(q, rho)
            for rho, x in zip(RADII, found, strict=True)
        )
    return met


# Climbs, many at once


def embedded(q, stiff):
    """q in D dimensions; the new ones have the curvature `stiff`."""
    more = D - len(q.slope)
    grown = Quartic(*(np.pad(part, [(0, more)] * part.ndim) for part in q))
    return grown._replace(hessian=grown.hessian + np.diag([0.0] * (D - more) + [stiff] * more))


@jax.jit
def climbs(q, starts, rho, inside):
    return jax.vmap(lambda q, rho: largest_found(q.model, starts, rho, inside, 12))(q, rho)


def largest_rises(quartics, radii, inside):
    """(values, steps) by climbs for each; on the sphere away from the new dimensions of `embedded`."""
    stiff = 0.0 if inside else -1e3
    stacked = jax.tree.map(lambda *parts: np.stack(parts), *(embedded(q, stiff) for q in quartics))
    size = -len(quartics) % CHUNK
    stacked = jax.tree.map(lambda part: np.concatenate([part, part[:1].repeat(size, 0)]), stacked)
    radii = np.concatenate([radii, np.ones(size)])
    starts = np.random.default_rng(0).standard_normal((STARTS, D))
    chunks = []
    for first in range(0, len(radii), CHUNK):
        part = slice(first, first + CHUNK)
        chunks.append(
            climbs(jax.tree.map(lambda x, part=part: x[part], stacked), starts, radii[part], inside)
        )
    return [np.concatenate(each)[: len(quartics)] for each in zip(*chunks, strict=True)]


@cache
def of_radii(point, notion):
    """The penalty over rho^2 at every radius; that of the ascent direction as a minimum over a sphere."""
    q, rank, _ = points()[point]
    if notion == "average":
        return np.array([q.average(rho) for rho in RADII]) / RADII**2
    if notion == "worst":
        return largest_rises([q] * len(RADII), RADII, True)[0] / RADII**2
    down = rates.in_range(q, rank).negative
    return -largest_rises([down] * len(RADII), RADII, False)[0] / RADII**2


# Infima over a ball


def sides(d):
    """Points of the unit sphere, fixed: random ones, the axes, and their opposites."""
    ways = np.random.default_rng(1).standard_normal((SIDES, d))
    ways = np.concatenate([ways / np.linalg.norm(ways, axis=1, keepdims=True), np.eye(d)])
    return np.concatenate([ways, -ways])


@cache
def on_ball(point, notion, fixed, share):
    """The least penalty over rho^2 at points of the ball of radius share, times rho^2 unless `fixed`."""
    q, _, _ = points()[point]
    radii = RADII[:, None]
    r = share * (radii**0 if fixed else radii**2)
    moves = np.concatenate([np.zeros((1, len(q.slope))), sides(len(q.slope))])
    at = [q.at(move) for move in (r[:, :, None] * moves).reshape(-1, len(q.slope))]
    each = np.repeat(RADII, len(moves))
    if notion == "average":
        found = np.array([place.average(rho) for place, rho in zip(at, each, strict=True)])
    else:
        found = largest_rises(at, each, True)[0]
    return (found / each**2).reshape(len(RADII), -1).min(1)


def penalty(q, rho, r, z):
    """f(x' + rho u) - f(x') over rho^2, x' = x + r z / sqrt(1 + |z|^2), u = g / |g|; its gradient in z."""
    shrink = np.sqrt(1 + z @ z)
    here, slope, hessian = q.model(r * z / shrink)
    size = np.linalg.norm(slope)
    u = slope / size
    there, ahead, _ = q.model(r * z / shrink + rho * u)
    grad = ahead - slope + rho * (hessian @ (ahead - (u @ ahead) * u)) / size
    return (there - here) / rho**2, r * (grad - (z @ grad) / shrink**2 * z) / shrink / rho**2


@cache
def search(point, sign, share, rho):
    """The least `sign` times the ascent penalty that descents find where r = share rho^2."""
    q, _, _ = points()[point]
    starts = np.random.default_rng(2).standard_normal((STARTS, len(q.slope)))

    def signed(z):
        return tuple(sign * part for part in penalty(q, rho, share * rho**2, z))

    ends = [
        scipy.optimize.minimize(signed, start, jac=True, options={"gtol": GTOL}).fun
        for start in np.concatenate([starts, -starts])
    ]
    return sign * min(ends)


# The check


def at_zero(values, radii):
    """The value at rho = 0 of the polynomial through all."""
    weights = [np.prod([-s / (t - s) for s in radii if s != t]) for t in radii]
    return weights @ values


def measured(case):
    q, rank, _ = points()[case.point]
    if case.reads == "shortfall":
        found = search(case.point, case.sign, case.share, RADII[0])
        return case.scale * of_radii(case.point, "ascent")[0] - found
    if case.reads == "radius":
        values = of_radii(case.point, case.notion)
    elif case.reads == "fixed ball":
        values = on_ball(case.point, case.notion, True, FIXED)
    elif case.reads == "search":
        values = np.array([search(case.point, case.sign, case.share, rho) for rho in RADII])
    else:
        values = on_ball(case.point, case.notion, False, case.share)
    claimed = case.scale * limits(q.hessian, rank)[NOTIONS.index(case.claim)]
    return abs(at_zero(values * RADII ** (2 - case.power), RADII) - claimed) / claimed


def bound(case):
    if case.reads != "shortfall":
        return 0.0
    q, _, tilt = points()[case.point]
    rho, r = RADII[0], case.share * RADII[0] ** 2
    return rates.ball_shortfall(q, tilt * r / (1 - tilt * r), rho, r)


def tolerance(case):
    return 1e-9 if case.reads == "shortfall" else MARGIN


def controls(case):
    larger = {"a little larger": lambda factor: case._replace(scale=case.scale * factor)}
    if case.reads == "shortfall":
        return larger
    q, rank, _ = points()[case.point]
    out = larger | {"without the half": case._replace(scale=2.0), "over rho": case._replace(power=1.0)}
    if case.notion == "average":
        out["without the dimension"] = case._replace(scale=float(len(q.slope)))
    elif rank > 1:
        other = "ascent" if case.notion == "worst" else "worst"
        out[f"the limit of the {other} direction"] = case._replace(claim=other)
    if case.reads == "ball" and (case.notion == "average" or case.point == "valley"):
        out["a ball that does not shrink"] = case._replace(reads="fixed ball")
    if case.reads == "search" and rank > 1:
        out["the supremum"] = case._replace(sign=-1.0)
    return out

"""What the three penalties over rho^2 tend to at a minimiser: lambda_1 / 2, lambda_M / 2 and tr H / (2 d).

All losses here are polynomials of degree four in at most five variables: two that curve at random, the
hyperbola (a b - 1)^2 / 2 at (2, 1/2), a valley. Penalties are taken at radii 2^-5 to 2^-9 and extrapolated to
rho = 0 by the polynomial through all five, so that rho^5 is left; `measured` is the distance of that limit to
the claimed one, over the latter. The largest rise over the ball is the best of climbs from six random starts
and no more than wml23_penalties.at_most (a hypothesis); the average is exact.

limiting_regulariser: the infimum over |x' - x| <= r is searched for at two r, 2^-9 rho and half of it, and
extrapolated to r = 0 before rho is; with r fixed instead, rho -> 0 gives the least value on the piece of the
manifold in the ball. "shortfall": the searched infimum of the ascent penalty lies below the minimum over the
sphere of range H by no more than is proved there, and that tends to 0 with r.

theorem_e_4: the ascent direction alone, its infimum searched for by descent over x' from random starts; the
supremum tends to lambda_1 / 2 instead.
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory.bounds import wml23_penalties as rates
from theory.certificate import ascend
from theory.problems import curved
from theory.problems.valley import two_bowls
from theory.sharpness import Quartic, largest_found, limits, second_order

D = 5  # all are embedded in this dimension, so that one program serves
RADII = 2.0 ** -np.arange(5, 10)
NEAR = 2.0**-9  # r / rho
ITER=30
FIXED = 0.25  # a ball that does not shrink
STARTS = 3  # and their negatives
SIDES = 12  # points of a ball's surface at which a penalty is taken, and their opposites
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
    sign: float  # 1 for the infimum over the ball, -1 for the supremum
    r: float  # with "shortfall", over rho


@cache
def points():
    losses = {
        "curved, d=5, M=3": curved.random(7, 5, [1.6, 1.1, 0.7], 0.35),
        "curved, d=4, M=2": curved.random(1, 4, [1.3, 0.8], 0.35),
        "hyperbola": curved.curved([[0.5, 2.0]], [[[0.0, 1.0], [1.0, 0.0]]]),
    }
    out = {name: Point(f.expansion, f.n, f.bend / f.steepness) for name, f in losses.items()}
    out["valley"] = Point(in_valley(two_bowls(), FLOOR), 2, np.nan)
    return out


def in_valley(f, x):
    """The polynomial about the point x of a floor of one dimension."""
    fourth = np.zeros((1 + f.n,) * 4)
    for k in range(f.n):
        for place in ((0, 0, 1, 1), (0, 1, 0, 1), (0, 1, 1, 0), (1, 0, 0, 1), (1, 0, 1, 0), (1, 1, 0, 0)):
            fourth[tuple((1 + k) * side for side in place)] = f.bend[k, 0, 0] / f.n
    at = np.array([x])
    return Quartic(np.zeros(1 + f.n), *map(np.asarray, (f.hessian(at), f.third(at), fourth)))


def cases():
    out = {}
    for point, (_, rank, tilt) in points().items():
        for notion in NOTIONS:
            case = Case(point, notion, "radius", notion, 1.0, 1.0, NEAR)
            out[f"{point}, {notion}"] = case
            out[f"limiting_regulariser: {point}, {notion}"] = case._replace(
                reads="search" if notion == "ascent" else "ball"
            )
        if rank > 1:
            out[f"theorem_e_4: {point}"] = Case(point, "ascent", "search", "ascent", 1.0, 1.0, NEAR)
        if np.isfinite(tilt):
            for r in (2.0**-6, 2.0**-12):
                out[f"limiting_regulariser: shortfall, {point}, r = {r:g} rho"] = Case(
                    point, "ascent", "shortfall", "ascent", 1.0, 1.0, r
                )
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
    return jax.vmap(lambda q, rho: largest_found(q.model, starts, rho, inside, 12)[0])(q, rho)


def random_starts():
    ways = np.random.default_rng(0).standard_normal((STARTS, D))
    return np.concatenate([ways, -ways])


def largest_rises(quartics, radii, inside):
    """The best of climbs for each; away from the new dimensions of `embedded` where these fall steeply."""
    stiff = 0.0 if inside else -1e3
    stacked = jax.tree.map(lambda *parts: np.stack(parts), *(embedded(q, stiff) for q in quartics))
    size = -len(quartics) % CHUNK
    stacked = jax.tree.map(lambda part: np.concatenate([part, part[:1].repeat(size, 0)]), stacked)
    radii = np.concatenate([radii, np.ones(size)])
    chunks = [
        climbs(jax.tree.map(lambda part: part[k : k + CHUNK], stacked), random_starts(), radii[k : k + CHUNK], inside)
        for k in range(0, len(radii), CHUNK)
    ]
    return np.concatenate(chunks)[: len(quartics)]


CHUNK = 64  # climbs in one compiled call


@cache
def of_radii(point, notion):
    """The penalty over rho^2 at every radius; that of the ascent direction as a minimum over a sphere."""
    q, rank, _ = points()[point]
    if notion == "average":
        return np.array([q.average(rho) for rho in RADII]) / RADII**2
    if notion == "worst":
        return largest_rises([q] * len(RADII), RADII, True) / RADII**2
    down = rates.in_range(q, rank).negative
    return -largest_rises([down] * len(RADII), RADII, False) / RADII**2


# Infima over a ball


def sides(d):
    """Points of the unit sphere, fixed: random ones, the axes, and their opposites."""
    ways = np.random.default_rng(1).standard_normal((SIDES, d))
    ways = np.concatenate([ways / np.linalg.norm(ways, axis=1, keepdims=True), np.eye(d)])
    return np.concatenate([ways, -ways])


@cache
def on_ball(point, notion, share, fixed):
    """The least penalty over rho^2 at points of the ball of radius r = share rho, or `fixed`; every radius."""
    q, _, _ = points()[point]
    radii = RADII[:, None]
    r = np.full_like(radii, fixed) if fixed else share * radii**2
    moves = np.concatenate([np.zeros((1, len(q.slope))), sides(len(q.slope))])
    at = [q.at(move) for move in (r[:, :, None] * moves).reshape(-1, len(q.slope))]
    each = np.repeat(RADII, len(moves))
    if notion == "average":
        found = np.array([place.average(rho) for place, rho in zip(at, each, strict=True)])
    else:
        found = largest_rises(at, each, True)
    return (found / each**2).reshape(len(RADII), -1).min(1)


def penalty(q, rho, v):
    """f(x' + rho g / |g|) - f(x') over rho^2 at x' = x + v."""
    _, slope, _ = q.model(v)
    return (q.rise(v + rho * slope / jnp.linalg.norm(slope)) - q.rise(v)) / rho**2


@jax.jit
def searched(q, rho, r, sign, starts):
    """The least `sign` times the ascent penalty over the ball that descents find, times sign."""

    def one(rho, r):
        def score(z):
            return -sign * penalty(q, rho, r * z)

        return -sign * largest_found(second_order(score), starts, 1.0, True, ITER)[0]

    return jax.vmap(one)(rho, r)


@cache
def search(point, share, sign):
    q, _, _ = points()[point]
    starts = 0.5 * np.random.default_rng(2).standard_normal((8, D))
    return np.asarray(searched(embedded(q, 0.0), RADII, share * RADII**2, sign, starts))


# The check


def at_zero(values):
    """The value at rho = 0 of the polynomial through all radii."""
    weights = [np.prod([-s / (t - s) for s in RADII if s != t]) for t in RADII]
    return weights @ values


def measured(case):
    q, rank, _ = points()[case.point]
    if case.reads == "shortfall":
        return (of_radii(case.point, "ascent")[0] - search(case.point, case.r, case.sign)[0]) / case.scale
    if case.reads == "radius":
        values = of_radii(case.point, case.notion)
    elif case.reads == "fixed ball":
        values = on_ball(case.point, case.notion, NEAR, FIXED)
    elif case.reads == "search":
        once, twice = (search(case.point, share, case.sign) for share in (NEAR, NEAR / 2))
        values = 2 * twice - once
    else:
        once, twice = (on_ball(case.point, case.notion, share, 0.0) for share in (NEAR, NEAR / 2))
        values = 2 * twice - once
    claimed = case.scale * limits(q.hessian, rank)[NOTIONS.index(case.claim)]
    return abs(at_zero(values) - claimed) / claimed


def bound(case):
    if case.reads != "shortfall":
        return 0.0
    q, _, tilt = points()[case.point]
    rho = RADII[0]
    tilt = tilt * case.r * rho / (1 - tilt * case.r * rho)
    return rates.ball_shortfall(q, tilt, rho, case.r * rho)


def tolerance(case):
    return 1e-9 if case.reads == "shortfall" else MARGIN


def controls(case):
    return {"a little larger": lambda factor: case._replace(scale=case.scale * factor)}

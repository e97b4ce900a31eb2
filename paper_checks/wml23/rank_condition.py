"""Where the rank of H drops below the codimension of the minimisers, the ascent direction's limit can be 0.

f = x^2 / 2 + eps y^2 / 2 + y^p / p has one minimiser, 0, so M = 2; at eps = 0 the rank of H is 1. Points near
0 with small y and x = (eps y + y^(p-1)) cot(angle) have gradients of every direction n, so that the infimum
tends to min_n f(rho n) / rho^2 = rho^(p-2) / p as r -> 0, and that to 0 with rho; half of the least non-zero
eigenvalue is 1/2. With eps > 0 the rank is 2 and the limit eps / 2, which falls to 0 with eps, where half of
the smallest non-zero eigenvalue jumps to 1/2. `measured` is the distance of the limit to the claimed one; in
"turned" the axes are turned by 1 radian. "worst": lambda_1 / 2 needs no condition on the rank.
"""

from typing import NamedTuple

import numpy as np

from paper_checks.wml23.definition_4_1 import at_zero

RADII = 2.0 ** -np.arange(4, 10)
NEAR = 2.0**-24  # |y| over rho^2
ANGLES = np.linspace(-np.pi, np.pi, 721)  # among them those of the axes


class Case(NamedTuple):
    notion: str  # "ascent" or "worst"
    power: int
    eps: float
    turn: float
    claim: str  # "zero", "eps", "smallest" or "largest" eigenvalue, by half


def cases():
    out = {}
    for power in (4, 6):
        out[f"rank 1, y^{power}"] = Case("ascent", power, 0.0, 0.0, "zero")
    out["rank 1, y^4, turned"] = Case("ascent", 4, 0.0, 1.0, "zero")
    out["rank 2, eps = 0.1"] = Case("ascent", 4, 0.1, 0.0, "eps")
    out["worst, rank 1"] = Case("worst", 4, 0.0, 0.0, "largest")
    return out


def hypotheses(case):
    return {"a minimiser": case.eps >= 0, "y^p is even": case.power % 2 == 0}


def loss(case, w):
    x, y = turned(w, case.turn)
    return x**2 / 2 + case.eps * y**2 / 2 + y**case.power / case.power


def gradient(case, w):
    x, y = turned(w, case.turn)
    return turned(np.stack([x, case.eps * y + y ** (case.power - 1)]), -case.turn)


def turned(w, angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([c * w[0] + s * w[1], c * w[1] - s * w[0]])


def penalty(case, rho):
    """The least ascent penalty over rho^2 at points near 0 with gradients of all directions, or the worst."""
    if case.notion == "worst":
        return np.max(loss(case, rho * np.stack([np.cos(ANGLES), np.sin(ANGLES)]))) / rho**2
    sine = np.sin(ANGLES)
    y = NEAR * rho**2 * sine
    steep = case.eps + np.abs(y) ** (case.power - 2)
    w = turned(np.stack([NEAR * rho**2 * np.cos(ANGLES) * steep, y]), -case.turn)
    g = gradient(case, w)
    size = np.linalg.norm(g, axis=0)
    size = np.where(size > 0, size, np.inf)  # at a zero gradient the penalty is infinite
    found = np.where(np.isfinite(size), loss(case, w + rho * g / size) - loss(case, w), np.inf)
    return np.min(found) / rho**2


def measured(case):
    found = at_zero(np.array([penalty(case, rho) for rho in RADII]), RADII)
    claimed = {"zero": 0.0, "eps": case.eps, "smallest": 1.0 if case.eps == 0 else min(1.0, case.eps)}
    claimed["largest"] = 1.0
    return abs(found - claimed[case.claim] / 2)


def bound(case):
    return 0.0


def tolerance(case):
    """The penalty is a polynomial in rho of degree at most 4 but for r: rounding, and r over rho."""
    return 1e-6


def controls(case):
    if case.notion == "worst":
        return {"zero": case._replace(claim="zero")}
    if case.claim == "eps":
        return {"the largest": case._replace(claim="largest"), "zero": case._replace(claim="zero")}
    return {
        "the smallest non-zero eigenvalue": case._replace(claim="smallest"),
        "of full rank": lambda factor: case._replace(eps=factor - 1),
    }

"""The means over samples of the penalties tend to tr H / 2 (worst and ascent) and tr H / (2 d) (average).

f_k is the loss of one sample; at the minimisers Hess f_k has rank one, so its largest and its smallest
non-zero eigenvalue are the same, and their mean is tr H. Problems of definition_4_1.py with more than one
sample, radii and extrapolation as there; `measured` is the distance of the limit over the claimed limit.

The worst direction is taken for each sample by climbs. Near the minimiser the gradient of f_k points along
+-grad r_k up to O(r), and the signs may be chosen for each k at once since the grad r_k are independent; so
the infimum of the mean over a shrinking ball is the mean of min f_k(+-rho n_k), n_k = grad r_k / |grad r_k|.
"search" finds it from random starts, at r = 2^-24 rho^2, without that. The mean of the average penalties is
that of f. "first": the coefficient of rho is +-(1/6) mean |d^3 f_k[n_k, n_k, n_k]|.
"""

from functools import cache, reduce
from itertools import combinations
from typing import NamedTuple

import numpy as np
import scipy.optimize

from paper_checks.wml23 import definition_4_1 as limits
from paper_checks.wml23.definition_4_1 import FLOOR, GTOL, NEARER, RADII, at_zero
from theory.bounds import wml23_penalties as rates
from theory.problems.valley import two_bowls
from theory.sharpness import Quartic

MARGIN = {"limit": 1e-6, "search": 1e-6, "first": 1e-5}


class Case(NamedTuple):
    point: str
    notion: str
    reads: str  # "limit", "search" or "first"
    group: int  # samples whose mean loss is penalised: 1, but for a control
    claim: str  # "half the trace", "over the dimension" or "lambda_1"
    scale: float  # of the claim: 1, but for a control


def cases():
    out = {}
    for point in problems():
        for notion in ("worst", "ascent", "average"):
            claim = "over the dimension" if notion == "average" else "half the trace"
            out[f"{point}, {notion}"] = Case(point, notion, "limit", 1, claim, 1.0)
        out[f"search, {point}, ascent"] = Case(point, "ascent", "search", 1, "half the trace", 1.0)
        if point != "valley":  # there the third derivative along n_k is zero
            for notion in ("worst", "ascent"):
                out[f"first, {point}, {notion}"] = Case(point, notion, "first", 1, "half the trace", 1.0)
    return out


@cache
def problems():
    """name -> the polynomials of the samples."""
    found = {name: f for name, f in limits.losses().items() if f.n > 1}
    out = {name: [f.sample(k).expansion for k in range(f.n)] for name, f in found.items()}
    out["valley"] = [one_valley(limits.in_valley(two_bowls(), FLOOR), k) for k in range(2)]
    return out


def one_valley(q, k):
    """f_k alone: twice the part of the mean in which y_k enters."""
    keep = np.arange(3) != 2 - k  # all coordinates but the other y
    return Quartic(*(2 * part * reduce(np.multiply.outer, [keep] * part.ndim) for part in q))


def groups(case):
    """The mean losses of all groups of that size."""
    each = problems()[case.point]
    return [mean([each[k] for k in of]) for of in combinations(range(len(each)), case.group)]


def mean(quartics):
    return Quartic(*(np.mean(parts, axis=0) for parts in zip(*quartics, strict=True)))


def hypotheses(case):
    each = problems()[case.point]
    ways = np.array([np.linalg.eigh(q.hessian)[1][:, -1] for q in each])
    return {
        "rank one": all(np.sum(np.linalg.eigvalsh(q.hessian) > 1e-10) == 1 for q in each),
        "independent gradients": np.linalg.matrix_rank(ways) == len(each),
        "a minimiser": not any(np.any(q.slope) for q in each),
    }


@cache
def penalties(point, notion, reads, group):
    """The mean over groups of the penalty over rho^2, at every radius."""
    each = groups(Case(point, notion, reads, group, "", 1.0))
    if notion == "average":
        return np.array([np.mean([q.average(rho) for q in each]) for rho in RADII]) / RADII**2
    if reads == "search":
        return np.array([searched(each, rho) for rho in RADII])
    radii = np.tile(RADII, len(each))
    several = [q for q in each for _ in RADII]
    if notion == "worst":
        found = limits.largest_rises(several, radii, True)[0]
    else:
        down = [rates.in_range(q, group).negative for q in several]
        found = -limits.largest_rises(down, radii, False)[0]
    return (found / radii**2).reshape(len(each), -1).mean(0)


def searched(each, rho):
    """The least mean of the samples' ascent penalties that descents find in a small ball."""
    starts = np.random.default_rng(3).standard_normal((6, len(each[0].slope)))

    def score(z):
        found = [limits.penalty(q, rho, NEARER * rho**2, z) for q in each]
        return tuple(np.mean(part, axis=0) for part in zip(*found, strict=True))

    return min(
        scipy.optimize.minimize(score, start, jac=True, options={"gtol": GTOL}).fun
        for start in np.concatenate([starts, -starts])
    )


def measured(case):
    each = problems()[case.point]
    whole = mean(each)
    half = np.trace(whole.hessian) / 2
    found = penalties(case.point, case.notion, case.reads, case.group)
    if case.reads == "first":
        series = [rates.worst(q) if case.notion == "worst" else rates.ascent(q, 1) for q in each]
        claimed = case.scale * np.mean([terms.first for terms in series])
        return abs(at_zero((found - half) / RADII, RADII) / claimed - 1)
    claims = {
        "half the trace": half,
        "over the dimension": half / len(whole.slope),
        "lambda_1": np.linalg.eigvalsh(whole.hessian)[-1] / 2,
    }
    return abs(at_zero(found, RADII) / (case.scale * claims[case.claim]) - 1)


def bound(case):
    return 0.0


def tolerance(case):
    return MARGIN[case.reads]


def controls(case):
    out = {"a little larger": lambda factor: case._replace(scale=factor)}
    if case.reads == "first":
        return out | {"the other sign": case._replace(scale=-1.0)}
    out["half of lambda_1, that of the full batch"] = case._replace(claim="lambda_1")
    if case.notion == "average":
        return out | {"without the dimension": case._replace(claim="half the trace")}
    if case.reads == "limit":
        out["pairs of samples"] = case._replace(group=2)
    return out

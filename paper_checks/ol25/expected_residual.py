"""E|grad f_v|^2 <= 2 A (f - f*) + B |grad f|^2 + C at every w, for every sampling law and one of one's own.

Proved in theory/bounds/residual.py. With C = 2 A Delta both sides are quadratic in w, so with homogeneous
coordinates (w - w*, 1) the least A that serves at all w at once, given B, is a generalised eigenvalue:
nothing is sampled. The left side is taken from E[v v'] summed over every draw; for the batch of 64 of 442
from its closed form (equal, tests/test_sampling.py).
"""

from typing import NamedTuple

import numpy as np
import scipy.linalg

from theory import sampling
from theory.bounds import residual
from theory.problems.least_squares import LeastSquares, least_squares, ridge

SMALL = 6


class Case(NamedTuple):
    problem: LeastSquares
    second: np.ndarray  # E[v v'] of the draws, (n, n)
    a: float  # claimed
    b: float
    mismatch: float
    equal: bool  # whether E[v v'] = across 11' + diag(extra), as for all laws but one's own


def cases():
    rng = np.random.default_rng(5)
    rows = rng.standard_normal((SMALL, 4)) * np.geomspace(0.5, 2, SMALL)[:, None]
    tall = rng.standard_normal((442, 10)) * np.exp(rng.uniform(-1.5, 1.5, (442, 1)))
    equal = np.eye(SMALL) * np.sqrt(SMALL)  # orthogonal rows of one length, where A = L_max is attained
    problems = {
        "interpolated": least_squares(rows, np.zeros(SMALL)),  # w* = 0, so that Delta is 0 exactly
        "noisy ridge": ridge(rows, rng.standard_normal(SMALL), 0.1),
        "equal rows": least_squares(equal, np.zeros(SMALL)),
    }
    out = {
        f"{kind}, {name}": case(f, law)
        for kind, f in problems.items()
        for name, law in laws(f.smoothness_each).items()
    }
    large = least_squares(tall, np.zeros(442))
    across, extra = sampling.nice(442, 64).moment
    return out | {"n=442, 64-nice": case(large, sampling.nice(442, 64), across + np.diag(extra))}


def laws(each):
    n = len(each)
    q = np.arange(1.0, n + 1) / np.sum(np.arange(1.0, n + 1))
    own = np.array(
        [[2.0, 0, 1, 1, 0.5, 1.5], [0, 2, 1, 1, 1.5, 0.5], [3, -1, 1, 0, 1, 1], [-1, 3, 1, 2, 1, 1]]
    )
    return {
        "single elements": sampling.single(q),
        "uniform": sampling.uniform(n),
        "importance": sampling.importance(each),
        "2-nice": sampling.nice(n, 2),
        "3 draws": sampling.draws(q, 3),
        "independent": sampling.independent(np.linspace(0.2, 0.9, n)),
        "full batch": sampling.full(n),
        "its own law": sampling.listed(own, [0.3, 0.3, 0.2, 0.2]),
    }


def case(f, law, second=None):
    if second is None:
        v, q = sampling.support(law)
        second = (v.T * q) @ v
    across, extra = law.moment
    a, b, _ = residual.constants(law.moment, f.smoothness_each, f.mismatch)
    return Case(f, second, a, b, f.mismatch, bool(np.allclose(second, across + np.diag(extra), rtol=1e-12)))


def hypotheses(case):
    return {
        "E[v] = 1 has second moments of at least 1": np.linalg.eigvalsh(case.second - 1)[0]
        > -1e-12 * case.second.max()
    }


def forms(case):
    """E|grad f_v|^2 - B |grad f|^2 and 2 (f - f*) + 2 Delta as matrices in (w - w*, 1)."""
    f = case.problem
    slopes = f.slopes(f.minimiser)
    each = np.concatenate([f.hessians, slopes[:, :, None]], axis=2)  # grad f_i = each_i (w - w*, 1)
    whole = each.mean(0)
    weighted = np.tensordot(case.second, each, 1)
    left = np.tensordot(each, weighted, ((0, 1), (0, 1))) / f.n**2 - case.b * whole.T @ whole
    right = np.zeros_like(left)
    right[:-1, :-1] = f.hessian
    right[-1, -1] = 2 * case.mismatch
    return left, right


def measured(case):
    """The least A for which the inequality holds at every w, given the claimed B and Delta."""
    left, right = forms(case)
    if case.mismatch == 0:  # then every slope at w* is zero, and 1 is no coordinate of either form
        left, right = left[:-1, :-1], right[:-1, :-1]
    return scipy.linalg.eigvalsh(left, right)[-1]


def bound(case):
    return case.a


def tolerance(case):
    return 1e-12 * max(1.0, float(case.problem.smoothness_each.max()) * np.abs(case.second).max())


def controls(case):
    out = {}
    if case.a > 0:
        out["A too small"] = lambda factor: case._replace(a=case.a / factor)
    mean = float(case.problem.smoothness_each.mean())
    if case.b == 0 and case.equal and case.a > 1.01 * mean:
        out["A = L_avg without importance sampling"] = case._replace(a=mean)
    if case.b > 0 and case.equal:
        out["B left out"] = case._replace(b=0.0)
    if case.mismatch > 0 and case.a > 0:
        out["Delta too small"] = lambda factor: case._replace(mismatch=case.mismatch / factor)
    return out

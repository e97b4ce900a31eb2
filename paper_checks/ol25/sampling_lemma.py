"""E[v v'] <= beta 11' + Diag(s) and what follows from it, for every row of the sampling table; both attained.

"order, ..."     the least c with E[v v'] <= beta 11' + c Diag(s) in the Loewner order, against 1. It is 1 for
                 the laws of the table, whose moments are equal, and less for a law of one's own. The last row
                 of the table, beta = 0 and s_i = n E v_i^2 for any law, is attained where all v_i are equal.
"attained, ..."  parabolas on a line with centres of their own and L_i in proportion to 1 / s_i: then nothing
                 is lost in the lemma, and the C that a state needs is 2 A Delta at every one.
"A, ..."         orthogonal parabolas, each with its own L_i: the least A for which the condition holds with
                 beta, over all states, is max_i s_i L_i / n. No smaller A serves all sums with these L_i.
Moments are summed over every draw.
"""

from typing import NamedTuple

import numpy as np
import scipy.linalg

from theory import sampling
from theory.bounds import residual

N = 5
Q = np.array([0.1, 0.15, 0.2, 0.25, 0.3])
EACH = np.array([1.0, 4.0, 2.0, 3.0, 0.5])
CENTRES = np.array([-2.0, 1.0, 0.5, 3.0, -1.0])
STATES = np.concatenate([np.linspace(-5, 5, 21), [-1e3, 1e3]])


class Case(NamedTuple):
    reads: str  # "order", "attained" or "A"
    second: np.ndarray  # E[v v'] of the draws
    mean: np.ndarray  # E[v]
    across: float  # claimed
    extra: np.ndarray
    each: np.ndarray  # L_i
    mismatch: float  # Delta, claimed
    cut: float  # what the claimed A is divided by: 1, but for a control


def laws():
    own = np.array([[2.0, 0, 1.5, 1, 0.5], [0, 2, 0.5, 1, 1.5], [3, -1, 1, 0, 1], [-1, 3, 1, 2, 1]])
    return {
        "single elements": sampling.single(Q),
        "uniform": sampling.uniform(N),
        "importance": sampling.importance(EACH),
        "2-nice": sampling.nice(N, 2),
        "3 draws": sampling.draws(Q, 3),
        "independent": sampling.independent(2 * Q),
        "full batch": sampling.full(N),
        "its own law": sampling.listed(own, [0.3, 0.3, 0.2, 0.2]),
    }


def cases():
    out = {}
    for name, law in laws().items():
        v, q = sampling.support(law)
        second, (across, extra) = (v.T * q) @ v, law.moment
        order = Case("order", second, q @ v, across, extra, EACH, 0.0, 1.0)
        out[f"order, {name}"] = order
        out[f"order, {name} as any law"] = order._replace(across=0.0, extra=N * np.diag(second))
        if name != "its own law":  # whose moment is not of the form
            each = 1 / extra if np.any(extra) else EACH
            out[f"attained, {name}"] = order._replace(reads="attained", each=each, mismatch=mismatch(each))
        if name not in ("its own law", "full batch"):  # A = 0 on the full batch
            out[f"A, {name}"] = order._replace(reads="A")
    return out


def mismatch(each):
    """min f - mean_i min f_i of the parabolas L_i (w - c_i)^2 / 2."""
    least = each @ CENTRES / each.sum()
    return float(np.mean(each * (least - CENTRES) ** 2) / 2)


def hypotheses(case):
    return {
        "E[v] = 1": np.max(np.abs(case.mean - 1)) < 1e-12,
        "beta >= 0 and s >= 0": case.across >= 0 and np.all(case.extra >= 0),
    }


def claimed(case):
    a, b, c = residual.constants((case.across, case.extra), case.each, case.mismatch)
    return residual.Residual(a / case.cut, b, c)


def measured(case):
    if case.reads == "order":
        rest = case.second - case.across
        if not np.any(case.extra):
            return np.linalg.eigvalsh(rest)[-1]
        return scipy.linalg.eigvalsh(rest, np.diag(case.extra))[-1]
    a, b, _ = claimed(case)
    if case.reads == "A":
        # |grad f|^2 = sum_i L_i^2 w_i^2 / n^2 and 2 f = sum_i L_i w_i^2 / n, so every w_i^2 stands alone
        return np.max((np.diag(case.second) - b) * case.each / N)
    slopes = case.each * (STATES[:, None] - CENTRES)
    least = case.each @ CENTRES / case.each.sum()
    gap = case.each.mean() * (STATES - least) ** 2 / 2
    square = np.einsum("ki,ij,kj->k", slopes, case.second, slopes) / N**2
    return np.max(square - 2 * a * gap - b * slopes.mean(1) ** 2)


def bound(case):
    if case.reads == "order":
        return float(np.any(case.extra))
    a, _, c = claimed(case)
    return a if case.reads == "A" else c


def tolerance(case):
    """Rounding: of the moments, and at the farthest state of the terms that cancel there."""
    if case.reads == "attained":
        slopes = case.each * (np.abs(STATES).max() + np.abs(CENTRES))
        return 64 * 2.0**-52 * slopes @ np.abs(case.second) @ slopes / N**2
    return 64 * 2.0**-52 * np.abs(case.second).max() * max(1.0, case.each.max())


def controls(case):
    out = {}
    if case.reads == "order":
        if np.any(case.extra):
            out["s too small"] = lambda factor: case._replace(extra=case.extra / factor)
        if case.across > 0:
            out["beta too small"] = lambda factor: case._replace(across=case.across / factor)
    if case.reads == "attained":
        if case.across > 0:
            out["B too small"] = lambda factor: case._replace(across=case.across / factor)
        if np.any(case.extra):
            out["A too small"] = lambda factor: case._replace(cut=factor)
            out["Delta too small"] = lambda factor: case._replace(mismatch=case.mismatch / factor)
            out["C = 0 without interpolation"] = case._replace(mismatch=0.0)
            if case.across == 0 and np.ptp(case.each) == 0:
                out["A = 0.9 L_max with equal L_i"] = case._replace(cut=1 / 0.9)
    if case.reads == "A":
        out["A too small"] = lambda factor: case._replace(cut=factor)
    return out

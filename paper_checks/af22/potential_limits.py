"""phi / log(2 / k) tends to |beta|_1 as k falls to 0, and 2 k phi to |beta|_2^2 as k grows.

With asinh(z) = log(2 z) + O(z^-2) and its series at 0, for d entries that are not zero,

    phi / log(2 / k) = |beta|_1 + [sum_j |beta_j| (log|beta_j| - 1) + d k + O(k^2)] / log(2 / k),
    2 k phi          = |beta|_2^2 - |beta|_4^4 / (12 k^2) + O(k^-4),

so the error is of order 1 / log(1 / k), resp. k^-2. Cases "error": the distance of the error over its order
to that constant. Cases "minimiser": the interpolators of least potential tend to those of least l1 and l2.
"""

from typing import NamedTuple

import numpy as np

from paper_checks.af22 import implicit_bias as flows
from theory.problems import diagonal

BETA = np.array([1.3, -0.4, 0.07, -2.2, 0.9])


class Case(NamedTuple):
    reads: str  # "error" or "minimiser"
    norm: str
    k: float
    scale: float  # of k in the rate (l1) or of the norm (l2): 1, but for a control
    target: str  # the norm of the claimed limit


def cases():
    out = {f"error, l1, k={k:g}": Case("error", "l1", k, 1.0, "l1") for k in (1e-10, 1e-40, 1e-160)}
    out |= {f"error, l2, k={k:g}": Case("error", "l2", k, 1.0, "l2") for k in (1e2, 1e3)}
    out |= {f"minimiser, l1, k={k:g}": Case("minimiser", "l1", k, 1.0, "l1") for k in (1e-20,)}
    return out | {"minimiser, l2, k=1e7": Case("minimiser", "l2", 1e7, 1.0, "l2")}


def hypotheses(case):
    f, _ = flows.problem("reference")
    support = np.sum(np.abs(diagonal.least_l1(f.x, f.y)) > 1e-6)
    return {
        "far in the limit": not 1e-9 < case.k < 99,
        "a vertex with fewer entries than rows": support <= f.n,
    }


def measured(case):
    if case.reads == "minimiser":
        f, _ = flows.problem("reference")
        limit = diagonal.least_l1 if case.target == "l1" else diagonal.least_l2
        return np.abs(flows.least(f, f.y, np.full(30, case.k)) - limit(f.x, f.y)).max()
    potential = flows.potential(BETA, case.k)
    sizes = np.abs(BETA)
    norm = np.sum(sizes) if case.target == "l1" else np.sum(BETA**2)
    if case.norm == "l1":
        rate = np.log(2 / case.k)
        return abs((potential / rate - case.scale * norm) * rate - np.sum(sizes * (np.log(sizes) - 1)))
    return abs((2 * case.k * potential - case.scale * norm) * case.k**2 + np.sum(BETA**4) / 12)


def bound(case):
    return 0.0


def tolerance(case):
    """The next term and rounding of those that cancel; for minimisers the linear program's 1e-9."""
    if case.reads == "minimiser":
        return 1e-9
    if case.norm == "l1":
        return 2 * len(BETA) * case.k + 1e-14 * np.sum(np.abs(BETA)) * np.log(2 / case.k)
    return np.sum(BETA**6) / case.k**2 + 1e-14 * np.sum(BETA**2) * case.k**2


def controls(case):
    other = "l2" if case.target == "l1" else "l1"
    out = {"the limit of the other end": case._replace(target=other)}
    if case.reads == "error":
        out["the norm a little larger"] = lambda factor: case._replace(scale=factor)
    else:
        out["k on the way"] = lambda factor: case._replace(
            k=case.k * factor ** (1 if case.norm == "l1" else -1)
        )
    return out

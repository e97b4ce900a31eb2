"""max_i L_i / (n p_i) >= L_avg for every p, with equality at p_i = L_i / sum L: the least A of single draws.

Proof: the maximum is at least the mean with weights p_i, which is L_avg. "lower bound, ...": L_avg against
the least A over all p, found by a linear program that knows nothing of the proof (largest u with
p_i >= u L_i / n, sum p = 1; A = 1 / u). "attained, ...": A of importance sampling, read off the moments of
its draws, against L_avg.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog

from theory import sampling
from theory.bounds import residual


class Case(NamedTuple):
    reads: str  # "lower bound" or "attained"
    each: np.ndarray  # L_i
    v: np.ndarray  # the draws as rows
    q: np.ndarray
    scale: float  # of the claimed minimum: 1, but for a control


def cases():
    rng = np.random.default_rng(13)
    sets = {
        "equal": np.ones(4),
        "one large": np.array([1.0, 1, 1, 1, 100]),
        "two": np.array([1.0, 9.0]),
        "over six decades": np.geomspace(1e-3, 1e3, 12),
        "random, n=200": np.exp(rng.uniform(-2, 2, 200)),
    }
    out = {}
    for name, each in sets.items():
        v, q = sampling.support(sampling.importance(each))
        for reads in ("lower bound", "attained"):
            out[f"{reads}, {name}"] = Case(reads, each, v, q, 1.0)
    return out


def hypotheses(case):
    return {"L_i > 0": np.all(case.each > 0), "probabilities": abs(case.q.sum() - 1) < 1e-12}


def least(each):
    """min over p of max_i L_i / (n p_i) by the linear program in (p, u), with L_i over their mean."""
    n, unit = len(each), each.mean()
    rows = np.concatenate([-np.eye(n), (each / unit / n)[:, None]], axis=1)  # u L_i / n - p_i <= 0
    found = linprog(
        np.append(np.zeros(n), -1.0),
        A_ub=rows,
        b_ub=np.zeros(n),
        A_eq=np.append(np.ones(n), 0.0)[None],
        b_eq=[1.0],
        bounds=[(0, None)] * (n + 1),
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    return unit / found.x[-1]


def attained(case):
    """A of a law that draws one function, from its second moments: E[v v'] = Diag(s)."""
    second = (case.v.T * case.q) @ case.v
    return residual.constants((0.0, np.diag(second)), case.each, 0.0).a


def measured(case):
    return case.scale * case.each.mean() if case.reads == "lower bound" else attained(case)


def bound(case):
    return least(case.each) if case.reads == "lower bound" else case.each.mean() / case.scale


def tolerance(case):
    """The linear program's 1e-10, over up to 200 constraints; or rounding."""
    size = case.each.mean()
    return 1e-10 * len(case.each) * size if case.reads == "lower bound" else 1e-12 * size


def controls(case):
    out = {"the minimum elsewhere": lambda factor: case._replace(scale=factor)}
    each, n = case.each, len(case.each)
    if np.ptp(each) > 0:
        if case.reads == "lower bound":
            out["L_max for L_avg"] = case._replace(scale=each.max() / each.mean())
        else:
            for name, law in {
                "A = L_avg under uniform sampling": sampling.uniform(n),
                "p in proportion to sqrt(L)": sampling.importance(np.sqrt(each)),
                "p in proportion to 1 / L": sampling.importance(1 / each),
            }.items():
                v, q = sampling.support(law)
                out[name] = case._replace(v=v, q=q)
            out["weights left out"] = case._replace(v=n * np.eye(n))  # E[v] = n p is not 1: another function
    return out

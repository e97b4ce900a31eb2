"""The priors of the proof of Theorem 2, N(0, s_j^2 I) with s_j^2 = c exp((1 - j) / k), j = 1, 2, ...

Letters and proofs in theory/bounds/f21.py; w enters through spread = log(1 + |w|^2 / (k sigma^2)) alone.
Cases take every k and n of a grid and 401 values of spread up to the repaired cut.

prior_grid: the divergence from the prior just above the best, less k spread / 2. At most 1/2, as printed, and
at most [1 - k (1 - exp(-1 / k))] / 2, "sharp": where the next prior is only just too narrow it attains that.

prior_index_bound: j pi / sqrt 6 over 6 n + 3 k at w = 0, where the index j is largest.

covering_cut, false: weights under the printed cut have no prior. `measured` is the index of the longest,
which is at most 0 for all pairs with ball (1 - exp(-4 n / k)) > k. The smallest is k = 1, n = 2. With a
posterior of width rho, as the covering is written, there is always one.

covering_repair: under the repaired cut there is one, `measured` is the cut over log(c / sigma^2); "beyond",
it is 1 / h^2 at the cut.
"""

from itertools import product
from typing import NamedTuple

import numpy as np

from theory.bounds import f21

K = (1, 2, 10, 100, 10**4, 10**6)
N = (2, 3, 10, 100, 10**4, 10**6)


class Case(NamedTuple):
    reads: str  # "excess", "sharp", "index", "cut", "repair" or "beyond"
    k: np.ndarray
    n: np.ndarray
    coarse: float  # the step between priors over 1 / k: 1, but for a control
    share: float  # of 6 n + 3 k, or of the cut: 1, but for a control
    wide: bool  # the posterior has the width rho


def cases():
    pairs = np.array(list(product(K, N)), dtype=float)
    usual = Case("excess", pairs[:, 0], pairs[:, 1], 1.0, 1.0, False)
    out = {"half": usual}
    out |= {f"sharp, k={k}": usual._replace(reads="sharp", k=np.full(len(N), k), n=np.array(N)) for k in K}
    out["prior_index_bound: w = 0"] = usual._replace(reads="index")
    missed = f21.ball(*pairs.T) * -np.expm1(-4 * pairs[:, 1] / pairs[:, 0]) > pairs[:, 0]
    for k, n in pairs[missed]:
        out[f"covering_cut: k={k:g}, n={n:g}"] = usual._replace(reads="cut", k=k, n=n)
    out["covering_repair: under the cut"] = usual._replace(reads="repair")
    return out | {"covering_repair: beyond the cut": usual._replace(reads="beyond")}


def hypotheses(case):
    return {"n >= 2": np.all(case.n >= 2)}


def excesses(case):
    """For every pair, a row, and spread."""
    k, n = case.k[:, None], case.n[:, None]
    spread = np.linspace(0, 1, 401) * f21.repaired_cut(k, n)
    top, step = f21.top_spread(k, n), case.coarse / k
    j = np.floor(1 + (top - spread) / step)
    return f21.prior_excess(top + (1 - j) * step - spread, k)


def measured(case):
    k, n = case.k, case.n
    if case.reads in ("excess", "sharp"):
        return np.max(excesses(case))
    if case.reads == "index":
        return np.max(f21.largest_index(k, n) * np.pi / np.sqrt(6) / (case.share * (6 * n + 3 * k)))
    if case.reads == "cut":
        ball = 1.0 if case.wide else f21.ball(k, n)
        return f21.prior_index(f21.printed_cut(k, case.share * n, ball), k, n)
    cut = case.share * f21.repaired_cut(k, n)
    if case.reads == "repair":
        return np.max(cut / f21.top_spread(k, n))
    logs = 4 * np.log(n) + 8 * np.log(6 * n + 3 * k)  # delta = 1, the least
    return np.max((n - 1) / (k * cut + logs))


def bound(case):
    if case.reads == "sharp":
        return float(0.5 * (1 + case.k[0] * np.expm1(-1 / case.k[0])))
    return {"excess": 0.5, "cut": 0.0}.get(case.reads, 1.0)


def tolerance(case):
    if case.reads in ("excess", "sharp"):  # k d(excess) / d(wider) is at most 1/2; rounding of the logarithms
        return 32 * 2.0**-52 * float(np.max(f21.top_spread(case.k, case.n)))
    return 0.5 if case.reads == "cut" else 1e-12


def controls(case):
    if case.reads in ("excess", "sharp"):
        return {"a coarser grid": lambda factor: case._replace(coarse=factor)}
    if case.reads == "cut":
        return {
            "posterior of width rho": case._replace(wide=True),
            "a lower cut": lambda factor: case._replace(share=1 / factor),
        }
    if case.reads == "repair":
        return {"a higher cut": lambda factor: case._replace(share=factor)}
    return {"a share": lambda factor: case._replace(share=1 / factor)}

"""ASAM's bound is Theorem 2 at the radius eta rho, T = |w| + eta: not scale-invariant, void at eta = 0.

"ball"     the largest |T^-1 e| / rho over |e| <= eta rho, over random w; a zero among the weights attains 1.
"planar"   the largest error in the plain ball of radius eta rho less that in the adaptive one, in numbers of
           errors: Theorem 2 there has the smaller right side.
"rescaled" a hidden ReLU node of two weights, (a, b) to (c a, b / c), which is the same function: `measured`
           is 1 / term of the adaptive bound at c with k log(c^2) >= n - 1; at c = 1 the term is below 1.
"offset"   1 / term, at most 1 for eta <= exp(-(n - 1) / (2 k)) |w| / rho, and at eta = 0.
"""

from typing import NamedTuple

import numpy as np

from paper_checks.f21 import theorem_2
from theory.bounds import f21
from theory.problems.planar import adaptive_arc, reach

DELTA = 0.1


class Case(NamedTuple):
    reads: str
    k: int
    n: int
    rho: float
    eta: float
    zero: bool  # one weight is 0
    times: float  # of the radius, c, or of eta: as claimed, but for a control


def cases():
    usual = Case("ball", 50, 0, 0.1, 0.5, False, 1.0)
    out = {"ball, random weights": usual, "ball, one weight 0": usual._replace(zero=True)}
    for n, rho, eta in ((200, 0.1, 0.5), (2000, 0.1, 0.5), (2000, 0.3, 0.1)):
        out[f"planar, n={n}, rho={rho:g}, eta={eta:g}"] = Case("planar", 2, n, rho, eta, False, 1.0)
    node = Case("rescaled", 2, 200, 0.1, 0.5, False, 2.0**72)
    out["rescaled"] = node
    tiny = node._replace(reads="offset", eta=np.exp(-199 / 4) / 0.1, times=1.0)
    return out | {"offset tiny": tiny, "offset 0": tiny._replace(eta=0.0)}


def relu(c, x):
    """The hidden node with weights (c, 1 / c), on inputs x."""
    return np.maximum(c * x, 0) / c


def hypotheses(case):
    if case.reads != "rescaled":
        return {"eta >= 0": case.eta >= 0}
    x = np.linspace(-2, 2, 9)
    return {
        "the same function": np.array_equal(relu(case.times, x), relu(1.0, x)),
        "below 1 before": term(case, 1.0, case.eta) < 1,
    }


def term(case, c, eta):
    return f21.adaptive_term((c**2 + c**-2) / case.rho**2, eta, case.k, case.n, DELTA)


def measured(case):
    if case.reads == "ball":
        w = np.random.default_rng(4).standard_normal(case.k)
        w[0] = 0.0 if case.zero else w[0]
        return case.times * case.eta / np.min(np.abs(w) + case.eta)
    if case.reads == "planar":
        theta, sample = theorem_2.THETA, theorem_2.samples(case.n, 2)
        half = reach(case.times * case.eta * case.rho)
        plain = sample.largest(theta - half, theta + half)
        adaptive = sample.largest(*adaptive_arc(theta, 1.0, case.rho, case.eta))
        return np.max(plain - adaptive) * case.n
    if case.reads == "rescaled":
        return 1 / term(case, case.times, case.eta)
    return 1 / f21.adaptive_term(case.rho**-2, case.times * case.eta, case.k, case.n, DELTA)


def bound(case):
    return 0.0 if case.reads == "planar" else 1.0


def tolerance(case):
    return 1e-9


def controls(case):
    if case.reads == "rescaled":
        return {
            "as it was": case._replace(times=1.0),
            "a smaller rescaling": lambda factor: case._replace(times=case.times ** (1 / factor)),
        }
    if case.reads == "offset":
        return {"an offset of half of |w|": case._replace(eta=0.5)}
    return {"a larger plain ball": lambda factor: case._replace(times=factor)}

"""The adaptive ascent step solves its linear problem; a weight at zero is not perturbed.

    asam_perturbation  e = rho T sign(g) |T g|^(q-1) / |T g|_q^(q-1), T = |w|, has |T^-1 e|_p = rho and <e, g>
                       = rho |T g|_q, which by Hölder's inequality no other e of that length exceeds; at p = 2
                       it is rho T^2 g / |T g|, the form of the public code
    asam_zero_weights  where w_i = 0 the step is 0 in every norm, whatever the gradient

The step is that of theory/ascent.py, on a tree; lengths and dual norms are written out here. `measured` is
the largest relative distance, or the largest entry where the weight is zero; the bound is 0. Controls: the
plain step on the same sphere, T once, another norm, a longer step; an offset eta in T.
"""

from math import inf
from typing import NamedTuple

import jax
import numpy as np

from theory import ascent

NORMS = (1, 1.5, 2, 3, inf)
RHO = 0.3
ROWS, COLUMNS = 3, 4
ZEROS = (
    0,
    6,
    13,
)  # entries of w that are zero in asam_zero_weights; the gradient of the first is the largest
SIZE = ROWS * COLUMNS + ROWS


class Case(NamedTuple):
    kind: str  # "solves", "as coded", "zero weights"
    p: float
    w: np.ndarray  # (SIZE,)
    g: np.ndarray
    offset: float = 0.0
    step: str = "adaptive"
    longer: float = 1.0


def cases():
    rng = np.random.default_rng(3)
    w, g = rng.standard_normal((2, SIZE)) * [np.geomspace(0.1, 3, SIZE), np.geomspace(3, 0.1, SIZE)]
    g[0], w[0] = 5.0, 0.05  # the largest of g is not that of T g
    empty = np.where(np.isin(np.arange(SIZE), ZEROS), 0, w)
    out = {f"p = {p:g}": Case("solves", p, w, g) for p in NORMS}
    out["p = 2, as coded"] = Case("as coded", 2, w, g)
    return out | {f"asam_zero_weights: p = {p:g}": Case("zero weights", p, empty, g) for p in NORMS}


def hypotheses(case):
    zeros = np.flatnonzero(case.w == 0)
    wanted = list(ZEROS) if case.kind == "zero weights" else []
    return {"zeros where they are meant": zeros.tolist() == wanted, "a gradient there": np.all(case.g != 0)}


@jax.jit
def steps(w, g, offset):
    """The adaptive steps of length RHO in every norm, one for each of NORMS."""

    def tree(x):
        return {"a": x[: ROWS * COLUMNS].reshape(ROWS, COLUMNS), "b": x[ROWS * COLUMNS :]}

    out = []
    for p in NORMS:
        direct = ascent.along(1, p, ascent.elementwise(offset))
        found = ascent.ascent(tree(w), RHO, direct(tree(w), tree(g)))
        out.append(jax.numpy.concatenate([found["a"].ravel(), found["b"]]))
    return out


def length(x, p):
    return np.abs(x).max() if p == inf else np.sum(np.abs(x) ** p) ** (1 / p)


def taken(case):
    """The step of the case."""
    metric = np.abs(case.w)
    adaptive = np.asarray(steps(case.w, case.g, case.offset)[NORMS.index(case.p)])
    if case.step == "plain":
        plain = np.asarray(steps(np.ones(SIZE), case.g, 0.0)[NORMS.index(case.p)])
        return RHO * plain / length(plain / metric, case.p)
    if case.step == "T once":
        return adaptive / metric
    if case.step == "another norm":
        other = np.asarray(steps(case.w, case.g, 0.0)[NORMS.index(2 if case.p != 2 else 3)])
        return RHO * other / length(other / metric, case.p)
    return case.longer * adaptive


def measured(case):
    e, metric = taken(case), np.abs(case.w)
    if case.kind == "zero weights":
        return np.max(np.abs(e[metric == 0]))
    if case.kind == "as coded":
        coded = RHO * metric**2 * case.g / np.linalg.norm(metric * case.g)
        return np.max(np.abs(e / coded - 1))
    q = {1: inf, inf: 1}.get(case.p) or case.p / (case.p - 1)
    gain = RHO * length(metric * case.g, q)
    return max(abs(length(e / metric, case.p) / RHO - 1), abs(e @ case.g / gain - 1))


def bound(case):
    return 0.0


def tolerance(case):
    return 64 * 2.0**-52


def controls(case):
    if case.kind == "zero weights":
        return {"an offset": lambda factor: case._replace(offset=factor - 1)}
    return {
        "the plain step": case._replace(step="plain"),
        "T once": case._replace(step="T once"),
        "another norm": case._replace(step="another norm"),
        "a little longer": lambda factor: case._replace(longer=factor),
    }

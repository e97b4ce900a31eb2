"""What rescalings of ReLU nodes do to sharpness where T does not follow them: plain, biases, rows.

With factors c_j of the nodes (inner weights W_j and bias b_j times c_j, outer weight a_j over c_j) gradients
go the other way, and the squared first-order sharpness |T grad L|^2 at Aw is, exactly,

    plain            sum_j (|g_Wj|^2 + g_bj^2) / c_j^2 + c_j^2 g_aj^2,  T = 1
    asam_biases      sum over weights of (w g)^2 + sum_j g_bj^2 / c_j^2,  T = 1 on the biases
    asam_filterwise  sum_j |W_j|^2 |g_Wj|^2 + (b_j g_bj)^2 + |a / c|^2 sum_j (c_j g_aj)^2

where invariance would want c = 1. The maximum itself moves as well, and at will: with factors of 100 or 1/100
a loss found in the ball around Aw is above a bound of all losses in the ball around w, that of
theory/problems/relu_net.py. `measured` is the relative distance to the formula, or bound over found, at
most 1.

Controls: the formula at c = 1, at other factors; T = |w|, which follows, and no rescaling.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from paper_checks.f21.asam_invariance import BIASES_PLAIN, ENTRIES, PLAIN, ROWS, metric, product
from theory import Array, ascent
from theory.problems import relu_net
from theory.problems.relu_net import Layers, ReluNet, rescaled
from theory.update import ahead

N, D, UNITS = 12, 3, 4
RHO = 0.2
METRICS = {"plain": PLAIN, "biases": BIASES_PLAIN, "filterwise": ROWS, "entries": ENTRIES}
MODERATE = np.geomspace(0.3, 4, UNITS)
FAR = {  # factors that make much of what the metric misses
    "plain": np.full(UNITS, 100.0),
    "biases": np.full(UNITS, 0.01),
    "filterwise": np.geomspace(0.01, 100, UNITS),
}


class Case(NamedTuple):
    kind: str  # "formula" or "maximum"
    metric: str
    problem: ReluNet
    w: Layers
    factors: Array
    claimed: Array  # the factors of the formula


def cases():
    out = {}
    for name in FAR:
        slug = "" if name == "plain" else f"asam_{name}: "
        for seed in (8, 9):
            f, w = relu_net.normal(seed, N, D, UNITS)
            out[f"{slug}formula, net {seed}"] = Case("formula", name, f, w, MODERATE, MODERATE)
            out[f"{slug}maximum, net {seed}"] = Case("maximum", name, f, w, FAR[name], FAR[name])
    return out


def hypotheses(case):
    before, after = (seen(case.problem, case.w, c).loss for c in (np.ones(UNITS), case.factors))
    return {"the loss is kept": abs(after / before - 1) < 1e-12}


class Seen(NamedTuple):
    square: Array  # |T grad L|^2 at Aw, for each of METRICS
    found: Array  # a loss in the ball there
    most: Array  # a bound of the losses in the ball around w
    loss: Array
    slope: Layers  # the gradient at Aw


@jax.jit
def seen(f, w, factors):
    moved = rescaled(w, factors)
    loss, grad = jax.value_and_grad(f.loss)(moved)

    def under(shares):
        scale = metric(shares)
        inner = product(scale(moved), grad)
        step = ascent.along(1, 2, scale)(moved, grad)
        square = sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(inner))
        return square, f.loss(ahead(moved, RHO, step)), f.ceiling(w, scale, RHO)

    square, found, most = jax.vmap(under)(jnp.stack(list(METRICS.values())))
    return Seen(square, found, most, loss, grad)


def formula(case):
    g, w, c = seen(case.problem, case.w, np.ones(UNITS)).slope, case.w, case.claimed
    g = jax.tree.map(np.asarray, g)
    rows, inner = np.sum(g.inner**2, axis=1), np.sum(w.inner**2, axis=1)
    if case.metric == "plain":
        return np.sum((rows + g.bias**2) / c**2 + c**2 * g.outer[0] ** 2)
    if case.metric == "biases":
        return np.sum((w.inner * g.inner) ** 2) + np.sum((w.outer * g.outer) ** 2) + np.sum(g.bias**2 / c**2)
    return np.sum(inner * rows + (w.bias * g.bias) ** 2) + np.sum((w.outer / c) ** 2) * np.sum(
        (c * g.outer) ** 2
    )


def measured(case):
    here, k = seen(case.problem, case.w, case.factors), list(METRICS).index(case.metric)
    if case.kind == "formula":
        return abs(here.square[k] / formula(case) - 1)
    return here.most[k] / here.found[k]


def bound(case):
    return 0.0 if case.kind == "formula" else 1.0


def tolerance(case):
    """Some hundred roundings of net, gradient and sums."""
    return 1024 * 2.0**-52


def controls(case):
    if case.kind == "formula":
        return {
            "invariant": case._replace(claimed=np.ones(UNITS)),
            "other factors": lambda factor: case._replace(claimed=case.claimed**factor),
        }
    return {
        "T = |w| entry by entry": case._replace(metric="entries"),
        "no rescaling": case._replace(factors=np.ones(UNITS)),
    }

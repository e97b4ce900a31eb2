"""Rescalings of ReLU nodes leave adaptive sharpness and its perturbation as they are, but not the iterates.

For A that keeps the loss and T_{Aw} = A T_w three things hold at once, in every norm of the ball:

    e(Aw) = A e(w),  |T_{Aw} grad L(Aw)|_q = |T_w grad L(w)|_q,  L(Aw + T_{Aw} u) = L(w + T_w u) for all u.

By the last, tried at 64 points u, the maxima over any ball |T^-1 e| <= rho are the same: nothing is to be
maximised. T is |w| entry by entry under factors of nodes, and the norm of each row (filter-wise) under a
factor of the layer.

asam_iterates: the gradient at the ascended weights moves by A^-1 where they move by A, so that the steps are

    (Aw)+ = Aw - gamma A^-1 grad L(w + e),  not  A w+ = Aw - gamma A grad L(w + e).

`measured` is the largest relative distance of two sides; the bound is 0. Controls: the plain ball, T = 1 on
the biases, an offset, rows under factors of nodes; iterates that move with the weights, another step.
"""

from math import inf
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import Array, ascent
from theory.problems import relu_net
from theory.problems.relu_net import Layers, ReluNet, rescaled
from theory.update import ahead, descended, look_ahead_along

NORMS = (1, 2, 3, inf)
N, D, UNITS = 12, 3, 4
POINTS = 64
GAMMA, RHO = 0.05, 0.2

# T of each layer is a sum: shares of |w| entry by entry, of the norm of its row, and of 1
ENTRIES = np.tile([1.0, 0.0, 0.0], (3, 1))  # (layers, shares)
ROWS = np.tile([0.0, 1.0, 0.0], (3, 1))
PLAIN = np.tile([0.0, 0.0, 1.0], (3, 1))
BIASES_PLAIN = np.array([ENTRIES[0], PLAIN[0], ENTRIES[0]])


class Case(NamedTuple):
    problem: ReluNet
    w: Layers
    factors: Array  # (UNITS,), of the nodes
    shares: Array  # what T is made of
    norm: int  # in NORMS; -1 for the iterates
    power: float  # of A in the step: -1, but for a control
    gamma: float  # of the step that is claimed


def cases():
    f, w = start()
    nodes, layer = np.geomspace(0.2, 6, UNITS), np.full(UNITS, 3.0)
    out = {}
    for k, p in enumerate(NORMS):
        out[f"entries, factors of nodes, p = {p:g}"] = Case(f, w, nodes, ENTRIES, k, -1.0, GAMMA)
        out[f"rows, a factor of the layer, p = {p:g}"] = Case(f, w, layer, ROWS, k, -1.0, GAMMA)
    out["asam_iterates: entries, factors of nodes"] = Case(f, w, nodes, ENTRIES, -1, -1.0, GAMMA)
    out["asam_iterates: rows, a factor of the layer"] = Case(f, w, layer, ROWS, -1, -1.0, GAMMA)
    return out


def start():
    return relu_net.normal(8, N, D, UNITS)


def hypotheses(case):
    numbers = np.concatenate([np.ravel(leaf) for leaf in case.w])
    before, after = (loss(case.problem, w) for w in (case.w, rescaled(case.w, case.factors)))
    return {
        "the loss is kept": abs(after / before - 1) < 1e-13,
        "the weights are not": bool(np.all(np.asarray(case.factors) != 1)),
        "no weight is zero": bool(np.all(numbers != 0)),
    }


loss = jax.jit(ReluNet.loss)


def metric(shares):
    """w -> T, for `shares` of the three layers."""

    def scale(w):
        entries, rows = ascent.elementwise(0.0)(w), ascent.filterwise(0.0)(w)
        return Layers(*(a * e + b * r + c for (a, b, c), e, r in zip(shares, entries, rows, strict=True)))

    return scale


def product(a, b):
    return jax.tree.map(jnp.multiply, a, b)


def pair(w, factors):
    """w and A w, stacked."""
    return jax.tree.map(lambda a, b: jnp.stack([a, b]), w, rescaled(w, factors))


def flat(both):
    """One row for each of the two."""
    return jnp.concatenate([leaf.reshape(2, -1) for leaf in jax.tree.leaves(both)], axis=1)


def apart(found, expected):
    """The largest distance of two vectors, relative to each entry; of zeros, absolutely."""
    return jnp.max(jnp.abs(found - expected) / jnp.where(expected == 0, 1, jnp.abs(expected)))


@jax.jit
def invariance(f, w, factors, shares):
    """The largest of the three distances, for each of NORMS."""
    both, ones = pair(w, factors), pair(jax.tree.map(jnp.ones_like, w), factors)
    metrics, grads = jax.vmap(metric(shares))(both), jax.vmap(jax.grad(f.loss))(both)
    points = np.random.default_rng(1).standard_normal((POINTS, UNITS * (D + 2)))

    def losses(v, t):
        return jax.vmap(lambda u: f.loss(ahead(v, 1, product(t, layers(u)))))(points)

    there = apart(*jax.vmap(losses)(both, metrics))
    scale, factor = flat(metrics), flat(ones)[1]
    inner = scale * flat(grads)
    out = []
    for p in NORMS:
        e = scale * jax.vmap(lambda g, p=p: ascent.unit(g, p))(inner)
        values = jax.vmap(lambda g, p=p: ascent.dual_norm(g, p))(inner)
        out.append(jnp.max(jnp.stack([there, apart(e[1], factor * e[0]), apart(*values)])))
    return jnp.stack(out)


def layers(u):
    ends = UNITS * D, UNITS * (D + 1)
    return Layers(u[: ends[0]].reshape(UNITS, D), u[ends[0] : ends[1]], u[ends[1] :][None])


@jax.jit
def iterates(f, w, factors, shares, power, gamma):
    """The distance of what a step adds to Aw from -gamma A^power grad L(w + e)."""
    rule = look_ahead_along(jax.value_and_grad(f.loss), RHO, ascent.along(1, 2, metric(shares)))
    both = pair(w, factors)
    grads = jax.vmap(lambda v: rule(v, ())[1])(both)
    added = flat(jax.vmap(lambda v, g: descended(v, GAMMA, g))(both, grads))[1] - flat(both)[1]
    factor = flat(pair(jax.tree.map(jnp.ones_like, w), factors))[1]
    claimed = -gamma * factor**power * flat(grads)[0]
    return jnp.max(jnp.abs(added - claimed)) / jnp.max(jnp.abs(claimed))


def measured(case):
    given = case.problem, case.w, case.factors, case.shares
    if case.norm < 0:
        return iterates(*given, case.power, case.gamma)
    return invariance(*given)[case.norm]


def bound(case):
    return 0.0


def tolerance(case):
    """4096 roundings: net, gradient and metric take some hundreds; a step is a difference from w."""
    return 4096 * 2.0**-52


def controls(case):
    if case.norm < 0:
        return {
            "the step moves with the weights": case._replace(power=1.0),
            "another gamma": lambda factor: case._replace(gamma=factor * case.gamma),
        }
    out = {
        "the plain ball": case._replace(shares=PLAIN),
        "an offset": lambda factor: case._replace(shares=case.shares + (factor - 1) * PLAIN),
    }
    if case.shares is ENTRIES:
        return out | {
            "T = 1 on the biases": case._replace(shares=BIASES_PLAIN),
            "rows": case._replace(shares=ROWS),
        }
    return out | {"factors of nodes": case._replace(factors=np.geomspace(0.2, 6, UNITS))}

"""With T = |w| + eta a rescaling changes adaptive sharpness by a relative amount of order eta.

    first order  |T grad L|: of order one in eta over five scales
    coefficient  of the same: the change over eta tends to |D(Aw) - D(w)|, D = sum |w| g^2 / sum w^2 g^2
    maximum      of the loss over |T^-1 e| <= rho, the largest found by iterating e <- rho d(grad L(w + e))
                 from eight starts, carried over from w to Aw by the metric: at eta = 0 the iterations are the
                 same

`measured` is the distance of the fitted order from 1, at most 0.02, of the maximum 0.1; or the relative
distance from the coefficient at eta = 1e-6, at most 1e-3. Controls: another order, another coefficient.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import Array, ascent
from theory.problems import relu_net
from theory.problems.relu_net import Layers, rescaled
from theory.update import ahead

N, D, UNITS = 12, 3, 4
RHO = 0.2
FACTORS = np.geomspace(0.3, 4, UNITS)
ETAS = 10.0 ** np.arange(-6, -1)
LARGE = 10.0 ** np.arange(-4, 0)
STARTS, ITERATIONS = 8, 100


class Case(NamedTuple):
    kind: str
    etas: Array
    changes: Array  # relative, at the etas
    claimed: float  # the order, or D's coefficient
    margin: float


def cases():
    out = {}
    for seed in (8, 9):
        f, w = relu_net.normal(seed, N, D, UNITS)
        first, maxima, coefficient = changes(f, w)
        out[f"first order, net {seed}"] = Case("order", ETAS, np.asarray(first), 1.0, 0.02)
        out[f"maximum, net {seed}"] = Case("order", LARGE, np.asarray(maxima), 1.0, 0.1)
        out[f"coefficient, net {seed}"] = Case(
            "coefficient", ETAS, np.asarray(first), float(coefficient), 1e-3
        )
    return out


@jax.jit
def changes(f, w):
    """Relative changes from w to Aw, of |T grad L| at ETAS and of the maximum at LARGE; |D(Aw) - D(w)|."""
    both = jax.tree.map(lambda a, b: jnp.stack([a, b]), w, rescaled(w, FACTORS))
    grads = jax.vmap(jax.grad(f.loss))(both)

    def value(eta, w, g):
        return ascent.dual_norm(jax.tree.map(jnp.multiply, ascent.elementwise(eta)(w), g), 2)

    def pull(w, g):
        pairs = list(zip(jax.tree.leaves(w), jax.tree.leaves(g), strict=True))
        return sum(jnp.sum(jnp.abs(w) * g**2) for w, g in pairs) / sum(
            jnp.sum((w * g) ** 2) for w, g in pairs
        )

    values = jax.vmap(jax.vmap(value, (None, 0, 0)), (0, None, None))(ETAS, both, grads)
    maxima = jax.vmap(jax.vmap(partial(largest, f), (None, 0)), (0, None))(LARGE, both)
    pulls = jax.vmap(pull)(both, grads)
    return *(jnp.abs(x[:, 1] / x[:, 0] - 1) for x in (values, maxima)), jnp.abs(pulls[1] - pulls[0])


def largest(f, eta, w):
    """The largest rise of the loss that is found in the ball."""
    along = ascent.along(1, 2, ascent.elementwise(eta))
    raw = np.random.default_rng(2).standard_normal((STARTS, UNITS * (D + 2)))
    raw /= np.linalg.norm(raw, axis=1, keepdims=True)

    def climb(u):
        ends = UNITS * D, UNITS * (D + 1)
        parts = Layers(u[: ends[0]].reshape(UNITS, D), u[ends[0] : ends[1]], u[ends[1] :][None])
        e = jax.tree.map(lambda t, x: RHO * t * x, ascent.elementwise(eta)(w), parts)

        def again(e, _):
            value, grad = jax.value_and_grad(f.loss)(ahead(w, 1, e))
            return ascent.ascent(w, RHO, along(w, grad)), value

        return jnp.max(jax.lax.scan(again, e, None, ITERATIONS)[1])

    return jnp.max(jax.vmap(climb)(jnp.asarray(raw))) - f.loss(w)


def hypotheses(case):
    return {"every offset changes it": bool(np.all(case.changes > 0))}


def measured(case):
    if case.kind == "order":
        return abs(np.polyfit(np.log(case.etas), np.log(case.changes), 1)[0] - case.claimed)
    return abs(case.changes[0] / (case.etas[0] * case.claimed) - 1)


def bound(case):
    return case.margin


def controls(case):
    if case.kind == "order":
        return {"of order two": case._replace(claimed=2.0), "of no order": case._replace(claimed=0.0)}
    return {"a larger coefficient": lambda factor: case._replace(claimed=factor * case.claimed)}

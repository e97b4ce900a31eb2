"""Near the minimisers a sample's gradient has the direction of the gradient of its output, to first order.

grad f_k(w) = l_k'(o_k - y_k) grad o_k(w), so its direction is +- n(w), n = grad o_k / |grad o_k|, exactly,
and at p + r u with |u| = 1 it is off n(p) by r |(I - n n') Hess o_k(p) u| / |grad o_k(p)| + O(r^2).

On the nets of theorem_5_2.py: "order", the deviation of every sample, gradients by automatic differentiation,
falls with r at the order 1; u is random. "constant": the deviation over r times that constant tends to 1, at
the order 1, along the u where it is largest. `measured` is the distance of the order to 1, of the finest pair
of four distances, worst sample. A batch of two has no such alignment: its gradient keeps its angle to the top
eigenvector of its Hessian.
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from paper_checks.wml23 import theorem_5_2 as nets

SCALES = nets.SCALES  # distances r
MARGIN = 0.1


class Case(NamedTuple):
    reads: str  # "order" or "constant"
    seed: int
    bends: str
    batch: int  # gradients of so many samples together: 1, but for a control
    shift: int  # compared with the sample so many further on: 0, but for a control
    scale: float  # of the constant: 1, but for a control


def cases():
    return {
        f"{reads}, {bends}, net {seed}": Case(reads, seed, bends, 1, 0, 1.0)
        for reads in ("order", "constant")
        for bends in nets.BENDS
        for seed in (0, 1)
    }


def hypotheses(case):
    f, w = nets.net(case.seed, case.bends)
    return {"fitted": np.max(np.abs(np.asarray(f.outputs(w) - f.y))) < 1e-14}


@jax.jit
def gradients(f, w, us):
    """grad f_k at w + r u_k, (scales, n, d), row k along its own u_k."""

    def one(r, u, k):
        return jax.grad(lambda w: f.losses(w)[k])(w + r * u)

    each = jax.vmap(one, (None, 0, 0))
    return jax.vmap(each, (0, None, None))(jnp.array(SCALES), us, jnp.arange(f.n))


@jax.jit
def pairs(f, w, u):
    """grad (f_k + f_{k+1}) at w + r u, (scales, n, d)."""

    def one(r):
        each = jax.jacrev(f.losses)(w + r * u)
        return each + jnp.roll(each, -1, axis=0)

    return jax.vmap(one)(jnp.array(SCALES))


output_hessians = jax.jit(lambda f, w: jax.hessian(f.outputs)(w))


@cache
def constants(seed, bends):
    """The largest constant of every sample and its u, (n,) and (n, d)."""
    f, w = nets.net(seed, bends)
    slopes = f.output_slopes(w)
    size = np.linalg.norm(slopes, axis=1)
    unit = slopes / size[:, None]
    hessians = np.asarray(output_hessians(f, w))
    across = hessians - unit[:, :, None] * np.einsum("ki,kij->kj", unit, hessians)[:, None, :]
    _, singular, right = np.linalg.svd(across)
    return singular[:, 0] / size, right[:, 0]


def deviations(case):
    """min over the sign of |direction -+ n(p)|, (scales, n)."""
    f, w = nets.net(case.seed, case.bends)
    slopes = f.output_slopes(w)
    if case.reads == "constant":
        us = constants(case.seed, case.bends)[1]
    else:
        us = np.random.default_rng(5).standard_normal((f.n, len(w)))
        us /= np.linalg.norm(us, axis=1, keepdims=True)
    if case.batch == 2:
        grads = np.asarray(pairs(f, w, us[0]))
        stiff = np.asarray(f.bends)[:, 0]
        axes = np.stack([top(slopes[[k, k - f.n + 1]], stiff[[k, k - f.n + 1]]) for k in range(f.n)])
    else:
        grads = np.asarray(gradients(f, w, us))
        axes = np.roll(slopes, -case.shift, axis=0)
    grads = grads / np.linalg.norm(grads, axis=2, keepdims=True)
    axes = axes / np.linalg.norm(axes, axis=1, keepdims=True)
    signs = np.sign(np.sum(grads * axes, axis=2, keepdims=True))
    return np.linalg.norm(signs * grads - axes, axis=2)


def top(slopes, stiff):
    """The top eigenvector of the Hessian of two samples together."""
    return np.linalg.eigh(slopes.T @ (stiff[:, None] * slopes))[1][:, -1]


def measured(case):
    off = deviations(case)
    if case.reads == "constant":
        claimed = case.scale * constants(case.seed, case.bends)[0]
        off = np.abs(off / (np.array(SCALES)[:, None] * claimed) - 1)
    slope = np.log(off[-2] / off[-1]) / np.log(SCALES[-2] / SCALES[-1])
    return np.max(np.abs(slope - 1))


def bound(case):
    return MARGIN


def controls(case):
    out = {"the gradient of another sample": case._replace(shift=1), "batches of two": case._replace(batch=2)}
    if case.reads == "constant":
        out["a little more"] = lambda factor: case._replace(scale=factor)
    return out

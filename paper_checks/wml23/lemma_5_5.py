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
    return {"fitted": np.max(np.abs(f.residuals(w))) < 1e-14}


@jax.jit
def gradients(f, w, us):
    """grad f_j at w + r u_k, (scales, n, n, d)."""
    slopes = jax.vmap(jax.vmap(lambda r, u: jax.jacrev(f.losses)(w + r * u), (None, 0)), (0, None))
    return slopes(jnp.array(SCALES), us)


def output_hessians(f, w):
    """Hess o_k: that of (o_k - y_k)^2 / 2 where o_k - y_k = 1, less the outer square of grad o_k."""
    beside = f._replace(y=f.y + f.residuals(w) - 1, bends=np.tile([1.0, 0.0, 0.0], (f.n, 1)))
    slopes = f.output_slopes(w)
    return np.asarray(nets.hessians(beside, w)) - slopes[:, :, None] * slopes[:, None, :]


@cache
def constants(seed, bends):
    """The largest constant of every sample and its u, (n,) and (n, d)."""
    f, w = nets.net(seed, bends)
    slopes = f.output_slopes(w)
    size = np.linalg.norm(slopes, axis=1)
    unit = slopes / size[:, None]
    hessians = output_hessians(f, w)
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
    grads, k = np.asarray(gradients(f, w, us)), np.arange(f.n)
    following = (k + 1) % f.n
    if case.batch == 2:
        grads = grads[:, k, k] + grads[:, k, following]
        stiff = np.asarray(f.bends)[:, 0]
        axes = np.stack([top(slopes[[i, j]], stiff[[i, j]]) for i, j in zip(k, following, strict=True)])
    else:
        grads, axes = grads[:, k, k], np.roll(slopes, -case.shift, axis=0)
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

"""Sampled and full-batch runs of the update rule, in one compiled scan."""

from functools import partial

import jax
import jax.numpy as jnp

from theory.update import step


def descend(value_and_grad, w, gamma, rho, lam, draws, observe, every=1):
    """observe(w_t) at t = 0, every, 2 every, ..., and the last w, along the steps of the rule.

    `draws` is a tuple of arrays with one row for each step, handed to both passes: (indices, weights) of a
    law, drawn ahead of the loop. gamma, rho and lam are numbers or one for each step. Compile it with `every`
    static.
    """
    return iterate(partial(step, value_and_grad), w, gamma, rho, lam, draws, observe, every)


def iterate(move, w, gamma, rho, lam, draws, observe, every=1):
    """The same for any move(w, gamma, rho, lam, *draw)."""
    steps = len(jax.tree.leaves(draws)[0])
    per_step = [jnp.ndim(x) > 0 for x in (gamma, rho, lam)]
    fixed = (gamma, rho, lam)
    scheduled = tuple(x for x, moving in zip(fixed, per_step, strict=True) if moving)

    def one(w, now):
        draw, moving = now
        moving = iter(moving)
        sizes = [next(moving) if each else x for x, each in zip(fixed, per_step, strict=True)]
        return move(w, *sizes, *draw), None

    def block(w, now):
        w = jax.lax.scan(one, w, now)[0]
        return w, observe(w)

    blocks = jax.tree.map(lambda x: x.reshape(steps // every, every, *x.shape[1:]), (draws, scheduled))
    last, seen = jax.lax.scan(block, w, blocks)
    return jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), observe(w), seen), last


def swept(move, w, grid, draws, observe, every):
    """observe(w_t) along every path of `draws` (paths, steps, ...) from w, (grid, paths, times).

    `grid` is (gamma, rho, lam), three vectors of one length; every entry of it sees the same draws. Compile
    it with `every` static.
    """

    def path(draws, gamma, rho, lam):
        return iterate(move, w, gamma, rho, lam, draws, observe, every)[0]

    return jax.vmap(jax.vmap(path, (0, None, None, None)), (None, 0, 0, 0))(draws, *grid)


def sampled(f, law, w, key, grid, paths, steps, every, observe):
    """`swept` along the rule on f, its draws made ahead of the loop. Compile it with the sizes static."""
    draws = jax.vmap(lambda key: jax.vmap(law.pick)(jax.random.split(key, steps)))(
        jax.random.split(key, paths)
    )
    return swept(partial(step, jax.value_and_grad(f.loss)), w, grid, draws, observe, every)


def still(steps):
    """No draws: every step sees the full batch, the default of `loss`."""
    return jnp.zeros((steps, 0))


def whole_batch(value_and_grad):
    """`value_and_grad(w)` with the empty draw of `still` ignored."""
    return lambda w, _: value_and_grad(w)

"""Many flows of n-SAM or 1-SAM on diagonal linear networks at once, to the few digits that a map needs.

theory/flow.py integrates one flow to rounding, any grouping; here the right side is closed for the two
extreme groupings, an explicit pair of orders 3 and 2 chooses its steps, and all is compiled over many flows.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import Array


class Lane(NamedTuple):
    """A flow on its way."""

    plus: Array  # (d,)
    minus: Array
    length: Array  # of the next step; 0 at the start
    residual: Array  # (n,)


def closed_side(powers, y, rho, single, plus, minus):
    """((log|u + v|)', (log|u - v|)') and the residual, for n-SAM or (`single`) 1-SAM, by products with x.

    `powers` are x, x^2 and x^3, entry by entry: taken once, ahead of all steps.

    With a = rho g the ascent moves beta by a (u^2 + v^2) + a^2 beta, so that 1-SAM, a = rho r_i x_i, has
    r_i^+ = r_i + rho r_i <x_i^2, u^2 + v^2> + (rho r_i)^2 <x_i^3, beta>: no step of each example is made.
    """
    x, square, cube = powers
    up, down = jnp.exp(2 * plus), jnp.exp(2 * minus)
    beta, size = (up - down) / 4, (up + down) / 2
    residual = x @ beta - y
    if single:
        ascent = rho * residual
        ahead = residual + ascent * (square @ size) + ascent**2 * (cube @ beta)
        mean, mixed = ahead @ x / len(y), (ascent * ahead) @ square / len(y)
    else:
        ascent = rho * (residual @ x) / len(y)
        mean = (residual + x @ (ascent * size + ascent**2 * beta)) @ x / len(y)
        mixed = ascent * mean
    return jnp.stack([-mean - mixed, mean - mixed]), residual


def advanced(x, y, rho, single, accuracy, end, lane, steps):
    """The lane after at most `steps` steps of Bogacki and Shampine's pair (orders 3 and 2), and their number.

    A step errs by at most `accuracy` in the logarithms, or is tried again shorter; none is made once
    |residual| <= end. Compile it, mapped over flows.
    """

    def going(now):
        lane, _, tried = now
        return (jnp.sum(lane.residual**2) > end**2) & (tried < steps)

    def move(now):
        lane, first, tried = now
        here, h = jnp.stack([lane.plus, lane.minus]), lane.length
        second, _ = closed_side(powers, y, rho, single, *(here + h / 2 * first))
        third, _ = closed_side(powers, y, rho, single, *(here + 3 * h / 4 * second))
        there = here + h / 9 * (2 * first + 3 * second + 4 * third)
        fourth, residual = closed_side(powers, y, rho, single, *there)
        error = h * jnp.max(jnp.abs(-5 * first + 6 * second + 8 * third - 9 * fourth)) / 72 / accuracy
        good = error <= 1  # not so where it is NaN
        factor = jnp.where(jnp.isfinite(error), jnp.clip(0.9 * (error + 1e-9) ** (-1 / 3), 0.2, 5), 0.2)
        kept = jax.tree.map(lambda a, b: jnp.where(good, a, b), Lane(there[0], there[1], h, residual), lane)
        return kept._replace(length=h * factor), jnp.where(good, fourth, first), tried + 1

    powers = (x, x**2, x**3)
    first, residual = closed_side(powers, y, rho, single, lane.plus, lane.minus)
    length = jnp.where(lane.length > 0, lane.length, 0.1 / jnp.max(jnp.abs(first)))
    lane, _, tried = jax.lax.while_loop(
        going, move, (Lane(lane.plus, lane.minus, length, residual), first, 0)
    )
    return lane, tried


class Limits(NamedTuple):
    shrinkage: Array  # (flows, d), log(init / alpha_eff): what theory/flow.py's `path` has as `shrinkage`
    beta: Array  # (flows, d), where the flow was left
    fit: Array  # (flows,), |residual| there over that at the start
    steps: Array  # (flows,)


def limits(x, y, init, rho, single, accuracy, relative, most, advance, batch=25, block=200):
    """The flows from u = sqrt(2) init, v = 0 to a residual `relative` times the first, or after `most` steps.

    x (flows, n, d), y (flows, n), init and rho (flows,). They go on in batches of one shape, by blocks of
    steps after which those that have arrived leave. `advance` is `advanced` mapped over flows and compiled.
    """
    count = len(y)
    ends = relative * np.linalg.norm(y, axis=1)  # beta = 0 at the start
    log_start = np.broadcast_to(np.log(np.sqrt(2) * init)[:, None], (count, x.shape[2]))
    lanes = Lane(log_start.copy(), log_start.copy(), np.zeros(count), -y)
    spent, waiting = np.zeros(count, int), np.arange(count)
    while len(waiting):
        for first in range(0, len(waiting), batch):
            at = np.resize(waiting[first : first + batch], batch)  # the last batch repeats itself
            now = Lane(*(each[at] for each in lanes))
            now, tried = jax.device_get(
                advance(x[at], y[at], rho[at], single, accuracy, ends[at], now, block)
            )
            for kept, new in zip(lanes, now, strict=True):
                kept[at] = new
            spent[at] += tried
        far = np.linalg.norm(lanes.residual[waiting], axis=1) > ends[waiting]
        waiting = waiting[far & (spent[waiting] < most)]
    return Limits(
        log_start - (lanes.plus + lanes.minus) / 2,
        (np.exp(2 * lanes.plus) - np.exp(2 * lanes.minus)) / 4,
        np.linalg.norm(lanes.residual, axis=1) / np.linalg.norm(y, axis=1),
        spent,
    )


def compiled_advance():
    """`advanced` for many flows: one program for each shape, method and number of steps."""
    over = (0, 0, 0, None, None, 0, 0, None)
    return jax.jit(jax.vmap(advanced, over), static_argnums=(3, 7))

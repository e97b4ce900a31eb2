"""Many flows of m-SAM on diagonal linear networks at once, compiled: to a few digits, or by equal steps.

theory/flow.py integrates one flow to rounding. Here the state is the pair of logarithms of u + v and u - v,
(2, d), and its slope comes from the rates of theory/problems/diagonal.py. `limits` follows flows until they
fit, an explicit pair of orders 3 and 2 choosing their steps; `fixed_steps` is the classical method of order
4.

Both add multiples of slopes, so that what is linear in the logarithms and conserved by the flow is conserved
by the method: their difference stays in the span of the data to rounding, and beta minimises the potential of
its imbalance whatever the steps; without a radius the imbalance stays that of the start.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import Array
from theory.problems import diagonal


def slope(rates, rho, logs):
    """The slope of (log|u + v|, log|u - v|) along the flow."""
    up, down = rates(*jnp.exp(logs), rho, 0)
    return jnp.stack([-up, down])


def fixed_steps(rates, logs, size, radii, every):
    """The logarithms at the times 0, every, 2 every, ... steps of `size`, (times, 2, d); `radii` are one rho
    for each step. Compile it with `every` static.
    """

    def move(logs, rho):
        first = slope(rates, rho, logs)
        second = slope(rates, rho, logs + size / 2 * first)
        third = slope(rates, rho, logs + size / 2 * second)
        fourth = slope(rates, rho, logs + size * third)
        return logs + size / 6 * (first + 2 * second + 2 * third + fourth), None

    def block(logs, radii):
        logs = jax.lax.scan(move, logs, radii)[0]
        return logs, logs

    _, seen = jax.lax.scan(block, logs, radii.reshape(-1, every))
    return jnp.concatenate([logs[None], seen])


class Lane(NamedTuple):
    """A flow on its way."""

    logs: Array  # (2, d)
    slope: Array  # (2, d), there
    length: Array  # of the next step; 0 before the first, which only finds the slope
    residual: Array  # (n,)


def advanced(x, y, rho, single, accuracy, end, lane, steps):
    """The lane after at most `steps` steps of n-SAM or (`single`) 1-SAM, and their number.

    A step of Bogacki and Shampine's pair errs by at most `accuracy` in the logarithms, or is tried again
    shorter; none is made once |residual| <= end. Compile it, mapped over flows.
    """
    f = diagonal.Diagonal(x, y)
    rates = diagonal.one_sam_rates(f) if single else diagonal.m_sam_rates(f, diagonal.groups(f.n, f.n))

    def going(now):
        lane, tried = now
        return (jnp.sum(lane.residual**2) > end**2) & (tried < steps)

    def move(now):
        lane, tried = now
        here, first, h, _ = lane
        second = slope(rates, rho, here + h / 2 * first)
        third = slope(rates, rho, here + 3 * h / 4 * second)
        there = here + h / 9 * (2 * first + 3 * second + 4 * third)
        fourth = slope(rates, rho, there)
        error = h * jnp.max(jnp.abs(-5 * first + 6 * second + 8 * third - 9 * fourth)) / 72 / accuracy
        good = error <= 1  # not so where it is NaN
        factor = jnp.where(jnp.isfinite(error), jnp.clip(0.9 * (error + 1e-9) ** (-1 / 3), 0.2, 5), 0.2)
        length = jnp.where(h > 0, h * factor, 0.1 / jnp.max(jnp.abs(fourth)))
        plus, minus = jnp.exp(there)
        new = Lane(there, fourth, length, x @ ((plus**2 - minus**2) / 4) - y)  # as `rates` has it, at no cost
        kept = jax.tree.map(lambda a, b: jnp.where(good, a, b), new, lane)
        return kept._replace(length=length), tried + 1

    return jax.lax.while_loop(going, move, (lane, 0))


class Limits(NamedTuple):
    shrinkage: Array  # (flows, d), log(init / alpha_eff): what theory/flow.py's `path` has as `shrinkage`
    beta: Array  # (flows, d), where the flow was left
    fit: Array  # (flows,), |residual| there over that at the start
    steps: Array  # (flows,)


def limits(x, y, init, rho, single, accuracy, relative, most, advance, batch=25, block=100):
    """The flows from u = sqrt(2) init, v = 0 to a residual `relative` times the first, or after `most` steps.

    x (flows, n, d), y (flows, n), init and rho (flows,). They go on in batches of one shape, by blocks of
    steps after which those that have arrived leave. `advance` is `advanced` mapped over flows and compiled.
    """
    count, d = len(y), x.shape[2]
    ends = relative * np.linalg.norm(y, axis=1)  # beta = 0 at the start
    start = np.broadcast_to(np.log(np.sqrt(2) * init)[:, None, None], (count, 2, d))
    lanes = Lane(start.copy(), np.zeros((count, 2, d)), np.zeros(count), -y)
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
    plus, minus = np.swapaxes(lanes.logs, 0, 1)
    return Limits(
        start[:, 0] - (plus + minus) / 2,
        (np.exp(2 * plus) - np.exp(2 * minus)) / 4,
        np.linalg.norm(lanes.residual, axis=1) / np.linalg.norm(y, axis=1),
        spent,
    )


def compiled_advance():
    """`advanced` for many flows: one program for each shape, method and number of steps."""
    over = (0, 0, 0, None, None, 0, 0, None)
    return jax.jit(jax.vmap(advanced, over), static_argnums=(3, 7))

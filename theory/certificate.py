"""One step against (1 - rate) (f - f*) + rate N, solved for what the inequality speaks of; rate = gamma mu.

Compared as it stands, the inequality holds to any relative tolerance above `rate` even for a rule that does
not move. So a state is judged by the N that it needs, or where N = 0 by the promised over the true decrease;
the rounding of f - f*, which both differences inherit, is then divided by `rate`. By the tower rule a
certificate at every state implies the statement at every horizon.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg

from theory import Array
from theory.expectation import Pieces, averaged, pieces
from theory.update import norm

EPS = 2.0**-52
ROUNDINGS = 64  # f - f* at a state is a sum of a few dozen roundings of its own size


class Need(NamedTuple):
    """What a state needs, and the rounding of it."""

    measured: Array
    rounding: Array


def noise_needed(before, after, rate):
    """N that serves at a state: [E f(w+) - f* - (1 - rate) (f(w) - f*)] / rate."""
    return Need((after - before) / rate + before, ROUNDINGS * EPS * (before + after) / rate)


def noise_by_model(before, model, moves, q, rate):
    """The same where w+ = w + moves_k with probability q_k, from f about w to second order (its `model`).

    No two nearly equal values of f are subtracted: rounding is relative to the terms of E f(w+) - f(w), and
    what the model leaves out, E|w+ - w|^3 times a constant, is added to it. Quadratics leave out nothing.
    """
    first, second = q @ moves, moves.T @ (q[:, None] * moves)
    curved = 0.5 * jnp.sum(model.hessian * second)
    missed = model.third / 6 * (q @ jnp.sum(moves**2, axis=1) ** 1.5)
    size = model.spread @ (q @ jnp.abs(moves)) + 0.5 * jnp.sum(jnp.abs(model.hessian * second))
    return Need(
        (model.slope @ first + curved) / rate + before,
        ROUNDINGS * EPS * (size / rate + before) + missed / rate,
    )


def promised_over_true(before, after, rate):
    """rate (f - f*) over the true expected decrease, taken as large as rounding allows, hence finite."""
    doubt = ROUNDINGS * EPS * (before + after)
    ratio = rate * before / (jnp.maximum(before - after, 0) + doubt)
    return Need(ratio, ROUNDINGS * EPS * ratio)


def worst(need):
    """The largest need over states and the rounding there."""
    at = jnp.argmax(need.measured)
    return need.measured[at], need.rounding[at]


def ascend(score, starts, iterations, over=jax.vmap):
    """States where `score` is larger, one for each start, never smaller than there. Compile it.

    Ascent along the gradient with a length of its own: half as long again after a gain, a third after a loss.
    `over` maps it over the starts: `jax.vmap`, or one at a time where a score is large.
    """

    def climb(start):
        def move(now, _):
            w, value, grad, length = now
            size = norm(grad)
            tried = w + length * grad / jnp.where(size > 0, size, 1)
            found, slope = jax.value_and_grad(score)(tried)
            gain = (found > value) & jnp.all(jnp.isfinite(slope))
            scaled = length * jnp.where(gain, 1.5, 1 / 3)
            return (
                jnp.where(gain, tried, w),
                jnp.where(gain, found, value),
                jnp.where(gain, slope, grad),
                jnp.where(length > 0, scaled, 0.3 * norm(start)),
            ), None

        # the first move has length 0 and reads the start itself
        return jax.lax.scan(move, (start, -jnp.inf, jnp.zeros_like(start), 0.0), length=iterations + 1)[0][0]

    return over(climb)(starts)


def worst_for_usam(f, law, gamma, rho, rate):
    """w - w* where USAM on a quadratic sum needs most, in closed form.

    E f(w+) - f* is half of E|(I - N_v) e - z_v|^2 in the norm of H (theory/expectation.py), so the N needed
    is quadratic in e and largest where its gradient vanishes; without noise the ratio of promised to true
    decrease is largest along a generalised eigenvector, of length 1 here.
    """
    q, h, s, whole, basis = atoms = Pieces(*map(np.asarray, pieces(f, law)))
    n, z = atoms.moves(gamma, rho)[:2]
    keep = np.eye(len(whole)) - n
    kept = averaged(q, keep @ whole @ keep)
    if not np.any(s):
        e = scipy.linalg.eigh(whole - kept, whole)[1][:, 0]
        return basis @ (e / np.linalg.norm(e))
    return basis @ np.linalg.solve(kept - (1 - rate) * whole, q @ (keep @ whole @ z[:, :, None])[:, :, 0])


def rings(key, count, d, inner, outer):
    """`count` states in random directions at distances spaced geometrically from `inner` to `outer`."""
    return spread(jax.random.normal(key, (count, d)), inner, outer)


def spread(ways, inner, outer):
    """States in the directions `ways`, (count, d), at distances spaced geometrically. NumPy."""
    ways = np.asarray(ways)
    ways = ways / np.linalg.norm(ways, axis=1, keepdims=True)
    return ways * np.geomspace(inner, outer, len(ways))[:, None]

"""The inner maximum against what one ascent of the same ball reaches, over the radius, for p = 1, 2 and inf.

`first` is the rise at rho s_p(g), `linear` its linearisation rho |g|_q, and the maximum lies in [lower,
upper].

"quadratic": a convex quadratic in eight dimensions, lower = upper: by the secular equation for p = 2, at a
corner for p = 1 and inf. For these two the first corner is exactly the best while rho is small.
"near a minimum": the same with the gradient a hundredth as long.
"net": a tanh net of eight weights at a random point. `lower` is the best value at all corners of the ball for
p = 1 and inf, of climbs for p = 2, and of the first 30 repeated ascents; `upper` is that of
theory/inner.py with the third derivatives bounded in the ball.
"""

from functools import partial
from math import inf, sqrt

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from experiments.record import progress
from theory import admit, ascent, inner
from theory.problems.tanh_net import tanh_net
from theory.sharpness import largest_in_ball, second_order

SECONDS = 6
QUICK = {"radii": 5}
NORMS = (1, 2, inf)
LONGEST = 1.0  # radius on the net
D, EXAMPLES, STARTS, ITERATIONS, ASCENTS = 8, 20, 6, 12, 30


def run(seed=0, radii=33, smallest=1e-3, largest=10.0, shrink=0.01):
    admit.whole(radii, "radii", 2)
    if not 0 < smallest < min(largest, LONGEST):
        raise ValueError(
            f"the radii need 0 < smallest < largest, and smallest < {LONGEST:g}, the end of the net; "
            f"got {smallest:g}, {largest:g}"
        )
    admit.steps(0, shrink, 0)
    progress(f"f21_inner: {radii} radii from {smallest:g} to {largest:g}, p = 1, 2, inf")
    rng = np.random.default_rng(seed)
    rho = np.geomspace(smallest, largest, radii)
    turn = np.linalg.qr(rng.standard_normal((D, D)))[0]
    h, g = (turn * np.geomspace(0.1, 3, D)) @ turn.T, rng.standard_normal(D)
    g /= np.linalg.norm(g)
    frames = [
        on_quadratic("quadratic", (h + h.T) / 2, g, rho),
        on_quadratic("near a minimum", (h + h.T) / 2, shrink * g, rho),
        on_net(rng, rho[rho < LONGEST]),
    ]
    return pd.concat(frames, ignore_index=True)


QUICKLY = {"xla_backend_optimization_level": 0}  # each runs once or twice: compilation counts

in_balls = jax.jit(jax.vmap(largest_in_ball, (None, None, 0)), compiler_options=QUICKLY)


@partial(jax.jit, compiler_options=QUICKLY)
def steps(g):
    """The first-order steps of radius 1."""
    return [ascent.unit(g, p) for p in NORMS]


def on_quadratic(kind, h, g, rho):
    frames = []
    for p, s in zip(NORMS, map(np.asarray, steps(g)), strict=True):
        if p == 2:
            best = np.asarray(in_balls(h, g, rho).value)
        else:
            best = np.array([inner.largest_at_corners(h, g, each, p).value for each in rho])
        first = rho * (s @ g) + 0.5 * rho**2 * (s @ h @ s)
        kept = {"kind": kind, "p": f"{p:g}", "rho": rho, "first": first, "linear": rho * (s @ g)}
        frames.append(pd.DataFrame(kept | {"lower": best, "upper": best}))
    return pd.concat(frames)


def on_net(rng, rho):
    f = tanh_net(
        rng.standard_normal((EXAMPLES, 2)), rng.standard_normal(EXAMPLES), rng.standard_normal(D // 2)
    )
    w, starts = rng.standard_normal(D), rng.standard_normal((STARTS, D))
    g, h, upper, *found = jax.tree.map(np.asarray, at_net(f, w, starts, rho, thirds(f, w, rho)))
    frames = []
    for p, s, lower in zip(NORMS, map(np.asarray, steps(g)), found, strict=True):
        first = rises(f, w, rho[:, None] * s)
        above = upper
        if p != 2:
            tried = rises(f, w, (rho[:, None, None] * inner.corners(D, p)).reshape(-1, D))
            lower = np.maximum(lower, tried.reshape(len(rho), -1).max(1))
            third = thirds(f, w, rho * (sqrt(D) if p == inf else 1))
            above = [inner.above(h, g, each, p, m) for each, m in zip(rho, third, strict=True)]
        kept = {"kind": "net", "p": f"{p:g}", "rho": rho, "linear": rho * (s @ g), "first": first}
        frames.append(pd.DataFrame(kept | {"lower": np.maximum(lower, first), "upper": above}))
    return pd.concat(frames)


def thirds(f, w, lengths):
    """Bounds of the third derivatives within each length."""
    return np.array([np.mean(f.third_near(w, each)) for each in lengths])


def rises(f, w, points):
    """f(w + v) - f(w) at many points v, without a program for each number of them."""
    x, y, second = map(np.asarray, f)
    rows = np.concatenate([w[None], w + points]).reshape(-1, len(second), x.shape[1])
    units = np.tanh(np.einsum("bhk,nk->bnh", rows, x))
    losses = np.mean((units @ second - y) ** 2, axis=1) / 2
    return losses[1:] - losses[0]


@partial(jax.jit, compiler_options=QUICKLY)
def at_net(f, w, starts, rho, third):
    """Slope and Hessian, the upper end for p = 2, and for each p the best value of ascents and climbs."""

    def rise(v):
        return jnp.mean(f.losses(w + v) - f.losses(w))

    def ascended(radius, p):
        def again(e, _):
            e = radius * ascent.unit(jax.grad(rise)(e), p)
            return e, rise(e)

        return jnp.max(jax.lax.scan(again, 0 * w, length=ASCENTS)[1])

    _, g, h = second_order(rise)(0 * w)
    lower, _, upper = jax.vmap(lambda radius, m: inner.bracket(rise, starts, radius, m, ITERATIONS))(
        rho, third
    )
    best = {p: jax.vmap(partial(ascended, p=p))(rho) for p in NORMS}
    return g, h, upper, best[1], jnp.maximum(best[2], lower), best[inf]

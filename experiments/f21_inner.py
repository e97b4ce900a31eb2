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

from math import inf, sqrt

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from experiments.record import progress
from theory import admit, ascent, inner
from theory.problems.tanh_net import tanh_net
from theory.sharpness import largest_in_ball, second_order

SECONDS = 9
QUICK = {"radii": 5}
NORMS = (1, 2, inf)
D, EXAMPLES, STARTS, ITERATIONS, ASCENTS = 8, 20, 6, 12, 30


def run(seed=0, radii=33, smallest=1e-3, largest=10.0, shrink=0.01):
    admit.whole(radii, "radii", 2)
    if not 0 < smallest < largest:
        raise ValueError(f"the radii must satisfy 0 < smallest < largest; got {smallest:g}, {largest:g}")
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
        on_net(rng, rho[rho < 1]),
    ]
    return pd.concat(frames, ignore_index=True)


def on_quadratic(kind, h, g, rho):
    in_balls = jax.jit(jax.vmap(largest_in_ball, (None, None, 0)))
    frames = []
    for p in NORMS:
        if p == 2:
            best = np.asarray(in_balls(h, g, rho).value)
        else:
            best = np.array([inner.largest_at_corners(h, g, each, p).value for each in rho])
        s = np.asarray(ascent.unit(jnp.asarray(g), p))
        first = rho * (s @ g) + 0.5 * rho**2 * (s @ h @ s)
        kept = {"kind": kind, "p": f"{p:g}", "rho": rho, "first": first, "linear": rho * (s @ g)}
        frames.append(pd.DataFrame(kept | {"lower": best, "upper": best}))
    return pd.concat(frames)


def on_net(rng, rho):
    f = tanh_net(
        rng.standard_normal((EXAMPLES, 2)), rng.standard_normal(EXAMPLES), rng.standard_normal(D // 2)
    )
    w = jnp.asarray(rng.standard_normal(D))

    @jax.jit
    def rise(v):
        return jnp.mean(f.losses(w + v) - f.losses(w))

    _, g, h = jax.jit(second_order(rise))(0 * w)
    climbed, ascended = climbs(rise, w, rng, rho), {p: ascents(f.loss, w, rho, p) for p in NORMS}
    frames = []
    for p in NORMS:
        s = ascent.unit(g, p)
        rises = jax.jit(jax.vmap(jax.vmap(rise)))
        tried = ascended[p]
        if p != 2:
            tried = np.concatenate([tried, rho[:, None, None] * inner.corners(D, p)], axis=1)
        lower = np.asarray(rises(tried)).max(1)
        # Taylor's remainder is bounded within the longest |e| of the ball
        longest = rho * (sqrt(D) if p == inf else 1)
        third = np.array([np.mean(f.third_near(w, each)) for each in longest])
        if p == 2:
            above = jax.jit(jax.vmap(lambda rho, m: inner.above(h, g, rho, 2, m)))(rho, third)
        else:
            above = [inner.above(h, g, each, p, m) for each, m in zip(rho, third, strict=True)]
        first = np.asarray(rises(rho[:, None, None] * s))[:, 0]
        lower = np.maximum(lower, np.maximum(first, climbed if p == 2 else 0))
        kept = {"kind": "net", "p": f"{p:g}", "rho": rho, "linear": rho * float(s @ g), "first": first}
        frames.append(pd.DataFrame(kept | {"lower": lower, "upper": np.asarray(above)}))
    return pd.concat(frames)


def climbs(rise, w, rng, rho):
    """The best value of climbs in the ball of p = 2, one for each radius."""
    starts = rng.standard_normal((STARTS, D))

    @jax.jit
    @jax.vmap
    def best(radius):
        return inner.bracket(rise, starts, radius, 0.0, ITERATIONS).lower

    return np.asarray(best(jnp.asarray(rho)))


def ascents(loss, w, rho, p):
    """The points e of repeated ascents, (radii, ASCENTS, d)."""

    @jax.jit
    @jax.vmap
    def path(radius):
        def again(e, _):
            e = radius * ascent.unit(jax.grad(loss)(w + e), p)
            return e, e

        return jax.lax.scan(again, 0 * w, length=ASCENTS)[1]

    return np.asarray(path(jnp.asarray(rho)))

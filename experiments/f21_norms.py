"""SAM in the balls of p = 1, 2 and inf on one problem: which curvature each lowers.

Tanh nets of 12 weights on 40 noisy values of a smaller one, full batch, several seeds (data and start), the
same step. The radii are matched: rho_p |g|_q at the start is that of p = 2, so that to first order the first
ascents gain the same. Near a minimum with Hessian H the inner maximum is rho^2 times

    p = 1    max_i H_ii / 2        p = 2    lambda_1 / 2        p = inf    max_s s'Hs / 2, s in {-1, 1}^d

for a convex H (theory/inner.py); here H is the Gauss and Newton part J'J / n, which is. `curvature 1`,
`curvature 2`, `curvature inf` are twice these numbers.
"""

from math import inf

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from experiments.f21_second_order import regression, stacked
from experiments.record import progress
from theory import admit, ascent, inner
from theory.confidence import median_above
from theory.update import descended, look_ahead_along

SECONDS = 6
QUICK = {"steps": 200, "seeds": 2}
INPUTS, UNITS, EXAMPLES = 3, 4, 40
NORMS = (1, 2, inf)


def run(seed=0, steps=10_000, seeds=24, gamma=0.1, rho=0.1, noise=0.5):
    for value, name, low in [(steps, "steps", 2), (seeds, "seeds", 1)]:
        admit.whole(value, name, low)
    admit.steps(gamma, rho, 1)
    progress(f"f21_norms: {seeds} nets, p = 1, 2, inf and none, {steps} steps")
    nets = stacked([regression([seed, k], INPUTS, UNITS, EXAMPLES, noise) for k in range(seeds)])
    times = np.unique(np.geomspace(1, steps, 40).astype(int))
    counts = jnp.asarray(np.diff(np.concatenate([[0], times])))
    frames = []
    for p, share in [(2, 0.0), *((p, 1.0) for p in NORMS)]:
        radii, seen = paths(nets, counts, gamma, share * rho, NORMS.index(p))
        kept = {"method": f"p = {p:g}" if share else "GD", "radius": np.repeat(radii, len(times))}
        kept |= {"seed": np.repeat(np.arange(seeds), len(times)), "step": np.tile(times, seeds)}
        frames.append(pd.DataFrame(kept | {name: np.ravel(values) for name, values in seen.items()}))
    return pd.concat(frames, ignore_index=True)


@jax.jit
def paths(nets, counts, gamma, rho, k):
    """(radii, what is seen after each count of steps), p the k-th of NORMS: one program for all."""
    signs = jnp.asarray(inner.corners(INPUTS * UNITS, inf))

    def along(w, grad):
        return jax.lax.switch(k, [ascent.along(1.0, p, None) for p in NORMS], w, grad)

    def one(net):
        rule = jax.value_and_grad(net.train.loss)
        grad = rule(net.start)[1]
        sizes = jnp.stack([ascent.dual_norm(grad, p) for p in NORMS])
        radius = rho * sizes[NORMS.index(2)] / sizes[k]
        gradient = look_ahead_along(rule, radius, along)

        def block(w, count):
            w = jax.lax.fori_loop(0, count, lambda _, w: descended(w, gamma, gradient(w, ())[1]), w)
            rows = jax.jacrev(net.train.residuals)(w)
            h = rows.T @ rows / EXAMPLES
            return w, {
                "train": net.train.loss(w),
                "test": net.test.loss(w),
                "curvature 1": jnp.max(jnp.diag(h)),
                "curvature 2": jnp.linalg.eigvalsh(h)[-1],
                "curvature inf": jnp.max(jnp.sum((signs @ h) * signs, axis=1)),
            }

        return radius, jax.lax.scan(block, net.start, counts)[1]

    return jax.vmap(one)(nets)


def verdicts(table):
    """At 99.9 %, over the nets: with each p its own curvature ends below that of descent."""
    last = table[table.step == table.step.max()].set_index(["method", "seed"])
    out = {}
    for p in NORMS:
        ratio = last[f"curvature {p:g}"][f"p = {p:g}"] / last[f"curvature {p:g}"]["GD"]
        out[f"p = {p:g} lowers its own curvature"] = {
            "measured": median_above(ratio, 1.0, 0.999),
            "bound": 0.5,
            "controls": {"exchanged": median_above(1 / ratio, 1.0, 0.999)},
        }
    return out

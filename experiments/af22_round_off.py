"""How much of a loss of 1-SAM is round-off: 50 data sets as the public notebook draws them, two coordinates.

10001 steps of one formula, the five products of theory/problems/diagonal.py, with gamma = 1/2 and u0 = 0.1:
on u and v, as the notebook has it, and on u + v and u - v, where nothing cancels, each also from u0 one
rounding larger. `rho` is that of the theory, `critical` the radius beyond which the network collapses, for
each data set. `apart` is the relative difference of the losses on u and v from those on u + v and u - v,
`moved` and `multiplied_moved` what the rounding of u0 does: with this step some runs amplify roundings in
any coordinates. NaN where a run diverges.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from experiments.af22_collapse import thresholds
from experiments.record import progress
from theory import admit
from theory.descent import iterate, still
from theory.problems import diagonal, notebook
from theory.problems.notebook import STEPS

SECONDS = 9
QUICK = {"seeds": 4, "steps": 100}
TOGETHER = 25  # data sets in one batch: half of them, so that one program serves both
SMALL, CLOSE = 0.06, 1e-9  # up to this radius the two agree to that


def run(seed=0, seeds=50, steps=STEPS, radii=(0.06, 0.2, 0.4, 0.6), gamma=1 / 2, u0=0.1):
    admit.whole(seeds, "seeds", 1)
    admit.whole(steps, "steps", 1)
    admit.steps(gamma, radii, 0)
    first = admit.whole(seed, "the seed", 0, 2**32 - 1 - seeds)
    progress(f"af22_round_off: {seeds} data sets, {len(radii)} radii, four times")
    drawn = [notebook.drawn(first + k)[0] for k in range(seeds)]
    data = jax.tree.map(lambda *each: np.stack(each), *((*each.train, *each.test) for each in drawn))
    critical = [thresholds(each.train)["1-SAM"] for each in drawn]
    losses = {
        name: np.asarray(sweep(data, jnp.asarray(radii), gamma, start, name.startswith("multiplied"), steps))
        for name, start in (
            ("u_v", u0),
            ("u_v_nudged", np.nextafter(u0, 1)),
            ("multiplied", u0),
            ("multiplied_nudged", np.nextafter(u0, 1)),
        )
    }
    table = pd.DataFrame({name: each.ravel() for name, each in losses.items()})
    table.insert(0, "seed", np.repeat(first + np.arange(seeds), len(radii)))
    table.insert(1, "critical", np.repeat(critical, len(radii)))
    table.insert(2, "rho", np.tile(radii, seeds))
    table["apart"] = np.abs(table.u_v / table.multiplied - 1)
    table["moved"] = np.abs(table.u_v_nudged / table.u_v - 1)
    table["multiplied_moved"] = np.abs(table.multiplied_nudged / table.multiplied - 1)
    return table


@partial(jax.jit, static_argnames=("multiplied", "steps"))
def sweep(data, radii, gamma, u0, multiplied, steps):
    """The test loss at the end for each data set and radius."""

    def last(problem, rho):
        x, y, x_test, y_test = problem
        f, d = diagonal.Diagonal(x, y), x.shape[1]
        start = (jnp.full(d, u0),) * 2 if multiplied else (jnp.full(d, u0), jnp.zeros(d))
        move = diagonal.multiplied(diagonal.one_sam_rates(f)) if multiplied else diagonal.one_sam(f)
        a, b = iterate(move, start, gamma, rho, 0.0, (still(steps),), lambda w: jnp.zeros(()), steps)[1]
        beta = (a**2 - b**2) / 4 if multiplied else a * b
        return 0.5 * jnp.mean((x_test @ beta - y_test) ** 2)

    size = min(TOGETHER, len(data[0]))
    return jax.lax.map(lambda problem: jax.vmap(last, (None, 0))(problem, radii), data, batch_size=size)


def verdicts(table):
    """For small radii the coordinates do not matter; for the largest they do, on some data sets."""
    of = table[np.isfinite(table.apart)]
    small, large = of[of.rho <= SMALL], of[of.rho == of.rho.max()]
    return {
        "small radii: the coordinates do not matter": {
            "measured": small.apart.max(),
            "bound": 0.0,
            "tolerance": CLOSE,
            "cells": len(small),
            "controls": {"the largest radius": large.apart.max()},
        },
        "the largest radius: they do": {
            "measured": 1.0,
            "bound": float((large.apart > CLOSE).sum()),
            "cells": len(large),
            "controls": {
                "small radii": {
                    "measured": 1.0,
                    "bound": float((small.apart > CLOSE).sum()),
                    "tolerance": 1e-9,
                }
            },
        },
    }

"""The effective scale of the start in every coordinate, against its exact and its first-order prediction.

The flows of 1-SAM, 5-SAM and n-SAM from u = u0 (1, ..., 1), v = 0 on the public regression, until they fit.
`log_ratio` is log(alpha_eff / alpha) of each coordinate as the weights at the end have it, `exact` minus
the integral of rho mean_S g_S g_S^+ along the flow, `leading` -rho int mean_S g_S^2 along gradient flow,
which knows nothing of SAM. `beta` is where the flow ends, `predicted` the least potential on X beta = y at
that scale, by dual Newton, and `descent` where gradient flow ends. `support` marks the coordinates of the
target.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from experiments.record import progress
from theory import admit, flow
from theory.problems import diagonal

SECONDS = 5
QUICK = {"time": 20.0, "radii": (0.1,)}


def run(seed=0, u0=0.5, radii=(0.1, 0.2, 0.4), sizes=(1, 5, 20), time=8000.0):
    admit.steps(0, radii, 0)
    regression = diagonal.reference(admit.whole(seed, "the seed", 0, 2**32 - 1))
    f, init = regression.train, u0 / np.sqrt(2)
    groups = {m: diagonal.groups(f.n, m) for m in sizes}
    times = np.array([time])
    descent = flow.path(f, init, diagonal.groups(f.n, f.n), 0.0, times)
    moment = flow.moment(f, init, time)[0]
    solve = jax.jit(partial(diagonal.least_potential, jnp.asarray(f.x), jnp.asarray(f.y)))
    frames = []
    for m in sizes:
        leading = flow.exponent(f, moment, groups[m])
        progress(f"af22_shrinkage: {name(m, f.n)}, {len(radii)} flows")
        for rho in radii:
            path = flow.path(f, init, groups[m], rho, times)
            kept = {
                "m": m,
                "rho": rho,
                "coordinate": np.arange(f.x.shape[1]),
                "support": regression.target > 0,
            }
            kept |= {"log_ratio": 0.5 * np.log(path.imbalance[0] / init**2), "exact": -path.shrinkage[0]}
            kept |= {"leading": -rho * leading, "beta": path.beta[0], "descent": descent.beta[0]}
            kept |= {"predicted": np.asarray(solve(jnp.asarray(path.imbalance[0]))[0])}
            frames.append(pd.DataFrame(kept).assign(method=name(m, f.n), target=regression.target))
    return pd.concat(frames, ignore_index=True)


def name(m, n):
    return "n-SAM" if m == n else f"{m}-SAM"


def verdicts(table):
    """The scale at the end is the exact one, and the solution the least potential at it."""
    out = {}
    for method, rows in table.groupby("method"):
        apart = np.abs(rows.log_ratio - rows.exact).max()
        out[f"{method}: the exact exponent"] = {
            "measured": apart,
            "bound": 0.0,
            "tolerance": 1e-10,
            "controls": {"the leading one": np.abs(rows.log_ratio - rows.leading).max()},
        }
        out[f"{method}: the solution"] = {
            "measured": np.abs(rows.beta - rows.predicted).max(),
            "bound": 0.0,
            "tolerance": 1e-8,
            "controls": {"that of gradient flow": np.abs(rows.beta - rows.descent).max()},
        }
    return out

"""Where 1-SAM and n-SAM collapse: the training loss at the end, over the radius and the size of the start.

The public diagonal network, gamma = 0.1, discrete steps on u + v and u - v, where nothing cancels. For
small starts u + v is multiplied by 1 + gamma (c_j - rho s_j) and u - v by 1 - gamma (c_j + rho s_j), with
c_j = mean_i y_i x_ij and s_j = mean_i y_i^2 x_ij^2, so that the zero network is stable for 1-SAM exactly
beyond rho_c = max_j |c_j| / s_j. For n-SAM s_j is c_j^2, and the threshold, `critical`, is 1 / min_j |c_j|,
hundreds of times larger. From larger starts a network may fit beyond it. `relative` is the training loss
over that of the zero network; NaN where a run diverges. `kept` counts the coordinates that are not zero: a
little within rho_c a single one survives and the loss stays near that of the zero network, so that the last
tenth below the threshold neither collapses nor fits.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from experiments.af22_training import half_square
from experiments.record import progress
from theory import admit
from theory.problems import diagonal

SECONDS = 7
QUICK = {"steps": 200, "radii": 4, "starts": 3}
ZERO = 1e-3  # of a coordinate
SMALL = 0.05  # starts of which the threshold speaks
NEAR = 1.06, 0.85  # radii over the critical one that have to collapse, and to fit, within the steps
BETWEEN = 0.93


def run(seed=0, steps=12_000, radii=40, starts=18, gamma=0.1):
    for value, name, low in [(steps, "steps", 1), (radii, "radii", 2), (starts, "starts", 2)]:
        admit.whole(value, name, low)
    admit.steps(gamma, 0, 0)
    f = diagonal.reference(admit.whole(seed, "the seed", 0, 2**32 - 1)).train
    sizes = np.geomspace(1e-3, 1.5, starts)
    rest = half_square(f, np.zeros(f.x.shape[1]))
    frames = []
    whole = diagonal.m_sam_rates(f, diagonal.groups(f.n, f.n))
    for method, rates in {"1-SAM": diagonal.one_sam_rates(f), "n-SAM": whole}.items():
        progress(f"af22_collapse: {method}, {radii * starts} runs of {steps} steps")
        critical = thresholds(f)[method]
        shares = np.linspace(0.05, 2, radii)
        rho, u0 = (each.ravel() for each in np.meshgrid(shares * thresholds(f)["1-SAM"], sizes))
        beta = ends(diagonal.multiplied(rates), u0, rho, gamma, steps, f.x.shape[1])
        kept = {"method": method, "gamma": gamma, "step": steps, "critical": critical, "rho": rho, "u0": u0}
        kept |= {"train_loss": half_square(f, beta), "relative": half_square(f, beta) / rest}
        kept |= {"kept": (np.abs(beta) > ZERO).sum(1)}
        frames.append(pd.DataFrame(kept))
    return pd.concat(frames, ignore_index=True)


def thresholds(f):
    x, y = np.asarray(f.x), np.asarray(f.y)
    mean, square = np.abs(x.T @ y) / f.n, (x**2).T @ y**2 / f.n
    return {"1-SAM": np.max(mean / square), "n-SAM": 1 / np.min(mean)}


def ends(move, sizes, radii, gamma, steps, d):
    """The predictor u v after so many steps from u = size, v = 0, for each size and radius."""
    plus, minus = map(np.asarray, moved(move, jnp.asarray(sizes), jnp.asarray(radii), gamma, steps, d))
    return (plus**2 - minus**2) / 4


@partial(jax.jit, static_argnames=("move", "d"))
def moved(move, sizes, radii, gamma, steps, d):
    """The last (u + v, u - v) of each, all together."""

    def one(size, rho):
        start = (jnp.full(d, size),) * 2
        return jax.lax.fori_loop(0, steps, lambda _, w: move(w, gamma, rho, 0), start)

    return jax.vmap(one)(sizes, radii)


def verdicts(table):
    """From small starts 1-SAM rests and fits where it should; n-SAM of the same radii fits."""
    small = table[table.u0 <= SMALL]
    own = small[small.method == "1-SAM"]
    beyond = own[own.rho >= NEAR[0] * own.critical].relative
    within = own[own.rho <= NEAR[1] * own.critical].relative
    between = own[(own.rho > BETWEEN * own.critical) & (own.rho < own.critical)].relative
    other = small[small.method == "n-SAM"]
    return {
        "1-SAM beyond the threshold keeps the loss of the zero network": {
            "measured": 1 - beyond.min(),
            "bound": 0.01,
            "controls": {"within it": 1 - within.max(), "n-SAM of these radii": 1 - other.relative.max()},
        },
        "1-SAM within it fits": {
            "measured": within.max(),
            "bound": 0.1,
            "controls": {"beyond it": beyond.min()},
        },
        "a little within it 1-SAM does neither": {
            "measured": between.max(),
            "bound": 0.99,
            "hypotheses": {"it does not fit": bool(between.min() > 0.5)},
            "controls": {"beyond it": beyond.max()},
        },
        "n-SAM, far within its own, fits at all these radii": {
            "measured": other.relative.max(),
            "bound": 0.1,
            "hypotheses": {"within it": bool(np.all(other.rho < other.critical))},
            "controls": {"1-SAM": own.relative.max()},
        },
    }

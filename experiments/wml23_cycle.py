"""Full-batch SAM on quadratics: the two-cycle, how it is reached, and what becomes of it near gamma l_1 = 2.

"plane": iterates in a valley of two eigenvalues, along v_2 (`across`: the flat direction) and v_1 (`along`);
"level": level lines of it. "run": |w_t| and the tangent of the angle to v_1 in `d` dimensions, rotated, and
what is predicted: the radius c_1 of the cycle (from gamma l_1 = 2 on, the line that |w_t| follows along v_1),
and the tangent from where it is 1e-3, falling by q a step. "cycle": the last loss and worst rise R^Max within
rho against gamma l_1, and their values on the cycle. rho = l_1 = 1.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from experiments.record import progress
from theory import admit
from theory.bounds import wml23
from theory.descent import descend, still, whole_batch
from theory.problems.quadratic import Quadratic
from theory.update import step

SECONDS = 3
QUICK = {"steps": 300, "points": 3}
RHO = 1.0
SPREAD = 0.15, 0.93  # of the eigenvalues below l_1
VALLEY = 0.12  # the flat eigenvalue in the plane
PLANE, PLANE_STEPS = (0.4, 1.2, 1.9), 80  # gamma l_1, and steps shown
REACHES = (0.2, 0.6, 1.0, 1.5, 1.9, 2.0)  # gamma l_1 of the runs
ANCHOR = 1e-3  # the predicted tangent begins there
FITTED = 1e-11, 1e-5  # tangents between which the rate is read


def run(seed=0, steps=4000, d=10, points=40, shown=400):
    admit.whole(steps, "steps", 10)
    admit.whole(d, "d", 3)
    admit.whole(points, "points", 2)
    shown = min(admit.whole(shown, "shown", 1), steps)
    rng = np.random.default_rng(admit.whole(seed, "the seed", 0, 2**63 - 1))
    grid = np.linspace(0.05, 1.99, points)
    reaches = np.concatenate([REACHES, grid])
    progress(f"wml23_cycle: {len(reaches)} runs of {steps} steps in {d} dimensions")
    eigs = np.append(np.linspace(*SPREAD, d - 1), 1.0)
    turn = np.linalg.qr(rng.standard_normal((d, d)))[0]
    start = 2 * RHO * rng.standard_normal(d) / np.sqrt(d)
    w, last, after = map(np.asarray, paths((turn * eigs) @ turn.T, start, reaches, steps, shown))
    runs = pd.concat([curve(w[k] @ turn, eigs, reach) for k, reach in enumerate(REACHES)])
    last, after = last[len(REACHES) :] @ turn, after[len(REACHES) :] @ turn
    return pd.concat([plane(), levels(), runs, cycles(last, after, eigs, grid)], ignore_index=True)


@partial(jax.jit, static_argnames=("steps", "shown"))
def paths(h, start, gammas, steps, shown):
    """The first `shown` w of every run, its last and the next; l_1 = 1, so that gamma is the reach."""
    rule = jax.value_and_grad(Quadratic(h[None], jnp.zeros((1, len(h))), jnp.zeros(1)).loss)

    def one(gamma):
        def through(w, steps, observe):
            return descend(whole_batch(rule), w, gamma, RHO, 1.0, (still(steps),), observe)

        seen, w = through(start, shown, lambda w: w)
        last = jax.lax.fori_loop(0, steps - shown, lambda _, w: step(rule, w, gamma, RHO, 1.0), w)
        return seen, last, step(rule, last, gamma, RHO, 1.0)

    return jax.vmap(one)(gammas)


def plane():
    """Runs in the valley, from one start."""
    start, h = jnp.array([4.6, 1.1]) * RHO, jnp.diag(jnp.array([VALLEY, 1.0]))
    w = np.asarray(paths(h, start, np.array(PLANE), PLANE_STEPS, PLANE_STEPS)[0])
    frames = []
    for reach, path in zip(PLANE, w, strict=True):
        kept = {"kind": "plane", "reach": reach, "step": np.arange(PLANE_STEPS + 1), "across": path[:, 0]}
        radius = wml23.cycle_radius(1.0, reach, RHO, 1.0)
        frames.append(pd.DataFrame(kept | {"along": path[:, 1], "radius": radius}))
    return pd.concat(frames)


def levels():
    angle = np.linspace(0, 2 * np.pi, 181)
    frames = [
        pd.DataFrame(
            {
                "kind": "level",
                "loss": loss,
                "across": np.sqrt(2 * loss / VALLEY) * np.cos(angle),
                "along": np.sqrt(2 * loss) * np.sin(angle),
            }
        )
        for loss in 0.5 * np.array([0.35, 0.7, 1.05, 1.4, 1.75, 5, 10, 15, 20]) ** 2
    ]
    return pd.concat(frames)


def curve(w, eigs, reach):
    """One run in the basis of eigenvectors, and what is predicted of it."""
    size, times = np.linalg.norm(w, axis=1), np.arange(len(w))
    tangent = np.linalg.norm(w[:, :-1], axis=1) / np.abs(w[:, -1])
    kept = {"kind": "run", "reach": reach, "step": times, "size": size, "tangent": tangent}
    first = np.argmax(tangent < ANCHOR)
    if reach >= 2:
        line = wml23.unstable_distance(1.0, reach, RHO, size[-1], times - times[-1])
        return pd.DataFrame(kept | {"predicted": np.where(times >= first, line, np.nan)})
    q = wml23.alignment_rate(eigs, reach)
    kept |= {"predicted": wml23.cycle_radius(1.0, reach, RHO, 1.0), "rate": q}
    kept["wrong_rate"] = np.max(np.abs(1 - reach * eigs[:-1] - (1 - reach) * eigs[:-1] ** 2))
    kept["predicted_tangent"] = np.where(times >= first, tangent[first] * q ** (times - first), np.nan)
    return pd.DataFrame(kept)


def cycles(last, after, eigs, grid):
    """Ends of the runs over the grid, in the basis of eigenvectors, against the closed forms."""
    size = np.linalg.norm(last, axis=1)
    g = eigs * last
    v = RHO * g / np.linalg.norm(g, axis=1)[:, None]  # the worst direction where w is along v_1
    at = (1.0, grid, RHO, 1.0)
    kept = {
        "kind": "cycle",
        "reach": grid,
        "size": size,
        "mirrored": np.linalg.norm(last + after, axis=1) / size,
        "loss": np.sum(g * last, axis=1) / 2,
        "rise": np.sum(v * (g + eigs * v / 2), axis=1),
        "predicted": wml23.cycle_radius(*at),
        "predicted_loss": wml23.cycle_loss(*at),
        "predicted_rise": wml23.cycle_worst_rise(*at),
        "limit_rise": RHO**2 / 2,
        "second": wml23.cycle_radius(eigs[-2], grid, RHO, 1.0),
    }
    return pd.DataFrame(kept)


def verdicts(table):
    """The radius, the loss and the rise on the cycle, the rate of alignment, the growth at 2."""
    ends, runs = (table[table.kind == kind] for kind in ("cycle", "run"))

    def apart(found, claimed):
        return float(np.max(np.abs(found / claimed - 1)))

    out = {
        "every run ends on the cycle": {
            "measured": max(apart(ends["size"], ends.predicted), ends.mirrored.max()),
            "bound": 0.0,
            "tolerance": 1e-10,
            "controls": {"the cycle along the second eigenvector": apart(ends["size"], ends.second)},
        },
        "the loss there": {
            "measured": apart(ends.loss, ends.predicted_loss),
            "bound": 0.0,
            "tolerance": 1e-10,
            "controls": {"no loss at all": apart(0 * ends.loss, ends.predicted_loss)},
        },
        "the worst rise there": {
            "measured": apart(ends.rise, ends.predicted_rise),
            "bound": 0.0,
            "tolerance": 1e-10,
            "controls": {"half rho squared times the largest eigenvalue": apart(ends.rise, ends.limit_rise)},
        },
    }
    rates, wrong = [], []
    for _, of in runs[runs.reach < 2].groupby("reach"):
        fitted = of[(of.tangent > FITTED[0]) & (of.tangent < FITTED[1])]
        rate = np.exp(np.polyfit(fitted.step, np.log(fitted.tangent), 1)[0]) if len(fitted) > 1 else np.nan
        rates.append(rate / of.rate.iloc[0] - 1)
        wrong.append(rate / of.wrong_rate.iloc[0] - 1)
    out["the tangent falls at the predicted rate"] = {
        "measured": np.max(np.abs(rates)),
        "bound": 0.0,
        "tolerance": 0.01,
        "controls": {"1 - h in place of 2 - h": np.max(np.abs(wrong))},
    }
    edge, stable = (runs[runs.reach == reach] for reach in (2.0, REACHES[-2]))
    growth = [of["size"].iloc[-1] - of["size"].iloc[-2] for of in (edge, stable)]
    out["at gamma l_1 = 2 a step adds two radii"] = {
        "measured": abs(growth[0] / (2 * RHO) - 1),
        "bound": 0.0,
        "tolerance": 1e-10,
        "controls": {"below it": abs(growth[1] / (2 * RHO) - 1)},
    }
    return out

"""A ReLU network of one input on twelve points: plain training against SAM, on the same and other schedules.

100 hidden units, full batch, from 20 starts that all arms share; SAM takes the normalised step of the whole
batch (n-SAM). "constant" is the step `gamma` throughout, "decay" falls linearly to 0. The published pair is
plain training with the constant step against SAM with decay, so method and schedule differ there; both pairs
of one schedule stand beside it. A run ends when its training loss is at most 1e-5, which SAM's never is.

Rows "end": the last training loss, the variation of the slope on [x_1, x_12], those of the piecewise-linear
functions through the same values (no function has less) and through the targets, the path norm, and kinks:
those closer than 0.02 counted as one, those of |jump| < 0.05 left out ("kinks"), or with 0.1 and 1 instead
("large_kinks"). Rows "time": median and extremes over the starts. Rows "fit": networks of the first starts.

Place: af22, figure of one-dimensional networks, as remembered; settings from the public notebook 1d_nn.ipynb.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from experiments.record import progress
from theory import admit
from theory.confidence import upper
from theory.descent import descend, still, whole_batch
from theory.problems import relu

SECONDS = 37
QUICK = {"steps": 400, "starts": 3, "points": 4}
STOP = 1e-5
LEVEL = 0.999
SHOWN = 3  # starts whose fits are kept
SCHEDULES = ("constant", "decay")


def run(seed=0, steps=300_000, starts=20, units=100, gamma=5e-5, rho=0.3, points=300):
    for value, name in [(steps, "steps"), (starts, "starts"), (units, "units"), (points, "points")]:
        admit.whole(value, name, 1)
    admit.steps(gamma, rho, 1.0)
    if steps % points:
        raise ValueError(
            f"steps must be a multiple of points, so that they are equally spaced; got {steps} and {points}"
        )
    f = relu.notebook_fit()
    first = jax.vmap(lambda key: relu.notebook_start(key, units))(
        jax.random.split(jax.random.key(seed), starts)
    )
    frames = []
    for method, lam, radius in (("GD", 0, 0.0), ("SAM", 1, rho)):
        for schedule in SCHEDULES:
            progress(f"af22_relu: {method}, {schedule} step, {starts} starts of {steps} steps")
            # where runs end early they go one after the other, else together (a third quicker)
            together, decay = method == "SAM", schedule == "decay"
            last, seen = jax.device_get(trained(f, first, gamma, decay, radius, lam, steps, points, together))
            common = {"method": method, "schedule": schedule, "rho": radius}
            frames += [ends(f, last, seen, common), times(seen, steps, common), fits(f, last, common)]
    return pd.concat(frames, ignore_index=True)


@partial(jax.jit, static_argnames=("lam", "steps", "points", "together"))
def trained(f, first, gamma, decay, rho, lam, steps, points, together):
    """The last weights of each start, and (steps taken, loss, variation) at `points` equally spaced times."""
    every = steps // points
    rule = whole_batch(jax.value_and_grad(f.loss))

    def block(now, begun):
        sizes = gamma * (1 - decay * (begun + jnp.arange(every)) / steps)

        def train(w, taken, _):
            losses, w = descend(rule, w, sizes, rho, lam, (still(every),), f.loss, every)
            return w, taken + every, losses[-1]

        w, taken, loss = now = jax.lax.cond(now[2] > STOP, train, lambda *now: now, *now)
        return now, (taken, loss, relu.variation(w, f.x[0], f.x[-1]))

    def one(w):
        start: Any = (w, 0, f.loss(w))
        (w, *_), seen = jax.lax.scan(block, start, every * jnp.arange(points))
        return w, seen

    return jax.vmap(one)(first) if together else jax.lax.map(one, first)


def ends(f, last, seen, common):
    rows, low, high = [], float(f.x[0]), float(f.x[-1])
    for start, w in enumerate(starts_of(last)):
        taken, loss, variation = (each[start, -1] for each in seen)
        place, size = map(np.asarray, relu.jumps(w))
        values = relu.net(w, f.x)
        rows.append(
            {
                "start": start,
                "step": taken,
                "loss": loss,
                "variation": variation,
                "least_variation": float(relu.least_variation(np.asarray(f.x), np.asarray(values))),
                "target_variation": float(relu.least_variation(np.asarray(f.x), np.asarray(f.y))),
                "kinks": relu.merged_kinks(place, size, low, high, 0.02, 0.05),
                "large_kinks": relu.merged_kinks(place, size, low, high, 0.1, 1.0),
                "path_norm": float(relu.path_norm(w)),
            }
        )
    return pd.DataFrame(rows).assign(kind="end", **common)


def starts_of(last):
    return [jax.tree.map(lambda each, k=k: each[k], last) for k in range(len(last.slope))]


def times(seen, steps, common):
    """Over the starts; a run that ended early keeps its last value."""
    _, loss, variation = seen
    points = loss.shape[1]
    rows = {"kind": "time", "step": steps // points * np.arange(1, points + 1)}
    for name, each in (("loss", loss), ("variation", variation)):
        rows |= {name: np.median(each, 0), f"{name}_min": each.min(0), f"{name}_max": each.max(0)}
    return pd.DataFrame(rows | common)


def fits(f, last, common):
    """The networks of the first starts on a grid that holds the twelve points, which stand beside."""
    x = np.union1d(np.asarray(f.x), np.linspace(float(f.x[0]) - 0.1, float(f.x[-1]) + 0.1, 400))
    target = np.full(len(x), np.nan)
    target[np.searchsorted(x, np.asarray(f.x))] = f.y
    frames = []
    for start, w in enumerate(starts_of(last)[:SHOWN]):
        value = np.asarray(relu.net(w, jnp.asarray(x)))
        frames.append(
            pd.DataFrame({"kind": "fit", "start": start, "x": x, "value": value, "target": target} | common)
        )
    return pd.concat(frames)


PAIRS = {
    "published pair, GD constant and SAM decay": ("constant", "decay"),
    "same schedule, constant": ("constant", "constant"),
    "same schedule, decay": ("decay", "decay"),
}


def verdicts(table):
    """The chance, over starts, that SAM's slope does not vary less: its upper limit against 1/2."""
    end = table[table.kind == "end"].set_index(["method", "schedule", "start"])
    out = {}
    for pair, (plain, sam) in PAIRS.items():
        gd, other = end.loc[("GD", plain)], end.loc[("SAM", sam)]
        ratio = (other.variation / gd.variation).to_numpy()
        out[pair] = {
            "measured": chance_not_below(ratio),
            "bound": 0.5,
            "starts": len(ratio),
            "largest_ratio": float(ratio.max()),
            "fewer_kinks": int((other.kinks < gd.kinks).sum()),
            "fewer_large_kinks": int((other.large_kinks < gd.large_kinks).sum()),
            "hypotheses": {"plain training fits": bool(gd.loss.max() < 1e-3)},
            "controls": {
                "the methods exchanged": chance_not_below(1 / ratio),
                "plain training against itself": chance_not_below(ratio / ratio),
            },
        }
    return out


def chance_not_below(ratio):
    """Upper limit of the chance that a ratio is not below 1."""
    return upper(int(np.sum(~(ratio < 1))), len(ratio), LEVEL)

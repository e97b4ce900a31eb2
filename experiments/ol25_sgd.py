"""Plain SGD (rho = 0) on logistic regression: two constant steps and the decreasing one, ten paths, bounds.

Logistic regression with n = 200, d = 10, Gaussian rows and weight 1 / n, one example a step, from w = 0:
gamma = 1 / (2 L_max), gamma = mu / (L_max (mu + 2 L_max)), and min(1 / (2 L_max), (2t + 1) / ((t + 1)^2 mu)).
`bound` is L / 2 times theory/bounds/sgd.py for the first and the last, which needs convexity (PL alone does
not admit 1 / (2 L_max)), and form A at rho = 0 for the second, which needs PL only.

Place: public notebook of ol25, Section 4.1 (its random data are not reproduced; labels are those of a noisy
linear rule here).
"""

from functools import partial

import jax
import numpy as np
import pandas as pd

from experiments.ol25_importance import drawn
from experiments.record import progress, sign_test
from theory import admit, sampling
from theory.bounds import ol25, sgd
from theory.descent import swept
from theory.problems.logistic import logistic
from theory.update import step

SECONDS = 4
QUICK = {"n": 20, "d": 3, "steps": 1000, "paths": 3}
SEEN = 100  # times at which a path is seen
LEVEL = 0.999  # confidence of what paths say


def run(seed=0, n=200, d=10, steps=200_000, paths=10):
    for value, name, least in [(n, "n", 2), (d, "d", 1), (steps, "steps", 1), (paths, "paths", 1)]:
        admit.whole(value, name, least)
    if steps % SEEN:
        raise ValueError(
            f"steps must be a multiple of {SEEN}, the times at which a path is seen; got {steps}"
        )
    f, law = problem(seed, n, d), sampling.uniform(n)
    w_star, minimum, whole = f.minimiser, float(f.minimum), float(f.smoothness)
    largest, pl = float(f.smoothness_each.max()), float(f.pl)
    chance = 1 / (1 + np.exp(np.asarray(f.y) * (np.asarray(f.a) @ w_star)))
    slopes = -(np.asarray(f.y) * chance)[:, None] * np.asarray(f.a) + f.ridge * w_star
    variance, away = float(np.mean(np.sum(slopes**2, axis=1))), float(w_star @ w_star)
    large, small = 1 / (2 * largest), pl / (largest * (pl + 2 * largest))
    t, times = np.arange(steps), np.arange(0, steps + 1, steps // SEEN)
    start = float(np.log(2) - minimum)  # w = 0
    safe = ol25.Claim(ol25.paper_constants(f, law), ol25.paper_weights(0.0), 0.0, small, 0.0)
    names = {
        "1 / (2 L_max)": (
            np.full(steps, large),
            whole / 2 * sgd.constant(large, pl, variance, away, times),
        ),
        "mu / (L_max (mu + 2 L_max))": (
            np.full(steps, small),
            np.asarray(safe.gap(start, times)) if safe.condition <= 1 else np.full(len(times), np.nan),
        ),
        "decreasing": (
            np.minimum(large, sgd.decay(pl, t)),
            whole / 2 * sgd.decreasing(large, pl, variance, away, times),
        ),
    }
    progress(f"ol25_sgd: {paths} paths of {steps} steps for each schedule")
    still = np.zeros(len(names))
    grid = np.stack([gamma for gamma, _ in names.values()]), still, still
    runs = gaps(f, np.zeros(d), minimum, drawn(law, seed, paths, steps), grid, steps // SEEN)
    frames = []
    for (name, (gamma, bound)), of_one in zip(names.items(), np.asarray(runs), strict=True):
        for path, gap in enumerate(of_one):
            kept = {"steps": name, "gamma": gamma[0], "path": path, "step": times, "gap": gap}
            kept |= {"relative_gap": gap / start, "relative_bound": bound / start}
            frames.append(pd.DataFrame(kept))
    return pd.concat(frames, ignore_index=True)


def problem(seed, n, d):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((n, d))
    y = np.where(a @ rng.standard_normal(d) + rng.standard_normal(n) > 0, 1.0, -1.0)
    return logistic(a, y, 1 / n)


@partial(jax.jit, static_argnames="every")
def gaps(f, w, minimum, draws, grid, every):
    """f(w_t) - f* along paths from w, (grid, paths, times)."""

    def gap(w):
        return f.loss(w) - minimum

    return swept(partial(step, jax.value_and_grad(f.loss)), w, grid, draws, gap, every)


def verdicts(table):
    """Upper limits of the chance that decreasing steps end above constant ones on the same draws."""
    last = table[table.step == table.step.max()].pivot(index="path", columns="steps", values="gap")
    out = {}
    for name in last.columns.drop("decreasing"):
        against = f"decreasing against {name}, {len(last)} paths"
        out[against] = sign_test(last["decreasing"], last[name], LEVEL)
    return out

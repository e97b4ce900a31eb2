"""The older against the newer pair of step sizes: full batch, and one example a step.

The problems of ol25_lambda (consistent least squares, full batch) and ol25_decreasing (ridge, n = d = 100,
one example a step), from w = 0. Rows of kind "exact": full-batch runs, and for lam = 0 the mean over all
draws to ten times 1 / (gamma mu); "sampled": one path, all pairs and lam on the same draws. `cycle` is the
level of the full-batch cycle (theory/bounds/ol25.py), `limit` the last exact value.

Place: public notebook of ol25, Section 4.1 (its random matrices are not reproduced).
"""

import numpy as np
import pandas as pd

from experiments import ol25_decreasing, ol25_lambda
from experiments.ol25_importance import drawn, gaps
from experiments.record import progress
from theory import admit, sampling
from theory.bounds import ol25
from theory.expectation import krylov, rank_one

SECONDS = 3
QUICK = {"n": 12, "steps": 400, "single_steps": 400}
SEEN = 100  # times at which the sampled path is seen
LOW = 1e-2  # of the first gap: where the pairs are compared on their way down
PAIRS = ("old", "new")


def run(seed=0, n=100, steps=10_000, single_steps=200_000, lams=(0.0, 0.3, 0.5, 0.7, 1.0)):
    admit.whole(n, "n", 2)
    admit.whole(steps, "steps", 2)
    admit.steps(0, 0, lams)
    if admit.whole(single_steps, "single_steps", 1) % SEEN:
        raise ValueError(f"single_steps must be a multiple of {SEEN}, the times seen; got {single_steps}")
    progress(f"ol25_steps: full batch, {steps} steps for each pair and lam")
    frames = full_batch(seed, n, steps, lams)
    progress(f"ol25_steps: one example a step, {single_steps} steps for each pair and lam")
    return pd.concat(frames + one_example(seed, n, single_steps, lams), ignore_index=True)


def full_batch(seed, n, steps, lams):
    f, w_star = ol25_lambda.problem(seed, n, 10.0)
    hessian, pl, whole = f.hessian, float(f.pl), float(f.smoothness)
    each = {"old": ol25.deterministic_old_steps, "new": ol25.deterministic_steps}
    grid = [(pair, lam, *each[pair](whole, lam)) for pair in PAIRS for lam in lams]

    def gap(e):
        return 0.5 * e @ hessian @ e

    lam_of, gammas, rhos = (np.array([row[k] for row in grid]) for k in (1, 2, 3))
    curves = np.asarray(ol25_lambda.runs(gap, -w_star, gammas, rhos, lam_of, steps))
    times = 2 * np.unique(np.round(np.geomspace(1, steps // 2, ol25_lambda.POINTS)).astype(int))
    frames = []
    for (pair, lam, gamma, rho), curve in zip(grid, curves, strict=True):
        noise = ol25.deterministic_noise(pl, whole, gamma, rho, lam)
        cycle = whole * ol25.cycle_radius(whole, gamma, rho, lam) ** 2 / 2
        kept = {
            "problem": "full batch",
            "pair": pair,
            "lam": lam,
            "gamma": gamma,
            "rho": rho,
            "kind": "exact",
        }
        kept |= {"step": times, "relative_gap": curve[times] / curve[0]}
        kept |= {"relative_bound": (1 - gamma * pl) ** times + noise / curve[0]}
        frames.append(pd.DataFrame(kept | {"relative_cycle": cycle / curve[0]}))
    return frames


def one_example(seed, n, steps, lams):
    f, law = ol25_decreasing.problem(seed, n), sampling.uniform(n)
    w_star, constants = f.minimiser, ol25.paper_constants(f, law)
    start = 0.5 * w_star @ f.hessian @ w_star
    of_pair = {"old": ol25.old_steps, "new": ol25.new_steps}
    grid = [(pair, lam, *of_pair[pair](constants, lam)) for pair in PAIRS for lam in lams]
    lam_of, gammas, rhos = (np.array([row[k] for row in grid]) for k in (1, 2, 3))
    every = steps // SEEN
    draws = drawn(law, seed, 1, steps)
    runs = gaps(f, w_star, f.hessian, draws, (gammas, rhos, lam_of), every)
    atoms, frames = rank_one(f, law), []
    for (pair, lam, gamma, rho), gap in zip(grid, np.asarray(runs)[:, 0], strict=True):
        claim = ol25.Claim(constants, ol25.paper_weights(lam), 0.0, gamma, rho)
        own = {"problem": "one example a step", "pair": pair, "lam": lam, "gamma": gamma, "rho": rho}
        own |= {"relative_cycle": np.nan}
        found = {"sampled": (np.arange(0, steps + 1, every), gap)}
        if lam == 0:
            times = np.unique(np.round(np.geomspace(1, 10 / claim.rate, 2 * SEEN)))
            found["exact"] = times, krylov(atoms, -w_star, gamma, rho, times).values
        for kind, (times, values) in found.items():
            kept = {"kind": kind, "step": times, "relative_gap": values / start}
            frames.append(
                pd.DataFrame(own | kept | {"relative_bound": np.asarray(claim.gap(start, times)) / start})
            )
    return frames


def verdicts(table):
    """From exact curves: the older pair is lower on the way down, and ends higher where it does not end at 0.

    On the way down: where the newer pair first falls below LOW of its start, by interpolation of logarithms.
    """
    out = {}
    for (problem, lam), rows in table[table.kind == "exact"].groupby(["problem", "lam"], sort=False):
        of = dict(list(rows.groupby("pair")))
        down = reached(of["old"]) / reached(of["new"])
        out[f"{problem}, lam={lam:g}, steps to {LOW:g}"] = {
            "measured": down,
            "bound": 1.0,
            "controls": {"exchanged": 1 / down},
        }
        if problem != "full batch" or lam > 0:
            level = of["new"].relative_gap.iloc[-1] / of["old"].relative_gap.iloc[-1]
            out[f"{problem}, lam={lam:g}, level"] = {
                "measured": level,
                "bound": 1.0,
                "controls": {"exchanged": 1 / level},
            }
    return out


def reached(rows):
    """The time at which the gap is LOW of its start; NaN where it is not reached."""
    below = np.flatnonzero(rows.relative_gap.to_numpy() <= LOW)
    if not below.size or below[0] == 0:
        return np.nan
    k = slice(below[0] - 1, below[0] + 1)
    gaps, times = np.log(rows.relative_gap.to_numpy()[k]), np.log(rows.step.to_numpy()[k])
    return float(np.exp(np.interp(-np.log(LOW), -gaps, times)))

"""Constant against decreasing steps on ridge regression: sampled at the paper's size, exact at n = d = 20.

Ridge with n = d = 100, weight 3 / n and the matrix of ol25_lambda (mu = 0.031, L_max near 3.1), one example a
step, from w = 0: "new" constant steps (gamma*, rho*), and gamma_t = min(gamma*, (2t + 1) / ((t + 1)^2 mu)),
rho_t = min(rho*, 1 / (2t + 1)). `bound` is Theorem 3.2, or Theorem 3.5 with our constants. Rows of kind
"exact" (lam = 0) have no sampling error: by a Krylov basis for constant steps, step by step for decreasing
ones, which costs n d^2 a step and is done at n = d = 20. There ten paths decide on lam > 0 too.

Place: ol25, Section 4.1 (settings from the public notebook; of its random matrix only the spectrum is kept).
"""

import jax
import numpy as np
import pandas as pd

from experiments.ol25_importance import drawn, gaps
from experiments.ol25_lambda import matrix
from experiments.record import progress, sign_test
from theory import admit, sampling
from theory.bounds import ol25, ol25_decreasing
from theory.expectation import krylov, rank_one, recursion
from theory.problems.least_squares import ridge

SECONDS = 11
QUICK = {"n": 12, "steps": 1000, "paths": 2, "small": 8, "small_steps": 1000, "small_paths": 3, "points": 20}
FACTOR = 5.0  # by which the exact curve of decreasing steps must end lower
SLOPE = 0.1  # margin of the exponent -1 over the last quarter of the run, in logarithms
LEVEL = 0.999  # confidence of what paths say


def run(
    seed=0,
    n=100,
    steps=1_000_000,
    paths=3,
    small=20,
    small_steps=100_000,
    small_paths=10,
    points=50,
    lams=(0.0, 0.5, 1.0),
):
    """Nothing is asserted of the few paths at size n; `small` is the size at which all is judged."""
    for value, name in [(n, "n"), (small, "small"), (points, "points")]:
        admit.whole(value, name, 2)
    for value, name in [(paths, "paths"), (small_paths, "small_paths")]:
        admit.whole(value, name, 1)
    for value, name in [(steps, "steps"), (small_steps, "small_steps")]:
        if admit.whole(value, name, 1) % points:
            raise ValueError(f"{name} must be a multiple of points, the times seen; got {value} and {points}")
    admit.steps(0, 0, lams)
    frames = []
    for size, horizon, count in [(n, steps, paths), (small, small_steps, small_paths)]:
        progress(f"ol25_decreasing: n = d = {size}, {count} paths of {horizon} steps for each lam")
        frames += curves(problem(seed, size), seed, horizon, count, points, lams, exact=size == small)
    return pd.concat(frames, ignore_index=True)


def problem(seed, n):
    a, w_star = matrix(seed, n, 10.0)
    return ridge(a, a @ w_star, 3 / n)


def curves(f, seed, steps, paths, points, lams, exact):
    """Frames of the sampled paths of both schedules, and of the exact curves at lam = 0."""
    law = sampling.uniform(f.n)
    w_star = f.minimiser
    start = 0.5 * w_star @ f.hessian @ w_star
    t, times = np.arange(steps), np.arange(0, steps + 1, steps // points)
    constants = ol25.constants(f, law, "new")
    claims = [ol25.claim_of(constants, "new", lam) for lam in lams]
    grid, kept = [], []
    for lam, claim in zip(lams, claims, strict=True):
        constant = np.full(steps, claim.gamma), np.full(steps, claim.rho)
        decreasing = tuple(map(np.asarray, ol25_decreasing.steps(claim, t)))
        for name, schedule, bound in [
            ("constant", constant, claim.gap(start, times)),
            ("decreasing", decreasing, bound_of_decreasing(claim, start, times)),
        ]:
            grid.append((*schedule, lam))
            own = {"n": f.n, "lam": lam, "steps": name, "gamma": claim.gamma, "rho": claim.rho}
            kept.append(own | {"switch": 2 / claim.rate, "bound": np.asarray(bound)})
    runs = gaps(f, w_star, f.hessian, drawn(law, seed, paths, steps), stacked(grid), steps // points)
    out = []
    for own, (gamma, rho, lam), of_one in zip(kept, grid, np.asarray(runs), strict=True):
        common = own | {"step": times, "relative_bound": own["bound"] / start}
        for path, gap in enumerate(of_one):
            found = {"kind": "sampled", "path": path, "gap": gap, "relative_gap": gap / start}
            out.append(pd.DataFrame(common | found))
        if lam == 0 and (exact or own["steps"] == "constant"):
            atoms = rank_one(f, law)
            if own["steps"] == "constant":
                gap = krylov(atoms, -w_star, own["gamma"], own["rho"], times).values
            else:
                gap = np.asarray(step_by_step(atoms, -w_star, gamma, rho, steps))[times]
            found = {"kind": "exact", "path": -1, "gap": gap, "relative_gap": gap / start}
            out.append(pd.DataFrame(common | found))
    return out


def stacked(grid):
    return tuple(map(np.stack, zip(*grid, strict=True)))


bound_of_decreasing = jax.jit(ol25_decreasing.gap)
step_by_step = jax.jit(recursion, static_argnames="steps")


def verdicts(table):
    """At the small size: decreasing over constant steps at the end, and the order 1 / t.

    At lam = 0 from the exact curves; for every lam the upper limit of the chance that a path of decreasing
    steps ends above the path of constant steps with the same draws.
    """
    small = table[table.n == table.n.min()]
    last = small[small.step == small.step.max()]
    exact = small[(small.kind == "exact") & (small.step > 0)].pivot(
        index="step", columns="steps", values="gap"
    )
    end = exact.iloc[-1]
    out = {
        "lam=0, exact": {
            "measured": end.decreasing / end.constant,
            "bound": 1 / FACTOR,
            "controls": {"exchanged": end.constant / end.decreasing},
        },
        "lam=0, order 1/t": {
            "measured": abs(slope(exact.decreasing) + 1),
            "bound": SLOPE,
            "controls": {"constant steps": abs(slope(exact.constant) + 1)},
        },
    }
    for lam, rows in last[last.kind == "sampled"].groupby("lam"):
        gaps = rows.pivot(index="path", columns="steps", values="gap")
        out[f"lam={lam:g}, {len(gaps)} paths"] = sign_test(gaps.decreasing, gaps.constant, LEVEL)
    return out


def slope(curve):
    """The exponent of t over the last three quarters of the run."""
    late = curve[curve.index >= curve.index[-1] / 4]
    return float(np.polyfit(np.log(late.index), np.log(late), 1)[0])

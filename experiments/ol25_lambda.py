"""The effect of lam: full-batch Unified SAM on consistent least squares, 11 values of lam.

Least squares |A w - b|^2 / 2 with n = d and cond(A) = 10 (mu = 0.1, L = 10), "new" steps. For lam = 0 the gap
falls to rounding, for lam > 0 to the cycle of theory/bounds/ol25.py, far below the neighbourhood of the
bound.

Place: ol25, Section 4.1 (settings from the public notebook; its random matrix is not reproduced).
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from theory import admit
from theory.bounds import ol25
from theory.descent import descend, still, whole_batch
from theory.problems.least_squares import least_squares

SECONDS = 2
QUICK = {"n": 10, "steps": 200}
POINTS = 200  # times kept of each run, spaced geometrically


def run(
    seed=0, n=100, condition=10.0, steps=10000, lams=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
):
    admit.whole(n, "n", 2)
    admit.whole(steps, "steps", 1)
    admit.steps(0, 0, lams)
    if condition < 1:
        raise ValueError(f"the condition number of A is at least 1; got {condition:g}")
    f, w_star = problem(seed, n, condition)
    hessian = jnp.asarray(f.hessian)

    def gap(e):  # f - f* in coordinates e = w - w*, without cancellation
        return 0.5 * e @ hessian @ e

    return followed(gap, -w_star, float(f.pl), float(f.smoothness), lams, steps)


def followed(gap, start, pl, whole, lams, steps):
    """A run for each lam with the steps of the deterministic corollary: gap, bound and cycle."""
    gammas, rhos = np.array([ol25.deterministic_steps(whole, lam) for lam in lams]).T
    curves = np.asarray(runs(gap, jnp.asarray(start), gammas, rhos, np.array(lams), steps))
    times = 2 * np.unique(np.round(np.geomspace(1, steps // 2, POINTS)).astype(int))  # a cycle has two values
    frames = []
    for lam, gamma, rho, curve in zip(lams, gammas, rhos, curves, strict=True):
        bound = (1 - gamma * pl) ** times * curve[0] + ol25.deterministic_noise(pl, whole, gamma, rho, lam)
        kept = {"lam": lam, "gamma": gamma, "rho": rho, "step": times, "gap": curve[times]}
        kept |= {"relative_gap": curve[times] / curve[0], "relative_bound": bound / curve[0]}
        kept |= {"relative_cycle": whole * ol25.cycle_radius(whole, gamma, rho, lam) ** 2 / 2 / curve[0]}
        frames.append(pd.DataFrame(kept))
    return pd.concat(frames, ignore_index=True)


def problem(seed, n, condition):
    """|A w - b|^2 / 2 as a mean over sqrt(n) its rows."""
    a, w_star = matrix(seed, n, condition)
    return least_squares(np.sqrt(n) * a, np.sqrt(n) * a @ w_star), w_star


def matrix(seed, n, condition):
    """A with singular values spaced geometrically about 1, and a random vector."""
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.standard_normal((n, n)))[0] for _ in range(2))
    return (left * np.geomspace(condition**-0.5, condition**0.5, n)) @ right.T, rng.standard_normal(n)


@partial(jax.jit, static_argnames=("gap", "steps"))
def runs(gap, start, gammas, rhos, lams, steps):
    """The gap at every t = 0 .. steps, (lams, steps + 1)."""

    def one(gamma, rho, lam):
        rule = whole_batch(jax.value_and_grad(gap))
        return descend(rule, start, gamma, rho, lam, (still(steps),), gap)[0]

    return jax.vmap(one)(gammas, rhos, lams)


def verdicts(table):
    """Over the later half of the run, in logarithms: what (1 - gamma mu)^t promises at lam = 0 over what the
    gap falls by; and the last gap of each lam over that of the next.

    Controls: the largest lam in the place of 0, a rate three times as large (the true one is twice that
    promised), the order of lam reversed.
    """
    lams = np.sort(table.lam.unique())
    late = table[table.step >= table.step.max() / 2]
    falls = {lam: fall(late[late.lam == lam].relative_gap) for lam in (0.0, lams[-1])}
    promised = fall(late[late.lam == 0].relative_bound)
    last = table[table.step == table.step.max()].sort_values("lam").relative_gap.to_numpy()
    levels = last[:-1] / last[1:]
    return {
        "lam=0, linear": {
            "measured": promised / falls[0.0],
            "bound": 1.0,
            "controls": {
                f"lam={lams[-1]:g}": promised / falls[lams[-1]],
                "a rate three times as large": {"measured": 3 * promised / falls[0.0], "factor": 3.0},
            },
        },
        "the level grows with lam": {
            "measured": float(np.max(levels)),
            "bound": 1.0,
            "controls": {"reversed": float(np.max(1 / levels))},
        },
    }


def fall(curve):
    """By how much the logarithm of a curve falls from end to end; at least rounding."""
    return float(max(np.log(curve.iloc[0] / curve.iloc[-1]), 1e-12))

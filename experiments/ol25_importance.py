"""Uniform against importance sampling on ridge regression: exact expectations, sampled paths, bounds.

Ridge with n = d and A = Q D Q', spectrum {1, 10, uniform in (1, 2)}, weight 3 / n, so that mu = 0.04, L =
1.03; "new" steps, one example a step, from w = 0. Rows of kind "exact" (lam = 0, no sampling error) and
"sampled"; `bound` is Theorem 3.2 with the steps that were taken, `bound_b` our form B with the same steps
where its condition admits them, else NaN.

Place: ol25, Section 4.1 (settings from the public notebook; its random matrix is not reproduced).
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from experiments.record import progress, sign_test
from theory import admit, sampling
from theory.bounds import ol25
from theory.descent import swept
from theory.expectation import krylov, rank_one
from theory.problems.least_squares import one_example, ridge

SECONDS = 4
LEVEL = 0.95  # confidence of what five paths can say
QUICK = {"n": 10, "steps": 600, "paths": 2, "points": 20}


def run(seed=0, n=100, steps=300_000, paths=5, points=60, lams=(0.0, 0.5, 1.0)):
    for value, name in [(n, "n"), (steps, "steps"), (paths, "paths"), (points, "points")]:
        admit.whole(value, name, 2)
    admit.steps(0, 0, lams)
    if steps % points:
        raise ValueError(
            f"steps must be a multiple of points, so that they are equally spaced; got {steps} and {points}"
        )
    f = problem(seed, n)
    w_star, each = f.minimiser, f.smoothness_each
    start = 0.5 * w_star @ f.hessian @ w_star
    times = np.arange(0, steps + 1, steps // points)
    laws = {"uniform": sampling.uniform(n), "importance": sampling.importance(each)}
    frames: list[pd.DataFrame] = []
    for name, law in laws.items():
        progress(f"ol25_importance: {name}, {paths} paths of {steps} steps for each lam")
        constants, sharp = ol25.constants(f, law, "new"), ol25.constants(f, law, "B")
        claims = [ol25.claim_of(constants, "new", lam) for lam in lams]
        grid = np.array([[claim.gamma, claim.rho, lam] for claim, lam in zip(claims, lams, strict=True)]).T
        draws = drawn(law, [seed, len(frames)], paths, steps)
        runs = gaps(f, w_star, f.hessian, draws, tuple(grid), steps // points)
        for lam, claim, of_lam in zip(lams, claims, np.asarray(runs), strict=True):
            gamma, rho = claim.gamma, claim.rho
            ours = ol25.Claim(sharp, ol25.jensen_weights(lam), 1.0, gamma, rho)
            common = {"sampling": name, "lam": lam, "gamma": gamma, "rho": rho, "step": times}
            common |= {"bound": np.asarray(claim.gap(start, times))}
            common |= {"bound_b": np.asarray(ours.gap(start, times)) if ours.condition <= 1 else np.nan}
            for path, gap in enumerate(of_lam):
                frames.append(pd.DataFrame(common | {"kind": "sampled", "path": path, "gap": gap}))
            if lam == 0:
                curve = krylov(rank_one(f, law), -w_star, gamma, rho, times)
                frames.append(pd.DataFrame(common | {"kind": "exact", "path": -1, "gap": curve.values}))
    return pd.concat(frames, ignore_index=True)


def problem(seed, n):
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.standard_normal((n, n)))[0]
    spectrum = np.concatenate([[1.0, 10.0], rng.uniform(1, 2, n - 2)])
    a = (turn * spectrum) @ turn.T
    return ridge(a, a @ rng.standard_normal(n), 3 / n)


def drawn(law, seed, paths, steps):
    """Draws of a single-element law, (indices, weights): by NumPy, which compiles nothing."""
    q = np.asarray(law.q)
    indices = np.random.default_rng(seed).choice(len(q), (paths, steps, 1), p=q)
    return indices, 1 / q[indices]


@partial(jax.jit, static_argnames="every")
def gaps(f, w_star, hessian, draws, grid, every):
    """f(w_t) - f* along paths from zero, (grid, paths, times), of the rule in its closed form.

    f - f* is taken without cancellation, f being quadratic.
    """

    def gap(w):
        return 0.5 * (w - w_star) @ hessian @ (w - w_star)

    return swept(one_example(f), jnp.zeros_like(w_star), grid, draws, gap, every)


def verdicts(table):
    """At the last step, importance over uniform sampling: the exact means at lam = 0; for every lam the upper
    limit of the chance that a path of importance sampling ends above one of uniform sampling.
    """
    last = table[table.step == table.step.max()]
    mean = last[last.kind == "exact"].set_index("sampling").gap
    out = {}
    if len(mean):
        ratio = mean["importance"] / mean["uniform"]
        out["lam=0, exact"] = {"measured": ratio, "bound": 1.0, "controls": {"exchanged": 1 / ratio}}
    for lam, rows in last[last.kind == "sampled"].groupby("lam"):
        ends = rows.pivot(index="path", columns="sampling", values="gap")
        out[f"lam={lam:g}, {len(ends)} paths"] = sign_test(ends.importance, ends.uniform, LEVEL)
    return out

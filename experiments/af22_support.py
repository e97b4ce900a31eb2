"""Support recovery on sparse regression by gradient descent, n-SAM and 1-SAM, in 64 cells of 100 problems.

A cell is (n, d, number of true entries, scale alpha of the start, radius rho). Each method is its flow from
u = sqrt(2) alpha, v = 0: its limit is the interpolator of least potential at alpha_eff (af22, implicit bias,
exact at any rho), by the dual Newton method. alpha_eff comes from the flow itself, left where the residual is
1e-3 of the first (log alpha_eff is then right to 1e-3); where it does not come so far in `most` steps the
problem counts as not fitted and the predictor is the flow's own, so that collapse counts against a method.

A problem is recovered where the `support` largest |beta_j| are the true ones. Rows "cell": how many of the
problems are, with exact 95 % limits; the share that is fitted; the mean of the l1 norms over those of
gradient descent, and the mean error over its; how many problems the method recovers and gradient descent
does not ("gained"), and the reverse ("lost"). Rows "all" have the problem as the unit: it is gained where the
method recovers it in more cells (scales and radii) than gradient descent at the same scale, lost where in
fewer.
"""

from typing import Any

import jax
import numpy as np
import pandas as pd

from experiments.record import progress
from theory import admit
from theory.confidence import upper
from theory.flows import compiled_advance, limits
from theory.problems import diagonal

SECONDS = 21
QUICK = {"problems": 4, "ns": (10,), "alphas": (0.3,), "rhos": (0.05, 0.2)}
ACCURACY, RELATIVE = 1e-4, 1e-3
METHODS = {"n-SAM": False, "1-SAM": True}
LEVEL = 0.999


def run(
    seed=0,
    problems=100,
    ns=(10, 20),
    ds=(30, 60),
    supports=(2, 4),
    alphas=(0.1, 0.3),
    rhos=(0.03, 0.06, 0.1, 0.2),
    most=4000,
):
    for values, name in [(ns, "n"), (ds, "d"), (supports, "the support")]:
        for value in values:
            admit.whole(value, name, 1)
    admit.whole(problems, "problems", 1)
    admit.whole(most, "most", 1)
    admit.steps(0, rhos, 0)
    if min(alphas) <= 0 or min(ds) < max(supports) or min(ds) < max(ns):
        raise ValueError(
            f"alpha must be positive, d at least n and the support; got alphas {alphas}, ds {ds}, ns {ns}, "
            f"supports {supports}"
        )
    advance, newton = compiled_advance(), jax.jit(jax.vmap(diagonal.least_potential))
    rows: list[dict[str, Any]] = []
    net: dict[tuple[Any, ...], Any] = {}
    for n in ns:
        progress(f"af22_support: n = {n}, {len(ds) * len(supports) * problems} problems")
        worlds = {(d, s): drawn(seed, n, d, s, max(ds), problems) for d in ds for s in supports}
        grounds = {
            (d, s, a): solved(newton, x, y, np.log(a))
            for (d, s), (x, y, *_) in worlds.items()
            for a in alphas
        }
        for (d, s, a), beta in grounds.items():
            cell = {"n": n, "d": d, "support": s, "alpha": a}
            rows.append(cell | {"rho": 0.0, "method": "GD"} | judged(beta, beta, worlds[d, s], 1.0))
        cells = [(*ground, rho) for ground in grounds for rho in rhos]
        x, y = (np.concatenate([worlds[d, s][k] for d, s, *_ in cells]) for k in (0, 1))
        init, rho = (np.repeat([cell[k] for cell in cells], problems) for k in (2, 3))
        for method, single in METHODS.items():
            found = limits(x, y, init, rho, single, ACCURACY, RELATIVE, most, advance)
            fitted = found.fit <= RELATIVE
            for k, (d, s, a, radius) in enumerate(cells):
                at = slice(k * problems, (k + 1) * problems)
                beta = solved(newton, x[at], y[at], np.log(a) - found.shrinkage[at])
                beta = np.where(fitted[at, None] & np.isfinite(beta), beta, found.beta[at])
                cell = {"n": n, "d": d, "support": s, "alpha": a, "rho": radius, "method": method}
                rows.append(cell | judged(beta, grounds[d, s, a], worlds[d, s], fitted[at].mean()))
                more = recovered(beta, s).astype(int) - recovered(grounds[d, s, a], s)
                net[method, n, d, s] = net.get((method, n, d, s), 0) + more
    table = pd.DataFrame(rows).assign(kind="cell")
    return pd.concat([table, pd.DataFrame([pooled(net, method) for method in METHODS])], ignore_index=True)


def pooled(net, method):
    each = np.concatenate([more for (name, *_), more in net.items() if name == method])
    return {
        "kind": "all",
        "method": method,
        "problems": len(each),
        "gained": int(np.sum(each > 0)),
        "lost": int(np.sum(each < 0)),
    }


def drawn(seed, n, d, support, width, problems):
    """(x, y, targets) of all problems; features of zeros fill up to `width`, and change no solution."""
    each = [diagonal.sparse([seed, n, d, support, k], n, d, support) for k in range(problems)]
    wide = [np.pad(problem.train.x, ((0, 0), (0, width - d))) for problem in each]
    targets = [np.pad(problem.target, (0, width - d)) for problem in each]
    return np.stack(wide), np.stack([problem.train.y for problem in each]), np.stack(targets), support


def solved(newton, x, y, log_init):
    """The interpolators of least potential at the scale exp(log_init), a number or an array (problems, d)."""
    return np.asarray(newton(x, y, np.exp(2 * np.broadcast_to(log_init, (len(y), x.shape[2]))))[0])


def recovered(beta, support):
    """Whether the `support` largest |beta_j| are the first ones."""
    return np.abs(beta[:, :support]).min(1) > np.abs(beta[:, support:]).max(1)


def judged(beta, ground, world, fitted):
    *_, targets, support = world
    right, before = recovered(beta, support), recovered(ground, support)
    trials, hits = len(right), int(right.sum())
    l1, error = np.abs(beta).sum(1), np.sum((beta - targets) ** 2, axis=1)
    return {
        "problems": trials,
        "recovered": hits,
        "low": 1 - upper(trials - hits, trials, 0.975),
        "high": upper(hits, trials, 0.975),
        "fitted": fitted,
        "gained": int(np.sum(right & ~before)),
        "lost": int(np.sum(~right & before)),
        "l1_ratio": np.mean(l1 / np.abs(ground).sum(1)),
        "error_ratio": np.mean(error) / np.mean(np.sum((ground - targets) ** 2, axis=1)),
    }


def verdicts(table):
    """Among the problems that differ, upper limits of the chance of a gain by n-SAM, of a loss by 1-SAM."""
    counts = table[table.kind == "all"].set_index("method")[["gained", "lost"]]
    out = {}
    for method, rarer, other in (("n-SAM", "gained", "lost"), ("1-SAM", "lost", "gained")):
        first, second = int(counts[rarer][method]), int(counts[other][method])
        opposite = {"n-SAM": "1-SAM", "1-SAM": "n-SAM"}[method]
        out[f"{method}: a problem {rarer}"] = {
            "measured": upper(first, first + second, LEVEL),
            "bound": 0.5,
            rarer: first,
            other: second,
            "controls": {
                "the outcomes exchanged": upper(second, first + second, LEVEL),
                opposite: upper(int(counts[rarer][opposite]), int(counts.loc[opposite].sum()), LEVEL),
            },
        }
    return out

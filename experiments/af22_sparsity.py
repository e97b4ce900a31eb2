"""Does a smaller scale make the solution sparser? n-SAM, 1-SAM and even shrinkage on 100 sparse regressions.

20 normal rows in R^30, a target of 3 entries and length 1, u = 0.3, v = 0. "exact" rows are the limits of the
flows at the radius `rho`: interpolators of least potential at alpha_eff of the flow, by the dual Newton
method. "first" rows take log(alpha_eff / alpha) = -rho Delta instead, Delta the exponent of the leading order
(from two small radii, to 1e-4 of it). "even" shrinks every alpha as n-SAM does in the mean of the logarithms.

Columns: l1 norm and squared error of the solution and their ratios to gradient descent's; least, mean and
largest log(alpha / alpha_eff); its mean on the three true features over that on the others.
"""

import jax
import numpy as np
import pandas as pd

from theory import admit
from theory.confidence import upper
from theory.flows import compiled_advance, limits
from theory.problems import diagonal

SECONDS = 7
QUICK = {"seeds": 4}
N, D, SUPPORT, START = 20, 30, 3, 0.3
ACCURACY, RELATIVE, MOST = 1e-5, 1e-4, 100_000
SMALL = 1e-3  # the radius from which the leading order is read
LEVEL = 0.999
METHODS = {"n-SAM": False, "1-SAM": True}


def run(seed=0, seeds=100, rhos=(0.02, 0.1)):
    admit.whole(seeds, "seeds", 1)
    admit.steps(0, rhos, 0)
    if min(rhos) <= 0:
        raise ValueError(f"a radius must be positive for SAM to differ from gradient descent; got {rhos}")
    worlds = [diagonal.sparse(seed + k, N, D, SUPPORT) for k in range(seeds)]
    x, y = (np.stack([getattr(world.train, name) for world in worlds]) for name in "xy")
    targets = np.stack([world.target for world in worlds])
    newton, advance = jax.jit(jax.vmap(diagonal.least_potential)), compiled_advance()
    log_init = np.log(START / np.sqrt(2))

    def solved(shrinkage):
        return np.asarray(newton(x, y, np.exp(2 * (log_init - shrinkage)))[0])

    ground = solved(np.zeros((seeds, D)))
    frames = [
        described(ground, ground, targets, np.zeros((seeds, D))).assign(method="GD", order="exact", rho=0.0)
    ]
    for method, single in METHODS.items():
        radii = np.repeat([SMALL, 2 * SMALL, *rhos], seeds)
        many = len(rhos) + 2
        found = limits(
            np.tile(x, (many, 1, 1)),
            np.tile(y, (many, 1)),
            np.full(len(radii), START / np.sqrt(2)),
            radii,
            single,
            ACCURACY,
            RELATIVE,
            MOST,
            advance,
        )
        small, twice, *exact = found.shrinkage.reshape(many, seeds, D)
        leading = (4 * small - twice) / (2 * SMALL)
        for rho, each in zip(rhos, exact, strict=True):
            for order, shrinkage in (("exact", each), ("first", rho * leading)):
                rows = described(solved(shrinkage), ground, targets, shrinkage)
                frames.append(rows.assign(method=method, order=order, rho=rho))
                if method == "n-SAM":
                    even = np.tile(shrinkage.mean(1, keepdims=True), D)
                    rows = described(solved(even), ground, targets, even)
                    frames.append(rows.assign(method="even", order=order, rho=rho))
    return pd.concat(frames, ignore_index=True)


def described(beta, ground, targets, shrinkage):
    def l1(beta):
        return np.abs(beta).sum(1)

    def error(beta):
        return np.sum((beta - targets) ** 2, axis=1)

    off = shrinkage[:, SUPPORT:].mean(1)
    on = shrinkage[:, :SUPPORT].mean(1)
    return pd.DataFrame(
        {
            "problem": np.arange(len(beta)),
            "l1": l1(beta),
            "error": error(beta),
            "l1_ratio": l1(beta) / l1(ground),
            "error_ratio": error(beta) / error(ground),
            "least_shrinkage": shrinkage.min(1),
            "mean_shrinkage": shrinkage.mean(1),
            "largest_shrinkage": shrinkage.max(1),
            "support_ratio": np.divide(on, off, out=np.ones_like(on), where=off != 0),
        }
    )


def verdicts(table):
    """Chances over random problems: upper limits of that of the rarer outcome, against 1/2."""
    out = {}
    for order in ("first", "exact"):
        for rho, rows in table[(table.order == order) & (table.rho > 0)].groupby("rho"):
            of = dict(list(rows.groupby("method")))
            where = f"{order} order, rho={rho:g}" if order == "first" else f"exact, rho={rho:g}"
            for name, column in (("l1 norm", "l1_ratio"), ("error", "error_ratio")):
                lowered = {method: of[method][column] < 1 for method in of}
                out[f"n_sam_sparsity_usually: {name} lowered, {where}"] = verdict(
                    lowered["n-SAM"], {"1-SAM": lowered["1-SAM"]}, of["n-SAM"]
                )
                out[f"one_sam_sparsity: {name} not lowered, {where}"] = verdict(
                    ~lowered["1-SAM"], {"n-SAM": ~lowered["n-SAM"]}, of["1-SAM"]
                )
                out[f"uniform_shrinkage_usually: {name} not lowered, {where}"] = verdict(
                    ~lowered["even"], {"n-SAM itself": ~lowered["n-SAM"]}, of["even"]
                )
    return out


def verdict(happened, others, rows):
    def chance(happened):
        return upper(int(happened.sum()), len(happened), LEVEL)

    return {
        "measured": chance(happened),
        "bound": 0.5,
        "problems": len(happened),
        "count": int(happened.sum()),
        "hypotheses": {"every alpha shrinks": bool((rows.least_shrinkage > 0).all())},
        "controls": {name: chance(each) for name, each in others.items()}
        | {"the reverse": chance(~happened)},
    }

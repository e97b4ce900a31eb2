"""Where full-batch USAM contracts for every f in F(mu, L): the map of (gamma, rho), and what rho buys; L = 1.

"curve", against rho: `loss` and `distance`, the steps up to which every f - f* and every distance to the
minimiser shrinks (the second by bisection, 0 if some f lets it grow at every step), the balanced step, and
`low`, `high`: gamma_c, gamma_d. "point": the worst factors themselves on a grid, against which the curves
are held. "buys": both factors against rho at the steps `gamma` = 0.1, 0.25, 0.5, 1.
"""

import numpy as np
import pandas as pd

from experiments.record import progress
from theory import admit
from theory.bounds import own

SECONDS = 2
QUICK = {"grid": 8, "points": 8}
STEPS = (0.1, 0.25, 0.5, 1.0)
FAR = 12.0  # the largest rho
SHORT = 1e-6  # the shortest step that is looked at


def run(seed=0, mu=0.1, grid=40, points=300):
    admit.whole(seed, "the seed", 0, 2**63 - 1)
    admit.whole(grid, "grid", 2)
    admit.whole(points, "points", 2)
    if not 0 < mu < 1:
        raise ValueError(f"mu must lie between 0 and L = 1; got {mu:g}")
    progress(f"own_map: {points} radii, {grid} x {grid} pairs of step and radius")
    radii = np.linspace(0, FAR, points)
    pairs = [(gamma, rho) for rho in np.linspace(0, FAR, grid) for gamma in np.geomspace(0.01, 2.2, grid)]
    return pd.concat(
        [
            pd.DataFrame([curve(mu, rho) for rho in radii]),
            factors("point", mu, pairs),
            factors("buys", mu, [(gamma, rho) for gamma in STEPS for rho in radii]),
        ],
        ignore_index=True,
    ).assign(mu=mu)


def curve(mu, rho):
    wide = own.excess(mu, 1.0, rho) >= 0
    return {
        "kind": "curve",
        "rho": rho,
        "loss": longest(own.quad_factor, mu, rho),
        "distance": longest(own.dist_worst, mu, rho),
        "balanced": own.balanced_step(mu, 1.0, rho),
        "low": own.gamma_c(mu, 1.0, rho) if wide else np.nan,
        "high": own.gamma_d(mu, 1.0, rho) if wide else np.nan,
    }


def longest(factor, mu, rho):
    """The step up to which `factor` is below 1, which it is on an interval or nowhere."""
    low, high = SHORT, 3.0
    if factor(mu, 1.0, low, rho) >= 1:
        return 0.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if factor(mu, 1.0, middle, rho) < 1 else (low, middle)
    return low


def factors(kind, mu, pairs):
    rows = [
        {
            "kind": kind,
            "gamma": gamma,
            "rho": rho,
            "worst_loss": own.quad_factor(mu, 1.0, gamma, rho),
            "worst_distance": own.dist_worst(mu, 1.0, gamma, rho),
        }
        for gamma, rho in pairs
    ]
    return pd.DataFrame(rows)


def verdicts(table):
    """Both factors are below 1 exactly where the curves say: the share of the grid that says otherwise."""
    at, lines = table[table.kind == "point"], table[table.kind == "curve"]

    def wrong(factor, line):
        limit = np.interp(at.rho, lines.rho, lines[line])
        clear = np.abs(at.gamma / np.maximum(limit, 1e-9) - 1) > 0.02  # the curves are interpolated
        return float(np.mean((at[factor] < 1)[clear] != (at.gamma < limit)[clear]))

    return {
        name: {
            "measured": wrong(f"worst_{name}", name),
            "bound": 0.0,
            "tolerance": 0.5 / len(at),
            "controls": {"the other curve": wrong(f"worst_{name}", other)},
        }
        for name, other in (("loss", "distance"), ("distance", "loss"))
    }

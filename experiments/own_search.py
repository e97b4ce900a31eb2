"""A search, by semidefinite programs, about two open questions on full-batch USAM, convex and PL; L = 1.

"convex": is Huber's value 1 / (4 gamma T + 2) the worst f(x_T) - f* over convex functions with |x_0 - x*| =
1, for gamma <= 1 / (1 + rho) and rho <= 2.3 (own/convex_exact_rate)? At random rho, gamma and T <=
`horizon` in that region, and at its corner: `value` (clarabel), `second` (scs at 1e-9), `claimed`, and
their difference.

"edge": the largest gamma, by bisection, up to which the programs still find Huber's value to 1e-6;
`claimed` is 1 / (1 + rho), `proved` the largest gamma of Theorem E's potential (theory/bounds/own.py).

"pl": the worst factor of f - f* in one step under PL(mu) (own/pl_factor_gap): `value`, the relaxation by
clarabel, `claimed`, 1 - 2 mu phi, and from below `quadratic`, Q, and `kink`, the worst of functions of one
variable with f(1) = 1 whose slope falls from g at 1 as fast as smoothness allows, on both sides, until PL
forbids it.

`status` is what clarabel and scs said; nothing is dropped.
"""

import numpy as np
import pandas as pd

from experiments.record import progress
from theory import admit, programs
from theory.bounds import own

SECONDS = 8
QUICK = {
    "tries": 3,
    "horizon": 2,
    "bisections": 3,
    "reaches": (1.0,),
    "curvatures": (0.1,),
    "steps": (0.5,),
    "ascents": (0.5,),
}


def run(
    seed=0,
    tries=60,
    horizon=8,
    bisections=10,
    reaches=(0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.4, 2.5, 2.75, 3.0),
    curvatures=(0.01, 0.1, 0.5),
    steps=(0.125, 0.5, 1.0),
    ascents=(0.1, 0.25, 0.5, 0.75, 0.9),
):
    """`reaches` are rho L of the edges, `steps` gamma L and `ascents` rho L under PL, `curvatures` mu / L."""
    for value, label, low in [(tries, "tries", 1), (horizon, "horizon", 1), (bisections, "bisections", 1)]:
        admit.whole(value, label, low)
    rows = convex(np.random.default_rng(seed), tries, horizon)
    progress("own_search: edges")
    counts = sorted({1, 2, min(6, horizon)})
    for rho in reaches:
        most = proved(rho)
        rows += [edge(rho, count, bisections) | {"proved": most} for count in counts]
    progress("own_search: PL")
    rows += [lojasiewicz(mu, gamma, rho) for mu in curvatures for gamma in steps for rho in ascents]
    return pd.DataFrame(rows)


def convex(rng, tries, horizon):
    import clarabel  # extras, which the list of experiments does without
    import scs

    places = [(rng.uniform(0, 2.3), rng.uniform(), int(rng.integers(1, horizon + 1))) for _ in range(tries)]
    places += [(2.3, 1.0, horizon), (0.0, 1.0, horizon)]
    out = []
    for rho, share, count in places:
        gamma = share / (1 + rho)
        pair = programs.both(programs.convex(1.0, gamma, rho, count), clarabel, scs)
        claimed = own.huber_gap(1.0, 1.0, gamma, count)
        out.append(
            {
                "kind": "convex",
                "steps": count,
                "gamma": gamma,
                "rho": rho,
                "value": pair.first.value,
                "second": pair.second.value,
                "claimed": claimed,
                "excess": pair.value - claimed,  # NaN where the solvers do not agree
                "status": f"{pair.first.status}, {pair.second.status}",
            }
        )
    return out


def edge(rho, count, bisections):
    """Between 0 and the end of stability, 2 / (1 + rho), where Huber's value is exceeded."""
    import clarabel

    low, high = 0.0, 2 / (1 + rho)
    for _ in range(bisections):
        gamma = (low + high) / 2
        found = programs.solve(programs.convex(1.0, gamma, rho, count), clarabel)
        if found.value - own.huber_gap(1.0, 1.0, gamma, count) <= programs.AGREE:
            low = gamma
        else:
            high = gamma
    return {"kind": "edge", "steps": count, "rho": rho, "gamma": low, "claimed": 1 / (1 + rho)}


def proved(rho):
    """The largest gamma <= 1 of `potential_region`, NaN where there is none."""
    gammas = np.linspace(0, 1, 4001)
    return max(gammas[own.potential_region(1.0, gammas, rho) >= 0], default=np.nan)


def lojasiewicz(mu, gamma, rho):
    import clarabel

    found = programs.solve(programs.pl_gap(mu, 1.0, gamma, rho), clarabel)
    return {
        "kind": "pl",
        "mu": mu,
        "gamma": gamma,
        "rho": rho,
        "value": found.value,
        "claimed": own.pl_factor(mu, 1.0, gamma, rho),
        "quadratic": own.quad_factor(mu, 1.0, gamma, rho),
        "kink": float(np.max(kinked(mu, gamma, rho, np.linspace(np.sqrt(2 * mu), np.sqrt(2), 10_001)))),
        "status": found.status,
    }


def kinked(mu, gamma, rho, g):
    """f(x+) from x = 1 with f(1) = 1 and slope g, 2 mu <= g^2 <= 2.

    To the left f' = g - d until f'^2 = 2 mu f; from there f is the parabola of curvature mu down to its
    minimum and that of curvature 1 beyond. To the right f' = g - d too, then such a parabola upwards.
    """
    left = np.sqrt(np.maximum(mu * (2 - g**2) / (1 - mu), 0))  # f' where PL holds with equality
    right = np.sqrt(mu * (2 + g**2) / (1 + mu))
    ahead = np.where(rho * g <= g - right, g - rho * g, right + mu * (rho * g - (g - right)))
    moved = gamma * ahead
    rest = left / mu - (moved - (g - left))  # to the minimum
    return np.where(moved <= g - left, 1 - g * moved + moved**2 / 2, np.where(rest >= 0, mu, 1) * rest**2 / 2)

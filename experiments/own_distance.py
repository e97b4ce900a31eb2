"""The worst distance factor of full-batch USAM against the step, and the function that attains it.

"factor": `worst` over F(mu, L) and the quadratics' own `quadratic`, of |x+ - x*|^2 / |x - x*|^2, at rho l =
`reach` against gamma in units of gamma_b; where the two differ, `attained` is a step on the wedge made for
that gamma. "path": iterates on the wedge of rho = 3 and gamma_b from its worst point, with the points that
they look ahead to; "level": its values on a grid; "edge": the boundary of the wedge K, in the coordinates
that grad f has; L = 1.
"""

import jax
import numpy as np
import pandas as pd

from experiments.record import progress
from theory import admit
from theory.bounds import own
from theory.problems.wedge import designed, wedge
from theory.update import step

SECONDS = 3
QUICK = {"points": 12, "grid": 9, "steps": 4}
REACHES = (0.5, 1.0, 2.0, 3.0)  # rho (L - mu)
RADIUS = 3.0  # of the path
SPAN = (0.5, 1.18)  # of gamma_b


def run(seed=0, mu=0.1, points=120, grid=81, steps=12):
    admit.whole(seed, "the seed", 0, 2**63 - 1)
    for value, name in ((points, "points"), (grid, "grid"), (steps, "steps")):
        admit.whole(value, name, 2)
    if not 0 < mu < 0.7:
        raise ValueError(
            f"mu must lie between 0 and 0.7, so that L = 1 leaves room for the wedge; got {mu:g}"
        )
    progress(f"own_distance: {len(REACHES)} radii, {points} steps each")
    return pd.concat([factors(mu, points), path(mu, steps), surface(mu, grid)], ignore_index=True)


def factors(mu, points):
    rows = []
    for reach in REACHES:
        rho = reach / (1 - mu)
        best = own.balanced_step(mu, 1.0, rho)
        for share in np.linspace(*SPAN, points):
            at = mu, 1.0, share * best, rho
            rows.append(
                {
                    "kind": "factor",
                    "reach": reach,
                    "share": share,
                    "worst": own.dist_worst(*at),
                    "quadratic": own.quad_factor(*at),
                    "attained": attained(at),
                }
            )
    return pd.DataFrame(rows)


def attained(at):
    """|x+|^2 on the wedge, nan where a quadratic is the worst."""
    if own.dist_worst(*at) <= own.quad_factor(*at):
        return np.nan
    found = wedge(*at)
    after = found.step((1.0, 0.0), *at[2:])
    return found.inner(after, after)


def balanced(mu):
    gamma = own.balanced_step(mu, 1.0, RADIUS)
    return wedge(mu, 1.0, gamma, RADIUS), gamma


@jax.jit
def moved(f, w, gamma):
    """f, its gradient, and w+."""
    rule = jax.value_and_grad(f.loss)
    return *rule(w), step(rule, w, gamma, RADIUS, 0.0)


def path(mu, steps):
    f, gamma = balanced(mu)
    w, rows = np.array([1.0, 0.0]), []
    for t in range(steps + 1):
        value, grad, after = map(np.asarray, moved(f, w, gamma))
        ahead = w + RADIUS * grad
        kept = {"kind": "path", "step": t, "x": w[0], "y": w[1], "ahead_x": ahead[0], "ahead_y": ahead[1]}
        rows.append(kept | {"loss": float(value), "distance": float(w @ w)})
        w = after
    factor = own.quad_factor(mu, 1.0, gamma, RADIUS)
    return pd.DataFrame(rows).assign(
        mu=mu, rho=RADIUS, promised=rows[0]["loss"] * factor ** np.arange(steps + 1)
    )


def surface(mu, grid):
    f, gamma = balanced(mu)
    root = np.sqrt(f.weight)
    across, up = np.linspace(-1.6, 3.2, grid), np.linspace(-2.4, 1.4, grid)
    w = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    level = pd.DataFrame(
        {"kind": "level", "x": w[:, 0], "y": w[:, 1], "loss": np.asarray(jax.jit(jax.vmap(f.loss))(w))}
    )
    h = np.array(designed(own.share(mu, 1.0, gamma, RADIUS), mu, 1 - mu, RADIUS)[0]) * [1, root]
    edges = []
    for own_normal, other in ((f.first, f.second), (f.second, f.first)):
        u, inside = np.array(own_normal) * [1, root], np.array(other) * [1, root]
        along = np.array([-u[1], u[0]]) / np.linalg.norm(u)
        end = h - 6 * along * np.sign(along @ inside)
        edges.append(pd.DataFrame({"kind": "edge", "x": [h[0], end[0]], "y": [h[1], end[1]]}))
    return pd.concat([level, *edges])


def verdicts(table):
    """The wedge attains the worst factor; the distance grows on the path while the loss keeps its promise."""
    made = table[(table.kind == "factor") & table.attained.notna()]
    way = table[table.kind == "path"]
    return {
        "the wedge attains the worst": {
            "measured": float(np.max(np.abs(made.attained / made.worst - 1))),
            "bound": 0.0,
            "tolerance": 1e-9,
            "controls": {"the factor of quadratics": float(np.max(np.abs(made.quadratic / made.worst - 1)))},
        },
        "the loss on the path": {
            "measured": float(np.max(way.loss / way.promised)),
            "bound": 1.0,
            "tolerance": 1e-9,
            "controls": {
                "the distance instead": float(np.max(way.distance / (way.promised / way.promised.iloc[0])))
            },
        },
    }

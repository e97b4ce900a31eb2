"""m-sharpness of trained nets for every m that divides n, and how often one ascent breaks its order.

"net": tanh nets of 12 weights on 24 examples, trained by descent and by SAM from the same start. For every m
and several radii the mean over groups of m (in the order of the data) of f_s(w + e_s) - f_s(w):
`linear`, rho |g_s|; `one step`, at e_s = rho g_s / |g_s|; `quadratic`, the exact maximum of the quadratic
model; `lower` and `upper`, between which the maximum lies (theory/inner.py). `linear` and `quadratic` never
fall as m is halved, nor does the maximum; `one step` may.

"pairs": two quadratics in the plane, slopes standard normal, Hessians the symmetric parts of 3 times standard
normal matrices. `failed` counts the pairs, of `draws`, whose own one-step rises have a smaller mean than the
rise of their mean along its step, `low` and `high` are limits of its chance; `exact_failed` counts the same
of exact maxima. As rho grows the Hessians alone decide, H and -H are alike, and the chance tends to 1/2.
"""

from fractions import Fraction
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from experiments.f21_inner import QUICKLY
from experiments.f21_second_order import regression
from experiments.record import progress
from theory import admit, inner
from theory.confidence import upper
from theory.sharpness import largest_in_ball
from theory.update import direction, norm, step

SECONDS = 8
QUICK = {"steps": 100, "draws": 100, "radii": (0.05,), "pair_radii": (0.1, 1.0, 10.0)}
EXAMPLES, STARTS, ITERATIONS = 24, 2, 10
ROUNDING = 1e-12
PAIR_RADII = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def run(
    seed=0,
    steps=5_000,
    draws=4_000,
    gamma=0.1,
    rho=0.1,
    noise=0.5,
    radii=(0.01, 0.03, 0.1, 0.3),
    pair_radii=PAIR_RADII,
):
    admit.whole(steps, "steps", 1)
    admit.whole(draws, "draws", 1)
    admit.steps(gamma, (rho, *radii, *pair_radii), 1)
    progress(f"f21_m_sharpness: {steps} steps, {len(radii)} radii; {draws} pairs of quadratics")
    net = regression([seed, 0], 3, 4, EXAMPLES, noise)
    trained = {name: ended(net, gamma, size, steps) for name, size in {"GD": 0.0, "SAM": rho}.items()}
    frames = [on_net(method, net.train, w, radii) for method, w in trained.items()]
    return pd.concat([*frames, pairs(seed, draws, pair_radii)], ignore_index=True)


@partial(jax.jit, static_argnames="steps")
def ended(net, gamma, rho, steps):
    rule = jax.value_and_grad(net.train.loss)
    return jax.lax.fori_loop(0, steps, lambda _, w: step(rule, w, gamma, rho, 1.0), net.start)


def on_net(method, f, w, radii):
    """Means over the groups of every m and radius."""
    starts = np.random.default_rng(0).standard_normal((STARTS, len(w)))
    sizes = [m for m in range(1, f.n + 1) if f.n % m == 0]
    groups = np.concatenate([np.kron(np.eye(f.n // m), np.full(m, 1 / m)) for m in sizes])
    whose = np.repeat(sizes, [f.n // m for m in sizes])
    third = np.stack([groups @ f.third_near(w, rho) for rho in radii])
    seen = rises(f, w, starts, groups, jnp.asarray(radii), third)
    rows = pd.DataFrame({"rho": np.repeat(radii, len(whose)), "m": np.tile(whose, len(radii))})
    rows = rows.assign(**{name: np.ravel(x) for name, x in seen.items()})
    rows = rows.groupby(["rho", "m"], as_index=False).mean()
    return rows.assign(kind="net", method=method, train=float(f.loss(w)))


@partial(jax.jit, compiler_options=QUICKLY)
def rises(f, w, starts, groups, radii, third):
    """Of every radius and group, (radii, groups); a group is the weights of its examples."""

    def one(weights, rho, third):
        def rise(v):
            return weights @ (f.losses(w + v) - f.losses(w))

        g = jax.grad(rise)(0 * w)
        found = inner.bracket(rise, jnp.concatenate([starts, g[None]]), rho, third, ITERATIONS)
        return {
            "linear": rho * norm(g),
            "one step": rise(rho * direction(g, 1.0)),
            "quadratic": found.upper - third * rho**3 / 6,
            "lower": found.lower,
            "upper": found.upper,
        }

    over_groups = jax.vmap(one, (0, None, 0))
    return jax.vmap(over_groups, (None, 0, 0))(groups, radii, third)


def pairs(seed, draws, radii):
    rng = np.random.default_rng(seed)
    g, h = rng.standard_normal((draws, 2, 2)), 3 * rng.standard_normal((draws, 2, 2, 2))
    h = (h + np.swapaxes(h, 2, 3)) / 2
    found = [jax.tree.map(np.asarray, order(g, h, rho)) for rho in radii]
    kept = {"kind": "pairs", "method": "one ascent", "rho": radii, "draws": draws}
    kept |= {name: [int(np.sum(x[name])) for x in found] for name in found[0]}
    kept["low"] = [1 - upper(draws - failed, draws, 0.999) for failed in kept["failed"]]
    kept["high"] = [upper(failed, draws, 0.999) for failed in kept["failed"]]
    return pd.DataFrame(kept)


@partial(jax.jit, compiler_options=QUICKLY)
@partial(jax.vmap, in_axes=(0, 0, None))
def order(g, h, rho):
    """Is the mean of the two rises below the rise of the mean?"""

    def stepped(g, h):
        e = rho * direction(g, 1.0)
        return g @ e + 0.5 * e @ (h @ e)

    def best(g, h):
        return largest_in_ball(h, g, rho).value

    def below(rise):
        apart, together = jax.vmap(rise)(g, h).mean(), rise(g.mean(0), h.mean(0))
        return apart < together - ROUNDING * jnp.maximum(jnp.abs(together), 1)

    return {"failed": below(stepped), "exact_failed": below(best)}


def verdicts(table):
    """The chance that one ascent breaks the order, exact limits; on the nets the order of exact maxima."""
    out = {}
    counts = table[table.kind == "pairs"].set_index("rho").astype({"draws": int, "exact_failed": int})
    smallest = counts.index.min()
    for rho, least in ((1.0, "1/3"), (10.0, "9/20")):
        if rho not in counts.index:
            continue
        row = counts.loc[rho]
        exact = upper(int(row.draws - row.exact_failed), int(row.draws), 0.999)
        out[f"m_sharpness_failures: more than {least} of the pairs at rho = {rho:g}"] = {
            "measured": 1 - row.low,
            "bound": 1 - float(Fraction(least)),
            "controls": {"exact maxima": exact, f"rho = {smallest:g}": 1 - counts.low[smallest]},
        }
    nets = table[table.kind == "net"]
    for what, name, bounded in (
        ("the linearised values", "linear", "linear"),
        ("maxima of the quadratic models", "quadratic", "quadratic"),
        ("lower ends of coarse groups, upper ends of fine ones,", "lower", "upper"),
    ):
        out[f"m_sharpness_of_a_net: {what} keep the order"] = {
            "measured": most(nets, name, bounded),
            "bound": 1.0,
            "controls": {"exchanged": most(nets, bounded, name, exchanged=True)},
        }
    return out


def most(nets, coarse, fine, exchanged=False):
    """The largest ratio of the values of coarse groups to those of finer ones that divide them."""
    ratios = []
    for _, rows in nets.groupby(["method", "rho"]):
        rows = rows.set_index("m")
        for large in rows.index:
            for small in rows.index[(rows.index < large) & (large % rows.index == 0)]:
                first, second = (small, large) if exchanged else (large, small)
                ratios.append(rows[coarse][first] / rows[fine][second])
    return max(ratios)

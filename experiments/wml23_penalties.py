"""Three sharpness penalties over rho^2 against rho, at minimisers of a loss that curves and of a small net.

"curved" is a random polynomial of degree four in five variables with three residuals that vanish at the
minimiser, "net" one hidden layer of tanh units fitted exactly to targets of a random net of its shape.
`notion` is the direction: worst (the best of climbs from random starts, a lower bound), ascent (the infimum
near the minimiser: the least rise over the unit sphere of the Hessian's range, by climbs too), average (exact
moments, or a rule of the sphere of degree 8), and the means over samples of the worst and of the ascent
direction, which 1-SAM sees. `limit` is lambda_1 / 2, lambda_M / 2, tr H / (2 d) or tr H / 2, `error` the
distance of the penalty over rho^2 to it, `slope` its local exponent in rho, `first` the coefficient of rho in
it (of rho^2 for the average) and `predicted` its expansion, to rho^2 on "curved" and to rho on "net"; NaN if
no formula is at hand.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from experiments.record import progress
from theory import admit
from theory.bounds import wml23_penalties as rates
from theory.problems import curved
from theory.problems.tanh_net import tanh_net
from theory.sharpness import Quartic, average, largest_found, limits, second_order, sphere_rule

SECONDS = 6
QUICK = {"points": 4}
STARTS, ITERATIONS = 6, 24  # each start climbs from both sides
STEEP = 1e3  # how steeply a climb on a part of the space falls beside it
SINGULAR, BEND = (1.6, 1.1, 0.7), 0.35  # of the curved loss
UNITS, INPUTS, DATA = 3, 2, 3  # of the net
SMALL, MARGIN = 6e-3, 0.02  # first terms and orders are judged at radii below, to that accuracy


def run(seed=0, points=22, smallest=1e-3, largest=0.5):
    admit.whole(points, "points", 2)
    if not 0 < smallest < largest:
        raise ValueError(f"radii must satisfy 0 < smallest < largest; got {smallest:g} and {largest:g}")
    radii = np.geomspace(smallest, largest, points)
    progress(f"wml23_penalties: {points} radii from {smallest:g} to {largest:g}, two losses")
    return pd.concat([on_curved(seed, radii), on_net(seed, radii)], ignore_index=True)


# Climbs


@partial(jax.jit, static_argnames="model_of")
def climbs(model_of, parameters, starts, radii):
    """The largest value over |v| = rho that climbs find for each of the parameters, (parameters, radii)."""

    def one(parameter, rho):
        return largest_found(model_of(parameter), starts, rho, False, ITERATIONS)[0]

    return jax.vmap(jax.vmap(one, (None, 0)), (0, None))(parameters, radii)


def extremes(model_of, limited, each, radii):
    """(worst, ascent) over rho^2 for each (parameter, Hessian, rank), (each, radii).

    limited(parameter, sign, part) describes sign times the rise, steeply lower beside the range of `part`.
    """
    d = len(each[0][1])
    up = [limited(parameter, 1.0, np.eye(d)) for parameter, _, _ in each]
    down = []
    for parameter, hessian, rank in each:
        basis = np.linalg.eigh(hessian)[1][:, -rank:]
        down.append(limited(parameter, -1.0, basis @ basis.T))
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *up, *down)
    starts = np.random.default_rng(0).standard_normal((STARTS, d))
    found = np.asarray(climbs(model_of, stacked, starts, radii)) / radii**2
    return found[: len(each)], -found[len(each) :]


def table(name, radii, columns):
    """columns: notion -> (penalty over rho^2, its limit, coefficients of rho and rho^2 in its expansion)."""
    frames = []
    for notion, (values, limit, first, second) in columns.items():
        error = np.abs(values - limit)
        with np.errstate(divide="ignore"):
            slope = np.gradient(np.log(error), np.log(radii))
        kept = {"loss": name, "notion": notion, "rho": radii, "value": values, "limit": limit}
        kept |= {"error": error, "slope": slope, "first": abs(first if first else second)}
        frames.append(pd.DataFrame(kept | {"predicted": np.abs(first * radii + second * radii**2)}))
    return pd.concat(frames, ignore_index=True)


# The losses


def polynomial(q):
    return q.model


def limited_quartic(q, sign, part):
    q = q.within(part)
    steep = STEEP * (np.eye(len(part)) - part)
    return Quartic(*(sign * each for each in q))._replace(hessian=sign * q.hessian - steep)


def on_curved(seed, radii):
    f = curved.random(seed, 5, SINGULAR, BEND)
    whole, each = f.expansion, [f.sample(k).expansion for k in range(f.n)]
    tried = [(whole, whole.hessian, f.n), *((q, q.hessian, 1) for q in each)]
    worst, ascent = extremes(polynomial, limited_quartic, tried, radii)
    half, smallest, mean = limits(f.hessian, f.n)
    trace = np.trace(f.hessian) / 2
    series = rates.average(whole)
    lone, lonely = (
        np.mean([rate(q)[1:] for q in each], axis=0) for rate in (rates.worst, partial(rates.ascent, rank=1))
    )
    columns = {
        "worst": (worst[0], half, *rates.worst(whole)[1:]),
        "ascent": (ascent[0], smallest, *rates.ascent(whole, f.n)[1:]),
        "average": (series.limit + series.second * radii**2, mean, *series[1:]),
        "worst, samples": (worst[1:].mean(0), trace, *lone),
        "ascent, samples": (ascent[1:].mean(0), trace, *lonely),
    }
    return table("curved", radii, columns)


def fitted(seed):
    """A net that fits its targets exactly at the weights w."""
    rng = np.random.default_rng(seed)
    x, second = rng.standard_normal((DATA, INPUTS)), rng.choice([-1.0, 1.0], UNITS)
    w = rng.standard_normal(UNITS * INPUTS)
    y = np.tanh(x @ w.reshape(UNITS, INPUTS).T) @ second
    return tanh_net(x, y, second), w


def net_rise(parameter, v):
    """The mean of half the squares of what v changes in the outputs; the targets are those at w."""
    w, x, second, weight = parameter
    before, moved = (x @ u.reshape(UNITS, INPUTS).T for u in (w, v))
    changed = jnp.sinh(moved) / (jnp.cosh(before + moved) * jnp.cosh(before))  # tanh(a + b) - tanh(a)
    return 0.5 * jnp.sum(weight * (changed @ second) ** 2)


def net_model(limited):
    parameter, sign, part = limited

    def height(v):
        inside = part @ v
        return sign * net_rise(parameter, inside) - 0.5 * STEEP * jnp.sum((v - inside) ** 2)

    return second_order(height)


def limited_net(*limited):
    return limited


def on_net(seed, radii):
    f, w = fitted(seed)
    slopes = np.asarray(
        jax.jit(jax.jacfwd(lambda w: jnp.tanh(f.x @ w.reshape(UNITS, INPUTS).T) @ f.second))(w)
    )
    weights = [np.full(f.n, 1 / f.n), *np.eye(f.n)]
    hessians = [slopes.T @ (weight[:, None] * slopes) for weight in weights]
    each = [(w, np.asarray(f.x), np.asarray(f.second), weight) for weight in weights]
    tried = list(zip(each, hessians, [f.n] + [1] * f.n, strict=True))
    worst, ascent = extremes(net_model, limited_net, tried, radii)
    half, smallest, mean = limits(hessians[0], f.n)
    trace = np.trace(hessians[0]) / 2
    rule = sphere_rule(len(w), 8)
    averages = jax.jit(jax.vmap(lambda rho: average(partial(net_rise, each[0]), rho, rule)))(radii)
    bent = [third(each[k], np.linalg.eigh(hessians[k])[1][:, -1]) for k in range(1 + f.n)]
    least = third(each[0], np.linalg.eigh(hessians[0])[1][:, -f.n])
    columns = {
        "worst": (worst[0], half, bent[0] / 6, 0.0),
        "ascent": (ascent[0], smallest, -least / 6, 0.0),
        "average": (np.asarray(averages) / radii**2, mean, 0.0, np.nan),
        "worst, samples": (worst[1:].mean(0), trace, np.mean(bent[1:]) / 6, 0.0),
        "ascent, samples": (ascent[1:].mean(0), trace, -np.mean(bent[1:]) / 6, 0.0),
    }
    return table("net", radii, columns)


def third(parameter, v):
    """|third derivative along v|, by differences of two widths."""
    wide, narrow = (
        3 * float(net_rise(parameter, h * v) - net_rise(parameter, -h * v)) / h**3 for h in (2e-2, 1e-2)
    )
    return abs(4 * narrow - wide) / 3


def verdicts(frame):
    """The leading coefficient of every error at small radii, or its slope. Control: the limit of another."""
    out = {}
    for (loss, notion), rows in frame[frame.rho <= SMALL].groupby(["loss", "notion"], sort=False):
        limits = frame[frame.loss == loss].groupby("notion").limit.first()
        other = "ascent" if notion == "worst" else "worst"
        order = 2 if notion == "average" else 1
        out[f"{loss}, {notion}"] = {
            "measured": off(rows, rows.error, order),
            "bound": 0.0,
            "tolerance": MARGIN,
            "radii": len(rows),
            "controls": {f"the limit of {other}": off(rows, np.abs(rows.value - limits[other]), order)},
        }
    return out


def off(rows, error, order):
    """How far the leading coefficient is from the formula; where there is none, the slope from the order."""
    if len(rows) < 4:
        return np.nan
    if rows["first"].isna().any():
        return abs(np.polyfit(np.log(rows.rho), np.log(error), 1)[0] - order)
    return abs(np.polyfit(rows.rho, error / rows.rho**order, 2)[-1] / rows["first"].iloc[0] - 1)

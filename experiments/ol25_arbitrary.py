"""Arbitrary sampling: random problems and laws with L_max and with ell; the exact counter-example.

"search": sums of three quadratics in the plane, laws of 2 to 4 draws with E v = 1, some of them rare, lam,
one of three forms ("old", "new", "B"). Each claim is tried at states on rings about w* and where an ascent
from the worst of them ends, over every draw: `ratio` is the achieved over the promised decrease, [f - E
f(w+) + gamma mu N] / [gamma mu (f - f*)], which the theorem has at least 1. `constant` says what stands for
ell: the largest Lip(grad f_v) of the draws ("ell"), or L_max. Rows: quantiles of the ratio, how many draws,
how many of them violate by more than rounding, the worst ratio and its rounding. Signs of v: "positive"
laws have v >= 0, as lam = 1 with L_max needs, "mixed" have not.

"time" and "onset": the law that draws all functions together with probability eps (theory/rare.py), its
exact E f(x_t) and the bound, with both pairs at L_max and with form B at ell; over t at one eps, and at t =
1 / eps over eps.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from experiments.record import progress
from theory import Array, admit, rare
from theory.bounds import ol25
from theory.certificate import ascend, noise_by_model, rings
from theory.problems.quadratic import Quadratic
from theory.update import look_ahead

SECONDS = 10
QUICK = {"draws": 600, "climb": 2, "points": 9}
N, D, ATOMS = 3, 2, 4
LAMS = (0.0, 0.25, 0.5, 0.9, 0.99, 1.0)
FORMS = ("old", "new", "B")
CHUNK = 2000  # claims tried at once
PAIRS = {"old": ol25.old_steps, "new": ol25.new_steps}
RARE = 1e-5  # eps of the curves over time


class Worlds(NamedTuple):
    """Problems with w* = 0 = f(0) and laws, one a row."""

    h: Array  # (draws, N, D, D)
    slopes: Array  # (draws, N, D), of f_i at w*; their mean is zero
    v: Array  # (draws, ATOMS, N)
    q: Array  # (draws, ATOMS)


def run(seed=0, draws=100_000, states=12, climb=8, points=200):
    for value, name in [(draws, "draws"), (states, "states"), (points, "points")]:
        admit.whole(value, name, 2)
    admit.whole(climb, "climb", 1)
    progress(f"ol25_arbitrary: {draws} problems and laws, {2 * draws} claims")
    return pd.concat([search(seed, draws, states, climb), curves(points), onset(points)], ignore_index=True)


# Random problems and laws


def worlds(seed, draws):
    """Problems and laws, and which laws have v >= 0."""
    rng = np.random.default_rng(seed)
    factors = rng.standard_normal((draws, N, D, D)) * 10 ** rng.uniform(-1.5, 0, (draws, N, 1, 1))
    factors[:, 1:, :, 0] *= rng.integers(0, 2, (draws, N - 1, 1))  # of rank one as often as not
    h = factors @ np.swapaxes(factors, 2, 3)
    kind = rng.integers(0, 4, draws)
    h[kind == 0] = h[kind == 0][:, :1]  # copies of one function
    h[kind == 1, 1:] = 0  # all functions but one are zero
    centres = rng.standard_normal((draws, N, D)) * 10 ** rng.uniform(-2, 1, (draws, 1, 1))
    centres *= (kind != 1)[:, None, None] * rng.integers(0, 2, (draws, 1, 1))  # interpolation or not
    slopes = -np.einsum("knij,knj->kni", h, centres)
    w_star = -np.linalg.solve(h.mean(1), slopes.mean(1)[:, :, None])[:, :, 0]
    offsets = w_star[:, None] - centres
    slopes = np.einsum("knij,knj->kni", h, offsets)
    slopes -= slopes.mean(1, keepdims=True)  # zero but for rounding
    v, q, positive = laws(rng, draws)
    mismatch = 0.5 * np.einsum("kni,knij,knj->k", offsets, h, offsets) / N
    return Worlds(h, slopes, v, q), mismatch, positive


def laws(rng, draws):
    """v (draws, ATOMS, N), q (draws, ATOMS) with E v = 1; and where v >= 0.

    Draw k has weights q_k^-a times a pattern of zeros and ones, normalised; a quarter of the laws
    have v = 1 plus normal numbers of mean zero instead, of both signs.
    """
    q = 10 ** rng.uniform(-5, 0, (draws, ATOMS))
    q[np.arange(ATOMS) >= rng.integers(2, ATOMS + 1, (draws, 1))] = 0
    q /= q.sum(1, keepdims=True)
    power = rng.uniform(0, 1, (draws, ATOMS, 1)) * (q > 0)[:, :, None]
    size = np.where(q > 0, q, 1)[:, :, None] ** -power
    pattern = rng.integers(0, 2, (draws, ATOMS, N)).astype(float)
    alike = rng.integers(0, 2, draws) == 0
    pattern[alike] = pattern[alike][:, :, :1]  # all functions or none
    v = size * pattern
    mean = np.einsum("ka,kan->kn", q, v)
    v = np.where(mean[:, None] > 0, v, 1.0) / np.where(mean > 0, mean, 1.0)[:, None]
    positive = rng.integers(0, 4, draws) > 0
    mixed = size * rng.standard_normal((draws, ATOMS, N))
    mixed = 1 + mixed - np.einsum("ka,kan->kn", q, mixed)[:, None]
    return np.where(positive[:, None, None], v, mixed) * (q > 0)[:, :, None], q, positive


def moments(v, q):
    """(across, extra) of every law, by diagonal dominance as in theory/sampling.py."""
    second = np.einsum("ka,kan,kam->knm", q, v, v)
    i, j = np.triu_indices(N, 1)
    across = np.maximum(0, np.median(second[:, i, j], axis=1))
    rest = second - across[:, None, None]
    own = np.einsum("knn->kn", rest)
    return across, np.maximum(own + np.abs(rest).sum(2) - np.abs(own), 0)


def claims(world, mismatch, lams, forms, constant):
    """The claim of every draw, with L_max or ell: gamma, rho, rate, N, and the condition over its limit."""
    eigs: Any = np.linalg.eigvalsh(world.h.mean(1))  # arrays where a bound takes numbers
    each = np.linalg.eigvalsh(world.h)[:, :, -1]
    sampled = np.einsum("kan,knij->kaij", world.v, world.h) / N
    ell = np.abs(np.linalg.eigvalsh(sampled)).max((1, 2))
    across, extra = moments(world.v, world.q)
    a = (extra * each).max(1) / N
    put = ell if constant == "ell" else each.max(1)
    one = ol25.Constants(eigs[:, 0], put, put, a, across, 2 * a * mismatch)
    two = one._replace(smoothness=eigs[:, -1])
    paper, jensen = ol25.paper_weights(lams), ol25.jensen_weights(lams)
    ways = {
        "old": (*ol25.old_steps(one, lams), one, paper, ol25.condition_a, ol25.noise_a, 1),
        "new": (*ol25.new_steps(one, lams), one, paper, ol25.condition_a, ol25.noise_a, 1),
        "B": (*ol25.form_b_steps(two, jensen), two, jensen, ol25.condition_b, ol25.noise_b, 4),
    }
    out = np.zeros((5, len(lams)))
    for place, (gamma, rho, k, weights, condition, noise, limit) in enumerate(ways.values()):
        of = forms == place
        found = [gamma, rho, gamma * k.pl, noise(k, gamma, rho, weights)]
        found.append(limit * condition(k, gamma, rho, weights))
        out[:, of] = np.stack(found)[:, of]
    return out


# The search


def search(seed, draws, states, climb):
    draws = -(-draws // CHUNK) * CHUNK if draws > CHUNK else draws
    world, mismatch, positive = worlds(seed, draws)
    place = np.arange(draws)
    lams, forms = np.array(LAMS)[place % len(LAMS)], place // len(LAMS) % len(FORMS)
    signs = np.where(positive, "positive", "mixed")
    directions = np.asarray(rings(jax.random.key(seed), states, D, 1e-2, 1e2))
    frames = []
    for constant in ("ell", "L_max"):
        gamma, rho, rate, noise, condition = claims(world, mismatch, lams, forms, constant)
        scale = np.where(noise > 0, np.sqrt(2 * noise * gamma / rate), 1.0)
        rows = (world, gamma, rho, lams, rate, noise, scale)
        size = min(CHUNK, draws)
        rows = jax.tree.map(lambda x, size=size: x.reshape(-1, size, *x.shape[1:]), rows)
        found = jax.tree.map(lambda x: np.asarray(x).ravel(), tried(rows, directions, climb))
        columns = {"lam": lams, "form": np.array(FORMS)[forms], "signs": signs, "condition": condition}
        table = pd.DataFrame(columns | found)
        table["violated"] = table.ratio < 1 - table.rounding
        frames += summaries(table, constant)
    return pd.concat(frames, ignore_index=True)


@partial(jax.jit, static_argnames="climb")
def tried(rows, directions, climb):
    """The least ratio of every claim, its rounding, and the ratio of a rule that does not move."""

    def one(row):
        world, gamma, rho, lam, rate, noise, scale = row
        f = Quadratic(world.h, -world.slopes, jnp.zeros(N))
        rule = look_ahead(jax.value_and_grad(f.loss), rho, lam)

        def judged(w):
            before = f.loss(w)
            moves = jax.vmap(lambda v: -gamma * rule(w, jnp.arange(N), v)[1])(world.v)
            need = noise_by_model(before, f.model(w), moves, world.q, rate)
            return 1 + (noise - need.measured) / before, need.rounding / before, noise / before

        starts = scale * directions
        first = jax.vmap(judged)(starts)
        worst = starts[jnp.argmin(first[0])]
        top = ascend(lambda w: -judged(w)[0], worst[None], climb)[0]
        ratio, rounding, _ = judged(top)
        return {"ratio": ratio, "rounding": rounding, "unmoved": jnp.min(first[2])}

    return jax.lax.map(jax.vmap(one), rows)


def summaries(table, constant):
    """Quantiles of the ratio for each lam and sign; counts for each form too."""
    out = []
    levels = np.concatenate([[0.0], np.geomspace(1e-4, 1, 81)])  # the violations are few
    for (lam, signs), rows in table.groupby(["lam", "signs"]):
        common = {"kind": "search", "constant": constant, "lam": lam, "signs": signs, "draws": len(rows)}
        out.append(
            pd.DataFrame(common | {"quantile": levels, "ratio": rows.ratio.quantile(levels).to_numpy()})
        )
    for (lam, signs, form), rows in table.groupby(["lam", "signs", "form"]):
        worst = rows.loc[rows.ratio.idxmin()]
        common = {"kind": "count", "constant": constant, "lam": lam, "signs": signs, "form": form}
        common |= {"draws": len(rows), "violations": int(rows.violated.sum()), "ratio": worst.ratio}
        common |= {
            "rounding": worst.rounding,
            "unmoved": rows.unmoved.min(),
            "condition": rows.condition.max(),
        }
        out.append(pd.DataFrame([common]))
    return out


# The counter-example


def scarce(eps, form, t):
    """E f(x_t) and its bound for all functions x^2 / 2 drawn together with probability eps, x_0 = 1."""
    one, lam = np.ones_like(eps), 1 - np.sqrt(eps / 2)
    k = ol25.Constants(1.0, one, 1 / eps if form == "B" else one, 0.0, 1 / eps, 0.0)
    paper, jensen = ol25.paper_weights(lam), ol25.jensen_weights(lam)
    if form == "B":
        (gamma, rho), weights, noise = ol25.form_b_steps(k, jensen), jensen, ol25.noise_b
    else:
        (gamma, rho), weights, noise = PAIRS[form](k, lam), paper, ol25.noise_a
    turn, push = rare.move(1 / eps, gamma, rho, lam)
    listed = rare.listed(turn, push, eps, t, 60)  # serves where |turn| < 1: more moves have chance 1e-80
    value = 0.5 * np.where(turn > 0, rare.crossing(turn, push, eps, t), listed)
    return value, (1 - gamma) ** t / 2 + noise(k, gamma, rho, weights)


def curve(kind, eps, t):
    frames = []
    for form in FORMS:
        value, bound = scarce(eps, form, t)
        common = {"kind": kind, "constant": "ell" if form == "B" else "L_max", "form": form}
        frames.append(pd.DataFrame(common | {"eps": eps, "step": t, "value": value, "bound": bound}))
    return pd.concat(frames, ignore_index=True)


def curves(points):
    """At one eps over t, to t = 1 / eps."""
    t = np.unique(np.round(np.geomspace(1, 1 / RARE, points)))
    return curve("time", np.full(len(t), RARE), t)


def onset(points):
    """At t = 1 / eps over eps."""
    inverse = np.round(np.geomspace(10, 1 / RARE, points))
    return curve("onset", 1 / inverse, inverse)


def verdicts(table):
    """With ell never less than promised, nor with L_max for the pairs, lam = 1, v >= 0; for lam < 1 it is."""
    count = table[table.kind == "count"]
    out = {}
    for lam, rows in count.groupby("lam"):
        theirs = rows[rows.constant == "ell"]
        out[f"ell, lam={lam:g}"] = decided(theirs)
        wrong = rows[(rows.constant == "L_max") & (rows.signs == "positive")]
        pairs = wrong[wrong.form != "B"]
        if lam < 1:
            out[f"ell, lam={lam:g}"]["controls"]["L_max in place of ell"] = sides(wrong)
        else:
            out["L_max, lam=1, v >= 0, both pairs"] = decided(pairs)
    return out


def decided(rows):
    controls = {"the rule does not move": {"measured": 1.0, "bound": rows.unmoved.min(), "tolerance": 1e-12}}
    return sides(rows) | {
        "draws": int(rows.draws.sum()),
        "violations": int(rows.violations.sum()),
        "hypotheses": {"condition on gamma and rho": bool(rows.condition.max() <= 1 + 1e-12)},
        "controls": controls,
    }


def sides(rows):
    """The promised decrease, 1, against the achieved over the promised where that is least."""
    worst = rows.loc[rows.ratio.idxmin()]
    return {"measured": 1.0, "bound": worst.ratio, "tolerance": max(worst.rounding, 1e-12)}

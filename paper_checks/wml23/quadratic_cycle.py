"""Full-batch SAM on a quadratic ends on w, -w along v_1, with |w| = gamma rho l_1 / (2 - gamma l_1).

220 rotated quadratics with l_i / l_1 in [0.15, 0.93], 20 of them at d = 200, from random starts, gamma l_1 in
[0.05, 1.99], all in one compiled call; how many steps follows from the rate of theory/bounds/wml23.py, where
the proof stands (almost every start, hence no start of these). `measured` is the largest relative distance,
over a case, of the last |w| to the radius, of w to its part along v_1, and of the next w to -w; on the rows
beside it, of the loss ("cycle_loss: ..."), of the loss ahead and of R^Max ("cycle_sharpness: ...") to their
values. "theorem_4_8: ..." are the runs with gamma l_1 < 1, all that the paper speaks of.

Four starts more, on diagonal quadratics, where zeros stay zeros. Two end on the second cycle: one across v_1,
and one on the ellipsoid |H w| = gamma rho l_1^2 / (1 - gamma l_1), which a step throws there. A hair beside
them, runs end on the first.
"""

import itertools
from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from paper_checks.compilation import thoroughly
from theory import Array
from theory.bounds import wml23
from theory.descent import descend, still, whole_batch
from theory.problems.quadratic import Quadratic
from theory.update import step

COUNTS = {5: 120, 20: 80, 200: 20}  # quadratics of each dimension
REACH = (0.05, 1.99)  # gamma l_1
SPREAD = (0.15, 0.93)  # l_i / l_1
CLAIMED = 1e-10
EPS = 2.0**-52
ROUNDINGS = 64
LARGE = 100  # matrices of such a size run one after the other: each stays in the cache for its whole run
SIZE, LENGTH = 256, 1024  # of `paths`


class Runs(NamedTuple):
    """Quadratics of one dimension, and runs on them."""

    h: Array  # (n, d, d)
    eigs: Array  # (n, d), ascending
    vectors: Array  # (n, 2, d), of the second and of the top eigenvalue
    start: Array  # (n, d)
    gamma: Array  # (n,)
    rho: Array  # (n,)
    lam: Array  # (n,)
    steps: Array  # (n,)
    last: Array | None = None  # (n, d), after `steps`
    after: Array | None = None  # (n, d), the next

    @property
    def reach(self):
        return self.gamma * self.eigs[:, -1]

    def kept(self, which):
        return jax.tree.map(lambda x: x[which], self)


class Case(NamedTuple):
    reads: str  # "cycle", "loss", "loss ahead" or "worst rise"
    runs: Runs
    place: int  # of the eigenvalue of the claimed cycle: -1 or -2
    doubt: float  # what rounding leaves
    scale: float  # of the claim: 1, but for a control


def bowl(h):
    """w' H w / 2, with no more than the rule needs of it."""
    return Quadratic(h[None], jnp.zeros((1, len(h))), jnp.zeros(1))


def run(h, start, gamma, rho, lam, steps):
    """The last w and the next."""
    rule = jax.value_and_grad(bowl(h).loss)

    def move(_, pair):
        return pair[1], step(rule, pair[1], gamma, rho, lam)

    return jax.lax.fori_loop(0, steps + 1, move, (start, start))


@thoroughly
def ends(groups):
    """`run` for all runs of all groups."""

    def one(group):
        arguments = (group.h, group.start, group.gamma, group.rho, group.lam)
        if group.h.shape[-1] >= LARGE:
            return jax.lax.map(lambda each: run(*each), (*arguments, group.steps))
        return jax.vmap(run, (0, 0, 0, 0, 0, None))(*arguments, jnp.max(group.steps))

    return [one(group) for group in groups]


@thoroughly
def compiled_paths(h, start, gamma, rho, lam):
    def one(h, start, gamma, rho, lam):
        rule = whole_batch(jax.value_and_grad(bowl(h).loss))
        return descend(rule, start, gamma, rho, lam, (still(LENGTH),), lambda w: w)[0]

    return jax.vmap(one)(h, start, gamma, rho, lam)


def paths(h, start, gamma, rho, lam):
    """w_0, ..., w_LENGTH of up to SIZE runs in four dimensions, one shape for every check that asks."""
    n = len(start)
    arguments = h, start, *(np.broadcast_to(np.asarray(x, float), (n,)) for x in (gamma, rho, lam))
    padded = (np.concatenate([x, np.repeat(x[:1], SIZE - n, axis=0)]) for x in arguments)
    return np.asarray(compiled_paths(*padded))[:n]


def turned(rng, eigs):
    """H with these eigenvalues, (n, d), in random positions; its eigenvectors, columns in the same order."""
    n, d = eigs.shape
    turns = np.linalg.qr(rng.standard_normal((n, d, d)))[0]
    return (turns * eigs[:, None]) @ np.swapaxes(turns, 1, 2), turns


def random_runs(rng, n, d, reaches):
    top = 10 ** rng.uniform(-1, 1, n)
    eigs = top[:, None] * np.sort(np.concatenate([rng.uniform(*SPREAD, (n, d - 1)), np.ones((n, 1))], 1))
    h, turns = turned(rng, eigs)
    gamma, rho = reaches / top, 10 ** rng.uniform(-2, 0.5, n)
    start = rho[:, None] * rng.standard_normal((n, d)) * 10 ** rng.uniform(-1, 0.5, (n, 1))
    steps = np.array([wml23.steps_to_cycle(*pair) for pair in zip(eigs, gamma, strict=True)])
    vectors = np.swapaxes(turns[:, :, -2:], 1, 2)
    return Runs(h, eigs, vectors, start, gamma, rho, np.ones(n), steps)


def straight(eigs, start, gamma, rho):
    """A run on a diagonal quadratic, entries in the order of `eigs`, ascending."""
    eigs, start, one = np.array(eigs)[None], np.array(start)[None], np.ones(1)
    d = eigs.shape[1]
    h, vectors = eigs[:, None] * np.eye(d), np.eye(d)[None, -2:]
    return Runs(h, eigs, vectors, start, gamma * one, rho * one, one, np.array([2000]))


def exceptions():
    """Starts that end on the second cycle, and beside each one that ends on the first.

    On the ellipsoid gamma, rho and all l_i are powers of two, and so is |H w| = 2: the step is exact.
    """
    eigs, dyadic = (0.3, 0.5, 0.9, 1.7, 2.0), (0.0625, 0.125, 0.25, 0.5, 1.0)
    return {
        "across v_1": straight(eigs, (0.6, 0.3, -0.7, 0.4, 0.0), 0.35, 0.1),
        "1e-150 beside it": straight(eigs, (0.6, 0.3, -0.7, 0.4, 1e-150), 0.35, 0.1),
        "on the ellipsoid": straight(dyadic, (0.0, 8.0, 4.0, 2.0, 1.0), 0.5, 2.0),
        "1e-9 beside it": straight(dyadic, (0.0, 8.0, 4.0, 2.0, 1 + 1e-9), 0.5, 2.0),
    }


def others(few):
    """Runs of the controls."""
    top = few.eigs[:, -1]
    return {
        "USAM": few._replace(lam=0 * few.lam, rho=0.01 / top),
        "beyond gamma l_1 = 2": few._replace(gamma=2.02 / top),
    }


@cache
def built():
    """All runs, ended: the random ones by dimension, the exceptions, and those of the controls."""
    rng = np.random.default_rng(0)
    groups = {d: random_runs(rng, n, d, np.linspace(*REACH, n)) for d, n in COUNTS.items()}
    named = {5: groups[5], **exceptions(), **others(groups[5].kept(slice(0, 120, 12)))}
    groups[5] = Runs(*map(np.concatenate, zip(*(each[:-2] for each in named.values()), strict=True)))
    found = jax.tree.map(np.asarray, ends(list(groups.values())))
    out = {d: each._replace(last=w, after=x) for (d, each), (w, x) in zip(groups.items(), found, strict=True)}
    edges = np.cumsum([0, *(len(each.gamma) for each in named.values())])
    whole = out[5]
    return out | {
        name: whole.kept(slice(*pair)) for name, pair in zip(named, itertools.pairwise(edges), strict=True)
    }


def cases():
    runs, out = built(), {}
    for d in COUNTS:
        out[f"d={d}"] = claimed("cycle", runs[d], -1)
        out[f"theorem_4_8: d={d}"] = claimed("cycle", runs[d].kept(runs[d].reach < 1), -1)
        out[f"cycle_loss: d={d}"] = claimed("loss", runs[d], -1)
        out[f"cycle_sharpness: loss ahead, d={d}"] = claimed("loss ahead", runs[d], -1)
        out[f"cycle_sharpness: R^Max, d={d}"] = claimed("worst rise", runs[d], -1)
    for name in exceptions():
        out[f"a start {name}"] = claimed("cycle", runs[name], -1 if "beside" in name else -2)
    return out


def claimed(reads, runs, place):
    """A case with what rounding leaves: that of a step, added up at the slower rate, and of the matrix, over
    the gap; twice that in a loss. The second cycle is the first of what is left without v_1."""
    eigs = runs.eigs[:, : place + 1 or None]
    rates = np.maximum(wml23.alignment_rate(eigs, runs.gamma), np.abs(1 - runs.gamma * eigs[:, -1]))
    parts = 1 / (1 - rates) + 1 / (1 - eigs[:, -2] / eigs[:, -1])
    return Case(reads, runs, place, (1 if reads == "cycle" else 2) * ROUNDINGS * EPS * parts.max(), 1.0)


def hypotheses(case):
    runs = case.runs
    shares = runs.eigs[:, :-1] / runs.eigs[:, -1:]
    return {
        "0 < gamma l_1 < 2": np.all((runs.reach > 0) & (runs.reach < 2)),
        "SAM": np.all(runs.lam == 1),
        "the top eigenvalue is simple": np.all(shares < 1),
        "to 1e-10": case.doubt <= CLAIMED,
    }


def value(case):
    """The claimed radius or value, (n,)."""
    formula = {
        "cycle": wml23.cycle_radius,
        "loss": wml23.cycle_loss,
        "loss ahead": wml23.cycle_loss_ahead,
        "worst rise": wml23.cycle_worst_rise,
    }[case.reads]
    runs = case.runs
    return case.scale * formula(runs.eigs[:, case.place], runs.gamma, runs.rho, 1.0)


def measured(case):
    runs, right = case.runs, value(case)
    w, g = runs.last, times(runs.h, runs.last)
    if case.reads == "loss":
        return np.max(np.abs(np.sum(w * g, axis=1) / 2 / right - 1))
    if case.reads == "worst rise":
        return np.max(np.abs(between(runs, g) / right - 1))
    if case.reads == "loss ahead":
        size = np.linalg.norm(g, axis=1)
        ahead = w + (runs.rho / np.where(size > 0, size, 1))[:, None] * g
        return np.max(np.abs(np.sum(ahead * times(runs.h, ahead), axis=1) / 2 / right - 1))
    vector = runs.vectors[:, case.place]
    across = w - np.sum(w * vector, axis=1)[:, None] * vector
    parts = [np.abs(np.linalg.norm(w, axis=1) - right), *np.linalg.norm([across, w + runs.after], axis=2)]
    return np.max(parts / np.abs(right))


def times(h, w):
    """H w of every run."""
    return (h @ w[:, :, None])[:, :, 0]


def between(runs, g):
    """f(w + v) - f(w) at v = rho g / |g|, and what no v of length rho exceeds, (2, n).

    m |v|^2 / 2 - v' H v / 2 - g'v is least where (m I - H) v = g, for any m > l_1; here m = l_1 + |g| / rho.
    """
    d, size = g.shape[1], np.linalg.norm(g, axis=1)
    v = (runs.rho / np.where(size > 0, size, 1))[:, None] * g
    found = np.sum(v * (g + times(runs.h, v) / 2), axis=1)
    m = runs.eigs[:, -1] + np.where(size > 0, size, 1) / runs.rho
    solved = np.linalg.solve(m[:, None, None] * np.eye(d) - runs.h, g[:, :, None])[:, :, 0]
    return np.array([found, np.sum(g * solved, axis=1) / 2 + m * runs.rho**2 / 2])


def bound(case):
    return 0.0


def tolerance(case):
    return case.doubt


def controls(case):
    other = {-1: -2, -2: -1}[case.place]
    out = {
        "a little larger": lambda factor: case._replace(scale=factor),
        "the cycle along the other eigenvector": case._replace(place=other),
    }
    if case.reads == "worst rise":
        reach = case.runs.reach
        out["rho^2 l_1 / 2, without what gamma adds"] = case._replace(scale=(2 - reach) / (2 + reach))
    elif case.runs.h.shape[1] == 5 and len(case.runs.gamma) > 1:  # of the random ones
        runs = built()
        out["a start across v_1"] = case._replace(runs=runs["across v_1"])
        out["USAM, which converges"] = case._replace(runs=runs["USAM"])
        out["beyond gamma l_1 = 2"] = case._replace(runs=runs["beyond gamma l_1 = 2"])
    return out

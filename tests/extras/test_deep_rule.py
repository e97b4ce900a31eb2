"""The trainer's step beside a two-pass step in NumPy that shares no code with it, each option and each pair.

The reference works on one flat vector, with gradients of a small tanh net by hand and derivatives of the
ascent by the complex step: Im f(w + i h) / h has no cancellation. It takes the drawn directions as given.
"""

from dataclasses import fields
from itertools import combinations
from math import inf
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from experiments.deep import rule as deep
from experiments.deep.schedules import schedule
from theory import ascent

INPUTS, HIDDEN, CLASSES, EXAMPLES, STEPS = 3, 4, 3, 6, 2
rng = np.random.default_rng(0)
BATCHES = [
    [(rng.normal(size=(EXAMPLES, INPUTS)), rng.integers(CLASSES, size=EXAMPLES)) for _ in range(STEPS)]
    for _ in range(2)
]  # of the descent, and others


class Net(NamedTuple):
    inner: jax.Array
    shift: jax.Array
    last: jax.Array
    bias: jax.Array

    def __call__(self, stats, x, train):
        return jnp.tanh(x @ self.inner + self.shift[None]) @ self.last + self.bias[None], stats


SHAPES = Net((INPUTS, HIDDEN), (HIDDEN,), (HIDDEN, CLASSES), (CLASSES,))
LABELS = Net("weight", "norm", "weight", "bias")
WEIGHTS, MEMORY = (Net(*(jnp.asarray(rng.normal(size=shape)) for shape in SHAPES)) for _ in range(2))

# What each option sets; `checked` and the reference read the same words.

PLAIN = {
    "compute": "float64",
    "gamma": "0.5",
    "rho": "0.4",
    "lam": "1",
    "decay": 0.1,
    "eta": 0.1,
    "sizes": (1.0,),
    "clip": inf,
}
OPTIONS = {
    "lambda": {"lam": "0.3"},
    "p": {"p": 3.0},
    "adaptive": {"adaptive": "elementwise"},
    "ascents": {"ascents": 3},
    "m": {"group": 3},
    "other batch": {"other_batch": True},
    "random": {"random": True},
    "projected": {
        "projected": True,
        "lam": "0",
        "sizes": (30.0, 0.3),
    },  # two steps: beyond the ball, then inside
    "mask": {"perturbed": "weights"},
    "decay inside": {"decay_inside": True},
    "clip": {"clip": 0.05},
    "second order": {"second_order": True},
    "schedules": {"gamma": "piecewise:0.5,0.5:0.3", "rho": "cosine:0.4"},
    "momentum": {"momentum": 0.9},
}
SINGLE = {
    "lambda 0": {"lam": "0"},
    "p 1": {"p": 1.0},
    "p infinite": {"p": inf},
    "by filter": {"adaptive": "filterwise"},
    "weights covered": {"adaptive": "elementwise", "cover": "weights"},
    "norms alone": {"perturbed": "norms"},
    "growing lambda": {"lam": "1-1/t"},
    "falling lambda": {"lam": "1/t:0.6"},
    "projected unit ascents": {"projected": True, "ascents": 3, "sizes": (0.7,)},
    "second order by filter": {"second_order": True, "adaptive": "filterwise", "lam": "0.3"},
    "no ascent": {"ascents": 0},
    "smoothing": {"smoothing": 0.2},
}
LONE = "random direction"
REFUSED = {
    ("random", "ascents"): LONE,
    ("random", "other batch"): LONE,
    ("random", "projected"): LONE,
    ("random", "second order"): LONE,
    ("random", "lambda"): LONE,
    ("second order", "ascents"): "the second-order term is that of one ascent",
    ("projected", "lambda"): "needs no projection",
}
PAIRS = [pair for pair in combinations(OPTIONS, 2) if not {pair, pair[::-1]} & set(REFUSED)]


def settings(*chosen):
    return PLAIN | {key: value for each in chosen for key, value in each.items()}


# Ours


def ours(given, over=deep.in_turn):
    """The weights after the last step, flat, and what it showed."""
    rule = deep.Rule(
        clip=given["clip"] < inf,
        smoothing="smoothing" in given,
        **{name: given[name] for name in STATIC if name in given},
    )
    optimizer = optax.sgd(1.0, given.get("momentum"))
    move = deep.step(deep.classification(rule), optimizer, rule, LABELS, over)
    state = deep.initial(optimizer, WEIGHTS)
    if "momentum" in given:
        state = state._replace(inner=(optax.TraceState(MEMORY), *state.inner[1:]))
    for t in times(given):
        state, seen = move(state, values(given, rule, t), KEYS[t - 1], BATCHES[0][t - 1], BATCHES[1][t - 1])
    return flat(state.w), seen


def times(given):
    """One step for each size, up to the last of the run."""
    return range(STEPS + 1 - len(given["sizes"]), STEPS + 1)


BY_VALUE = ("smoothing", "clip")  # set by their values
STATIC = [each.name for each in fields(deep.Rule) if each.name not in BY_VALUE]
KEYS = jax.random.split(jax.random.key(1), STEPS)


def values(given, rule, t):
    made = {name: schedule(given[name]) for name in ("gamma", "rho", "lam")}
    fixed = {name: given[name] for name in ("decay", "eta", "clip")} | {
        "smoothing": given.get("smoothing", 0.0)
    }
    deep.checked(rule, deep.Values(**made, **fixed))
    return deep.Values(
        **{name: each(t, STEPS) for name, each in made.items()},
        **fixed,
        ascent_size=given["sizes"][t - 1 - STEPS],
    )


def flat(tree):
    return np.concatenate([np.ravel(x) for x in tree])


# The reference


PLACES = np.cumsum([0] + [int(np.prod(shape)) for shape in SHAPES])


def parts(v):
    return [v[a:b].reshape(shape) for a, b, shape in zip(PLACES, PLACES[1:], SHAPES, strict=False)]


def by_hand(v, x, y, smoothing=0.0):
    """The gradient of the mean cross-entropy, for complex weights too."""
    inner, shift, last, bias = parts(v)
    h = np.tanh(x @ inner + shift)
    z = h @ last + bias
    likelihood = np.exp(z - z.real.max(1, keepdims=True))
    likelihood = likelihood / likelihood.sum(1, keepdims=True)
    wanted = (1 - smoothing) * np.eye(CLASSES)[y] + smoothing / CLASSES
    dz = (likelihood - wanted) / len(y)
    dh = (dz @ last.T) * (1 - h**2)
    return np.concatenate([(x.T @ dh).ravel(), dh.sum(0), (h.T @ dz).ravel(), dz.sum(0)])


def size(v):
    """|v|, entry by entry, as an analytic function."""
    return v * np.sign(v.real)


def length(v, q):
    return size(v)[np.argmax(np.abs(v))] if q == inf else (size(v) ** q).sum() ** (1 / q)


def steepest(v, q):
    if q == inf:
        ties = np.abs(v) == np.abs(v).max()
        return ties * np.sign(v.real) / ties.sum()
    return np.sign(v.real) * (size(v) / length(v, q)) ** (q - 1)


def metric(given, v):
    """T, and where it is not held at 0."""
    scale, moves = np.ones_like(v), np.ones(len(v), bool)
    kinds = {"weights": "weight", "norms": "norm"}
    for a, b, shape, label in zip(PLACES, PLACES[1:], SHAPES, LABELS, strict=False):
        piece = v[a:b].reshape(shape)
        if given.get("adaptive") and given.get("cover", "all") in ("all", label + "s"):
            if given["adaptive"] == "filterwise" and piece.ndim == 2:
                each = np.sqrt((piece**2).sum(0, keepdims=True)) + 0 * piece
            else:
                each = size(piece)
            scale[a:b] = (each + given["eta"]).ravel()
        if kinds.get(given.get("perturbed"), label) != label:
            moves[a:b] = False
    return scale * moves, moves


def climbed(given, v, rho, lam, reach, grad, drawn):
    """e of one group."""
    scale, moves = metric(given, v)
    p = given.get("p", 2.0)
    q = {1.0: inf, inf: 1.0}.get(p) or p / (p - 1)
    if given.get("random"):
        return rho * scale * drawn / length(drawn[moves], p)
    e = np.zeros_like(v)
    for _ in range(given.get("ascents", 1)):
        slope = scale * grad(v + e)
        d = ((1 - lam) * length(slope, q) + lam) * scale * steepest(slope, q)
        if not given.get("projected"):
            e = rho * d
            continue
        e = e + reach * rho * d
        long = length(e[moves] / scale[moves], p)
        e = e * rho / long if long.real > rho else e
    return e


def at(text, t):
    """The schedules of the options above, by hand."""
    return {
        "piecewise:0.5,0.5:0.3": 0.5 if t == 1 else 0.15,
        "cosine:0.4": 0.4 if t == 1 else 0.2,
        "1-1/t": 0.0 if t == 1 else 0.5,
        "1/t:0.6": 0.6 if t == 1 else 0.3,
    }.get(text) or (0.0 if text == "1-1/t" else float(text))


def reference(given):
    """The weights after the last step."""
    v, memory = flat(WEIGHTS), flat(MEMORY)
    for t in times(given):
        rho, lam, reach = at(given["rho"], t), at(given["lam"], t), given["sizes"][t - 1 - STEPS]
        groups = np.arange(EXAMPLES).reshape(-1, given.get("group") or EXAMPLES)
        keys = jax.random.split(KEYS[t - 1], len(groups)) if given.get("group") else [KEYS[t - 1]]
        found = []
        for members, key in zip(groups, keys, strict=True):

            def grad(u, which, members=members, t=t):
                x, y = (each[members] for each in BATCHES[which][t - 1])
                penalty = given["decay"] * u if given.get("decay_inside") else 0
                return by_hand(u, x, y, given.get("smoothing", 0.0)) + penalty

            def e(u, grad=grad, key=key, rho=rho, lam=lam, reach=reach):
                first = 1 if given.get("other_batch") else 0
                drawn = flat(ascent.gaussian(key, WEIGHTS)) if given.get("random") else None
                return climbed(given, u, rho, lam, reach, lambda u: grad(u, first), drawn)

            outer = grad(v + e(v), 0)
            if given.get("second_order"):
                turned = [e(v + 1e-30j * row).imag @ outer / 1e-30 for row in np.eye(len(v))]
                outer = outer + np.array(turned)
            found.append(outer)
        g = np.mean(found, axis=0)
        g = g * min(1, given["clip"] / np.sqrt(g @ g))
        if not given.get("decay_inside"):
            g = g + given["decay"] * v
        memory = given.get("momentum", 0.0) * memory + g
        v = v - at(given["gamma"], t) * memory
    return v


# A step makes some hundred operations on entries of order 1
ROUNDING = 1e-13
VISIBLE = 1e-5


@pytest.fixture
def eagerly(monkeypatch):
    """A loop inside a step would be compiled, for every test anew."""

    def fori_loop(low, high, body, state):
        for k in range(low, high):
            state = body(k, state)
        return state

    def scan(body, state, rows):
        for k in range(len(jax.tree.leaves(rows)[0])):
            state, _ = body(state, jax.tree.map(lambda x, k=k: x[k], rows))
        return state, None

    monkeypatch.setattr(jax.lax, "fori_loop", fori_loop)
    monkeypatch.setattr(jax.lax, "scan", scan)


def compare(*chosen):
    """Equal with all that is chosen; another result without any one of it."""
    given = settings(*chosen)
    found, _ = ours(given)
    np.testing.assert_allclose(found, reference(given), rtol=0, atol=ROUNDING)
    for left in range(len(chosen)):
        other = reference(settings(*chosen[:left], *chosen[left + 1 :]))
        assert np.abs(found - other).max() > VISIBLE, chosen[left]


@pytest.mark.usefixtures("eagerly")
def test_the_plain_step_is_the_reference():
    compare()


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("option", OPTIONS | SINGLE)
def test_a_step_with_an_option_is_the_reference_and_not_the_one_without(option):
    compare((OPTIONS | SINGLE)[option])


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_a_step_with_a_pair_of_options_is_the_reference_and_not_the_one_with_either_alone(pair):
    compare(*(OPTIONS[name] for name in pair))

"""The trainer's step beside a two-pass step in NumPy that shares no code with it, each option and each pair.

The reference works on one flat vector, with gradients of a small tanh net by hand and derivatives of the
ascent by the complex step: Im f(w + i h) / h has no cancellation. It takes the drawn directions as given.
"""

from dataclasses import fields
from functools import partial
from itertools import combinations
from math import inf
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from experiments.deep import nets
from experiments.deep import rule as deep
from experiments.deep.convolution import equations
from experiments.deep.schedules import Schedule, schedule
from theory import ascent, update
from theory.update import in_groups, in_turn

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


def stepped(given):
    """The rule, its step, and the state before it."""
    rule = deep.Rule(
        clip=given["clip"] < inf,
        smoothing="smoothing" in given,
        **{name: given[name] for name in STATIC if name in given},
    )
    optimizer = optax.sgd(1.0, given.get("momentum"))
    state = deep.initial(optimizer, WEIGHTS)
    if "momentum" in given:
        state = state._replace(inner=(optax.TraceState(MEMORY), *state.inner[1:]))
    return rule, partial(deep.step, deep.classification(rule), optimizer, rule, LABELS), state


def ours(given):
    """The weights after the last step, flat."""
    rule, made, state = stepped(given)
    move = made()
    for t in times(given):
        state, _ = move(state, values(given, rule, t), KEYS[t - 1], BATCHES[0][t - 1], BATCHES[1][t - 1])
    return flat(state.w)


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


def outputs(v, x):
    inner, shift, last, bias = parts(v)
    h = np.tanh(x @ inner + shift)
    return h, h @ last + bias


def by_hand(v, x, y, smoothing=0.0):
    """The gradient of the mean cross-entropy, for complex weights too."""
    last = parts(v)[2]
    h, z = outputs(v, x)
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


BY_HAND = {
    "piecewise:0.5,0.5:0.3": (0.5, 0.15),
    "piecewise:0.2,0.5:0.3": (0.2, 0.06),
    "cosine:0.4": (0.4, 0.2),
    "cosine:0.8": (0.8, 0.4),
    "1-1/t": (0.0, 0.5),
    "1/t:0.6": (0.6, 0.3),
}


def at(text, t):
    """A schedule at step t of 2."""
    return BY_HAND[text][t - 1] if text in BY_HAND else float(text)


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
    found = ours(given)
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


def test_with_nothing_chosen_the_step_is_that_of_the_rule_bit_for_bit():
    how, given = deep.Rule(compute="float64"), deep.Values(gamma=0.3, rho=0.2, lam=0.6)
    loss = deep.classification(how)

    def value_and_grad(w, x, y):
        return jax.value_and_grad(lambda w: loss(w, (), x, y, given)[0])(w)

    optimizer = optax.sgd(1.0)
    state, _ = deep.step(loss, optimizer, how)(
        deep.initial(optimizer, WEIGHTS), given, KEYS[0], BATCHES[0][0]
    )
    expected = update.step(value_and_grad, WEIGHTS, 0.3, 0.2, 0.6, *BATCHES[0][0])
    jax.tree.map(np.testing.assert_array_equal, state.w, expected)


# Compiled

MANY = (
    SINGLE["projected unit ascents"],
    SINGLE["smoothing"],
    *(OPTIONS[name] for name in ("m", "p", "adaptive", "mask", "other batch", "clip", "momentum")),
    {"sizes": (0.7, 0.7), "gamma": "piecewise:0.5,0.5:0.3", "rho": "cosine:0.4", "lam": "0.8"},
)
GRID = [
    {},
    {"gamma": "piecewise:0.2,0.5:0.3"},
    {"rho": "cosine:0.8"},
    {"lam": "0.1"},
    {"decay": 0.3},
    {"eta": 0.5},
    {"sizes": (0.2, 0.2)},
    {"clip": 0.5},
    {"smoothing": 0.4},
]


@pytest.fixture(scope="module")
def compiled():
    """given -> weights after a scan of two steps, from one program for each map of the groups."""
    programs = {}

    def run(given, over):
        rule, made, state = stepped(given)
        if over not in programs:
            move = made(over)

            def scanned(state, values, keys, batches, others):
                def one(state, row):
                    t, key, batch, other = row
                    now = {
                        name: each(t, STEPS) if isinstance(each, Schedule) else each
                        for name, each in values._asdict().items()
                    }
                    return move(state, deep.Values(**now), key, batch, other)

                return jax.lax.scan(one, state, (jnp.arange(1, STEPS + 1), keys, batches, others))

            programs[over] = jax.jit(scanned)
        batches, others = (jax.tree.map(lambda *x: np.stack(x), *each) for each in BATCHES)
        made = {name: schedule(given[name]) for name in ("gamma", "rho", "lam")}
        fixed = {name: given[name] for name in ("decay", "eta", "clip", "smoothing")}
        state, seen = programs[over](
            state, deep.Values(**made, **fixed, ascent_size=given["sizes"][0]), KEYS, batches, others
        )
        return flat(state.w), seen, programs[over]

    return run


def test_one_compilation_serves_a_grid_of_sizes_and_each_of_them_is_the_reference(compiled):
    found = []
    for change in GRID:
        given = settings(*MANY, change)
        weights, _, program = compiled(given, in_turn)
        np.testing.assert_allclose(weights, reference(given), rtol=0, atol=ROUNDING)
        found.append(weights)
    assert program._cache_size() == 1
    apart = [np.abs(a - b).max() for a, b in combinations(found, 2)]
    assert min(apart) > VISIBLE


def test_groups_give_the_same_step_one_after_the_other_and_at_once(compiled):
    given = settings(*MANY)
    one, seen, _ = compiled(given, in_turn)
    other, also, _ = compiled(given, in_groups)
    np.testing.assert_allclose(other, one, rtol=0, atol=ROUNDING)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-12), also, seen)


def test_what_is_seen_are_means_over_groups_of_both_passes(compiled):
    given = settings(*MANY)
    _, seen, _ = compiled(given, in_turn)
    losses, rights, sizes = [], [], []
    for members in (slice(0, 3), slice(3, 6)):  # at the start, of the ascent's batch
        x, y = (each[members] for each in BATCHES[1][0])
        z = outputs(flat(WEIGHTS), x)[1]
        logs = z - np.log(np.exp(z).sum(1, keepdims=True))
        losses.append(-np.mean(0.8 * logs[np.arange(3), y] + 0.2 * logs.mean(1)))
        rights.append(np.mean(z.argmax(1) == y))
        sizes.append(np.linalg.norm(by_hand(flat(WEIGHTS), x, y, 0.2)))
    np.testing.assert_allclose(seen.loss[0], np.mean(losses), rtol=1e-13)
    np.testing.assert_allclose(seen.gradient_norm[0], np.mean(sizes), rtol=1e-13)
    np.testing.assert_allclose(seen.correct[0], np.mean(rights), rtol=1e-7)
    assert np.all(seen.cosine == 1) and np.all(seen.ahead_loss != seen.loss)


# Micro-batches


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("further", [{}, {"group": 3, "second_order": True}])
def test_micro_batches_leave_the_step_as_it_is(further):
    np.testing.assert_allclose(
        ours(settings(further, {"micro": 1})), reference(settings(further)), rtol=0, atol=ROUNDING
    )


# Running statistics


def counting(w, stats, x, y, values):
    """A loss of gradient w, whose statistics move a tenth of the way to w."""
    return 0.5 * w * w, (0.9 * stats + 0.1 * w, 0.0)


@pytest.mark.parametrize(
    ("bn", "expected"), [("first", 2.9), ("second", 2.7 + 0.25), ("both", 0.9 * 2.9 + 0.25)]
)
def test_running_statistics_are_those_of_the_pass_that_bn_names(bn, expected):
    # at w = 2 from 3: 0.9 * 3 + 0.1 * 2; ahead at 2 + 0.5
    f = deep.gradient(counting, deep.Rule(bn=bn))
    seen, grad = f(jnp.array(2.0), jnp.array(3.0), deep.Values(rho=0.5), None, BATCHES[0][0])
    np.testing.assert_allclose(seen.stats, expected, rtol=1e-15)
    assert grad == 2.5


def test_running_statistics_of_groups_are_averaged():
    def by_batch(w, stats, x, y, values):
        return jnp.sum(w * x), (0.9 * stats + 0.1 * jnp.mean(x), 0.0)

    f = deep.gradient(by_batch, deep.Rule(group=2))
    x = jnp.array([1.0, 3.0, 5.0, 11.0])
    seen, _ = f(jnp.array(1.0), jnp.array(10.0), deep.Values(), None, (x, x))
    np.testing.assert_allclose(seen.stats, 9 + 0.1 * 5, rtol=1e-15)


# Optimizers


def plain_steps(optimizer, gradients, w):
    state = optimizer.init(w)
    for grad in gradients:
        change, state = optimizer.update(grad, state, w)
        w = optax.apply_updates(w, change)
    return w


@pytest.mark.parametrize(
    "made",
    [partial(optax.sgd, momentum=0.9, nesterov=True), partial(optax.adamw, weight_decay=0.1)],
    ids=["nesterov", "adamw"],
)
def test_an_optimizer_of_rate_one_times_gamma_is_that_of_rate_gamma(made):
    w, gradients = jnp.array([1.0, -2.0]), [jnp.array([0.5, 1.0]), jnp.array([-1.0, 0.2])]
    expected = plain_steps(made(0.03), gradients, w)
    optimizer = made(1.0)
    inner, values = optimizer.init(w), deep.Values(gamma=0.03)
    for grad in gradients:
        w, inner = deep.update(optimizer, deep.Rule(), w, inner, grad, values)
    np.testing.assert_allclose(w, expected, rtol=1e-14)


# Half precision

HALF = deep.Rule(compute="bfloat16")


def test_the_compute_is_in_half_precision_and_all_else_in_single():
    net, stats = nets.build("mlp", jax.random.key(0), (5,), 3)
    x, y = np.ones((4, 5), np.float32), np.arange(4) % 3
    f = deep.gradient(deep.classification(HALF), HALF)
    program = jax.make_jaxpr(lambda *given: f(*given, jax.random.key(0), (x, y)))(net, stats, deep.Values())
    products = [e for e in equations(program.jaxpr) if e.primitive.name == "dot_general"]
    # the logits, and what comes back from them, are single
    assert products and all(jnp.bfloat16 in [v.aval.dtype for v in each.invars] for each in products)
    seen, grad = jax.eval_shape(lambda net: f(net, stats, deep.Values(), jax.random.key(0), (x, y)), net)
    assert {each.dtype for each in jax.tree.leaves((grad, seen.loss, seen.gradient_norm))} == {
        np.dtype("float32")
    }


class Layer(NamedTuple):
    weight: np.ndarray
    bias: np.ndarray


def single(net):
    return [Layer(*(np.asarray(each, np.float32) for each in pair)) for pair in (net[:2], net[2:])]


def test_the_cosine_is_that_of_what_the_cast_leaves_of_the_perturbation():
    w, e = single(WEIGHTS), single(MEMORY)
    point = jax.tree.map(lambda x, d: x + np.float32(0.004) * d, w, e)
    before, after = [], []
    for a, b, label in zip(*map(jax.tree.leaves, (w, point, nets.labels(w))), strict=True):
        half = (lambda x: x.astype(jnp.bfloat16).astype(float)) if label == "weight" else np.asarray
        before.append(np.ravel(b - a.astype(float)))
        after.append(np.ravel(half(b) - half(a).astype(float)))
    before, after = np.concatenate(before), np.concatenate(after)
    cosine = before @ after / np.linalg.norm(before) / np.linalg.norm(after)
    kept = jax.jit(partial(deep.cosine_after_cast, HALF))
    np.testing.assert_allclose(kept(w, point), cosine, rtol=1e-5)  # single precision, of differences of it
    assert 0.5 < cosine < 0.95
    assert kept(w, w) == 0
    assert deep.cosine_after_cast(deep.Rule(), w, point) == 1


# Refusals


@pytest.mark.parametrize("pair", REFUSED, ids=" and ".join)
def test_a_pair_without_meaning_is_refused(pair):
    with pytest.raises(ValueError, match=REFUSED[pair]):
        ours(settings(*(OPTIONS[name] for name in pair)))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"ascents": 0, "p": 3.0}, "ascents=0 is gradient descent: leave out p"),
        ({"ascents": -1}, "the number of ascents must be a whole number at least 0; got -1"),
        ({"p": 0.5}, r"must lie in \[1, inf\]; got 0.5"),
        ({"adaptive": "layerwise"}, "adaptive is one of None, elementwise, filterwise; got 'layerwise'"),
        ({"cover": "weights"}, "name one"),
        ({"cover": "kernels", "adaptive": "elementwise"}, "cover is all, or some of .*; got 'kernels'"),
        ({"perturbed": "weights,norm"}, "got 'norm'"),
        ({"bn": "third"}, "bn is one of first, both, second; got 'third'"),
        ({"compute": "float16"}, "compute is one of .*; got 'float16'"),
        ({"group": 0}, "the size of a group must be a whole number at least 1; got 0"),
        ({"micro": 1.5}, "the size of a micro-batch must be a whole number"),
        ({"group": 6, "micro": 4}, "micro-batches of 4 do not divide groups of 6"),
    ],
)
def test_a_rule_without_meaning_is_refused(given, why):
    with pytest.raises(ValueError, match=why):
        deep.Rule(**given)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"rho": -0.1}, "the radius rho must not be negative; got -0.1"),
        ({"lam": np.array([0.5, 1.5])}, r"lam must lie in \[0, 1\]; got 1.5"),
        ({"lam": schedule("1/t:2")}, r"lam must lie in \[0, 1\]; got 2"),
        ({"decay": -1.0}, "decay must not be negative; got -1"),
        ({"eta": float("nan")}, "eta must be finite"),
        ({"clip": 0.0}, "clip must be positive, inf for none; got 0"),
        ({"smoothing": 2.0}, r"smoothing must lie in \[0, 1\]; got 2"),
    ],
)
def test_values_without_meaning_are_refused(given, why):
    with pytest.raises(ValueError, match=why):
        deep.checked(deep.Rule(), deep.Values(**given))


def test_a_random_direction_refuses_a_lambda_that_leaves_one():
    for lam in ("1-1/t", "cosine:1", "0.9"):
        with pytest.raises(ValueError, match=LONE):
            deep.checked(deep.Rule(random=True), deep.Values(lam=schedule(lam)))
    deep.checked(deep.Rule(random=True), deep.Values(lam=schedule("1")))


def test_a_batch_that_groups_do_not_divide_and_labels_that_are_missing_are_refused():
    f = deep.gradient(counting, deep.Rule(group=4))
    with pytest.raises(ValueError, match="a batch of 6 does not split into groups of 4"):
        f(jnp.array(2.0), jnp.array(3.0), deep.Values(), None, BATCHES[0][0])
    with pytest.raises(ValueError, match="a batch of 6 does not split into micro-batches of 4"):
        deep.gradient(counting, deep.Rule(micro=4))(jnp.array(2.0), (), deep.Values(), None, BATCHES[0][0])
    with pytest.raises(ValueError, match="perturbed='norms' needs the labels"):
        deep.gradient(counting, deep.Rule(perturbed="norms"))


def test_micro_batches_are_refused_where_batch_norm_sees_the_whole_batch():
    f = deep.gradient(counting, deep.Rule(micro=3))
    with pytest.raises(ValueError, match="batch norm sees the whole batch"):
        f(jnp.array(2.0), jnp.array(3.0), deep.Values(), None, BATCHES[0][0])


def test_a_mask_or_cover_that_leaves_no_tensor_is_refused():
    for given in ({"perturbed": "norms"}, {"cover": "norms", "adaptive": "elementwise"}):
        with pytest.raises(ValueError, match="names no tensor of this net"):
            deep.gradient(counting, deep.Rule(**given), ["weight", "bias"])

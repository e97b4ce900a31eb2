"""Measures of a tiny net against NumPy alone: complex steps, dense eigenvalues, another optimiser."""

from dataclasses import replace
from math import inf
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
from jax.flatten_util import ravel_pytree

from experiments.deep import measure, nets
from experiments.deep.convolution import LAYOUT, equations
from experiments.deep.measure import Plan, measures
from experiments.deep.rule import Rule, Values
from theory.update import norm

N, INPUTS, UNITS, CLASSES, RHO, ADAPTIVE_RHO, SMOOTHING = 24, 3, 3, 4, 0.2, 0.4, 0.1
SIZES = {"a": (INPUTS, UNITS), "b": (UNITS,), "c": (UNITS, CLASSES), "d": (CLASSES,)}
D = INPUTS * UNITS + UNITS + UNITS * CLASSES + CLASSES


def loss(w, x, y, smoothing=0.0):
    scores = jax.nn.log_softmax(jnp.tanh(x @ w["a"] + w["b"][None]) @ w["c"] + w["d"][None])
    wanted = (1 - smoothing) * jax.nn.one_hot(y, CLASSES) + smoothing / CLASSES
    return -jnp.mean(jnp.sum(wanted * scores, axis=1))


def ahead(w, x, y, smoothing):
    """f(w + e) of a rule of another kind, USAM."""
    grad = jax.grad(loss)(w, x, y, smoothing)
    return loss(jax.tree.map(lambda x, g: x + 0.3 * g, w, grad), x, y, smoothing)


def problem(seed=0):
    rng = np.random.default_rng(seed)
    w = {name: jnp.asarray(rng.standard_normal(size)) for name, size in SIZES.items()}
    return w, rng.standard_normal((N, INPUTS)), np.arange(N) % CLASSES


# By NumPy


def plain(v, x, y, smoothing=0.0):
    """The loss at each of the vectors v (count, D), real or complex."""
    parts, begin = [], 0
    for size in SIZES.values():  # ravel_pytree has the names in this order
        parts.append(v[:, begin : begin + np.prod(size)].reshape(-1, *size))
        begin += np.prod(size)
    a, b, c, d = parts
    out = np.tanh(x @ a + b[:, None]) @ c + d[:, None]
    scores = out - np.log(np.exp(out).sum(2, keepdims=True))
    wanted = (1 - smoothing) * np.eye(CLASSES)[y] + smoothing / CLASSES
    return -(wanted * scores).sum(2).mean(1)


def slope(v, *data):
    """The gradient by complex steps: exact to rounding."""
    return plain(v + 1e-30j * np.eye(D), *data).imag / 1e-30


def hessian(v, *data):
    """Central differences of it: to 1e-9."""
    step = 1e-5
    rows = [(slope(v + e, *data) - slope(v - e, *data)) / (2 * step) for e in step * np.eye(D)]
    return (np.array(rows) + np.array(rows).T) / 2


def length(v):
    return np.sqrt(np.sum(v**2))


def risen(v, *data):
    """f(v + RHO u) - f(v) by the gradient of the same data."""
    g = slope(v, *data)
    return plain((v + RHO * g / length(g))[None], *data)[0] - plain(v[None], *data)[0]


def highest(v, metric, radius, data):
    """The largest rise over |s| <= radius at v + metric s, by sequential quadratic programs."""

    def fall(s):
        return -plain((v + metric * s)[None], *data)[0]

    rng = np.random.default_rng(1)
    g = metric * slope(v, *data)
    ball = {"type": "ineq", "fun": lambda s: radius**2 - s @ s, "jac": lambda s: -2 * s}
    found = [
        scipy.optimize.minimize(
            fall,
            radius * start / length(start),
            jac=lambda s: -metric * slope(v + metric * s, *data),
            constraints=[ball],
            method="SLSQP",
            options={"maxiter": 300, "ftol": 1e-14},
        )
        for start in [g, *rng.standard_normal((3, D))]
    ]
    assert all(length(each.x) <= radius * (1 + 1e-6) for each in found)
    return -min(each.fun for each in found) - plain(v[None], *data)[0]


@pytest.fixture(scope="module")
def dense():
    """v, data, gradient, Hessian, its eigenvalues (falling) and vectors."""
    w, x, y = problem()
    v = np.asarray(ravel_pytree(w)[0])
    h = hessian(v, x, y)
    eigs, vectors = np.linalg.eigh(h)
    return v, (x, y), slope(v, x, y), h, eigs[::-1], vectors[:, ::-1]


PLAN = Plan(probes=1000, density_steps=D, density_probes=2, climbs=40, m=4, pairs=32, accuracy=1e-8)


@pytest.fixture(scope="module")
def found():
    w, x, y = problem()
    return measures(loss, w, (x, y), jax.random.key(0), RHO, adaptive_rho=ADAPTIVE_RHO, plan=PLAN)


@pytest.fixture(scope="module")
def otherwise():
    """Of another run: in chunks, another perturbation, smoothed labels, T = |w| on matrices alone."""
    w, x, y = problem()
    cover = jax.tree.map(lambda each: each.ndim > 1, w)
    plan = Plan(probes=0, density_probes=0, climbs=40, starts=0, pairs=0, chunk=8, accuracy=1e-8)
    given = {"adaptive_rho": ADAPTIVE_RHO, "cover": cover, "ahead": ahead}
    return measures(loss, w, (x, y), jax.random.key(0), RHO, **given, rest=(SMOOTHING,), plan=plan)


# Losses and slopes


def test_losses_and_the_gradient_are_those_of_numpy(found, dense):
    v, data, g, *_ = dense
    np.testing.assert_allclose(found.loss, plain(v[None], *data)[0], rtol=1e-13)
    np.testing.assert_allclose(found.gradient_norm, length(g), rtol=1e-13)
    ahead = plain((v + RHO * g / length(g))[None], *data)[0]
    np.testing.assert_allclose(found.ahead_loss, ahead, rtol=1e-13)
    np.testing.assert_allclose(found.ascent, ahead - plain(v[None], *data)[0], rtol=1e-11)


def test_the_loss_ahead_is_that_of_the_rule_that_is_given(otherwise, dense):
    v, data, *_ = dense
    data = (*data, SMOOTHING)
    g = slope(v, *data)
    np.testing.assert_allclose(otherwise.loss, plain(v[None], *data)[0], rtol=1e-13)
    np.testing.assert_allclose(otherwise.ahead_loss, plain((v + 0.3 * g)[None], *data)[0], rtol=1e-13)
    assert abs(otherwise.ahead_loss - plain((v + RHO * g / length(g))[None], *data)[0]) > 1e-3


def test_bending_is_that_of_the_dense_hessian_across_the_gradient(found, dense):
    _, _, g, h, *_ = dense
    u = g / length(g)
    whole = RHO * length(h @ u) / length(g)
    across = RHO * length(h @ u - (u @ h @ u) * u) / length(g)
    np.testing.assert_allclose(found.bending, across, rtol=1e-7)
    assert abs(whole / across - 1) > 0.1  # without the projection


# The spectrum


def test_eigenvalues_are_those_of_dense_algebra_within_their_errors(found, dense):
    eigs = dense[4]
    assert found.certified and np.all(np.abs(found.eigs - eigs[:5]) <= found.eig_errors + 1e-8)
    assert np.min(eigs[:4] - eigs[1:5]) > 1e-3  # the next one would be seen


def test_angles_are_those_to_the_eigenvectors(found, dense):
    _, _, g, _, _, vectors = dense
    shares = np.abs(vectors.T @ g) / length(g)
    np.testing.assert_allclose(found.cosine_top, shares[0], rtol=1e-5)
    np.testing.assert_allclose(np.cos(found.angle_top), length(shares[:5]), rtol=1e-5)
    assert abs(shares[1] - shares[0]) > 0.01 and abs(length(shares[:4]) - length(shares[:5])) > 1e-4


def test_the_trace_is_met_within_its_error_which_is_that_of_the_formula(found, dense):
    _, _, _, h, eigs, _ = dense
    error = np.sqrt(2 * (np.sum(h**2) - np.sum(np.diag(h) ** 2)) / PLAN.probes)
    assert abs(found.trace - np.trace(h)) < 4 * error and 0.5 < found.trace_error / error < 2
    assert abs(np.sum(eigs[:3]) - np.trace(h)) > 4 * error  # a sum of the first three would not pass


def test_with_as_many_steps_as_weights_the_density_stands_on_the_eigenvalues(found, dense):
    eigs = dense[4]
    assert found.nodes.shape == found.weights.shape == (2, D)
    for nodes, weights in zip(found.nodes, found.weights, strict=True):
        np.testing.assert_allclose(np.sort(nodes)[::-1], eigs, atol=1e-7)
        np.testing.assert_allclose(np.sum(weights), 1, rtol=1e-12)
    rows = measure.density_rows(found)
    assert rows["probe"] == [0] * D + [1] * D and rows["node"] == list(np.ravel(found.nodes))


# Directions


def test_the_worst_direction_is_that_of_another_optimiser(found, dense):
    v, data, *_ = dense
    top = highest(v, np.ones(D), RHO, data)
    np.testing.assert_allclose(found.worst, top, rtol=1e-6)
    assert found.ascent < top * (1 - 1e-4)  # the climbs are needed


def test_adaptive_sharpness_is_that_of_another_optimiser_in_its_metric(found, otherwise, dense):
    v, data, *_ = dense
    top = highest(v, np.abs(v), ADAPTIVE_RHO, data)
    np.testing.assert_allclose(found.adaptive, top, rtol=1e-6)
    assert abs(highest(v, np.ones(D), ADAPTIVE_RHO, data) / top - 1) > 0.01
    matrices = np.concatenate([np.full(np.prod(size), len(size) > 1) for size in SIZES.values()])
    partly = highest(v, np.where(matrices, np.abs(v), 1), ADAPTIVE_RHO, (*data, SMOOTHING))
    np.testing.assert_allclose(otherwise.adaptive, partly, rtol=1e-6)


def test_the_average_is_met_within_its_error_and_pairs_cancel_the_slope(found, dense):
    v, data, g, h, *_ = dense
    n = np.random.default_rng(2).standard_normal((20_000, D))
    n *= RHO / np.sqrt(np.sum(n**2, axis=1, keepdims=True))
    rises = plain(v + n, *data) - plain(v[None], *data)
    even = (rises + plain(v - n, *data) - plain(v[None], *data)) / 2
    error = even.std() / np.sqrt(PLAN.pairs)
    assert abs(found.average - even.mean()) < 4 * error and 0.5 < found.average_error / error < 2
    assert rises.std() > 3 * even.std()  # without the pairs


def test_m_sharpness_is_the_mean_over_groups_in_the_order_of_the_subset(found, otherwise, dense):
    v, (x, y), *_ = dense
    groups = [slice(k, k + 4) for k in range(0, N, 4)]
    each = [risen(v, x[group], y[group]) for group in groups]
    np.testing.assert_allclose(found.m_sharpness, np.mean(each), rtol=1e-11)
    strided = [risen(v, x[k::6], y[k::6]) for k in range(6)]
    assert abs(np.mean(strided) / np.mean(each) - 1) > 1e-3
    np.testing.assert_allclose(otherwise.m_sharpness, otherwise.ascent, rtol=1e-12)  # one group


def test_chunks_change_nothing(otherwise, dense):
    v, data, *_ = dense
    data = (*data, SMOOTHING)
    eigs = np.linalg.eigvalsh(hessian(v, *data))[::-1]
    assert np.all(np.abs(otherwise.eigs - eigs[:5]) <= otherwise.eig_errors + 1e-8)
    np.testing.assert_allclose(otherwise.gradient_norm, length(slope(v, *data)), rtol=1e-13)
    np.testing.assert_allclose(otherwise.worst, highest(v, np.ones(D), RHO, data), rtol=1e-6)


# Columns


def test_columns_are_the_measures_that_were_taken(found, otherwise):
    row = measure.row(found)
    assert row["lambda_1"] == found.eigs[0] and row["lambda_error_5"] == found.eig_errors[4]
    assert row["certified"] is True and row["worst"] == found.worst and "nodes" not in row
    left_out = {"trace", "trace_error", "average", "average_error"}
    assert set(row) - set(measure.row(otherwise)) == left_out


def test_where_the_gradient_is_zero_nothing_bends_it():
    flat = jnp.zeros(3)
    assert np.isnan(measure.bending(lambda v: v, flat, 1.0))
    assert measure.bending(lambda v: jnp.roll(v, 1), flat.at[0].set(2.0), 0.5) == 0.25  # |(0, 1, 0)| / 4


# Precision and layout, in the program of a convolutional net


@pytest.fixture(scope="module")
def traced():
    """The program of all measures with weights in half precision, what comes out of it, and another program:
    the Hessian by reversing twice.
    """
    keyed = jax.random.key(0)
    net, stats = jax.eval_shape(
        lambda: nets.build("convnet", keyed, (8, 8, 1), CLASSES, "none", jnp.bfloat16, canonical=True)
    )
    run = measure.of_rule(Rule(compute="bfloat16"), nets.labels(net))
    x, y = jnp.zeros((N, 8, 8, 1), jnp.float32), jnp.zeros(N, int)

    def seen(net):
        given = {"ahead": run.ahead, "cover": run.cover, "rest": (stats, Values(), keyed)}
        return measures(run.loss, net, (x, y), keyed, RHO, **given, plan=Plan(m=4))

    def reversed_twice(net):
        slope = jax.grad(lambda net: run.loss(net, x, y, stats, Values(), keyed))
        return jax.grad(lambda net: norm(slope(net)))(net)

    program, found = jax.make_jaxpr(seen, return_shape=True)(net)
    return list(equations(program.jaxpr)), found, list(equations(jax.make_jaxpr(reversed_twice)(net).jaxpr))


def said(program, name, kind="conv_general_dilated"):
    """One parameter of all equations of a kind, in loops too."""
    return [each.params[name] for each in program if each.primitive.name == kind]


def test_weights_in_half_precision_are_measured_in_single_by_products_in_full(traced):
    program, found, other = traced
    assert {leaf.dtype.name for leaf in jax.tree.leaves(found)} == {"float32", "bool"}
    full = {(jax.lax.Precision.HIGHEST,) * 2}
    for kind in ("dot_general", "conv_general_dilated"):
        assert set(said(program, "precision", kind)) == full != set(said(other, "precision", kind))


def test_products_with_the_hessian_keep_the_layout_of_the_fast_kernel(traced):
    program, _, other = traced
    canonical = jax.lax.conv_dimension_numbers((1,) * 4, (1,) * 4, LAYOUT)
    layouts = said(program, "dimension_numbers")
    assert len(layouts) > 30 and set(layouts) == {canonical}
    assert set(said(other, "dimension_numbers")) > {canonical}


# Runs


class Tiny(NamedTuple):
    """A net of two matrices."""

    first: Any
    second: Any

    def __call__(self, stats, x, train):
        return jnp.tanh(x @ self.first) @ self.second, stats


def test_the_loss_ahead_of_a_run_is_the_mean_over_its_groups():
    rng = np.random.default_rng(0)
    net, labels = Tiny(*rng.standard_normal((2, 3, 3))), Tiny("weight", "bias")
    x, y, rest = rng.standard_normal((N, 3)), np.arange(N) % 3, ((), Values(rho=0.05), jax.random.key(0))
    how = Rule(group=4, p=inf, perturbed="weights", compute="float64")
    run, whole = (measure.of_rule(each, labels) for each in (how, replace(how, group=None)))

    def moved(x, y):
        grad = jax.grad(run.loss)(net, x, y, *rest)
        return run.loss(net._replace(first=net.first + 0.05 * jnp.sign(grad.first)), x, y, *rest)

    @jax.jit
    def seen():
        groups = jax.vmap(moved)(x.reshape(6, 4, 3), y.reshape(6, 4))
        return run.ahead(net, x, y, *rest), whole.ahead(net, x, y, *rest), groups.mean(), moved(x, y)

    ours, ours_whole, by_hand, whole_by_hand = seen()
    np.testing.assert_allclose([ours, ours_whole], [by_hand, whole_by_hand], rtol=1e-13)
    assert abs(ours / ours_whole - 1) > 1e-5


def test_the_metric_of_an_adaptive_run_covers_the_tensors_of_its_rule():
    labels = Tiny("weight", "bias")
    assert measure.of_rule(Rule(), labels).cover is None
    assert measure.of_rule(Rule(adaptive="elementwise", cover="weights"), labels).cover == (True, False)


# Refusals


@pytest.mark.parametrize(
    "given, said",
    [
        ({"plan": {"m": 5}}, "m must divide the 24 examples of the subset; got 5"),
        ({"plan": {"chunk": 25}}, "chunk must be a whole number from 1 to 24; got 25"),
        ({"plan": {"count": 0}}, "count must be a whole number at least 1; got 0"),
        ({"plan": {"count": 5, "most": 4}}, "5 eigenvalues .* most=4"),
        ({"plan": {"accuracy": float("nan")}}, "accuracy must be positive; got nan"),
        ({"rho": -0.1}, "radius rho must not be negative; got -0.1"),
        ({"adaptive_rho": float("nan")}, "adaptive radius must be finite"),
        ({"subset": (np.zeros((0, 3)), np.zeros(0))}, "not empty"),
        ({"subset": (np.zeros((4, 3)), np.zeros(5))}, r"one length.*\[4, 5\]"),
    ],
)
def test_what_cannot_be_is_refused_with_its_value(given, said):
    w, x, y = problem()
    with pytest.raises(ValueError, match=said):
        plan = Plan(**given.get("plan", {}))
        measures(
            loss,
            w,
            given.get("subset", (x, y)),
            jax.random.key(0),
            given.get("rho", RHO),
            adaptive_rho=given.get("adaptive_rho", 0.5),
            plan=plan,
        )

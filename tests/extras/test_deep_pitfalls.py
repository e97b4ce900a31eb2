"""What users of public SAM code ran into, one test for each that could happen here.

The issues are those of davda54/sam, but for SAM-ON (norms), optax and a port to JAX (schedules). What cannot
happen here, and why, stands in the documentation of deep networks.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from experiments.deep import nets, rule
from experiments.deep.rule import Rule, Values
from experiments.deep.schedules import schedule
from theory.update import direction, norm, within

W = {"first": jnp.array([1.0, -2.0]), "second": jnp.array([0.5])}
X = jnp.array([[1.0, 2.0, 0.5], [0.5, -1.0, 2.0], [-1.5, 1.0, 1.0], [2.0, 0.3, -0.7]])
Y = jnp.array([1.0, -1.0, 0.5, 2.0])
VALUES = Values(gamma=0.1, rho=0.3)
close = np.testing.assert_allclose


def loss(w, stats, x, y, values):
    """Least squares of a product of both tensors: curved, and every operation is smooth."""
    found = x[:, :2] @ w["first"] + x[:, 2] * w["second"][0] ** 2
    return jnp.mean((found - y) ** 2), (stats, 0.0)


def slope(w, x=X, y=Y):
    return jax.grad(lambda w: loss(w, (), x, y, None)[0])(w)


def gradient(how, values=VALUES, batch=(X, Y), labels=None):
    return rule.gradient(loss, how, labels)(W, (), values, jax.random.key(0), batch)


def same(found, expected):
    jax.tree.map(lambda a, b: close(a, b, rtol=1e-13), found, expected)


def apart(found, other):
    assert norm(jax.tree.map(jnp.subtract, found, other)) > 1e-3 * norm(found)


def ahead(w, rho, d):
    return jax.tree.map(lambda x, e: x + rho * e, w, d)


def descended(optimizer, how, values=VALUES, start=W, steps=1):
    move = rule.step(loss, optimizer, how)
    state = rule.initial(optimizer, start)
    for _ in range(steps):
        state, seen = move(state, values, jax.random.key(0), (X, Y))
    return state, seen


# Batch norm (issues 17, 30, 40)


@pytest.fixture(scope="module")
def normed():
    """Running statistics before a step, after one pass at w, after a step of each policy; gradients."""
    net, stats = nets.build("mlp", jax.random.key(0), (3,), 3, norm="batch", dtype=jnp.float64)

    def each(bn):
        how = Rule(bn=bn, compute="float64")
        f = rule.gradient(rule.classification(how), how)
        seen, grad = f(net, stats, VALUES, jax.random.key(0), (X, jnp.array([0, 1, 2, 0])))
        return seen.stats, grad

    once, taken = jax.jit(lambda: (net(stats, X, True)[1], {bn: each(bn) for bn in rule.BN}))()
    return stats, once, {bn: found for bn, (found, _) in taken.items()}, [grad for _, grad in taken.values()]


def test_running_statistics_move_once_in_a_step(normed):
    stats, once, taken, _ = normed
    same(taken["first"], once)
    for other in (stats, taken["second"], taken["both"]):
        assert all(np.all(a != b) for a, b in leaves(taken["first"], other))


def test_statistics_of_both_passes_are_those_of_the_first_moved_by_the_second(normed):
    # s1 = 0.9 s + 0.1 b1, s2 = 0.9 s + 0.1 b2; both = 0.9 s1 + 0.1 b2 = s2 + 0.9 (s1 - s)
    stats, _, taken, _ = normed
    expected = jax.tree.map(
        lambda s, s1, s2: s2 + nets.MOMENTUM * (s1 - s), stats, taken["first"], taken["second"]
    )
    same(taken["both"], expected)


def test_the_gradient_does_not_depend_on_whose_statistics_are_kept(normed):
    """Each pass normalises with the batch it sees."""
    first, both, second = normed[3]
    same(both, first)
    same(second, first)


def leaves(one, other):
    return zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)


# Half precision (issues 7, 11, 55, 79, 97)


class Line(NamedTuple):
    weight: jax.Array

    def loss(self, stats, x, y, size):
        """size (3 w_1 + 4 w_2), computed in half precision."""
        found = jnp.sum(self.weight.astype(jnp.bfloat16) * jnp.array([3, 4], jnp.bfloat16))
        return jnp.float32(size) * found.astype(jnp.float32), (stats, 0.0)


LINE = Line(jnp.array([1.0, 2.0], jnp.float32))


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_norms_in_half_precision_neither_vanish_nor_overflow(size):
    def scaled(w, stats, x, y, values):
        return w.loss(stats, x, y, size)

    seen, grad = rule.gradient(scaled, Rule(compute="bfloat16"))(LINE, (), VALUES, None, (X, Y))
    assert grad.weight.dtype == jnp.float32
    close(seen.gradient_norm, 5 * size, rtol=2**-8)  # rounding to 8 bits
    assert not 0 < jnp.sum(jnp.square(grad.weight)) < jnp.inf  # what a plain norm would find


def test_moves_that_half_precision_cannot_hold_are_not_lost():
    def steep(w, stats, x, y, values):
        return w.loss(stats, x, y, 1.0)

    move = rule.step(steep, optax.sgd(1.0), Rule(compute="bfloat16"))
    state, _ = move(rule.initial(optax.sgd(1.0), LINE), Values(gamma=1e-4), None, (X, Y))
    close(state.w.weight, [1 - 3e-4, 2 - 4e-4], rtol=1e-7)
    np.testing.assert_array_equal(state.w.weight.astype(jnp.bfloat16), [1, 2])


# Gradient accumulation (issues 3, 62, 94)


@pytest.mark.parametrize("lam", [0.0, 1.0])
def test_accumulated_naively_sam_is_m_sam_of_the_micro_batch_and_ours_is_that_of_the_batch(lam):
    values = VALUES._replace(lam=lam)
    parts = [(X[:2], Y[:2]), (X[2:], Y[2:])]
    naive = [gradient(Rule(), values, part)[1] for part in parts]
    naive = jax.tree.map(lambda a, b: (a + b) / 2, *naive)
    whole = gradient(Rule(), values)[1]
    same(gradient(Rule(group=2), values)[1], naive)
    same(gradient(Rule(micro=2), values)[1], whole)
    apart(naive, whole)


# Clipping (issue 32)


def test_clipping_before_the_ascent_changes_nothing_at_lambda_one_and_something_below():
    g = slope(W)
    short = within(g, 0.1, norm(g))
    same(direction(short, 1.0), direction(g, 1.0))
    apart(direction(short, 0.5), direction(g, 0.5))


def test_clipping_acts_on_the_gradient_that_descends_alone():
    values = VALUES._replace(lam=0.5, clip=0.1)
    plain, clipped = (descended(optax.sgd(1.0), Rule(clip=clip), values) for clip in (False, True))
    assert plain[1].ahead_loss == clipped[1].ahead_loss  # the same ascent
    moves = [norm(jax.tree.map(jnp.subtract, state.w, W)) for state, _ in (plain, clipped)]
    close(moves[1], 0.1 * 0.1, rtol=1e-13)
    assert moves[0] > 2 * moves[1]


# Schedules of the step (issue 28; big_vision 8)


def test_a_step_of_two_passes_is_one_step_of_the_optimizer_and_of_every_schedule():
    state, _ = descended(optax.adam(1.0), Rule(), steps=3)
    assert state.inner[0].count == 3
    gamma, rho = schedule("1/t:0.6"), schedule("cosine:0.4")
    values = Values(gamma=gamma(2, 4), rho=rho(2, 4))
    state, _ = descended(optax.sgd(1.0), Rule(), values)
    radius = 0.2 * (1 + 0.5**0.5)
    g = slope(ahead(W, radius, direction(slope(W), 1.0)))
    same(state.w, ahead(W, -0.3, g))


# m-sharpness (issue 25)


def test_m_is_the_size_of_a_group_and_one_is_a_lone_example():
    lone = [gradient(Rule(), batch=(X[i : i + 1], Y[i : i + 1]))[1] for i in range(4)]
    same(gradient(Rule(group=1))[1], jax.tree.map(lambda *each: sum(each) / 4, *lone))
    same(gradient(Rule(group=4))[1], gradient(Rule())[1])
    apart(gradient(Rule(group=1))[1], gradient(Rule())[1])


# The printed gradient (google-research/sam, issue 14)


def test_the_gradient_at_the_point_ahead_moves_the_weights_behind():
    point = ahead(W, 0.3, direction(slope(W), 1.0))
    state, seen = descended(optax.sgd(1.0), Rule())
    same(state.w, ahead(W, -0.1, slope(point)))
    apart(state.w, ahead(point, -0.1, slope(point)))
    close(seen.gradient_norm, norm(slope(W)), rtol=1e-14)
    close(seen.ahead_norm, norm(slope(point)), rtol=1e-14)
    close([seen.loss, seen.ahead_loss], [loss(w, (), X, Y, None)[0] for w in (W, point)], rtol=1e-14)


# Which tensors the norm runs over (SAM-ON, issue 1)


def test_the_norm_runs_over_the_perturbed_tensors_alone():
    labels = {"first": "weight", "second": "norm"}
    _, found = gradient(Rule(perturbed="norms"), labels=labels)
    unit = jnp.sign(slope(W)["second"])
    same(found, slope(W | {"second": W["second"] + 0.3 * unit}))
    over_all = slope(W)["second"] / norm(slope(W))
    apart(found, slope(W | {"second": W["second"] + 0.3 * over_all}))


# Zero gradients, one pass (optax, 1743 and 1788)


@pytest.mark.parametrize("how", [Rule(), Rule(p=3.0), Rule(adaptive="elementwise"), Rule(second_order=True)])
def test_a_zero_gradient_moves_nothing_and_is_not_nan(how):
    def flat(w, stats, x, y, values):
        return jnp.sum(w**4), (stats, 0.0)

    seen, grad = rule.gradient(flat, how)(jnp.zeros(2), (), VALUES, None, (X, Y))
    np.testing.assert_array_equal(grad, 0)
    assert seen.gradient_norm == 0 and seen.ahead_loss == 0


def test_no_ascent_is_gradient_descent_and_so_is_the_radius_zero():
    expected = ahead(W, -0.1, slope(W))
    for how, rho in [(Rule(ascents=0), 0.3), (Rule(), 0.0)]:
        state, seen = descended(optax.sgd(1.0), how, VALUES._replace(rho=rho))
        same(state.w, expected)
        assert seen.ahead_loss == seen.loss
    apart(descended(optax.sgd(1.0), Rule())[0].w, expected)

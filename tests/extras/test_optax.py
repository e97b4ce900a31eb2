"""SAM as optax has it, beside ours: equal to rounding where both are defined, and where they are not."""

from math import inf

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from theory import ascent
from theory.update import descended, direction, look_ahead_along, step

GAMMA, RHO = 0.1, 0.3
W = {"x": jnp.array([0.5, -1.0, 2.0]), "y": jnp.array([[1.0, -0.5]])}
STEPS = 12


def loss(w):
    return (
        jnp.sum(jnp.log1p(jnp.exp(w["x"]))) + 0.25 * jnp.sum(w["y"] ** 4) + jnp.sum(w["x"]) * jnp.sum(w["y"])
    )


def bowl(w):
    return 0.5 * jnp.vdot(w, jnp.array([4.0, 1.0, 0.25]) * w)


START = jnp.array([1.0, -2.0, 3.0])


def normalised(rho):
    return optax.chain(optax.contrib.normalize(), optax.sgd(rho))


def sam(adversary=None, outer=None, **options):
    return optax.contrib.sam(outer or optax.sgd(GAMMA), adversary or normalised(RHO), **options)


def opaque(optimizer, f, w, steps):
    """One update is one step."""
    grad = jax.grad(f)

    def move(carry, _):
        w, state = carry
        change, state = optimizer.update(grad(w), state, w, grad_fn=lambda w, _: grad(w))
        w = optax.apply_updates(w, change)
        return (w, state), w

    return jax.jit(lambda w: jax.lax.scan(move, (w, optimizer.init(w)), None, steps))(w)


def transparent(optimizer, f, w, updates):
    """One update for each gradient; the weights after every one of them."""

    def move(carry, _):
        w, state = carry
        change, state = optimizer.update(jax.grad(f)(w), state, w)
        w = optax.apply_updates(w, change)
        return (w, state), w

    return jax.jit(lambda w: jax.lax.scan(move, (w, optimizer.init(w)), None, updates))(w)


def ours(f, w, steps, along=None, gamma=GAMMA, rho=RHO):
    """Steps of theory/update.py; `along` is the direction of the ascent."""
    rule = look_ahead_along(jax.value_and_grad(f), rho, along or (lambda w, g: direction(g, 1.0)))

    def move(w, _):
        w = descended(w, gamma, rule(w, ())[1])
        return w, w

    return jax.jit(lambda w: jax.lax.scan(move, w, None, steps)[1])(w)


def close(found, expected):
    """To rounding of the weights, which stay below 4."""
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=STEPS * 2e-15), found, expected)


def every(paths, each):
    return jax.tree.map(lambda path: path[each - 1 :: each], paths)


def far(found, expected, least):
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True)
    assert max(np.max(np.abs(a - b)) for a, b in pairs) > least


# Where both are defined


def test_a_step_of_optax_sam_is_ours():
    found = jax.jit(lambda w: step(jax.value_and_grad(loss), w, GAMMA, RHO, 1.0))(W)
    expected = jax.tree.map(lambda path: path[0], opaque(sam(opaque_mode=True), loss, W, 1)[1])
    plain = jax.tree.map(lambda x, g: x - GAMMA * g, W, jax.grad(loss)(W))
    for name in W:
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-15)  # entries below 3
        assert np.max(np.abs(found[name] - plain[name])) > 1e-3  # plain descent would not pass


def test_many_steps_agree_in_both_modes():
    expected = ours(loss, W, STEPS)
    close(opaque(sam(opaque_mode=True), loss, W, STEPS)[1], expected)
    close(every(transparent(sam(), loss, W, 2 * STEPS)[1], 2), expected)
    far(expected, ours(loss, W, STEPS, rho=0.0), 0.1)


def test_between_two_gradients_the_transparent_weights_are_the_ascended_ones():
    """Whoever evaluates the loss there sees that of w + rho g / |g|, not of the weights that are trained."""
    w = transparent(sam(), bowl, START, 2 * STEPS)[1]
    trained = jnp.concatenate([START[None], w[1::2]])[:-1]
    np.testing.assert_allclose(np.linalg.norm(w[::2] - trained, axis=1), RHO, rtol=1e-13)


def test_other_ascents_of_optax_are_those_of_theory_ascent():
    """The sign of the gradient is p = inf; plain descent, reversed, is USAM."""
    signs = optax.chain(optax.stateless(lambda g, _: jax.tree.map(jnp.sign, g)), optax.sgd(RHO))
    for adversary, along in [
        (signs, ascent.along(1, inf, None)),
        (optax.sgd(RHO), ascent.along(0, 2, None)),
        (normalised(RHO), ascent.along(1, 2, None)),
    ]:
        close(
            opaque(sam(adversary, opaque_mode=True), bowl, START, STEPS)[1], ours(bowl, START, STEPS, along)
        )


def test_momentum_sees_the_gradient_at_the_ascended_weights():
    outer = optax.sgd(GAMMA, momentum=0.9)
    rule = look_ahead_along(jax.value_and_grad(bowl), RHO, lambda w, g: direction(g, 1.0))

    def move(carry, _):
        w, state = carry
        change, state = outer.update(rule(w, ())[1], state, w)
        return (optax.apply_updates(w, change), state), optax.apply_updates(w, change)

    expected = jax.jit(lambda w: jax.lax.scan(move, (w, outer.init(w)), None, STEPS))(START)[1]
    close(opaque(sam(outer=outer, opaque_mode=True), bowl, START, STEPS)[1], expected)
    close(every(transparent(sam(outer=outer), bowl, START, 2 * STEPS)[1], 2), expected)


# Where they differ


def test_at_a_zero_gradient_optax_is_not_a_number_and_ours_rests():
    zero = jnp.zeros(3)
    assert np.all(np.isnan(optax.contrib.normalize().update(zero, optax.EmptyState(), zero)[0]))
    assert np.all(np.isnan(opaque(sam(opaque_mode=True), bowl, zero, 1)[1]))
    assert np.all(np.isnan(transparent(sam(), bowl, zero, 2)[1]))
    np.testing.assert_array_equal(ours(bowl, zero, 3), 0)


def test_transparent_a_zero_gradient_at_the_ascended_weights_is_enough():
    """Of two updates the unused one is multiplied by zero, and 0 NaN is NaN; opaque, it is not computed."""

    def well(w):
        return 0.5 * jnp.sum((w - 0.25) ** 2)

    start = jnp.array([0.5])  # an ascent that is reversed ends in the minimum
    back = optax.chain(optax.contrib.normalize(), optax.sgd(-0.25))
    expected = ours(well, start, 1, ascent.along(1, 2, None), rho=-0.25)
    np.testing.assert_array_equal(expected, [[0.5]])
    np.testing.assert_array_equal(opaque(sam(back, opaque_mode=True), well, start, 1)[1], expected)
    assert np.all(np.isnan(transparent(sam(back), well, start, 2)[1][1]))


def test_period_one_is_plain_descent_if_opaque_and_moves_from_stale_weights_if_transparent():
    plain = ours(bowl, START, STEPS, rho=0.0)
    close(opaque(sam(sync_period=1, opaque_mode=True), bowl, START, STEPS)[1], plain)
    found = transparent(sam(sync_period=1), bowl, START, STEPS)[1]
    # the cache is set after it is used: each step starts at the weights of two steps before
    path, before = [START], START
    for _ in range(STEPS):
        before, now = path[-2] if len(path) > 1 else START, path[-1]
        path.append(before - GAMMA * jax.grad(bowl)(now))
    np.testing.assert_allclose(found, jnp.stack(path[1:]), atol=1e-14)
    far(found, plain, 0.1)


def test_period_three_climbs_twice_and_comes_to_nearly_two_rho():
    for rho, least in [(1e-3, 1.999999), (RHO, 1.98)]:
        w = transparent(sam(normalised(rho), sync_period=3), bowl, START, 2)[1]
        assert least < np.linalg.norm(w[-1] - START) / rho < 2
        # two ascents of theory/ascent.py, which both start at w, stay on the sphere
        rule = ascent.repeated(jax.value_and_grad(bowl), rho, ascent.along(1, 2, None), 2)
        ended = rule(START)[1] / jnp.array([4.0, 1.0, 0.25])  # the gradient is that of the point, H w
        np.testing.assert_allclose(np.linalg.norm(ended - START), rho, rtol=1e-12)


@pytest.mark.parametrize("mode", ["opaque", "transparent"])
def test_a_schedule_of_rho_stands_still_unless_the_state_is_kept(mode):
    """The adversary is initialised again after every step, and its count with it."""
    schedule = optax.linear_schedule(RHO, 0.0, STEPS)
    adversary = optax.chain(optax.contrib.normalize(), optax.scale_by_learning_rate(schedule))
    radii = {}
    for reset in (True, False):
        optimizer = sam(adversary, reset_state=reset, opaque_mode=mode == "opaque")
        if mode == "opaque":
            path = np.concatenate([START[None], opaque(optimizer, bowl, START, STEPS)[1]])
            ahead = (path[:-1] - path[1:]) / GAMMA / np.array([4.0, 1.0, 0.25])  # the step is gamma H (w + e)
            radii[reset] = np.linalg.norm(ahead - path[:-1], axis=1)
        else:
            path = np.concatenate([START[None], transparent(optimizer, bowl, START, 2 * STEPS)[1]])
            radii[reset] = np.linalg.norm(path[1::2] - path[:-1:2], axis=1)
    # its schedules are of single precision
    np.testing.assert_allclose(radii[True], RHO, rtol=0, atol=1e-7)
    np.testing.assert_allclose(radii[False], RHO * (1 - np.arange(STEPS) / STEPS), rtol=0, atol=1e-7)

"""Ascents in other norms and metrics against numbers by hand, dense Jacobians and autodiff of the whole."""

from functools import partial
from itertools import product
from math import inf

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest

from theory import ascent, update

NORMS = [1, 1.05, 1.5, 2, 3, 10, inf]
TREE = {"x": jnp.array([3.0, 0.0]), "y": jnp.array([[-4.0]])}
RHO = 0.1
rng = np.random.default_rng(0)
WEIGHTS = {"a": jnp.asarray(rng.normal(size=(3, 4))), "b": jnp.asarray(rng.normal(size=4))}
METRICS = {
    "plain": None,
    "by element": ascent.elementwise(0.0),
    "by row, vectors plain": ascent.filterwise(0.01, {"a": True, "b": False}),
}


def flat(tree):
    return np.concatenate([np.ravel(x) for x in jax.tree.leaves(tree)])


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=2e-15, atol=0)


def length(x, p):
    return np.abs(x).max() if p == inf else np.sum(np.abs(x) ** p) ** (1 / p)


def dual(p):
    return {1: inf, inf: 1}.get(p) or p / (p - 1)


def loss(w):
    """Smooth, with a full Hessian, small third derivatives left out nowhere."""
    return jnp.sum(jnp.tanh(w["a"] @ w["b"]) ** 2) + jnp.sum(w["a"] ** 4) / 7 + jnp.sum(jnp.sin(1.3 * w["b"]))


value_of = jax.jit(loss)


def bowl(w, h):
    return 0.5 * h * jnp.sum(w**2)


# Direction


@partial(jax.jit, static_argnums=1)
def unit_and_size(g, p):
    return ascent.unit(g, p), ascent.dual_norm(g, p)


def test_directions_by_hand():
    cases = {2: [0.6, 0, -0.8], inf: [1, 0, -1], 1: [0, 0, -1]}
    found = jax.jit(lambda g: [ascent.unit(g, p) for p in cases])(TREE)
    for each, expected in zip(found, cases.values(), strict=True):
        close(flat(each), expected)
    # p = 3, q = 3/2: s = sign(g) sqrt|g| / |g|_q^(1/2), |(1, -4)|_q = (1 + 8)^(2/3)
    along, size = unit_and_size(jnp.array([1.0, -4.0]), 3)
    close(along, np.array([1, -2]) / 9 ** (1 / 3))
    close(size, 9 ** (2 / 3))


@pytest.mark.parametrize("p", NORMS)
def test_the_direction_has_unit_norm_and_attains_hoelders_inequality(p):
    for size in (1e-300, 1e-6, 1.0, 1e6, 1e300):
        g = size * rng.normal(size=30)
        s, found = map(np.asarray, unit_and_size(g, p))
        np.testing.assert_allclose(length(s, p), 1, rtol=1e-13)
        np.testing.assert_allclose(s @ (g / size), length(g / size, dual(p)), rtol=1e-13)
        np.testing.assert_allclose(found / size, length(g / size, dual(p)), rtol=1e-13)


def test_the_largest_entries_share_the_step_at_p_one_as_in_the_limit():
    g, signs = jnp.array([1.0, -1.0, 0.3]), np.array([1, -1, 1])
    close(ascent.unit(g, 1), [0.5, -0.5, 0])
    close(
        ascent.unit(g, 1.001), [2 ** (-1 / 1.001), -(2 ** (-1 / 1.001)), 0]
    )  # 0.3^1000 is below all numbers
    powers = np.array([1, 1, 0.3 ** (1 / (1e6 - 1))])  # nearly sign(g)
    close(ascent.unit(g, 1e6), signs * powers / (2 + 0.3 ** (1e6 / (1e6 - 1))) ** 1e-6)


def test_entries_that_differ_by_rounding_alone_are_ties_and_no_others():
    g = jnp.array([1.0, -1.0 + 2**-53, 1 - 2**-46])
    np.testing.assert_array_equal(ascent.unit(g, 1), [0.5, -0.5, 0])
    np.testing.assert_array_equal(jax.grad(lambda g: ascent.dual_norm(g, 1))(g), [0.5, -0.5, 0])
    assert ascent.dual_norm(g[:1], 1) == 1 and abs(ascent.dual_norm(g, 1) - 1) <= 2**-53


def test_near_p_one_no_power_overflows():
    found = ascent.unit(jnp.array([1e3, -2e3]), 1.001)  # q = 1001: 2000^1000 would
    np.testing.assert_allclose(found, [0, -1], atol=1e-15)


@pytest.mark.parametrize("p", NORMS)
def test_a_zero_gradient_moves_nothing_and_has_a_derivative(p):
    zero = jnp.zeros(3)
    directs = [partial(ascent.along(lam, p, None), zero) for lam in (0, 0.5, 1)]
    moved, slopes = jax.jit(lambda g: ([d(g) for d in directs], [jax.jacrev(d)(g) for d in directs]))(zero)
    np.testing.assert_array_equal(moved, np.zeros((3, 3)))
    assert np.all(np.isfinite(slopes))


def test_nan_in_the_gradient_reaches_the_direction_in_every_norm():
    directs = [ascent.along(lam, p, None) for p, lam in product(NORMS, (0, 0.5, 1))]
    found = jax.jit(lambda w, g: [direct(w, g) for direct in directs])(np.zeros(2), np.array([np.nan, 1.0]))
    assert np.all(np.any(np.isnan(found), axis=1)) and len(found) == 21


def test_norm_two_and_no_metric_are_the_rule_bit_for_bit():
    f = jax.value_and_grad(loss)
    for lam in (0, 0.3, 1):
        ours = update.look_ahead_along(f, RHO, ascent.along(lam, 2, None))(WEIGHTS, ())
        jax.tree.map(np.testing.assert_array_equal, ours, update.look_ahead(f, RHO, lam)(WEIGHTS))


@pytest.mark.parametrize("p", NORMS)
def test_the_mixed_direction_is_its_formula(p):
    g = rng.normal(size=5)
    mixed = jax.jit(ascent.along(0.3, p, None))(g, g)
    along, size = map(np.asarray, unit_and_size(g, p))
    close(mixed, (0.7 * size + 0.3) * along)


def test_leaves_keep_their_dtype_and_half_precision_is_summed_in_single():
    g = {"a": jnp.ones(1000, jnp.bfloat16), "b": jnp.ones(2, jnp.float32)}
    directs = [ascent.along(0.5, p, ascent.elementwise(0.1)) for p in NORMS]
    for found in jax.jit(lambda g: [direct(g, g) for direct in directs])(g):
        assert found["a"].dtype == jnp.bfloat16 and found["b"].dtype == jnp.float32
    np.testing.assert_allclose(ascent.dual_norm(g, 3), 1002 ** (2 / 3), rtol=1e-6)


@pytest.mark.parametrize("p", [0.5, -1, float("nan")])
def test_a_number_below_one_is_no_norm(p):
    with pytest.raises(ValueError, match="the norm p of an ascent must"):
        ascent.along(1, p, None)


# Metric


def test_metrics_by_hand():
    w = {"a": jnp.array([[3.0, -4.0], [0.0, 0.0]]), "b": jnp.array([-2.0, 0.0])}
    found = ascent.elementwise(0.5)(w)
    close(flat(found), [3.5, 4.5, 0.5, 0.5, 2.5, 0.5])
    close(flat(ascent.filterwise(0.5)(w)), [5.5, 5.5, 0.5, 0.5, 2.5, 0.5])
    close(flat(ascent.elementwise(0.0, {"a": True, "b": False})(w)), [3, 4, 0, 0, 1, 1])
    close(ascent.filterwise(0.0)(jnp.array(-2.0)), 2)


def test_the_adaptive_direction_by_hand():
    # T g = (2, -3); at p = 2 it is T (2, -3) / sqrt(13)
    w, g = jnp.array([1.0, -3.0]), jnp.array([2.0, -1.0])
    close(ascent.along(1, 2, ascent.elementwise(0.0))(w, g), np.array([2, -9]) / np.sqrt(13))
    close(ascent.along(1, inf, ascent.elementwise(0.0))(w, g), [1, -3])
    close(ascent.along(0, 2, ascent.elementwise(0.0))(w, g), [2, -9])


def test_a_metric_of_zeros_and_ones_takes_the_norm_over_the_ones_alone():
    w, g = jnp.zeros(3), jnp.array([3.0, 7.0, -4.0])
    close(ascent.along(1, 2, lambda w: jnp.array([1.0, 0.0, 1.0]))(w, g), [0.6, 0, -0.8])


def test_filters_may_stand_along_the_last_axis():
    w = jnp.array([[3.0, 0.0], [-4.0, 0.0]])
    close(ascent.filterwise(0.5, None, -1)(w), [[5.5, 0.5], [5.5, 0.5]])
    close(ascent.filterwise(0.5, None, 0)(w), [[3.5, 3.5], [4.5, 4.5]])
    kernel = jnp.broadcast_to(jnp.arange(4.0), (3, 3, 2, 4))
    close(ascent.filterwise(0.0, None, -1)(kernel)[1, 2, 0], np.sqrt(18) * np.arange(4))
    close(ascent.filterwise(0.0, None, -1)(w[0]), [3, 0])  # a vector entry by entry


MASK = {"a": True, "b": False}


def test_masked_tensors_stay_and_do_not_count():
    w = {"a": jnp.array([1.0, 2.0]), "b": jnp.array(3.0)}
    g = {"a": jnp.array([3.0, -4.0]), "b": jnp.array(7.0)}
    for scale, expected in [(None, [0.6, -0.8, 0]), (ascent.elementwise(0.0), [3, -16, 0])]:
        size = 1 if scale is None else np.sqrt(73)
        close(flat(ascent.along(1, 2, ascent.masked(scale, MASK))(w, g)), np.array(expected) / size)
    assert not np.any(flat(ascent.along(1, 1, ascent.masked(None, MASK))(w, g))[[0, 2]])


def test_lengths_leave_the_metric_and_what_it_holds_out():
    w = {"a": jnp.array([2.0, -4.0]), "b": jnp.array(3.0)}
    e = {"a": jnp.array([6.0, -16.0]), "b": jnp.array(5.0)}
    held = ascent.masked(ascent.elementwise(0.0), MASK)
    for p, expected in [(2, 5), (1, 7), (inf, 4), (3, 91 ** (1 / 3))]:
        close(ascent.length(w, e, p, held), expected)
    close(ascent.length(w, e, 2, None), np.sqrt(36 + 256 + 25))


# The term that the rule leaves out


@pytest.mark.parametrize(("p", "metric"), list(product(NORMS, METRICS)))
def test_the_whole_gradient_is_that_of_autodiff_for_every_lam(p, metric):
    def ours(w, lam):
        along = ascent.along(lam, p, METRICS[metric])
        return ascent.with_second_order(jax.value_and_grad(loss), RHO, along)(w)

    def whole(w, lam):
        along = ascent.along(lam, p, METRICS[metric])
        return loss(update.ahead(w, RHO, along(w, jax.grad(loss)(w))))

    @jax.jit
    def both(w, lams):
        return jax.vmap(ours, (None, 0))(w, lams), jax.vmap(jax.grad(whole), (None, 0))(w, lams)

    (values, found), expected = jax.tree.map(np.asarray, both(WEIGHTS, np.array([0.0, 0.4, 1.0])))
    np.testing.assert_allclose(values, value_of(WEIGHTS), rtol=1e-15)
    for k in range(3):
        ours_k, theirs_k = (flat(jax.tree.map(lambda x, k=k: x[k], tree)) for tree in (found, expected))
        np.testing.assert_allclose(ours_k, theirs_k, rtol=0, atol=1e-14 * np.abs(theirs_k).max())


@jax.jit
def slopes(w):
    """g and H of `loss` in flat coordinates."""
    value, back = jax.flatten_util.ravel_pytree(w)
    grad = jax.grad(lambda x: loss(back(x)))
    return grad(value), jax.jacfwd(grad)(value)


def ahead_and_whole(ahead, along):
    """The gradients of `ahead` and of the whole along the same ascent, flat."""
    whole = ascent.with_second_order(jax.value_and_grad(loss), RHO, along)
    return map(flat, jax.jit(lambda w: (ahead(w)[1], whole(w)[1]))(WEIGHTS))


@pytest.mark.parametrize("lam", [0, 0.4, 1])
def test_the_term_is_the_transposed_jacobian_by_hand(lam):
    g, h = map(np.asarray, slopes(WEIGHTS))
    size = np.linalg.norm(g)
    onto = np.eye(len(g)) - np.outer(g, g) / size**2
    jacobian = RHO * ((1 - lam) * np.eye(len(g)) + lam / size * onto) @ h
    v, whole = ahead_and_whole(
        update.look_ahead(jax.value_and_grad(loss), RHO, lam), ascent.along(lam, 2, None)
    )
    found = whole - v
    np.testing.assert_allclose(found, jacobian.T @ v, atol=1e-13 * np.abs(v).max())
    if lam:
        assert np.abs(found - jacobian @ v).max() > 1e-2 * np.abs(found).max()  # the transpose matters


@pytest.mark.parametrize("p", [1.5, 3, 10])
def test_the_term_in_other_norms_is_the_formula_by_hand(p):
    g, h = map(np.asarray, slopes(WEIGHTS))
    q = dual(p)
    s, size = np.sign(g) * np.abs(g) ** (q - 1), length(g, q)
    inner = (q - 1) * size ** (1 - q) * (np.diag(np.abs(g) ** (q - 2)) - np.outer(s, s) / size**q)
    along = ascent.along(1, p, None)
    ahead = update.look_ahead_along(jax.value_and_grad(loss), RHO, along)
    v, whole = ahead_and_whole(lambda w: ahead(w, ()), along)
    np.testing.assert_allclose(whole - v, RHO * h @ inner @ v, atol=1e-12 * np.abs(v).max())


def test_the_term_vanishes_at_p_one_and_infinity_with_unit_steps():
    f = jax.value_and_grad(loss)
    for p in (1, inf):
        along = ascent.along(1, p, None)
        np.testing.assert_array_equal(
            flat(ascent.with_second_order(f, RHO, along)(WEIGHTS)[1]),
            flat(update.look_ahead_along(f, RHO, along)(WEIGHTS, ())[1]),
        )


def test_holding_the_metric_fixed_is_another_gradient():
    w, f = WEIGHTS, jax.value_and_grad(loss)
    moving = ascent.elementwise(0.0)
    held = jax.lax.stop_gradient(moving(w))
    whole, without = (
        flat(jax.jit(ascent.with_second_order(f, RHO, ascent.along(1, 2, scale)))(w)[1])
        for scale in (moving, lambda w: held)
    )
    assert np.abs(whole - without).max() > 1e-2 * np.abs(whole).max()


# Longer ascents


def test_one_ascent_is_the_rule_and_further_ones_by_hand():
    f, w = jax.value_and_grad(bowl), jnp.array([1.0])
    along = ascent.along(0, 2, None)
    # gradient h w, h = 2: e = 0.5 * 2 = 1, then 0.5 * 2 * 2 = 2, then 0.5 * 2 * 3 = 3; there 2 * 4 = 8
    for times, expected in [(1, 4), (2, 6), (3, 8)]:
        value, found = ascent.repeated(f, 0.5, along, times)(w, 2.0)
        assert value == 1 and found == expected
    close(ascent.repeated(f, 0.5, along, 1)(w, 2.0)[1], update.look_ahead(f, 0.5, 0)(w, 2.0)[1])


def test_unit_ascents_settle_where_step_and_gradient_agree():
    h = jnp.array([2.0, 1.0])
    f, w, rho = jax.value_and_grad(lambda w: 0.5 * jnp.sum(h * w**2)), jnp.array([1.0, 2.0]), 0.3
    found = np.asarray(jax.jit(ascent.repeated(f, rho, ascent.along(1, 2, None), 200))(w)[1])
    np.testing.assert_allclose(found, h * (w + rho * found / np.linalg.norm(found)), rtol=1e-14)


def test_projected_ascents_by_hand():
    f, w = jax.value_and_grad(bowl), jnp.array([0.3, 0.4])
    along = ascent.along(0, 2, None)
    # |g| = 0.5 h: shorter than the radius at h = 1, put back on it at h = 4
    for h, e in [(1.0, 0.5 * 0.5), (4.0, 0.5)]:
        _, found = ascent.projected(f, 0.5, 0.5, along, 1)(w, h)
        close(found, h * (0.5 + e) * np.array([0.6, 0.8]))
    # twice with h = 1, size 0.1: |e| = 0.05, then 0.05 + 0.1 * 0.55
    close(ascent.projected(f, 0.5, 0.1, along, 2)(w, 1.0)[1], (0.5 + 0.105) * np.array([0.6, 0.8]))


def test_random_ascents_have_the_radius_and_no_preferred_direction():
    f = jax.value_and_grad(bowl)
    keys = jax.random.split(jax.random.key(0), 4000)
    draw = jax.jit(jax.vmap(lambda key: ascent.at_random(f, 0.3)(jnp.zeros(3), key, 1.0)))
    value, found = map(np.asarray, draw(keys))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 0.3, rtol=1e-14)
    assert np.all(value == 0)
    # each entry has variance 0.03: the mean of 4000 within 5 standard errors
    assert np.abs(found.mean(0)).max() < 5 * np.sqrt(0.03 / 4000)
    assert not np.array_equal(found[0], found[1])


def test_each_way_of_ascending_takes_a_batch_of_its_own_and_a_second_pass():
    """Gradient h w: the ascent sees h = 2 at w = 1, the descent 3; `second` hands out both values."""
    f, along, w = jax.value_and_grad(bowl), ascent.along(0, 2, None), jnp.array([1.0])

    def second(value, point, h):
        found, grad = f(point, h)
        return (value, found), grad

    for rule, e in [
        (ascent.repeated_apart(f, 0.5, along, 2, second), 2),  # 0.5 * 2, then 0.5 * 2 * 2
        (ascent.projected_apart(f, 0.7, 0.1, along, 2, 2, None, second), 0.2 + 0.1 * 2.4),
        (ascent.projected_apart(f, 0.25, 0.1, along, 2, inf, None, second), 0.25),
    ]:
        values, found = rule(w, (2.0,), 3.0)
        close(found, [3 * (1 + e)])
        close(values, [1, 1.5 * (1 + e) ** 2])
    # (1 + 0.5 * 2) of the gradient 3 * 2 at the point ahead: the derivative of w + 0.5 * 2 w
    values, found = ascent.with_second_order_apart(f, 0.5, along, second)(w, (2.0,), 3.0)
    assert values == (1, 6) and found == 12


def test_one_projected_ascent_is_a_limited_direction():
    f = jax.value_and_grad(loss)
    for p, size in product([1.5, 2, inf], [0.03, 3.0]):
        along = ascent.along(0, p, METRICS["by element"])
        once = ascent.projected_apart(f, RHO, size * RHO, along, 1, p, METRICS["by element"])
        limited = ascent.limited(along, size, p, METRICS["by element"])
        theirs, ours = once(WEIGHTS, ()), update.look_ahead_along(f, RHO, limited)(WEIGHTS, ())
        np.testing.assert_allclose(flat(ours[1]), flat(theirs[1]), rtol=1e-14)
        reach = ascent.length(WEIGHTS, limited(WEIGHTS, ours[1]), p, METRICS["by element"])
        assert reach < 0.9 if size < 1 else abs(reach - 1) < 1e-14  # inside, and on the sphere


@pytest.mark.parametrize("p", [1, 2, 3, inf])
def test_random_directions_have_the_length_of_an_ascent_in_every_norm_and_metric(p):
    key = jax.random.key(0)
    n = flat(ascent.gaussian(key, WEIGHTS))
    close(flat(ascent.random_along(p, None)(key, WEIGHTS)), n / length(n, p))
    scale = ascent.masked(ascent.elementwise(0.1), MASK)
    found = ascent.random_along(p, scale)(key, WEIGHTS)
    metric = flat(scale(WEIGHTS))
    assert not np.any(flat(found)[12:])
    np.testing.assert_allclose(flat(found)[:12], (metric * n)[:12] / length(n[:12], p), rtol=1e-14)
    np.testing.assert_allclose(ascent.length(WEIGHTS, found, p, scale), 1, rtol=1e-14)

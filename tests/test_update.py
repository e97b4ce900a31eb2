"""The update rule against numbers worked out by hand, and the wrong rules that these must catch."""

from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theory import update

POINT = {"x": jnp.array(3.0), "y": jnp.array(2.0)}
SLOPE = {"x": jnp.array(3.0), "y": jnp.array(4.0)}
STATES = np.random.default_rng(0).normal(size=(20, 2))


def bowl(w):
    """(x^2 + 2 y^2) / 2; its gradient at (3, 2) is (3, 4), of length 5."""
    return 0.5 * (w["x"] * w["x"] + 2 * (w["y"] * w["y"]))


def quartic(w):
    return jnp.sum(w**4) / 4


def parabola(w, h):
    return 0.5 * h * w**2


def wavy(w):
    """Every operation of its gradient rounds."""
    return jnp.sum(jnp.sin(w) * w) / 3


def moved(gamma, rho, lam):
    after = update.step(jax.value_and_grad(bowl), POINT, gamma, rho, lam)
    return np.array([after["x"], after["y"]])


def close(found, expected):
    """To rounding: a step of the sizes below makes fewer than ten operations on each entry."""
    np.testing.assert_allclose(found, expected, rtol=10 * np.finfo(float).eps, atol=0)


# Identities: plain functions, so that a wrong rule can be run through them.


def the_norm_of_3_and_4_is_5():
    close(update.norm(SLOPE), 5.0)
    close(update.norm(jnp.array([3.0, 4.0])), 5.0)


def the_direction_mixes_gradient_and_unit_gradient():
    found = update.direction(SLOPE, 0.25)
    close(found["x"], 0.75 * 3 + 0.25 * 0.6)
    close(found["y"], 0.75 * 4 + 0.25 * 0.8)


def a_mixed_step_is_the_one_by_hand():
    # d = (3, 4) / 2 + (0.6, 0.8) / 2 = (1.8, 2.4); ahead (3.9, 3.2); gradient there (3.9, 6.4)
    close(moved(0.1, 0.5, 0.5), [2.61, 1.36])


def a_sam_step_is_the_one_by_hand():
    # d = (0.6, 0.8); ahead (3.3, 2.4); gradient there (3.3, 4.8)
    close(moved(0.1, 0.5, 1), [2.67, 1.52])


def a_usam_step_is_the_one_by_hand():
    # d = (3, 4); ahead (4.5, 4); gradient there (4.5, 8)
    close(moved(0.1, 0.5, 0), [2.55, 1.2])


def the_second_pass_is_taken_at_the_point_ahead():
    w = np.array([1.0, 2.0])
    ahead = w + 0.3 * w**3 / np.sqrt(65)
    value, found = update.look_ahead(jax.value_and_grad(quartic), 0.3, 1.0)(jnp.array(w))
    close(value, 4.25)  # of the first pass
    close(found, ahead**3)


def the_ascent_may_see_a_batch_of_its_own():
    # gradient h w: with h = 2 it is 4 at 2, ahead 2 + 0.5 * 4 = 4; there it is 12 with h = 3
    value, found = update.look_ahead_apart(jax.value_and_grad(parabola), 0.5, 0)(jnp.array(2.0), (2.0,), 3.0)
    close(value, 4.0)  # of the first pass
    close(found, 12.0)
    close(update.step_apart(jax.value_and_grad(parabola), jnp.array(2.0), 0.1, 0.5, 0, (2.0,), 3.0), 0.8)


def one_batch_for_both_passes_is_the_rule():
    f, w = jax.value_and_grad(parabola), jnp.array(2.0)
    for lam in (0, 0.3, 1):
        apart = update.look_ahead_apart(f, 0.5, lam)(w, (3.0,), 3.0)
        np.testing.assert_array_equal(apart, update.look_ahead(f, 0.5, lam)(w, 3.0))
        np.testing.assert_array_equal(
            update.step_apart(f, w, 0.1, 0.5, lam, (3.0,), 3.0), update.step(f, w, 0.1, 0.5, lam, 3.0)
        )


IDENTITIES = [
    the_norm_of_3_and_4_is_5,
    the_direction_mixes_gradient_and_unit_gradient,
    a_mixed_step_is_the_one_by_hand,
    a_sam_step_is_the_one_by_hand,
    a_usam_step_is_the_one_by_hand,
    the_second_pass_is_taken_at_the_point_ahead,
    the_ascent_may_see_a_batch_of_its_own,
    one_batch_for_both_passes_is_the_rule,
]


@pytest.mark.parametrize("identity", IDENTITIES, ids=lambda check: check.__name__)
def test_the_rule_satisfies_every_identity(identity):
    identity()


# Wrong rules


def descends_first(value_and_grad, rho, lam):
    return LOOK_AHEAD(value_and_grad, -rho, lam)


def exchanged(grad, lam):
    return DIRECTION(grad, 1 - lam)


def without_root(tree):
    return sum(jnp.sum(x**2) for x in jax.tree.leaves(tree))


def one_pass(value_and_grad, rho, lam):
    return value_and_grad


def batches_exchanged(value_and_grad, rho, lam):
    return lambda w, first, *args: APART(value_and_grad, rho, lam)(w, args, *first)


def first_batch_alone(value_and_grad, rho, lam):
    return lambda w, first, *args: APART(value_and_grad, rho, lam)(w, first, *first)


LOOK_AHEAD, DIRECTION, APART = update.look_ahead, update.direction, update.look_ahead_apart
STEPS = {a_sam_step_is_the_one_by_hand, the_second_pass_is_taken_at_the_point_ahead}
WRONG = {
    "descent for ascent": ("look_ahead", descends_first, STEPS | {a_mixed_step_is_the_one_by_hand}),
    "lam and 1 - lam exchanged": (
        "direction",
        exchanged,
        STEPS | {the_direction_mixes_gradient_and_unit_gradient},
    ),
    "missing root": (
        "norm",
        without_root,
        STEPS | {the_norm_of_3_and_4_is_5, a_mixed_step_is_the_one_by_hand},
    ),
    "dropped second pass": ("look_ahead", one_pass, STEPS | {a_usam_step_is_the_one_by_hand}),
    "batches exchanged": ("look_ahead_apart", batches_exchanged, {the_ascent_may_see_a_batch_of_its_own}),
    "first batch alone": ("look_ahead_apart", first_batch_alone, {the_ascent_may_see_a_batch_of_its_own}),
}


def fails(identity):
    """By a false equality; any other error is no verdict and goes through."""
    try:
        identity()
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_rule_is_caught_by_the_identities(monkeypatch, wrong):
    name, rule, catchers = WRONG[wrong]
    monkeypatch.setattr(update, name, rule)
    assert {identity for identity in IDENTITIES if fails(identity)} >= catchers


# Zero, extreme sizes, dtypes


def test_norm_and_direction_are_differentiable_where_the_gradient_is_zero():
    flat = {"x": jnp.array(0.0), "y": jnp.array(0.0)}
    for found in (update.direction(flat, 0.5), jax.grad(update.norm)(flat)):
        assert found["x"] == 0 and found["y"] == 0
    slope = jax.grad(lambda g: update.direction(g, 0.5)["x"])(flat)  # NaN with the guard outside the root
    assert slope["x"] == 0.5 and slope["y"] == 0


def test_the_derivative_of_the_norm_is_the_unit_gradient():
    slope = jax.grad(update.norm)(SLOPE)
    close([slope["x"], slope["y"]], [0.6, 0.8])


def test_a_step_from_a_stationary_point_stays():
    for lam in (0, 0.5, 1):
        np.testing.assert_array_equal(
            update.step(jax.value_and_grad(quartic), jnp.zeros(2), 0.1, 0.5, lam), 0
        )


@pytest.mark.parametrize("compiled", [False, True])
def test_direction_is_right_from_1e_minus_300_to_1e300(compiled):
    direction = jax.jit(update.direction) if compiled else update.direction
    for size in (1e-300, 1e-170, 1e-150, 1.0, 1e150, 1e170, 1e300):
        g = jnp.array([0.3 * size, -0.4 * size])
        close(update.norm(g), 0.5 * size)
        close(direction(g, 1.0), [0.6, -0.8])
        close(direction(g, 0.5), [0.15 * size + 0.3, -(0.2 * size + 0.4)])


@pytest.mark.parametrize("size", [1e-170, 1.0, 1e170])
def test_the_norm_scales_over_all_leaves_alike(size):
    close(update.norm({"x": jnp.array(0.0), "y": size * jnp.array([3.0, -4.0])}), 5 * size)
    close(update.norm({"x": size * jnp.array([[2.0, -3.0]]), "y": size * jnp.array(-6.0)}), 7 * size)
    close(update.norm([size * jnp.array([3.0, -3.0]), jnp.zeros(0)]), np.sqrt(18) * size)  # their sum is zero
    close(update.norm(jnp.full(10**4, size)), 100 * size)


def test_the_norm_counts_every_entry_once_whether_its_array_is_joined_or_not():
    """Entries 1, 2, 4, ... by array: its square says which counted, and how often."""
    for sizes in (
        (3, 4),
        (5,),
        (2, update.SMALL),
        (2, update.SMALL + 1),
        (update.SMALL + 1, 2, update.SMALL, 3),
    ):
        tree = [np.full(size, 2.0**k) for k, size in enumerate(sizes)]
        close(update.norm(tree), np.sqrt(sum(size * 4.0**k for k, size in enumerate(sizes))))


def test_small_arrays_are_joined_and_large_ones_stay():
    large, small = jnp.ones((update.SMALL + 1, 1)), jnp.ones(update.SMALL)
    left, joined = update.joined([small, large, jnp.ones((2, 2))])
    assert left is large and joined.shape == (update.SMALL + 4,)
    alone = [large, small]
    assert update.joined(alone) is alone


def test_the_norm_holds_where_the_sum_of_sizes_overflows():
    single = jnp.full(9, 1e38, jnp.float32)  # the sum is beyond single precision, the norm is not
    np.testing.assert_allclose(update.norm(single), 3e38, rtol=1e-6)
    np.testing.assert_allclose(update.norm({"x": single, "y": jnp.zeros(1)}), 3e38, rtol=1e-7)


def test_the_derivatives_of_the_norm_are_those_by_hand():
    # u = (0.6, 0.8), slope u, curvature (I - u u') / |g|
    modes = jax.jacfwd, jax.jacrev
    first = [inner(update.norm) for inner in modes]
    second = [outer(inner) for outer, inner in product(modes, first)]
    derivatives = jax.jit(lambda g: ([f(g) for f in first], [f(g) for f in second]))
    for size in (1e-150, 1.0, 1e150):
        slopes, curvatures = derivatives(size * np.array([3.0, 4.0]))
        for slope in slopes:
            close(slope, [0.6, 0.8])
        for curvature in curvatures:
            close(np.asarray(curvature) * (5 * size), [[0.64, -0.48], [-0.48, 0.36]])
    assert np.all(np.asarray(derivatives(np.zeros(2))[1]) == 0)  # jax.hessian is forward over reverse


def test_hessian_vector_products_of_the_loss_ahead_are_those_by_hand():
    # f = |w|^2, rho = lam = 1/2: ahead of w is (1.5 |w| + 0.25) u with u = w / |w|, and f there is the square
    # of that size. Its Hessian is 3 (1.5 I + 0.25 (I - u u') / |w|), here with u = (0.6, 0.8), |w| = 5.
    def ahead(w):
        return jnp.sum((w + 0.5 * update.direction(2 * w, 0.5)) ** 2)

    w, along = jnp.array([3.0, 4.0]), jnp.array([1.0, -2.0])
    close(jax.jit(lambda w: jax.jvp(jax.grad(ahead), (w,), (along,))[1])(w), [4.74, -9.18])
    close(jax.jit(jax.grad(lambda w: jnp.vdot(jax.grad(ahead)(w), along)))(w), [4.74, -9.18])


def test_lam_as_the_python_number_zero_leaves_the_norm_out():
    def program(lam):
        return str(
            jax.make_jaxpr(lambda w: update.step(jax.value_and_grad(quartic), w, 0.1, 0.5, lam))(jnp.ones(2))
        )

    assert "sqrt" not in program(0) and "sqrt" not in program(0.0)
    assert "sqrt" in program(0.5) and "sqrt" in program(jnp.zeros(()))


def test_numbers_and_traced_values_of_gamma_rho_and_lam_give_the_same_step():
    f = jax.value_and_grad(wavy)
    traced = jax.jit(lambda w, *sizes: update.step(f, w, *sizes))
    w = jnp.asarray(STATES[0])
    for rho, lam in [(0.7, 0), (0.7, 0.3), (0.7, 1), (0, 1)]:
        number = jax.jit(lambda w, rho=rho, lam=lam: update.step(f, w, 0.1, rho, lam))(w)
        # entries of order 1, compiled once with and once without the constants
        np.testing.assert_allclose(traced(w, 0.1, rho, lam), number, rtol=0, atol=1e-15)


@pytest.mark.parametrize("compiled", [False, True])
def test_rho_zero_is_plain_descent_bit_for_bit(compiled):
    f = jax.value_and_grad(wavy)

    def ours(w, rho, lam):
        return update.step(f, w, 0.1, rho, lam)

    def plain(w):
        return w - 0.1 * jax.grad(wavy)(w)

    ours, plain = (jax.jit(ours), jax.jit(plain)) if compiled else (ours, plain)
    for w in STATES[: 20 if compiled else 3]:
        for lam in (0.0, 0.4, 1.0):
            np.testing.assert_array_equal(ours(jnp.asarray(w), 0.0, lam), plain(jnp.asarray(w)))


def test_leaves_keep_their_dtype():
    w = {"a": jnp.ones(2, jnp.float32), "b": jnp.ones(2, jnp.bfloat16)}

    def f(w):
        return sum(jnp.sum(x.astype(jnp.float32) ** 2) for x in w.values())

    double = jnp.asarray(0.5)
    assert double.dtype == jnp.float64
    for lam in (0, 0.5, double):
        after = jax.jit(lambda w, size, lam=lam: update.step(jax.value_and_grad(f), w, size, size, lam))(
            w, double
        )
        assert after["a"].dtype == jnp.float32 and after["b"].dtype == jnp.bfloat16


def test_every_pass_keeps_the_dtype_of_a_leaf():
    w, double = jnp.ones(2, jnp.float32), jnp.asarray(0.5)
    seen = []

    def value_and_grad(w):
        seen.append(w.dtype)
        return jnp.sum(w), w

    update.look_ahead(value_and_grad, double, double)(w)
    assert seen == [jnp.float32] * 2
    assert update.direction(w, double).dtype == jnp.float32


def test_the_norm_of_half_precision_is_taken_in_single():
    ones = [
        jnp.ones(1000, jnp.bfloat16),
        jnp.ones(23, jnp.bfloat16),
    ]  # in bfloat16 the squares stop adding at 256
    found = update.norm(ones)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, np.sqrt(1023), rtol=1e-6)


def test_the_norm_of_the_largest_numbers_does_not_overflow_and_nan_stays():
    assert update.norm(jnp.array([1.2e308, 0.9e308])) == pytest.approx(1.5e308, rel=1e-15)
    assert np.isnan(update.norm(jnp.array([jnp.nan, 1.0])))
    assert np.all(np.isnan(update.direction(jnp.array([jnp.nan, 1.0]), 0.5)))


def test_below_the_smallest_normal_number_a_tree_counts_as_zero_and_there_it_does_not():
    tiny = np.finfo(float).tiny
    assert update.norm(jnp.array([tiny, 0.0])) == tiny
    assert update.norm(jnp.array([tiny / 4, 0.0])) == 0


def test_further_arguments_of_a_step_reach_both_passes():
    # gradient h w: at 2 it is 6, ahead 2 + 0.5 * 6 = 5, there 15
    assert update.step(jax.value_and_grad(parabola), jnp.array(2.0), 0.1, 0.5, 0, 3.0) == 0.5


def test_the_value_and_auxiliary_output_are_those_of_the_first_pass():
    def f(w):
        return quartic(w), {"point": w}

    (value, extra), _ = update.look_ahead(jax.value_and_grad(f, has_aux=True), 0.3, 1.0)(
        jnp.array([1.0, 2.0])
    )
    assert value == 4.25
    np.testing.assert_array_equal(extra["point"], [1, 2])


# Groups

START = jnp.array(1.0)
CURVATURES = np.array([[1.0, 3.0], [2.0, 2.0]])
PULLS = np.array([[0.0, 0.0], [5.0, 5.0]])
OURS = partial(update.look_ahead, rho=0.5, lam=1.0)


def pulled(w, h, b):
    """mean_j (h_j w^2 / 2 - b_j w); at w = 1 and in the two groups above its gradient is 2 and -3."""
    return jnp.mean(0.5 * h * w**2 - b * w)


def test_in_groups_averages_what_each_group_finds_alone():
    # ahead 1.5 and 0.5, gradients there 2 * 1.5 = 3 and 2 * 0.5 - 5 = -4, values 1 and 1 - 5
    value, found = jax.jit(update.in_groups(OURS(jax.value_and_grad(pulled))))(START, CURVATURES, PULLS)
    assert (value, found) == (-1.5, -0.5)


def test_in_groups_averages_every_entry_over_the_groups_alone():
    def f(w, x):
        return x[0] @ w

    value, found = update.in_groups(jax.value_and_grad(f))(
        jnp.array([1.0, 2.0]), jnp.array([[[1.0, 0.0]], [[3.0, 6.0]]])
    )
    assert value == (1 + 15) / 2
    np.testing.assert_array_equal(found, [2, 3])


def test_looking_ahead_after_averaging_is_another_rule():
    # mean gradient 2 - 2.5 = -0.5, ahead 0.5, gradient there 2 * 0.5 - 2.5
    value, found = jax.jit(OURS(update.in_groups(jax.value_and_grad(pulled))))(START, CURVATURES, PULLS)
    assert (value, found) == (-1.5, -1.5)


def test_a_group_of_one_is_a_lone_example():
    each = update.look_ahead(jax.value_and_grad(pulled), 0.5, 0.3)
    _, found = jax.jit(update.in_groups(each))(START, np.array([[1.0], [3.0]]), np.array([[4.0], [5.0]]))
    # gradients 1 - 4 and 3 - 5, ahead 1 + 0.5 (0.7 g + 0.3 g / |g|) = -0.2 and 0.15
    close(found, ((-0.2 - 4) + (3 * 0.15 - 5)) / 2)
    lone = jax.jit(each)
    close(found, np.mean([lone(START, 1.0, 4.0)[1], lone(START, 3.0, 5.0)[1]]))


def test_groups_may_be_mapped_one_after_the_other():
    grouped = update.in_groups(OURS(jax.value_and_grad(pulled)), over=lambda f: partial(jax.lax.map, f))
    value, found = jax.jit(grouped)(START, CURVATURES, PULLS)
    assert (value, found) == (-1.5, -0.5)


def test_groups_may_ascend_on_batches_of_their_own():
    # gradients at 1 in the ascent's groups: 2 and -3, ahead 2 and -0.5; there 1 * 2 and 4 * (-0.5) - 1
    apart = update.in_groups(update.look_ahead_apart(jax.value_and_grad(pulled), 0.5, 0))
    value, found = jax.jit(apart)(
        START, (CURVATURES, PULLS), np.array([[1.0], [4.0]]), np.array([[0.0], [1.0]])
    )
    assert (value, found) == (-1.5, (2 - 3) / 2)


def test_groups_added_up_in_turn_are_those_averaged_at_once():
    value, found = jax.jit(update.in_turn(OURS(jax.value_and_grad(pulled))))(START, CURVATURES, PULLS)
    assert (value, found) == (-1.5, -0.5)


def test_groups_in_turn_average_whole_numbers_and_trees_of_values_too():
    def value_and_grad(w, x):
        return (jnp.sum(x), {"count": jnp.sum(x > 1)}), (w * x[0],)

    (total, extra), (grad,) = update.in_turn(value_and_grad)(jnp.array([1.0, 2.0]), jnp.array([[1.0], [4.0]]))
    assert (total, extra["count"]) == (2.5, 0.5)
    np.testing.assert_array_equal(grad, [2.5, 5])


def test_groups_in_turn_and_a_tree_put_back_keep_their_precision():
    single = jnp.ones(2, jnp.float32)
    _, grad = update.in_turn(lambda w, x: (jnp.sum(x), w))(single, jnp.ones((3, 2), jnp.float32))
    assert grad.dtype == jnp.float32
    assert update.within(single, jnp.asarray(0.5), jnp.asarray(2.0)).dtype == jnp.float32


# Around the gradient


def test_a_direction_may_depend_on_the_point():
    # gradient 6 at 2 with h = 3; ahead 2 + 0.5 * (2 * 6) = 8
    rule = update.look_ahead_along(jax.value_and_grad(parabola), 0.5, lambda w, g: w * g)
    assert rule(jnp.array(2.0), (3.0,), 3.0) == (6, 24)


def test_the_second_pass_may_say_what_is_handed_out():
    def second(value, point, h):
        found, grad = jax.value_and_grad(parabola)(point, h)
        return (value, found), 10 * grad

    # as above: value 4 at 2 with h = 2, ahead 4; there 24 and 12 with h = 3
    rule = update.look_ahead_along(jax.value_and_grad(parabola), 0.5, lambda w, g: g, second)
    values, found = rule(jnp.array(2.0), (2.0,), 3.0)
    assert values == (4, 24) and found == 120


def test_a_penalty_turns_both_passes_and_not_the_value():
    # gradient (3 + 2) w = 10 at 2, ahead 2 + 0.5 * 10 = 7, there 5 * 7
    penalised = update.penalised(jax.value_and_grad(parabola), 2.0)
    value, found = update.look_ahead(penalised, 0.5, 0)(jnp.array(2.0), 3.0)
    assert (value, found) == (6, 35)
    without, outside = update.look_ahead(jax.value_and_grad(parabola), 0.5, 0)(jnp.array(2.0), 3.0)
    assert (without, outside + 2 * 2) == (6, 19)  # added at w alone it is another gradient


def test_a_tree_is_put_back_within_a_radius_only_where_it_is_longer():
    for radius, factor in [(10.0, 1), (5.0, 1), (2.0, 0.4), (0.0, 0)]:
        found = update.within(SLOPE, radius, update.norm(SLOPE))
        close(found["x"], 3 * factor)
        close(found["y"], 4 * factor)
    assert update.within(jnp.zeros(1), 0.0, jnp.zeros(()))[0] == 0
    assert update.within(jnp.ones(1), jnp.inf, jnp.ones(()))[0] == 1
    assert np.isnan(update.within(jnp.array([jnp.nan]), 1.0, jnp.nan)[0])

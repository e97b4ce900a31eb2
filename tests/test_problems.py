"""Losses by hand, and every constant against brute force."""

import jax
import numpy as np
import pytest
import scipy.optimize
import scipy.special

from theory.problems import log_ratio as log_ratios
from theory.problems.least_squares import interpolating, least_squares, ridge
from theory.problems.log_ratio import log_ratio
from theory.problems.logistic import logistic
from theory.problems.polyak import scaled, sine, sines, tilted
from theory.problems.quadratic import centred, quadratic

NAN = float("nan")


def random_quadratic(n, d, rank):
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(n, d, rank))
    hessians = factors @ np.swapaxes(factors, 1, 2)
    return quadratic(hessians, (hessians @ rng.normal(size=(n, d, 1)))[:, :, 0], rng.normal(size=n))


def data(n, d):
    rng = np.random.default_rng(1)
    return rng.normal(size=(n, d)) * np.exp(rng.uniform(-1, 1, (n, 1))), rng.normal(size=n)


A, B = data(6, 3)
QUADRATICS = {
    "quadratic": random_quadratic(4, 3, 2),
    "singular quadratic": random_quadratic(2, 5, 2),
    "least squares": least_squares(A, B),
    "under-determined": least_squares(*data(3, 5)),
    "ridge": ridge(A, B, 0.1),
    "wide ridge": ridge(*data(3, 5), 0.02),
    "interpolating": interpolating(jax.random.key(0), 6, 3, 1.0),
}
CONSISTENT = log_ratio(A, A @ np.array([1.0, -0.5, 2.0]))
WELL = log_ratio([[1.0], [1.5], [0.7]], [0.5, -1.0, 2.0])
AXES = log_ratio([[1.0, 0.0], [0.0, 2.0], [-2.0, 0.0], [0.0, 0.5], [0.5, 0.0]], [3.0, 1.0, 2.0, -2.0, 0.0])
LOG_RATIOS = {"consistent": CONSISTENT, "double well": WELL, "two axes": AXES}
QUADRATICS["centred quadratic"] = centred(QUADRATICS["quadratic"])
QUADRATICS["centred ridge"] = centred(QUADRATICS["ridge"])
PROBLEMS = QUADRATICS | {
    "logistic": logistic(A, np.sign(B), 0.1),
    "stiff logistic": logistic(3 * A, np.sign(B), 1e-3),
    "sine": sine(1),
    "tilted sines": tilted([[1, 0.5], [-0.4, 0], [-0.6, -0.5]]),
    "scaled sines": scaled([0.5, 1, 1.5, 1], [0.5, 1.2, 1.3, 1], 2),
}


# By hand

losses = jax.jit(lambda f, w, *i: f.losses(w, *i))
loss = jax.jit(lambda f, w, *draw: f.loss(w, *draw))


def test_least_squares_losses_are_those_by_hand():
    f = ridge([[1, 2], [3, 4]], [1, 2], 0.5)
    w = np.array([1.0, -1.0])  # residuals -2 and -3, |w|^2 / 4 = 1/2
    np.testing.assert_array_equal(losses(f, w), [2.5, 5])
    np.testing.assert_array_equal(losses(f, w, np.array([1])), [5])
    assert loss(f, w) == 3.75
    assert loss(f, w, np.array([1, 1, 0]), np.array([2.0, 1.0, -1.0])) == (10 + 5 - 2.5) / 2
    np.testing.assert_array_equal(losses(least_squares([[1, 2], [3, 4]], [1, 2]), w), [2, 4.5])
    np.testing.assert_allclose(f.minima_each, [1 / 22, 1 / 25.5], rtol=1e-15)  # b^2 r / (2 (|a|^2 + r))


def test_logistic_losses_are_those_by_hand():
    f = logistic([[1, 2], [1, 0]], [1, -1], 0.5)
    w = np.array([np.log(3), 0.0])  # margins log 3 and -log 3
    penalty = 0.25 * np.log(3) ** 2
    np.testing.assert_allclose(losses(f, w), [np.log(4 / 3) + penalty, np.log(4) + penalty], rtol=1e-15)
    np.testing.assert_allclose(loss(f, w), np.log(16 / 3) / 2 + penalty, rtol=1e-15)
    np.testing.assert_allclose(loss(f, w, np.array([1]), np.array([2.0])), np.log(4) + penalty, rtol=1e-15)


def test_logistic_losses_are_right_at_huge_margins():
    f = logistic([[1.0], [1.0]], [1, -1], 0.0)
    np.testing.assert_array_equal(losses(f, np.array([1e4])), [0, 1e4])


def test_quadratic_losses_are_those_by_hand():
    f = quadratic([[[2, 0], [0, 4]], [[1, 0], [0, 0]]], [[2, 4], [1, 0]], [1, 0])
    w = np.array([1.0, 1.0])
    np.testing.assert_array_equal(losses(f, w), [3 - 6 + 1, 0.5 - 1])
    np.testing.assert_allclose(f.minima_each, [-2, -0.5], rtol=1e-15)  # both at w
    np.testing.assert_allclose(f.minimum, -1.25, rtol=1e-15)
    np.testing.assert_allclose(f.mismatch, 0, atol=1e-15)
    np.testing.assert_allclose(loss(f, w, np.array([1]), np.array([4.0])), -1, rtol=1e-15)
    np.testing.assert_allclose([f.smoothness, f.pl], [2, 1.5], rtol=1e-15)
    np.testing.assert_allclose(f.smoothness_each, [4, 1], rtol=1e-15)


def test_sine_losses_are_those_by_hand():
    f = sines([0.5, 1.5], [1.25, 0.75], [[1, 0], [-1, 0]])
    w = np.array([np.pi / 2, -np.pi])
    square = 1.25 * np.pi**2  # |w|^2; the sines are 1 and 0
    expected = [0.5 * square + 3.75 + np.pi / 2, 1.5 * square + 2.25 - np.pi / 2]
    np.testing.assert_allclose(losses(f, w), expected, rtol=1e-15)
    np.testing.assert_allclose(loss(f, w), square + 3, rtol=1e-15)
    draw = np.array([1, 1, 0]), np.array([2.0, 1.0, -1.0])
    np.testing.assert_allclose(loss(f, w, *draw), (3 * expected[1] - expected[0]) / 2, rtol=1e-15)
    np.testing.assert_allclose(f.smoothness_each, [1 + 7.5, 3 + 4.5], rtol=1e-15)


# Brute force

STATES = 60
everything = jax.jit(
    lambda f, ws: jax.vmap(lambda w: (f.losses(w), jax.jacrev(f.losses)(w), jax.hessian(f.losses)(w)))(ws)
)
one = jax.jit(lambda f, w, i: jax.value_and_grad(lambda w: f.losses(w, i).sum())(w))


class Seen:
    """Losses, gradients and Hessians of all f_i at 0, w*, along the flattest direction, and at random."""

    def __init__(self, f):
        self.f, self.best = f, f.minimiser
        d = len(self.best)
        rng = np.random.default_rng(2)
        away = np.concatenate(
            [np.zeros((3, d)), rng.normal(size=(STATES, d)) * np.geomspace(1e-2, 1e2, STATES)[:, None]]
        )
        self.states = self.best + away
        self.states[0] = 0
        eigs, vectors = np.linalg.eigh(np.asarray(everything(f, self.states)[2])[0].mean(0))
        self.states[2] += vectors[:, np.argmax(eigs > 1e-9 * eigs[-1])]
        self.losses, self.grads, self.hessians = map(np.asarray, everything(f, self.states))
        self.f_values, self.f_grads = self.losses.mean(1), self.grads.mean(1)
        self.scale = np.max(np.abs(self.losses[:3]))  # of what cancels near the minimum


@pytest.fixture(scope="module")
def seen():
    return {name: Seen(f) for name, f in PROBLEMS.items()}


@pytest.mark.parametrize("name", PROBLEMS)
def test_smoothness_is_the_largest_curvature(seen, name):
    """Attained at every state by quadratics, at 0 by the logistic loss and the sines."""
    s, f = seen[name], PROBLEMS[name]
    tops = np.linalg.eigvalsh(s.hessians)[..., -1]
    np.testing.assert_allclose(f.smoothness_each, tops[0], rtol=1e-12)
    np.testing.assert_allclose(f.smoothness, np.linalg.eigvalsh(s.hessians[0].mean(0))[-1], rtol=1e-12)
    assert np.all(tops <= f.smoothness_each * (1 + 1e-12))


@pytest.mark.parametrize("name", PROBLEMS)
def test_no_two_gradients_are_further_apart_than_smoothness_allows(seen, name):
    s, f = seen[name], PROBLEMS[name]
    apart = np.linalg.norm(s.states[1:] - s.states[:-1], axis=1)
    rounding = 1e-12 * np.max(np.abs(s.grads))
    for grads, constant in [(s.f_grads[:, None], f.smoothness), (s.grads, f.smoothness_each)]:
        differ = np.linalg.norm(grads[1:] - grads[:-1], axis=-1)
        assert np.all(differ <= constant * apart[:, None] + rounding)


@pytest.mark.parametrize("name", PROBLEMS)
def test_pl_is_never_above_what_a_state_allows(seen, name):
    s, f = seen[name], PROBLEMS[name]
    gap = s.f_values - f.minimum
    assert np.all(np.sum(s.f_grads**2, axis=1) >= 2 * f.pl * gap - 1e-12 * (s.scale + gap) * f.smoothness)


@pytest.mark.parametrize("name", QUADRATICS)
def test_pl_of_a_quadratic_is_attained_along_the_flattest_direction(seen, name):
    s, f = seen[name], PROBLEMS[name]
    np.testing.assert_allclose(np.sum(s.f_grads[2] ** 2) / (2 * (s.f_values[2] - f.minimum)), f.pl, rtol=1e-9)


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_minimiser_has_no_gradient_and_the_least_value(seen, name):
    s, f = seen[name], PROBLEMS[name]
    # rounding of H w* - b
    assert np.max(np.abs(s.f_grads[1])) <= 1e-14 * (
        f.smoothness * np.linalg.norm(f.minimiser) + np.max(np.abs(s.grads[:2]))
    )
    np.testing.assert_allclose(f.minimum, s.f_values[1], rtol=0, atol=1e-14 * (1 + s.scale))
    assert np.all(s.f_values >= f.minimum - 1e-14 * (1 + s.scale))


@pytest.mark.parametrize("name", PROBLEMS)
def test_minima_each_are_the_infima_of_every_function(seen, name):
    s, f = seen[name], PROBLEMS[name]
    assert np.all(s.losses >= f.minima_each - 1e-13 * (1 + np.abs(s.losses)))
    for i, expected in enumerate(f.minima_each):

        def value_and_grad(w, i=i):
            value, grad = one(f, w, np.array([i]))
            return float(value), np.asarray(grad)

        found = scipy.optimize.minimize(value_and_grad, s.best, jac=True, options={"gtol": 1e-8}).fun
        assert expected <= found + 1e-12 and found <= expected + 1e-9


@pytest.mark.parametrize("name", PROBLEMS)
def test_mismatch_is_the_minimum_less_the_mean_of_the_minima(seen, name):
    f = PROBLEMS[name]
    found = seen[name].f_values[1] - np.mean(f.minima_each)
    np.testing.assert_allclose(f.mismatch, found, rtol=1e-12, atol=1e-13)
    if name in ("interpolating", "under-determined", "singular quadratic", "sine", "scaled sines"):
        assert f.mismatch < 1e-13
    else:
        assert f.mismatch > 1e-3


@pytest.mark.parametrize("name", QUADRATICS)
def test_hessians_and_slopes_are_the_derivatives_of_the_losses(seen, name):
    s, f = seen[name], PROBLEMS[name]
    np.testing.assert_allclose(f.hessians, s.hessians[0], rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(f.hessian, s.hessians[0].mean(0), rtol=1e-13, atol=1e-13)
    for at in (0, 2, -1):
        size = np.max(np.abs(s.grads[[0, at]]))
        np.testing.assert_allclose(f.slopes(s.states[at]), s.grads[at], rtol=0, atol=1e-13 * size)


@pytest.mark.parametrize("name", ["quadratic", "ridge"])
def test_centring_moves_the_minimum_to_zero_and_keeps_the_constants(name):
    f, moved = PROBLEMS[name], PROBLEMS[f"centred {name}"]
    np.testing.assert_allclose(moved.minimiser, 0, atol=1e-15)
    assert abs(moved.minimum) < 1e-30 and loss(moved, np.zeros(3)) == 0
    for constant in ("smoothness", "smoothness_each", "pl", "mismatch"):
        np.testing.assert_allclose(getattr(moved, constant), getattr(f, constant), rtol=1e-12)
    w = np.array([0.3, -0.2, 1.0])
    np.testing.assert_allclose(loss(moved, w), loss(f, w + f.minimiser) - f.minimum, rtol=1e-12)


# log(1 + r^2), which is neither convex nor PL


def test_log_ratio_losses_are_those_by_hand():
    f = log_ratio([[1, 2], [1, 0]], [1, 2])
    w = np.array([4.0, -1.0])  # residuals 1 and 2
    np.testing.assert_allclose(losses(f, w), np.log([2, 5]), rtol=1e-15)
    np.testing.assert_allclose(loss(f, w, np.array([1]), np.array([3.0])), 1.5 * np.log(5), rtol=1e-15)
    np.testing.assert_allclose(f.slopes(w), [[1, 2], [0.8, 0]], rtol=1e-15)  # 2 r a / (1 + r^2)
    np.testing.assert_array_equal(f.smoothness_each, [10, 2])


@pytest.mark.parametrize("name", LOG_RATIOS)
def test_derivatives_of_log_ratios_are_the_formulas(name):
    f = LOG_RATIOS[name]
    ws = np.random.default_rng(3).normal(size=(40, f.a.shape[1])) * np.geomspace(0.1, 30, 40)[:, None]
    _, grads, hessians = map(np.asarray, everything(f, ws))
    thirds = np.asarray(jax.jit(jax.vmap(jax.jacfwd(jax.hessian(f.loss))))(ws))
    for w, grad, hessian, third in zip(ws, grads, hessians, thirds, strict=True):
        model = f.model(w)
        np.testing.assert_allclose(f.slopes(w), grad, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(model.slope, grad.mean(0), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(model.hessian, hessian.mean(0), rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(model.spread, np.abs(grad).mean(0), rtol=1e-12)
        assert np.linalg.norm(third) <= model.third * (1 + 1e-12)


def test_the_third_derivative_of_a_log_ratio_is_attained():
    f = log_ratio([[3.0]], [1.0])
    w = np.array([(1 + np.sqrt(2) - 1) / 3])  # r = sqrt(2) - 1
    third = jax.jit(jax.jacfwd(jax.hessian(f.loss)))(w)
    np.testing.assert_allclose(abs(third.item()), f.model(w).third, rtol=1e-12)


@pytest.mark.parametrize("name", LOG_RATIOS)
def test_no_curvature_of_a_log_ratio_is_above_its_constant_and_each_is_attained(name):
    f = LOG_RATIOS[name]
    a, b = np.asarray(f.a), np.asarray(f.b)
    roots = a * (b / np.sum(a**2, axis=1))[:, None]  # r_i = 0
    away = np.random.default_rng(4).normal(size=(300, a.shape[1])) * np.geomspace(1e-2, 30, 300)[:, None]
    hessians = np.asarray(everything(f, np.concatenate([roots, f.minimiser + away]))[2])
    size = np.abs(np.linalg.eigvalsh(hessians)).max(-1)
    np.testing.assert_allclose(np.diag(size[: f.n]), f.smoothness_each, rtol=1e-12)
    assert np.all(size <= f.smoothness_each * (1 + 1e-12))
    tops = np.abs(np.linalg.eigvalsh(hessians.mean(1))).max(-1)
    assert np.all(tops <= f.smoothness * (1 + 1e-12))
    assert f.smoothness <= f.smoothness_each.mean() * (1 + 1e-12)


def test_smoothness_of_consistent_log_ratios_is_attained_at_the_solution():
    hessian = np.asarray(everything(CONSISTENT, CONSISTENT.minimiser[None])[2])[0].mean(0)
    np.testing.assert_allclose(np.linalg.eigvalsh(hessian)[-1], CONSISTENT.smoothness, rtol=1e-12)


def test_gradients_of_log_ratios_are_at_most_the_length_of_a_row():
    for r in (1.0, -1.0):
        np.testing.assert_allclose(np.abs(log_ratio([[3.0]], [0.0]).slopes([r / 3])), [[3]], rtol=1e-15)
    grads = np.linalg.norm(
        [AXES.slopes(w) for w in np.random.default_rng(5).normal(size=(200, 2)) * 3], axis=2
    )
    assert np.all(grads <= np.linalg.norm(AXES.a, axis=1) * (1 + 1e-12))


@pytest.mark.parametrize("name", LOG_RATIOS)
def test_the_minimum_of_a_log_ratio_is_that_of_a_fine_grid(name):
    f = LOG_RATIOS[name]
    a, b, best = np.asarray(f.a), np.asarray(f.b), f.minimiser
    assert np.max(np.abs(f.slopes(best).mean(0))) < 1e-14
    assert np.all(f.minima_each == 0)
    np.testing.assert_allclose(f.mismatch, f.minimum, rtol=1e-15)
    if name == "consistent":
        assert f.minimum < 1e-28
        return
    grid = np.linspace(-6, 6, 120001)
    total = 0.0
    for axis in range(a.shape[1]):
        rows = a[:, axis] != 0
        values = np.log1p((np.outer(grid, a[rows, axis]) - b[rows]) ** 2).sum(1)
        near = grid[np.argmin(values)]
        assert abs(best[axis] - near) < 1e-4 + 1e-12
        total += values.min()
    assert f.minimum <= total / f.n <= f.minimum + f.smoothness * 1e-8


def test_the_lower_of_two_wells_is_found_whichever_comes_first():
    for sign in (1, -1):
        f = log_ratio([[1.0], [1.0], [1.0]], sign * np.array([5.0, 5.0, -5.0]))
        assert f.minimiser * sign > 4.9


def test_a_log_ratio_has_no_pl_constant_and_says_what_to_use():
    with pytest.raises(ValueError, match="no PL constant.*use the bounds that need none"):
        _ = WELL.pl


def test_the_minimum_of_a_general_log_ratio_is_refused():
    with pytest.raises(ValueError, match="solves all equations or every row.*change the targets"):
        _ = log_ratio([[1, 2], [1, 1], [0, 1]], [1, 2, 3]).minimum
    with pytest.raises(ValueError, match=f"at most {log_ratios.MOST} rows there; got 9"):
        _ = log_ratio(np.ones((9, 1)), np.arange(9.0)).minimum


# Corners


def test_any_ridge_weight_is_a_pl_constant_where_the_data_are_flat():
    for weight in (1e-1, 1e-9, 1e-13):
        np.testing.assert_allclose(ridge([[1, 0, 0], [0, 1, 0]], [1, 1], weight).pl, weight, rtol=1e-12)


def test_a_zero_row_is_allowed_beside_a_ridge_weight():
    f = ridge([[0.0, 0.0], [1.0, 0.0]], [2.0, 1.0], 0.5)
    np.testing.assert_allclose(f.minima_each, [2, 1 / 6], rtol=1e-15)  # b^2 / 2, and r / (2 (1 + r))


@pytest.mark.parametrize("weight", [1e-8, 1e-3, 1.0, 1e3])
def test_logistic_minima_are_right_for_every_ridge_weight(weight):
    f = logistic([[0.6, 0.8], [3.0, 4.0], [0.06, 0.08]], [1, -1, 1], weight)
    for size, expected in zip([1.0, 5.0, 0.1], f.minima_each, strict=True):
        # the slope ridge c / size^2 - 1 / (1 + e^c) vanishes once
        pull = weight / size**2
        c = scipy.optimize.brentq(
            lambda c, pull=pull: pull * c - scipy.special.expit(-c), 0, 1 / pull, xtol=1e-300
        )
        np.testing.assert_allclose(expected, np.logaddexp(0, -c) + pull * c**2 / 2, rtol=1e-14)


def test_separable_logistic_losses_have_infimum_zero_and_no_pl_constant():
    f = logistic([[1.0]], [1.0], 0.0)
    assert f.minima_each == 0
    with pytest.raises(ValueError, match="no PL constant; give a positive weight"):
        _ = f.pl


GRID = np.linspace(-30, 30, 600001)[1:-1]
GRID = GRID[np.abs(GRID) > 1e-6]
PHI, SLOPE = GRID**2 + 3 * np.sin(GRID) ** 2, 2 * GRID + 3 * np.sin(2 * GRID)


def test_the_pl_constant_of_the_sine_is_the_best_rounded_down():
    ratio = SLOPE**2 / (2 * PHI)
    at = np.argmin(ratio)
    assert abs(abs(GRID[at]) - 2.2017) < 1e-4
    # the next digit of the constant, and the grid: r'' h^2 / 8 with h = 1e-4 and r'' below 100
    assert sine(1).pl <= ratio[at] <= sine(1).pl + 1e-6 + 1e-6 / 8
    assert ratio[at] < 0.2 and sine(1).pl > 1 / 32


def test_the_smoothness_of_the_sine_is_attained_at_0_alone_in_a_period():
    curvature = np.diff(SLOPE) / np.diff(GRID)
    assert (
        np.abs(curvature).max() <= 8 <= np.abs(curvature).max() + 12 * 1e-4
    )  # the third derivative is at most 12
    assert curvature.min() > -4 - 1e-12 and curvature.min() < -3.99


@pytest.mark.parametrize("c", [1.0, -0.4, -0.6, 7.0, 3 * np.pi])
def test_the_infimum_of_a_tilted_sine_is_that_of_a_grid(c):
    found = tilted([[c], [-c]]).minima_each
    least = np.min(PHI + c * GRID)
    np.testing.assert_allclose(found, least, rtol=0, atol=8 * 1e-4**2 / 8)  # L h^2 / 8
    assert np.all(found <= least + 1e-15)


def test_tilts_of_1_and_less_leave_the_mismatch_of_the_card():
    np.testing.assert_allclose(tilted([[1], [-0.4], [-0.6]]).mismatch, 0.0318, atol=5e-5)


def test_the_full_sum_of_tilted_sines_has_no_rounding_of_its_tilts():
    f = tilted([[1], [-0.4], [-0.6]])
    np.testing.assert_allclose(loss(f, np.array([1e-9])), 4e-18, rtol=1e-14)


def test_the_model_of_the_sines_leaves_out_a_sixth_of_the_third_derivative():
    @jax.jit
    def about(w, m):
        model, f = PROBLEMS["tilted sines"].model(w), PROBLEMS["tilted sines"].loss
        missed = f(w + m) - f(w) - model.slope @ m - m @ model.hessian @ m / 2
        return model, jax.grad(f)(w), jax.hessian(f)(w), missed

    rng = np.random.default_rng(0)
    for w, m in zip(rng.normal(size=(20, 2)), rng.normal(size=(20, 2)), strict=True):
        model, grad, hessian, missed = about(w, m)
        np.testing.assert_allclose(model.slope, grad, rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(model.hessian, hessian, rtol=1e-12, atol=1e-13)
        assert abs(missed) <= model.third * np.linalg.norm(m) ** 3 / 6
    # along one coordinate at pi / 4 the third derivative is -12 itself
    model, _, _, missed = about(np.array([np.pi / 4, 0]), np.array([1e-3, 0]))
    np.testing.assert_allclose(missed, -model.third * 1e-9 / 6, rtol=1e-3)


def test_slopes_of_the_sines_are_the_derivatives_of_the_losses(seen):
    for name in ("tilted sines", "scaled sines"):
        s, f = seen[name], PROBLEMS[name]
        for at in (0, 5, -1):
            np.testing.assert_allclose(f.slopes(s.states[at]), s.grads[at], rtol=1e-12, atol=1e-12)


def test_interpolating_problems_have_minimum_zero():
    f = PROBLEMS["interpolating"]
    assert 0 <= f.minimum <= 1e-29 * np.mean(f.b**2)  # squares of rounding


def test_problems_pass_through_jit_with_their_type():
    for f in (PROBLEMS["quadratic"], PROBLEMS["ridge"], PROBLEMS["logistic"], PROBLEMS["sine"]):
        again = jax.jit(lambda f: f)(f)
        assert type(again) is type(f) and again.n == f.n


# Bad input

I2 = [[[1, 0], [0, 1]]]
REFUSED = {
    "sines, shapes": (lambda: sines([1, 1], [1, 1], [0, 0]), r"needs shapes.*got \(2,\), \(2,\), \(2,\)"),
    "sines, count": (lambda: sines([1, 1], [1], [[0], [0]]), r"got \(2,\), \(1,\), \(2, 1\)"),
    "sines, mean": (lambda: sines([1, 2], [1, 1], [[0], [0]]), "quadratic weights.*mean 1.5: divide"),
    "sines, sign": (lambda: sines([1, 1], [3, -1], [[0], [0]]), "sine weights.*smallest -1, mean 1"),
    "sines, NaN": (lambda: sines([1, NAN], [1, 1], [[0], [0]]), r"quadratic weights must be finite; entry"),
    "sines, tilts": (lambda: tilted([[1, 1], [-1, 0]]), "column 1 has mean 0.5: subtract"),
    "sines, dimension": (lambda: sine(0), "the dimension must be a whole number at least 1; got 0"),
    "ridge, vector data": (lambda: ridge([1, 2], [1, 2], 0), r"\(n, d\) with n targets; got shapes \(2,\)"),
    "ridge, targets": (lambda: ridge([[1, 2]], [1, 2], 0), r"n targets; got shapes \(1, 2\) and \(2,\)"),
    "ridge, NaN": (
        lambda: ridge([[1, NAN]], [1], 0),
        r"the data must be finite; entry \(0, 1\) is nan: remove",
    ),
    "ridge, infinite": (
        lambda: ridge([[1, 2]], [np.inf], 0),
        r"the targets must be finite; entry \(0,\) is inf",
    ),
    "ridge, empty": (lambda: ridge([], [], 0), "the data: none given"),
    "ridge, words": (lambda: ridge([["a"]], [1], 0), "the data must be numbers; got"),
    "ridge, negative": (lambda: ridge([[1, 2]], [1], -0.5), "not be negative; got -0.5"),
    "ridge, NaN weight": (lambda: ridge([[1, 2]], [1], NAN), "ridge weight must be finite"),
    "ridge, weights": (lambda: ridge([[1, 2]], [1], [0.1, 0.2]), "ridge weight"),
    "least squares, zero row": (
        lambda: least_squares([[1, 2], [0, 0]], [1, 1]),
        "row 1 of the data is zero: drop it",
    ),
    "interpolating, none": (lambda: interpolating(jax.random.key(0), 0, 2, 1.0), "got 0"),
    "interpolating, spread": (lambda: interpolating(jax.random.key(0), 2, 2, -1.0), "got -1"),
    "interpolating, NaN": (lambda: interpolating(jax.random.key(0), 2, 2, NAN), "nan"),
    "logistic, labels": (lambda: logistic([[1], [2]], [0, 1], 0.1), "labels must be -1 or 1; got 0: map"),
    "logistic, count": (lambda: logistic([[1], [2]], [1], 0.1), r"n labels; got shapes \(2, 1\) and \(1,\)"),
    "logistic, NaN": (lambda: logistic([[1], [NAN]], [1, 1], 0.1), r"entry \(1, 0\) is nan"),
    "logistic, NaN label": (lambda: logistic([[1], [2]], [1, NAN], 0.1), r"entry \(1,\) is nan"),
    "logistic, negative": (lambda: logistic([[1]], [1], -1), "not be negative; got -1"),
    "logistic, zero row": (lambda: logistic([[1], [0]], [1, 1], 0.1), "row 1 of the data is zero: drop it"),
    "log ratio, targets": (
        lambda: log_ratio([[1], [2]], [1]),
        r"n targets; got shapes \(2, 1\) and \(1,\)",
    ),
    "log ratio, NaN": (lambda: log_ratio([[1], [NAN]], [1, 1]), r"entry \(1, 0\) is nan"),
    "log ratio, zero row": (lambda: log_ratio([[1], [0]], [1, 1]), "row 1 of the data is zero: drop it"),
    "quadratic, shapes": (
        lambda: quadratic(I2, [[1, 2, 3]], [0]),
        r"needs shapes.*got \(1, 2, 2\), \(1, 3\), \(1,\)",
    ),
    "quadratic, no sum": (lambda: quadratic(I2[0], [1, 2], 0), r"needs shapes.*got \(2, 2\), \(2,\), \(\)"),
    "quadratic, NaN": (
        lambda: quadratic(I2, [[1, NAN]], [0]),
        r"linear terms must be finite; entry \(0, 1\)",
    ),
    "quadratic, skew": (lambda: quadratic([[[1, 1], [0, 1]]], [[0, 0]], [0]), "symmetric"),
    "quadratic, indefinite": (
        lambda: quadratic([[[1, 0], [0, -1]]], [[0, 0]], [0]),
        "smallest eigenvalue is -1",
    ),
    "quadratic, negative": (
        lambda: quadratic([[[-1, 0], [0, -1]]], [[0, 0]], [0]),
        "smallest eigenvalue is -1",
    ),
    "quadratic, unbounded": (
        lambda: quadratic([[[1, 0], [0, 0]]], [[0, 1]], [0]),
        "b_0 is not in the range.*project",
    ),
    "quadratic, small": (
        lambda: quadratic([[[1e-9, 0], [0, 0]]], [[0, 1e-9]], [0]),
        "b_0 is not in the range",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_factory_refuses_what_is_no_problem_naming_value_and_remedy(case):
    make, message = REFUSED[case]
    with pytest.raises(ValueError, match=message) as refusal:
        make()
    assert "\n" not in str(refusal.value)

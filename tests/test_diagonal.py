"""Diagonal linear networks by hand, and their interpolators by other routes."""

from functools import partial
from itertools import combinations

import jax
import numpy as np
import pytest
import scipy.integrate
import scipy.optimize

from theory.problems import diagonal as nets
from theory.problems.diagonal import Diagonal, diagonal
from theory.update import in_groups, look_ahead, step

SMALL = nets.sparse(0, 4, 6, 2).train
U, V = np.random.default_rng(1).standard_normal((2, 6))
least = jax.jit(nets.least_potential)


def test_losses_are_those_by_hand():
    f = diagonal([[1, 2], [3, 4]], [1, 2])
    w = np.array([1.0, 2.0]), np.array([3.0, -1.0])  # beta = (3, -2), residuals -2 and -1
    np.testing.assert_array_equal(jax.jit(Diagonal.losses)(f, w), [2, 0.5])
    assert jax.jit(Diagonal.loss)(f, w) == 1.25
    assert jax.jit(Diagonal.loss)(f, w, np.array([1]), 2.0) == 0.5
    np.testing.assert_array_equal(nets.gradient(f, w[0] * w[1]), [-2.5, -4])


def test_the_minimum_is_zero_where_the_data_can_be_fitted():
    assert SMALL.minimum < 1e-28 and SMALL.mismatch < 1e-28
    f = diagonal([[1.0], [1.0]], [0.0, 2.0])
    assert f.minimum == 0.5 and f.mismatch == 0.5 and not f.minima_each.any()


def test_plain_steps_are_those_of_the_rule():
    w, gamma, rho = (U, V), 0.1, 0.3
    rule = jax.value_and_grad(SMALL.loss)
    one = jax.value_and_grad(lambda w, i: SMALL.loss(w, i, SMALL.n))

    @jax.jit
    def expected():
        slope = in_groups(look_ahead(one, rho, 0.0))(w, nets.groups(4, 1))[1]
        return (
            step(rule, w, gamma, 0.0, 0.0),
            step(rule, w, gamma, rho, 0.0),
            tuple(x - gamma * g for x, g in zip(w, slope, strict=True)),
            step(one, w, gamma, 0.0, 0.0, np.array([2])),
        )

    found = (
        nets.gd_step(SMALL, U, V, gamma),
        nets.n_sam_step(SMALL, U, V, gamma, rho),
        nets.one_sam_step(SMALL, U, V, gamma, rho),
        nets.sgd_step(SMALL, U, V, gamma, 2),
    )
    np.testing.assert_allclose(found, expected(), rtol=1e-13, atol=1e-14)
    assert np.abs(np.subtract(found[1], found[2])).max() > 0.01  # the methods differ here


def test_the_closed_forms_after_the_ascent_are_those_by_hand():
    f = diagonal([[1, 0], [-1, 1]], [-3, -2])
    u, v = np.array([1.0, 2.0]), np.array([1.0, 0.0])  # beta = (1, 0), r = (4, 1), u^2 + v^2 = (2, 4)
    # r_1^+ = 4 (1 + 2 rho) + 16 rho^2 and r_2^+ = 1 + 6 rho - rho^2
    np.testing.assert_allclose(nets.one_sam_residuals(f, u, v, 0.5), [12, 3.75], rtol=1e-15)
    # g = (3/2, 1/2); at rho = 1 the weights are (5/2, 2) and (5/2, 1), beta = (25/4, 2), r = (37/4, -9/4)
    np.testing.assert_allclose(nets.n_sam_gradient(f, u, v, 1.0), [5.75, -1.125], rtol=1e-15)


def test_logarithms_and_weights_are_inverse_and_give_predictor_and_imbalance():
    u, v = np.array([1.0, 2.0, 1.0]), np.array([0.0, -1.9, 1e-12])
    logs = jax.jit(nets.logarithms)(u, v)
    np.testing.assert_allclose(jax.jit(nets.weights)(*logs), (u, v), rtol=1e-15, atol=1e-16)
    np.testing.assert_allclose(jax.jit(nets.predictor)(*logs), u * v, rtol=1e-14, atol=1e-16)
    np.testing.assert_allclose(jax.jit(nets.imbalance)(*logs), np.abs(u**2 - v**2) / 2, rtol=1e-15)


def test_the_predictor_keeps_its_digits_where_weights_would_lose_them():
    plus, minus = np.array([0.0, 0.0, 0.0]), np.array([-1e-15, -400.0, -0.9999])
    exact = [1e-15 * 0.5, 0.25, 0.5 * np.exp(-0.9999) * np.sinh(0.9999)]
    np.testing.assert_allclose(jax.jit(nets.predictor)(plus, minus), exact, rtol=1e-14)


def test_the_ascent_multiplies_u_plus_v_and_u_minus_v():
    g, rho = nets.gradient(SMALL, U * V), 0.2
    u, v = U + rho * g * V, V + rho * g * U
    np.testing.assert_allclose(u + v, (1 + rho * g) * (U + V), rtol=1e-14)
    np.testing.assert_allclose(u - v, (1 - rho * g) * (U - V), rtol=1e-14)


def test_the_potential_is_the_integral_of_asinh():
    beta, k = np.array([0.3, -2.0, 1e-9, 5.0]), np.array([1.0, 1e-3, 1.0, 1e6])
    found = jax.jit(jax.vmap(lambda b, k: nets.potential(b[None], k)))(beta, k)
    for value, b, each in zip(found, beta, k, strict=True):
        exact = scipy.integrate.quad(lambda s, k=each: np.arcsinh(s / k), 0, b, epsabs=0, epsrel=1e-12)[0]
        np.testing.assert_allclose(value, exact, rtol=1e-12)
    slope = jax.jit(jax.grad(nets.potential))(beta, k)
    np.testing.assert_allclose(slope, np.arcsinh(beta / k), rtol=1e-13)
    assert np.isfinite(nets.potential(np.array([1.0]), 1e-300))


def test_the_interpolator_of_least_potential_is_that_of_a_search_in_the_null_space():
    k = np.geomspace(1e-3, 1.0, 6)
    start, kernel = nets.least_l2(SMALL.x, SMALL.y), np.linalg.svd(SMALL.x)[2][4:]
    beta = least(SMALL.x, SMALL.y, k)[0]
    np.testing.assert_allclose(SMALL.x @ beta, SMALL.y, atol=1e-14)

    def slope(z):
        return kernel @ np.arcsinh((start + z @ kernel) / k)

    found = scipy.optimize.root(slope, np.zeros(2), tol=1e-13)
    np.testing.assert_allclose(beta, start + found.x @ kernel, rtol=1e-9, atol=1e-12)


def test_one_equation_in_two_unknowns_is_solved_by_bisection():
    x, k = np.array([1.0, -2.0]), np.array([1e-4, 0.3])
    dual = scipy.optimize.brentq(lambda nu: x @ (k * np.sinh(x * nu)) - 0.7, 0, 20, xtol=1e-15, rtol=1e-15)
    beta, found = least(x[None], np.array([0.7]), k)
    np.testing.assert_allclose(found, [dual], rtol=1e-13)
    np.testing.assert_allclose(beta, k * np.sinh(x * dual), rtol=1e-12)


@pytest.mark.parametrize("k", [1e4, 1e-3, 1e-6, 1e-12, 1e-40, 1e-250])
def test_the_dual_newton_method_reaches_every_imbalance(k):
    f = nets.reference(0).train
    spread = k * np.exp(-np.random.default_rng(2).uniform(0, 10, 30))
    for imbalance in (np.full(30, k), spread):
        beta, dual = least(f.x, f.y, imbalance)
        assert np.abs(f.x @ beta - f.y).max() < 1e-11
        angle = f.x.T @ dual
        np.testing.assert_allclose(np.arcsinh(beta / imbalance), angle, rtol=1e-9, atol=1e-9)
    assert k > 1e-20 or np.abs(beta - nets.least_l1(f.x, f.y)).max() < 1e-9


def test_solutions_of_a_batch_are_those_of_each():
    k = np.array([[1e-6] * 6, [0.1] * 6, np.geomspace(1e-9, 1, 6)])
    many = jax.jit(jax.vmap(partial(nets.least_potential, SMALL.x, SMALL.y)))(k)[0]
    np.testing.assert_allclose(many, [least(SMALL.x, SMALL.y, each)[0] for each in k], rtol=1e-12, atol=1e-13)


def test_least_l1_is_the_best_basis():
    f = nets.sparse(3, 3, 6, 3).train
    y = np.array([1.0, -0.5, 2.0])
    norms = []
    for basis in combinations(range(6), 3):
        norms.append(np.abs(np.linalg.solve(f.x[:, basis], y)).sum())
    found = nets.least_l1(f.x, y)
    np.testing.assert_allclose(np.abs(found).sum(), min(norms), rtol=1e-9)
    np.testing.assert_allclose(f.x @ found, y, atol=1e-9)
    with pytest.raises(ValueError, match="no solution"):
        nets.least_l1(np.ones((2, 1)), np.array([0.0, 1.0]))


def test_least_l2_is_orthogonal_to_the_null_space():
    found = nets.least_l2(SMALL.x, SMALL.y)
    kernel = np.linalg.svd(SMALL.x)[2][4:]
    np.testing.assert_allclose(SMALL.x @ found, SMALL.y, atol=1e-14)
    np.testing.assert_allclose(kernel @ found, 0, atol=1e-14)


def test_the_public_regression_is_drawn_by_the_legacy_generator_from_its_seed():
    found, again = nets.reference(0), nets.published(np.random.RandomState(0))
    np.testing.assert_array_equal(found.train.x, again.train.x)
    assert found.train.x.shape == (20, 30) and found.test.x.shape == (1000, 30)
    assert (found.target[:3] > 0).all() and not found.target[3:].any()
    np.testing.assert_allclose(np.linalg.norm(found.target), 1, rtol=1e-15)
    np.testing.assert_array_equal(found.train.y, found.train.x @ found.target)
    # normal rows through the singular vectors of the identity: the first draw of seed 0
    assert np.abs(found.train.x[0]).max() == np.abs(np.random.RandomState(0).standard_normal(30)).max()
    assert not np.array_equal(nets.reference(1).train.x, found.train.x)


def test_groups_are_consecutive():
    np.testing.assert_array_equal(nets.groups(6, 2), [[0, 1], [2, 3], [4, 5]])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: nets.groups(20, 3), "groups of 3 do not divide 20 examples"),
        (lambda: nets.groups(20, 0), "from 1 to 20; got 0"),
        (lambda: diagonal([[1.0, np.nan]], [1.0]), r"entry \(0, 1\) is nan"),
        (lambda: diagonal([[1.0]], [1.0, 2.0]), r"got shapes \(1, 1\) and \(2,\)"),
        (lambda: diagonal([[1.0, 0.0]], [1.0]), "feature 1 of the data is zero"),
        (lambda: nets.sparse(0, 4, 6, 7), "from 1 to 6; got 7"),
    ],
)
def test_wrong_values_are_refused_where_they_enter(wrong, says):
    with pytest.raises(ValueError, match=says):
        wrong()

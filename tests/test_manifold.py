"""The limit of gradient flow, slow flows, their constants: closed solutions, differences, loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theory import manifold
from theory.bounds import ol25, wml23_flow
from theory.problems import factorisation, valley
from theory.problems.factorisation import chain, pair_of_gap
from theory.update import direction, step

RNG = np.random.default_rng(5)
F = chain()
THREE = np.array([1.3, -0.9, -1.1])
limit = jax.jit(lambda f, w: manifold.limit(f.loss, w))
expansion = jax.jit(lambda f, w, u: manifold.expansion(f.loss, w, u))
frame = jax.jit(lambda f, w: manifold.frame(f.loss, w))


def test_a_step_of_a_flow_is_of_order_twelve():
    errors = [abs(manifold.advance(lambda x: -x, jnp.ones(1), h)[0] - np.exp(-h)) for h in (2.0, 1.0)]
    assert abs(np.log2(errors[0] / errors[1]) - 13) < 0.5
    np.testing.assert_allclose(manifold.advance(lambda x: -x, jnp.ones(1), 0.4), np.exp(-0.4), rtol=1e-14)


def test_a_flow_in_many_steps_is_the_closed_solution():
    """x' = x^2 from 1: x = 1 / (1 - t)."""
    found = manifold.along(lambda x: x**2, jnp.ones(1), 0.75, 20)
    np.testing.assert_allclose(found, 4, rtol=1e-13)


@pytest.mark.parametrize("w", [[2.0, 1.5], [0.3, 0.1], [-1.0, -3.0]])
def test_the_limit_on_two_weights_is_the_fit_of_the_same_gap(w):
    w = np.array(w)
    fit = np.sign(w[0]) * pair_of_gap(w[0] ** 2 - w[1] ** 2)
    np.testing.assert_allclose(limit(F, w), fit, rtol=1e-11)


def test_the_limit_on_three_weights_fits_and_keeps_the_differences_of_squares():
    found = np.asarray(limit(F, THREE))
    np.testing.assert_allclose(np.prod(found), 1, rtol=1e-12)
    np.testing.assert_allclose(F.invariant(found), F.invariant(THREE), rtol=1e-11)
    assert np.array_equal(np.sign(found), np.sign(THREE))


def test_a_flow_that_does_not_arrive_has_no_limit(monkeypatch):
    monkeypatch.setattr(manifold, "MOST", 30)
    assert np.isnan(manifold.limit(lambda w: jnp.sum(w**4), jnp.ones(2))).all()


def test_the_expansion_of_the_limit_is_that_by_differences():
    u, width = RNG.standard_normal(3), 1e-3
    value, first, second = expansion(F, THREE, u)
    ahead, behind = (limit(F, THREE + sign * width * u) for sign in (1, -1))
    np.testing.assert_allclose(value, limit(F, THREE), atol=1e-12)
    np.testing.assert_allclose(first, (ahead - behind) / (2 * width), atol=1e-5)
    np.testing.assert_allclose(second, (ahead - 2 * value + behind) / width**2, atol=1e-4)


def test_on_the_line_of_fits_the_derivative_is_the_projector():
    w = np.array([1.6, 1.0, 0.625])
    normal = (1 / w) / np.linalg.norm(1 / w)
    u = RNG.standard_normal(3)
    np.testing.assert_allclose(expansion(F, w, u)[1], u - normal * (normal @ u), atol=1e-12)


def test_the_slope_of_the_sharpness_is_the_closed_one_and_no_eigenvector_of_it_is_differentiated():
    a, b = RNG.standard_normal((3, 2)), RNG.standard_normal((2, 2))
    f, w = factorisation.factorisation(a @ b.T), np.concatenate([a.ravel(), b.ravel()])
    slope, top = jax.jit(lambda f, w: manifold.sharpness_slope(f.loss, 6, w))(f, w)
    np.testing.assert_allclose(slope, f.slope(w), atol=1e-11 * np.abs(f.slope(w)).max())
    np.testing.assert_allclose(top, f.spectrum(w)[-1], rtol=1e-13)


def test_the_slow_flow_on_two_weights_is_exponential_in_their_gap():
    found = jax.jit(lambda w: manifold.slow(F.loss, 1, w, 0.5, 8, lambda top: 3.0))(pair_of_gap(2.0))
    np.testing.assert_allclose(found[0] ** 2 - found[1] ** 2, 2 * np.exp(-3.0), rtol=1e-11)
    np.testing.assert_allclose(found[0] * found[1], 1, rtol=1e-13)


@pytest.mark.parametrize("lam", [1.0, 0.4])
def test_on_a_quadratic_a_step_from_the_cycle_is_its_mirror_image(lam):
    h = np.diag([3.0, 1.0, 0.0])  # minimisers: the last axis
    loss, w = lambda w: 0.5 * (h @ w) @ w, np.array([0.0, 0.0, 2.0])
    here = manifold.frame(loss, jnp.asarray(w))
    start = manifold.on_cycle(w, here.top, here.vector, 0.3, 0.1, lam)
    after = step(jax.value_and_grad(loss), start, 0.3, 0.1, lam)
    np.testing.assert_allclose(after, 2 * w - start, atol=1e-15)
    assert np.linalg.norm(start - w) > 0.01


def test_a_run_is_a_loop_of_steps():
    w, rule = np.array([1.7, 0.8]), jax.value_and_grad(F.loss)
    looped = w
    for _ in range(7):
        looped = step(rule, looped, 0.1, 0.05, 0.7)
    np.testing.assert_allclose(manifold.run(F.loss, w, 0.1, 0.05, 0.7, 7), looped, rtol=1e-15)


def test_the_number_of_steps_is_even_and_nearest():
    assert manifold.steps_for(1.0, 0.1, 0.1) == 1000
    found = manifold.steps_for(0.3, np.array([0.1, 0.07]), 0.03)
    assert np.array_equal(found, [3334, 4762]) and np.all(found % 2 == 0)


# The constants of theory/bounds/wml23_flow.py


def test_the_speed_is_the_square_of_the_move_ahead_of_the_cycle():
    assert abs(wml23_flow.speed(3.0, 0.2, 0.1, 1.0) - (2 / 1.4) ** 2) < 1e-14
    top, gamma, rho, lam = 3.0, 0.2, 0.1, 0.4
    c = ol25.cycle_radius(top, gamma, rho, lam)
    ahead = c + rho * ((1 - lam) * top * c + lam)  # w + rho d(g)
    np.testing.assert_allclose(wml23_flow.speed(top, gamma, rho, lam), (ahead / rho) ** 2, rtol=1e-13)


def test_the_misalignment_along_the_manifold_is_the_angle_on_a_decoupled_loss():
    eigs, pulls = np.array([0.0, 0.0, 0.7, 2.0]), np.array([0.3, -0.4, 0.0, 5.0])
    found = wml23_flow.misalignment(eigs, pulls, 2, 0.6)
    np.testing.assert_allclose(found, wml23_flow.decoupled_angle(2.0, 0.5, 0.6, 1.0), rtol=1e-14)


def test_the_misalignment_across_is_that_of_the_fixed_point_of_the_expanded_rule():
    """zeta and n by iteration of xi+ = xi - gamma (H (xi + n) + rho T / 2), to first order in rho."""
    top, other, gamma, pull = 2.0, 0.7, 0.3, 1.3
    c = gamma * top / (2 - gamma * top)
    zeta = 0.0
    for _ in range(2000):
        n = (other * zeta + c**2 * pull / 2) / (c * top)
        zeta -= gamma * (other * (zeta + n) + (1 + c) ** 2 * pull / 2)
    found = wml23_flow.misalignment(np.array([other, top]), np.array([pull, 9.0]), 2, gamma)
    np.testing.assert_allclose(found, abs(n - c * pull / (top - other)), rtol=1e-12)


def test_the_shift_of_usam_is_the_sum_of_its_steps():
    """On (s + s' x) y^2 / 2 at a small y, by a loop in plain numbers."""
    s, rise, gamma, rho, y = 1.5, 0.8, 0.4, 0.1, 1e-4
    x, far = 0.0, y
    for _ in range(200):
        ahead = far + rho * (s + rise * x) * far
        x, far = x - gamma * rise * ahead**2 / 2, far - gamma * (s + rise * x) * ahead
    np.testing.assert_allclose(wml23_flow.usam_shift(s, rise, gamma, rho, y), x, rtol=1e-6)


def test_two_steps_of_normalised_descent_and_of_sam_take_what_is_claimed():
    """In a valley of one height 1 + x: lambda_1 = 1 + x, |P grad lambda_1| = 1."""
    f = valley.valley([1.0], [[1.0]], np.zeros((1, 1, 1)))
    rule, gamma, rho = jax.value_and_grad(f.loss), 1e-3, 1e-3
    w = start = np.array([0.0, gamma / 3])
    for _ in range(2):
        w = w - gamma * direction(rule(w)[1], 1.0)
    claimed = wml23_flow.decrease_normalised(1.0, np.ones(1), gamma)
    np.testing.assert_allclose((start - w)[0] / 2, claimed, rtol=5e-3)
    w = start = np.array([0.0, ol25.cycle_radius(1.0, 0.5, rho, 1.0)])
    for _ in range(2):
        w = step(rule, w, 0.5, rho, 1.0)
    claimed = wml23_flow.decrease(1.0, np.ones(1), 0.5, rho)
    np.testing.assert_allclose((start - w)[0] / 2, claimed, rtol=5e-3)
    assert abs(claimed / (0.5 * rho**2 / 2) - (2 / 1.5) ** 2) < 1e-12


def test_the_frame_is_that_of_the_dense_hessian_and_splits_the_space():
    w = np.array([1.6, 1.0, 0.625])
    here = frame(F, w)
    assert np.all(np.diff(here.eigs) >= 0) and abs(here.top - F.spectrum(w)[-1]) < 1e-13
    x = RNG.standard_normal(3)
    np.testing.assert_allclose(here.tangent(x, 1) @ here.vector, 0, atol=1e-14)
    np.testing.assert_allclose(x - here.tangent(x, 1), (x @ here.vector) * here.vector, atol=1e-14)

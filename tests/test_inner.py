"""The inner maximum at corners by grids and by hand; the bracket; the third derivatives of the tanh net."""

from functools import partial
from math import inf, sqrt

import jax
import numpy as np
import pytest

from theory import inner
from theory.problems.tanh_net import tanh_net
from theory.sharpness import largest_in_ball


def rise(h, g, v):
    return v @ g + 0.5 * np.sum((v @ h) * v, axis=-1)


def ball(count, d, p, seed):
    """Points in and on the unit ball, many near its corners."""
    rng = np.random.default_rng(seed)
    v = rng.standard_normal((count, d)) ** (5 if p == 1 else 1)
    v /= np.abs(v).sum(1, keepdims=True) if p == 1 else np.abs(v).max(1, keepdims=True)
    return v * np.where(rng.random((count, 1)) < 0.5, 1, rng.random((count, 1)))


def edge_convex(d, p, seed):
    """A Hessian that is indefinite, and convex along the edges."""
    rng = np.random.default_rng(seed)
    h = rng.standard_normal((d, d))
    h = (h + h.T) / 2
    return h + np.eye(d) * (0.05 - min(inner.edge_curvature(h, p), 0))


def test_corners_by_hand():
    assert sorted(map(tuple, inner.corners(2, inf))) == [(-1, -1), (-1, 1), (1, -1), (1, 1)]
    assert sorted(map(tuple, inner.corners(2, 1))) == [(-1, 0), (0, -1), (0, 1), (1, 0)]
    h, g = np.array([[1.0, 2], [2, 1]]), np.array([1.0, -0.5])
    found = inner.largest_at_corners(h, g, 2.0, inf)  # at (2, 2): 1 + 12
    assert found.value == 13 and tuple(found.step) == (2, 2)
    found = inner.largest_at_corners(np.diag([1.0, 8.0]), g, 2.0, 1)  # 2 + 2 at e_1, 1 + 16 at -e_2
    assert found.value == 17 and tuple(found.step) == (0, -2)


def test_curvature_along_edges_by_hand():
    h = np.array([[1.0, 2], [2, 5]])  # (1 + 5 -+ 4) / 2
    assert inner.edge_curvature(h, 1) == 1 and inner.edge_curvature(h, inf) == 1
    assert inner.edge_curvature(np.array([[-3.0]]), 1) == -3


@pytest.mark.parametrize("p", [1, inf])
def test_a_quadratic_convex_along_the_edges_is_largest_at_a_corner(p):
    for d in (2, 3, 5):
        h, g = edge_convex(d, p, d), np.random.default_rng(d).standard_normal(d)
        assert np.linalg.eigvalsh(h)[0] < 0
        found = inner.largest_at_corners(h, g, 0.7, p)
        assert rise(h, g, 0.7 * ball(100_000, d, p, 0)).max() <= found.value
        np.testing.assert_allclose(rise(h, g, found.step), found.value, rtol=1e-14)


@pytest.mark.parametrize("p", [1, inf])
def test_one_that_curves_down_along_an_edge_may_be_larger_inside_and_is_refused(p):
    h = np.array([[1.0, 3], [3, 1]]) if p == 1 else np.array([[-3.0, 0.1], [0.1, 1.0]])
    g = np.array([0.2, 0.1])
    corners = rise(h, g, inner.corners(2, p)).max()
    assert rise(h, g, ball(100_000, 2, p, 0)).max() > 1.01 * corners
    with pytest.raises(ValueError, match="curves down along an edge"):
        inner.largest_at_corners(h, g, 1.0, p)


def test_separable_quadratics_of_any_size_and_signs_are_those_of_a_grid_entry_by_entry():
    rng = np.random.default_rng(2)
    h, g, radius = rng.standard_normal(300), rng.standard_normal(300), 0.8
    grid = np.linspace(-radius, radius, 20_001)
    entries = (g[:, None] * grid + 0.5 * h[:, None] * grid**2).max(1)
    found = inner.largest_at_corners(np.diag(h), g, radius, inf)
    assert entries.sum() <= found.value < entries.sum() + 300 * 1e-7
    np.testing.assert_allclose(g @ found.step + 0.5 * h @ found.step**2, found.value, rtol=1e-13)
    assert np.abs(found.step).max() <= radius
    listed = inner.best(np.diag(np.abs(h[:8])), g[:8], radius, inf)
    np.testing.assert_allclose(inner.separable(np.abs(h[:8]), g[:8], radius).value, listed.value, rtol=1e-14)


def test_upper_bounds_of_quadratics_are_maxima_where_these_are_exact_and_above_them_elsewhere():
    rng = np.random.default_rng(3)
    h, g = rng.standard_normal((4, 4)), rng.standard_normal(4)
    h = h + h.T
    for p in (1, inf):
        top = rise(h, g, ball(200_000, 4, p, 1)).max()
        assert top < inner.above(h, g, 1.0, p, 0.0)
        small = inner.first_order_radius(h, g, p)
        first = small * (np.sign(g) if p == inf else np.sign(g) * (np.abs(g) == np.abs(g).max()))
        np.testing.assert_allclose(inner.above(h, g, small, p, 0.0), rise(h, g, first), rtol=1e-14)
        convex = edge_convex(4, p, 1)
        assert inner.above(convex, g, 1.0, p, 0.0) == inner.largest_at_corners(convex, g, 1.0, p).value
        longest = 2.0 if p == inf else 1.0  # of the ball, in four dimensions
        gain = inner.above(h, g, 1.0, p, 6.0) - inner.above(h, g, 1.0, p, 0.0)
        np.testing.assert_allclose(gain, longest**3, rtol=1e-12)
    np.testing.assert_allclose(
        inner.above(h, g, 0.5, 2, 6.0), largest_in_ball(h, g, 0.5).value + 0.125, rtol=1e-14
    )


def test_the_radius_up_to_which_one_ascent_is_exact_by_hand():
    h, g = np.array([[-2.0, 1], [1, 0.5]]), np.array([3.0, -0.75])
    assert inner.first_order_radius(h, g, inf) == 0.5  # 3 / 3 and 0.75 / 1.5
    assert inner.first_order_radius(h, g, 1) == 0.75  # 2.25 / (2 + 1) and 3 / 2
    assert inner.first_order_radius(np.array([[-4.0]]), np.array([-2.0]), 1) == 0.5
    for p in (1, inf):
        radius = inner.first_order_radius(h, g, p)
        step = radius * np.array([1, 0 if p == 1 else -1])
        assert rise(h, g, radius * ball(100_000, 2, p, 4)).max() <= rise(h, g, step)


def test_other_norms_and_too_many_corners_are_refused():
    with pytest.raises(ValueError, match="corners for p = 1 and p = inf; got p = 3"):
        inner.corners(2, 3)
    with pytest.raises(ValueError, match="from 1 to 16; got 17"):
        inner.corners(17, inf)
    with pytest.raises(ValueError, match="radius rho must not be negative; got -1"):
        inner.largest_at_corners(np.eye(2), np.ones(2), -1.0, 1)
    with pytest.raises(ValueError, match="symmetric"):
        inner.largest_at_corners([[1.0, 2.0], [0.0, 1.0]], np.ones(2), 1.0, 1)


def test_a_cubic_lies_between_its_bounds_and_meets_them_where_its_third_derivative_is_the_constant():

    def cubic(v):
        return v[0] + v[0] ** 2 + v[0] ** 3

    find = jax.jit(inner.bracket, static_argnums=(0, 4))
    found = find(cubic, np.ones((2, 1)), 0.5, 6.0, 20)
    np.testing.assert_allclose([found.lower, *found.step, found.upper], [0.875, 0.5, 0.875], rtol=1e-12)


def net(n, d, units, seed, scale=1.0):
    rng = np.random.default_rng(seed)
    return tanh_net(rng.standard_normal((n, d)), rng.standard_normal(n), scale * rng.standard_normal(units))


def test_third_derivatives_of_the_net_keep_their_bounds():
    rng = np.random.default_rng(0)
    f = net(6, 3, 2, 1)

    @partial(jax.vmap, in_axes=(0, 0))
    def third(w, v):

        def along(t, v=v):
            return f.losses(w + t * v)

        return jax.jacfwd(jax.jacfwd(jax.jacfwd(along)))(0.0)

    w = 2 * rng.standard_normal((4000, 6))
    v = rng.standard_normal((4000, 6))
    found = np.abs(jax.jit(third)(w, v / np.linalg.norm(v, axis=1, keepdims=True)))
    assert np.all(found <= f.third_each)
    assert np.all(f.third_near(w[0], 0.1) < f.third_near(w[0], 0.2))
    assert np.all(found[:100] <= [f.third_near(each, 0.0) for each in w[:100]])
    np.testing.assert_array_equal(f.third_near(w[0], 1e6), f.third_each)


def test_the_bound_of_the_third_derivatives_by_hand_and_nearly_attained():
    f = tanh_net([[3.0]], [-200.0], [2.0])  # at 0: r = 200, r' = 6, r'' = 0, r''' = -2 * 2 * 27
    np.testing.assert_allclose(f.third_each, 27 * 2 * (4 / sqrt(3) * 2 + 2 * 202), rtol=1e-15)
    np.testing.assert_allclose(f.third_near(np.zeros(1), 0.0), 27 * 2 * (4 / sqrt(3) * 2 + 400), rtol=1e-15)
    third = jax.jit(jax.jacfwd(jax.jacfwd(jax.grad(lambda w: f.loss(w)))))(np.zeros(1))
    np.testing.assert_allclose(third, -200 * 108, rtol=1e-12)
    assert abs(third.item()) > 0.97 * f.third_each


def test_residuals_of_the_net_are_those_of_its_losses():
    f, w = net(5, 2, 3, 4), np.linspace(-1, 1, 6)
    by_hand = [np.asarray(f.second) @ np.tanh(w.reshape(3, 2) @ x) - y for x, y in zip(f.x, f.y, strict=True)]
    residuals, losses = jax.jit(lambda w: (f.residuals(w), f.losses(w)))(w)
    np.testing.assert_allclose(residuals, by_hand, rtol=1e-13)
    np.testing.assert_allclose(losses, 0.5 * np.square(by_hand), rtol=1e-13)

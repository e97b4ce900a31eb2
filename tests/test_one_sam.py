"""Moments by polynomials: affine maps by hand, 1-SAM against all its paths, its diffusion by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

from theory import one_sam, transfer
from theory.expectation import along_paths
from theory.problems.valley import two_bowls
from theory.sampling import single

GAMMA, RHO = 0.3, 0.1
CHART = one_sam.Chart(two_bowls(), GAMMA, RHO, jnp.array([-0.4]), jnp.array([1.2]), 5 * RHO**2)
move = jax.jit(one_sam.moved)


def test_values_at_the_grid_are_interpolated_as_polynomials():
    sizes = (5, 1, 4)
    grid = transfer.nodes(sizes)
    assert grid.shape == (20, 3) and np.all(grid[:, 1] == 0)

    def g(z):
        return 1 + z[..., 0] ** 4 * z[..., 2] ** 3 - 2 * z[..., 0] + z[..., 2]

    for z in ([0.3, 0.9, -1.2], [-1.0, 0.0, 0.5], [0.0, 0.0, 0.25]):
        weights = transfer.weights(np.array(z), sizes)
        np.testing.assert_allclose(weights @ g(grid), g(np.array(z)), rtol=1e-13)
        assert abs(weights.sum() - 1) < 1e-14


def affine(z):
    return z[:, None, None] / 2 + np.array([[0.25], [-0.25]])


@pytest.mark.parametrize("t", [0, 1, 2, 5, 64])
def test_moments_of_a_random_affine_map_are_those_by_hand(t):
    """z+ = z / 2 + s / 4 with s = 1 at chance 3/4, else -1: mean 1/4 (1 - 2^-t), variance 1/16 (1 - 4^-t)."""
    z = transfer.nodes((4,))[:, 0]
    matrix = transfer.operator(affine(z), [0.75, 0.25], (4,))
    mean, square = transfer.weights(np.zeros(1), (4,)) @ transfer.after(matrix, np.stack([z, z**2], 1), t)
    np.testing.assert_allclose(mean, 0.25 * (1 - 0.5**t), atol=1e-15)
    np.testing.assert_allclose(square - mean**2, 0.0625 * (1 - 0.25**t), atol=1e-15)


def test_the_stationary_law_of_a_random_affine_map_is_the_one_by_hand():
    z = transfer.nodes((4,))[:, 0]
    law = transfer.stationary(transfer.operator(affine(z), [0.75, 0.25], (4,)))
    np.testing.assert_allclose([law.sum(), law @ z, law @ z**2], [1, 0.25, 0.125], rtol=1e-13)


def test_coordinates_and_states_are_inverse_to_each_other():
    z = jnp.array([0.3, -0.5, 0.9])
    w = CHART.state(z)
    np.testing.assert_allclose(CHART.coordinates(w), z, atol=1e-14)
    np.testing.assert_allclose(CHART.coordinates(w * jnp.array([1.0, -1.0, 1.0])), z, atol=1e-14)
    cycle = RHO * GAMMA * 2.08 / (2 - GAMMA * 2.08)  # height 2 + 0.4^2 / 2 at x = 0.4
    np.testing.assert_allclose(CHART.state(jnp.zeros(3))[1], cycle, rtol=1e-14)


def test_moments_of_one_sam_are_those_of_all_its_paths():
    """The rule steps on listed examples through indices and weights; 2^10 paths."""
    steps, sizes, x = 10, (20, 4, 4), jnp.array([0.05])
    start = jnp.concatenate([x, CHART.cycle(x)])

    def observe(w):
        return jnp.array([w[0], w[0] ** 2, w[1] ** 2, w[0] * jnp.abs(w[2])])

    listed = along_paths(CHART.f, single(np.array([0.5, 0.5])), start, GAMMA, RHO, 1.0, steps, observe)
    found = one_sam.walk(CHART, x, sizes, move)
    assert found.reach < 1.2
    for t in (0, 1, 2, 7, 10):
        np.testing.assert_allclose(one_sam.expected(found, jax.vmap(observe), t), listed[t], rtol=1e-9)
    moved = np.asarray(listed[10] - listed[0])
    assert abs(moved[0]) > 1e-3  # what is compared is not rounding


def test_diffusion_is_the_one_by_hand_as_the_step_vanishes():
    """X - 0.6 decays at the rate 5/8; d_1 - d_2 = -x / 2 + 3 (x - 1) / 4 and Var_k d_k is a quarter of its
    square."""
    x, s = one_sam.diffusion(two_bowls(), [0.05], 0.0, 1.5)

    def mean(t):
        return 0.6 - 0.55 * np.exp(-0.625 * t)

    def grown(t):
        return (0.25 * mean(t) - 0.75) ** 2 / 4 * np.exp(-1.25 * (1.5 - t))

    np.testing.assert_allclose(x, [mean(1.5)], rtol=1e-11)
    flow = one_sam.flow(two_bowls(), lambda f, x: f.single_drift(x, 0.0), [0.05], 1.5)
    np.testing.assert_allclose(flow, x, rtol=1e-11)
    np.testing.assert_allclose(s, [[scipy.integrate.quad(grown, 0, 1.5, epsabs=1e-14)[0]]], rtol=1e-9)


def test_runs_take_the_steps_of_their_draws():
    f, w = two_bowls(), jnp.array([0.3, 0.2, 0.1])
    draws = np.array([[0, 1, 0], [1, 1, 0], [0, 0, 0]])
    ends = jax.jit(one_sam.runs)(f, np.tile(w, (3, 1)), GAMMA, RHO, draws, 2)
    one = jax.jit(one_sam.on_example)
    for end, path in zip(ends, draws[:2].T, strict=True):
        expected = w
        for k in path:
            expected = one(f, expected, 2 * np.eye(2)[k], GAMMA, RHO)
        np.testing.assert_allclose(end, expected, rtol=1e-14)

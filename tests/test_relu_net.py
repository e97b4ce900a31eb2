"""A small ReLU net and its rescalings: by hand, and its ceiling against losses found in the ball."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from paper_checks.f21 import asam_offset
from theory import ascent
from theory.problems import relu_net
from theory.problems.relu_net import Layers, net, rescaled
from theory.update import ahead

F, W = jax.tree.map(jnp.asarray, relu_net.normal(0, 12, 3, 4))
C = jnp.array([0.1, 0.5, 2.0, 7.0])


def test_the_net_and_its_loss_by_hand():
    w = Layers(jnp.array([[1.0, -2.0], [0.5, 1.0]]), jnp.array([0.5, -1.0]), jnp.array([[2.0, -3.0]]))
    x = jnp.array([[1.0, 0.0], [0.0, 2.0]])  # arguments (1.5, -0.5) and (-3.5, 1)
    np.testing.assert_array_equal(net(w, x), [3.0, -3.0])
    assert relu_net.ReluNet(x, jnp.array([1.0, 1.0])).loss(w) == (4 + 16) / 4


def test_a_rescaling_keeps_the_net_and_moves_every_weight():
    for c in (C, 3.0):
        other = rescaled(W, c)
        np.testing.assert_allclose(net(other, F.x), net(W, F.x), rtol=1e-13)
        assert all(np.all(a != b) for a, b in zip(W, other, strict=True))
    np.testing.assert_allclose(rescaled(W, C).outer[0] * C, W.outer[0])


RAW = np.random.default_rng(1).standard_normal((3000, 20))
RAW /= np.linalg.norm(RAW, axis=1, keepdims=True)


def layers(u):
    return Layers(u[:12].reshape(4, 3), u[12:16], u[16:][None])


@partial(jax.jit, static_argnames="scale")
def highest(f, w, scale, rho):
    """Of random points on the sphere and the adaptive step, and the ceiling."""
    t, step = scale(w), ascent.along(1, 2, scale)(w, jax.grad(f.loss)(w))
    moves = jax.vmap(lambda u: jax.tree.map(jnp.multiply, t, layers(u)))(RAW)
    losses = jax.vmap(lambda e: f.loss(ahead(w, rho, e)))(moves)
    return jnp.maximum(jnp.max(losses), f.loss(ahead(w, rho, step))), f.ceiling(w, scale, rho)


@pytest.mark.parametrize("scale", [ascent.elementwise(0.0), ascent.filterwise(0.1), ascent.elementwise(1.0)])
def test_no_point_of_the_ball_is_above_the_ceiling(scale):
    for rho in (0.01, 0.3, 3.0):
        found, top = highest(F, W, scale, rho)
        assert F.loss(W) < found <= top


def test_the_ceiling_by_hand():
    """net = outer bias at x = 0, and the ceiling lets each of the two move by all of rho."""
    w = Layers(jnp.zeros((1, 1)), jnp.array([2.0]), jnp.array([[3.0]]))
    f = relu_net.ReluNet(jnp.zeros((1, 1)), jnp.array([-1.0]))
    assert f.ceiling(w, ascent.elementwise(0.0), 0.0) == f.loss(w) == 0.5 * 7**2
    assert f.ceiling(w, ascent.elementwise(0.0), 0.1) == pytest.approx(0.5 * (3.3 * 2.2 + 1) ** 2)


def test_the_largest_loss_found_in_the_ball_is_above_those_of_random_points():
    f, w = relu_net.normal(8, asam_offset.N, asam_offset.D, asam_offset.UNITS)
    found = jax.jit(asam_offset.largest)(f, 0.1, w)
    random, top = (loss - f.loss(w) for loss in highest(f, w, ascent.elementwise(0.1), asam_offset.RHO))
    assert random < found < top

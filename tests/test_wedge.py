"""The wedge function: its projection and gradient by other means, its class, its worst point, bad input."""

from fractions import Fraction as F

import jax
import numpy as np
import pytest
import scipy.optimize

from theory.bounds import own
from theory.problems.wedge import designed, wedge
from theory.update import step

SETTINGS = [(0.1, 1.0, 200 / 413, 3.0), (0.0, 1.0, 0.2, 5.0), (0.5, 2.0, 0.22, 1.5)]


def ordinary(f):
    """Normals and offset of the wedge in ordinary coordinates."""
    root = np.sqrt(f.weight)
    return np.array([[u[0], u[1] * root] for u in (f.first, f.second)]), np.array([0.0, f.offset])


@pytest.mark.parametrize("at", SETTINGS)
def test_the_projection_solves_its_least_squares_problem(at):
    f = wedge(*at)
    normals, offsets = ordinary(f)
    for z in np.random.default_rng(0).standard_normal((20, 2)) * 3:
        # the dual, min |z - U' a|^2 / 2 + offsets' a over a >= 0, by another program
        dual = scipy.optimize.minimize(
            lambda a, z=z: np.sum((z - normals.T @ a) ** 2) / 2 + offsets @ a,
            np.ones(2),
            bounds=[(0, None)] * 2,
            tol=1e-14,
        )
        found = f.projection((z[0], z[1] / np.sqrt(f.weight)))
        assert np.array([found[0], found[1] * np.sqrt(f.weight)]) == pytest.approx(
            z - normals.T @ dual.x, abs=1e-5
        )
        assert np.all(normals @ [found[0], found[1] * np.sqrt(f.weight)] <= offsets + 1e-12)


@pytest.mark.parametrize("at", SETTINGS)
def test_the_compiled_loss_has_the_value_and_the_gradient_of_the_exact_one(at):
    f = wedge(*at)
    root = np.sqrt(f.weight)
    for w in np.random.default_rng(1).standard_normal((20, 2)) * 3:
        value, grad = jax.value_and_grad(f.loss)(w)
        exact = f.gradient((w[0], w[1] / root))
        assert value == pytest.approx(f.value((w[0], w[1] / root)), rel=1e-12)
        assert np.asarray(grad) == pytest.approx([exact[0], exact[1] * root], rel=1e-10, abs=1e-12)
        small = 1e-6 * np.eye(2)
        slope = [float(f.loss(w + d) - f.loss(w - d)) / 2e-6 for d in small]
        assert np.asarray(grad) == pytest.approx(slope, abs=1e-7)


@pytest.mark.parametrize("at", SETTINGS)
def test_it_is_strongly_convex_smooth_and_least_at_zero(at):
    mu, top, *_ = at
    f = wedge(*at)
    rng = np.random.default_rng(2)
    grad = jax.jit(jax.vmap(jax.grad(f.loss)))
    a, b = rng.standard_normal((2, 500, 2)) * 3
    d, e = a - b, np.asarray(grad(a) - grad(b))
    assert np.all(np.sum((e - mu * d) * (top * d - e), axis=1) >= -1e-9)
    assert f.value((0.0, 0.0)) == 0 and f.gradient((0.0, 0.0)) == (0, 0)


@pytest.mark.parametrize("at", SETTINGS)
def test_one_step_of_the_rule_attains_the_worst_distance(at):
    mu, top, gamma, rho = at
    f = wedge(*at)
    after = step(jax.value_and_grad(f.loss), np.array([1.0, 0.0]), gamma, rho, 0.0)
    assert after @ after == pytest.approx(own.dist_worst(*at), rel=1e-12)
    assert own.dist_worst(*at) > own.quad_factor(*at)


def test_in_fractions_the_step_of_the_balanced_wedge_is_exact():
    mu, top, rho = F(1, 10), F(1), F(3)
    gamma = own.balanced_step(mu, top, rho)
    f = wedge(mu, top, gamma, rho)
    h, k, y = designed(own.share(mu, top, gamma, rho), mu, top - mu, rho)
    # second coordinates in units of 1/2: h = (1/2, -1/2), k = (1 + rho mu / 2, -(1 + rho L) / 2)
    assert f.weight == F(1, 4) and h == (F(1, 2), -1) and k == (F(23, 20), -4)
    assert f.projection((F(1), F(0))) == h and f.projection(y) == k
    after = f.step((F(1), F(0)), gamma, rho)
    assert f.inner(after, after) == F(173178, 170569)
    assert f.value(after) < own.quad_factor(mu, top, gamma, rho) * f.value((F(1), F(0)))


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ((1.0, 1.0, 0.1, 3.0), "0 <= mu < L; got mu = 1.0 and L = 1.0"),
        ((0.1, 1.0, 0.5, 1.0), "rho .L - mu. > 1; got 0.9"),
        ((0.1, 1.0, 0.9, 3.0), "a step between 0.2849 and 0.527397; got 0.9"),
    ],
)
def test_a_wedge_that_does_not_exist_is_refused(at, said):
    with pytest.raises(ValueError, match=said):
        wedge(*at)

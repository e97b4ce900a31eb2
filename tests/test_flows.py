"""Many flows at once against the single flow of theory/flow.py and its right side."""

import jax
import numpy as np
import pytest

from theory import flow, flows
from theory.problems import diagonal

N, D = 6, 9


@pytest.fixture(scope="module")
def advance():
    return flows.compiled_advance()


def worlds(count):
    found = [diagonal.sparse(seed, N, D, 2).train for seed in range(count)]
    return found, np.stack([f.x for f in found]), np.stack([f.y for f in found])


@pytest.mark.parametrize("single", [False, True])
def test_the_closed_right_side_is_that_of_the_groups(single):
    """At random states, not small: the polynomial in rho matters."""
    (f,), *_ = worlds(1)
    plus, minus = np.random.default_rng(0).normal(0, 0.3, (2, D))
    side, _ = flow.right_side(f, diagonal.groups(N, 1 if single else N), 0.7, False)
    z = np.concatenate([plus, minus, np.zeros(D + N + 1)])  # and the integrals
    slopes, residual = flows.closed_side((f.x, f.x**2, f.x**3), f.y, 0.7, single, plus, minus)
    np.testing.assert_allclose(np.ravel(slopes), side(0.0, z)[: 2 * D], rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(residual, f.x @ np.asarray(diagonal.predictor(plus, minus)) - f.y, atol=1e-13)
    other, _ = flows.closed_side((f.x, f.x**2, f.x**3), f.y, 0.7, not single, plus, minus)
    assert np.max(np.abs(np.asarray(other) - np.asarray(slopes))) > 0.01


@pytest.mark.parametrize("single", [False, True])
def test_shrinkage_at_the_end_is_that_of_the_single_flow(single, advance):
    """Left at a residual of 1e-5 of the first; every problem has its own start and radius."""
    found, x, y = worlds(3)
    init, rho = np.array([0.1, 0.2, 0.3]), np.array([0.05, 0.1, 0.02])
    many = flows.limits(x, y, init, rho, single, 1e-6, 1e-5, 100_000, advance, batch=2, block=100)
    groups = diagonal.groups(N, 1 if single else N)
    for k, f in enumerate(found):
        one = flow.path(f, init[k], groups, rho[k], [20_000.0])
        np.testing.assert_allclose(many.shrinkage[k], one.shrinkage[0], atol=2e-5)
        np.testing.assert_allclose(many.beta[k], one.beta[0], atol=1e-3)
        assert many.fit[k] <= 1e-5 and many.steps[k] > 0


def test_without_a_radius_nothing_shrinks(advance):
    _, x, y = worlds(2)
    many = flows.limits(
        x, y, np.full(2, 0.2), np.zeros(2), True, 1e-6, 1e-3, 100_000, advance, batch=2, block=100
    )
    assert np.max(np.abs(many.shrinkage)) < 1e-4  # and 0 in the flow: what the steps err by


def test_a_flow_that_does_not_arrive_is_left_after_so_many_steps(advance):
    """Beyond the radius of collapse 1-SAM rests near zero."""
    (f, _), x, y = worlds(2)
    collapse = np.max(np.abs(f.y @ f.x) / (f.y**2 @ f.x**2))
    radii = np.array([2 * collapse, 0.02])
    many = flows.limits(x, y, np.full(2, 0.02), radii, True, 1e-4, 1e-3, 600, advance, batch=2, block=100)
    assert many.steps[0] == 600 and many.fit[0] > 0.99 and np.max(np.abs(many.beta[0])) < 1e-3
    assert many.fit[1] <= 1e-3 or many.steps[1] == 600


def test_blocks_and_batches_change_nothing(advance):
    _, x, y = worlds(3)
    init, rho = np.full(3, 0.2), np.full(3, 0.1)
    one = flows.limits(x, y, init, rho, True, 1e-5, 1e-4, 5000, advance, batch=3, block=100)
    two = flows.limits(x, y, init, rho, True, 1e-5, 1e-4, 5000, advance, batch=2, block=100)
    np.testing.assert_allclose(one.shrinkage, two.shrinkage, rtol=1e-12)
    assert jax.tree.map(np.shape, one) == jax.tree.map(np.shape, two)

"""Many flows at once against the single flow of theory/flow.py and its right side."""

import jax
import jax.numpy as jnp
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


def rates_of(f, single):
    return diagonal.one_sam_rates(f) if single else diagonal.m_sam_rates(f, diagonal.groups(f.n, f.n))


@pytest.mark.parametrize("single", [False, True])
def test_the_slope_is_the_right_side_of_the_groups(single):
    """At random states, not small: the polynomial in rho matters."""
    (f,), *_ = worlds(1)
    logs = np.random.default_rng(0).normal(0, 0.3, (2, D))
    side, _ = flow.right_side(f, diagonal.groups(N, 1 if single else N), 0.7, False)
    z = np.concatenate([*logs, np.zeros(D + N + 1)])  # and the integrals
    slope = flows.slope(rates_of(f, single), 0.7, logs)
    np.testing.assert_allclose(np.ravel(slope), side(0.0, z)[: 2 * D], rtol=1e-11, atol=1e-12)
    other = flows.slope(rates_of(f, not single), 0.7, logs)
    assert np.max(np.abs(np.asarray(other) - np.asarray(slope))) > 0.01


@pytest.mark.parametrize("single", [False, True])
def test_the_end_is_that_of_the_single_flow_but_for_the_steps_and_the_residual_left(single, advance):
    """Every problem has its own start and radius.

    The errors of the steps add up to at most steps times accuracy; what is left of the integral is of second
    order in the residual. beta = k sinh(X' nu) moves by lever dr with the residual, W = sqrt(beta^2 + k^2)
    and lever = W X' (X W X')^-1, and by (1 - lever X) beta dlog k with the imbalance.
    """
    found, x, y = worlds(3)
    init, rho, accuracy, relative = np.array([0.1, 0.2, 0.3]), np.array([0.05, 0.1, 0.02]), 1e-10, 1e-8
    many = flows.limits(x, y, init, rho, single, accuracy, relative, 100_000, advance, batch=2, block=1000)
    groups = diagonal.groups(N, 1 if single else N)
    for k, f in enumerate(found):
        one = flow.path(f, init[k], groups, rho[k], [20_000.0])
        steps = many.steps[k] * accuracy
        assert np.max(np.abs(many.shrinkage[k] - one.shrinkage[0])) <= steps
        beta = one.beta[0]
        turned = np.hypot(beta, one.imbalance[0])[:, None] * f.x.T
        lever = turned @ np.linalg.inv(f.x @ turned)
        by_residual = np.linalg.norm(lever, 2) * relative * np.linalg.norm(f.y)
        by_imbalance = np.max(np.abs((np.eye(D) - lever @ f.x) * beta).sum(1)) * 2 * steps
        apart = np.max(np.abs(many.beta[k] - beta))
        assert 0.01 * by_residual < apart <= by_residual + by_imbalance
        assert many.fit[k] <= relative


@pytest.mark.parametrize("single", [False, True])
def test_where_a_flow_is_left_it_is_the_least_potential_at_its_own_imbalance(single, advance):
    """However coarse the steps and far the end; the targets are the predictions there."""
    found, x, y = worlds(3)
    init, rho = np.array([0.1, 0.2, 0.3]), np.array([0.05, 0.1, 0.02])
    many = flows.limits(x, y, init, rho, single, 1e-3, 0.1, 100_000, advance, batch=2, block=1000)
    for k, f in enumerate(found):
        imbalance = init[k] ** 2 * np.exp(-2 * many.shrinkage[k])
        beta = jax.jit(diagonal.least_potential)(f.x, f.x @ many.beta[k], imbalance)[0]
        np.testing.assert_allclose(many.beta[k], beta, rtol=1e-9, atol=1e-11)
        assert 1e-3 < many.fit[k] <= 0.1


def test_without_a_radius_nothing_shrinks(advance):
    """To rounding: log|u + v| + log|u - v| is linear and conserved."""
    _, x, y = worlds(2)
    many = flows.limits(x, y, np.full(2, 0.2), np.zeros(2), True, 1e-6, 1e-3, 100_000, advance, batch=2)
    assert np.max(np.abs(many.shrinkage)) < 1e-12 and np.max(many.fit) <= 1e-3


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


# Steps of one size

START = np.full((2, D), np.log(0.3))


def test_fixed_steps_are_of_order_four_and_end_where_the_other_solver_does():
    (f,), *_ = worlds(1)
    rho, end = 0.3, 4.0
    path = flow.path(f, 0.3 / np.sqrt(2), diagonal.groups(N, 1), rho, np.array([end]))
    errors = []
    for steps in (40, 80):
        seen = flows.fixed_steps(rates_of(f, True), START, end / steps, np.full(steps, rho), steps)
        errors.append(np.max(np.abs(seen[-1] - np.stack([path.plus[0], path.minus[0]]))))
    assert errors[1] < 1e-6 and 12 < errors[0] / errors[1] < 20


def test_fixed_steps_keep_the_exponent_in_the_span_of_the_data_whatever_their_size():
    (f,), *_ = worlds(1)
    radii = jnp.concatenate([jnp.zeros(5), jnp.full(5, 0.3)])
    seen = flows.fixed_steps(rates_of(f, True), START, 0.3, radii, 5)
    assert seen.shape == (3, 2, D)
    exponent = np.asarray(seen[-1, 0] - seen[-1, 1])
    inside = np.linalg.lstsq(f.x.T, exponent, rcond=None)[0] @ f.x
    np.testing.assert_allclose(inside, exponent, atol=1e-12)
    assert np.max(np.abs(exponent)) > 0.1 and np.max(np.abs(seen[1].sum(0) - START.sum(0))) < 1e-13

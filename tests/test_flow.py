"""The flow of m-SAM against a second solver and the rule in (u, v), and the reference values."""

from functools import cache

import jax
import numpy as np
import pytest
from scipy.integrate import ODEintWarning, solve_ivp

from theory import flow
from theory.problems import diagonal

REFERENCE = diagonal.reference(0)
F = REFERENCE.train
SMALL = diagonal.sparse(1, 8, 12, 2).train
UNEVEN = np.geomspace(0.2, 1.0, 12)
SHUFFLED = np.random.default_rng(3).permutation(8).reshape(4, 2)
TIMES = np.array([0.5, 2.0, 10.0])
SETTINGS = {
    "n-SAM": (diagonal.groups(8, 8), 0.3, False),
    "shuffled 2-SAM": (SHUFFLED, 0.3, False),
    "1-SAM": (diagonal.groups(8, 1), 0.3, False),
    "normalised": (diagonal.groups(8, 8), 0.05, True),
}
side = jax.jit(flow.rule_side)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_second_solver_agrees_to_1e_12(name):
    groups, rho, normalised = SETTINGS[name]
    found = flow.path(SMALL, UNEVEN, groups, rho, TIMES, normalised)
    move, _ = flow.right_side(SMALL, groups, rho, normalised)
    size = np.log(np.sqrt(2) * UNEVEN)
    start = np.concatenate([size, size, np.zeros(12 + 8 + 1)])
    second = solve_ivp(move, (0, 10), start, "DOP853", TIMES, rtol=2.3e-14, atol=1e-15).y.T
    together = np.concatenate([*found[:4], found.loss[:, None]], axis=1)
    assert np.abs(together - second).max() < 1e-12


@pytest.mark.parametrize("name", SETTINGS)
def test_the_jacobian_is_that_of_the_right_side(name):
    move, slope = flow.right_side(SMALL, *SETTINGS[name])
    z, along = np.random.default_rng(5).uniform(-1, 0, (2, 45))
    change = (move(0, z + 1e-5 * along) - move(0, z - 1e-5 * along)) / 2e-5
    np.testing.assert_allclose(slope(0, z) @ along, change, rtol=1e-5, atol=1e-5 * np.abs(change).max())
    np.testing.assert_allclose(move(0, np.stack([z, along]))[1], move(0, along), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_flow_of_the_rule_is_the_same(name):
    groups, rho, normalised = SETTINGS[name]
    found = flow.path(SMALL, UNEVEN, groups, rho, TIMES, normalised)
    ruled = flow.by_rule(SMALL, np.sqrt(2) * UNEVEN, groups, rho, float(normalised), TIMES, side)
    assert np.abs(found.beta - ruled.beta).max() < 1e-12
    lost = (found.imbalance - ruled.imbalance) / (ruled.u**2 + ruled.v**2)
    assert np.abs(lost).max() < 1e-12
    assert np.abs(found.shrinkage - ruled.shrinkage).max() < 1e-12
    assert np.abs(found.dual - ruled.dual).max() < 1e-12
    assert np.abs(found.shrinkage).max() > 1e-3 and np.abs(found.dual).max() > 0.1


def test_one_weight_follows_its_closed_form():
    """n = d = 1, x = 1: with beta = k sinh(s), s' = -2 (k sinh(s) - y), by partial fractions in e^s."""
    y, k, t = 0.9, 0.02, 1.3
    found = flow.path(diagonal.diagonal([[1.0]], [y]), np.sqrt(k), diagonal.groups(1, 1), 0.0, [t])
    root = np.hypot(y, k)
    # with z = e^s: 2 dz / (k + 2 y z - k z^2) = 2 dt
    low, high = (y - root) / k, (y + root) / k
    ratio = (1 - low) / (high - 1) * np.exp(2 * root * t)  # (z - low) / (high - z)
    z = (low + ratio * high) / (1 + ratio)
    np.testing.assert_allclose(found.beta[0], [k * (z - 1 / z) / 2], rtol=1e-12)
    np.testing.assert_allclose(found.imbalance[0], [k], rtol=1e-14)


@cache
def end(method):
    m, rho = {"GD": (20, 0.0), "n-SAM": (20, 0.1), "5-SAM": (5, 0.1), "1-SAM": (1, 0.1)}[method]
    return flow.path(F, 0.5 / np.sqrt(2), diagonal.groups(20, m), rho, [8000.0])


@pytest.mark.parametrize(
    ("method", "logarithm", "l1", "loss"),
    [
        ("GD", 0.0, 2.57477925, 0.18828761),
        ("n-SAM", -0.10815108, 2.58693306, 0.19228087),
        ("5-SAM", -0.45095544, 2.57199691, 0.18731238),
        ("1-SAM", -2.52360685, 2.50599890, 0.16588076),
    ],
)
def test_the_reference_values_are_found_to_their_last_digit(method, logarithm, l1, loss):
    """From a program of its own: DOP853, the flow in the same time units."""
    beta, imbalance = end(method).beta[0], end(method).imbalance[0]
    half = 0.5000001e-8
    assert abs(np.sum(np.log(imbalance / 0.125)) / 2 - logarithm) < half
    assert abs(np.sum(np.abs(beta)) - l1) < half
    assert abs(np.mean((REFERENCE.test.x @ beta - REFERENCE.test.y) ** 2) / 2 - loss) < half


def test_the_integrals_along_gradient_flow_are_the_reference_values():
    moment, beta = flow.moment(F, 0.5 / np.sqrt(2), 8000.0)
    assert abs(end("GD").loss[0] - 0.3577657) < 0.50001e-7
    assert abs(flow.exponent(F, moment, diagonal.groups(20, 1)).sum() - 22.50554) < 0.50001e-5
    assert abs(flow.exponent(F, moment, diagonal.groups(20, 20)).sum() - 1.063683) < 0.50001e-6
    np.testing.assert_allclose(np.trace(moment) / 40, end("GD").loss[0], rtol=1e-12)
    np.testing.assert_allclose(beta, end("GD").beta[0], atol=1e-13)


def test_exponents_of_shuffled_groups_are_those_by_hand():
    half = np.random.default_rng(4).standard_normal((8, 8))
    moment = half @ half.T  # as if the residuals were the columns of `half`, each for one unit of time
    expected = np.zeros(12)
    for residual in half.T:
        for i, j in SHUFFLED:
            expected += ((residual[i] * SMALL.x[i] + residual[j] * SMALL.x[j]) / 2) ** 2 / 4
    np.testing.assert_allclose(flow.exponent(SMALL, moment, SHUFFLED), expected, rtol=1e-12)


def test_the_quadrature_integrates_fast_and_slow_exponentials():
    times, weights = flow.quadrature(2000.0)
    rates = np.array([0.02, 1.0, 40.0])
    exact = -np.expm1(-2000 * rates) / rates
    np.testing.assert_allclose(weights @ np.exp(-np.outer(times, rates)), exact, rtol=1e-12)


def test_the_predictor_survives_a_collapse():
    found = flow.path(F, 0.02 / np.sqrt(2), diagonal.groups(20, 1), 0.75, [1000.0])
    assert np.isfinite(found.beta).all() and np.abs(found.beta).max() < 1e-6


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"times": [2.0, 1.0]}, "must be positive and increase"),
        ({"times": [0.0, 1.0]}, "must be positive and increase"),
        ({"init": 0.0}, "scale of the start must be positive; got 0"),
        ({"rho": -0.1}, "the radius rho must not be negative; got -0.1"),
        ({"groups": SHUFFLED[:3]}, "each of the 8 examples once"),
        ({"normalised": True}, "4 groups has no smooth flow"),
    ],
)
def test_what_has_no_flow_is_refused(changes, says):
    arguments = {"f": SMALL, "init": 0.3, "groups": SHUFFLED, "rho": 0.1, "times": [1.0]} | changes
    with pytest.raises(ValueError, match=says):
        flow.path(**arguments)


def test_a_flow_that_blows_up_is_refused():
    with pytest.warns(ODEintWarning), pytest.raises(ValueError, match="does not reach time 1 "):
        flow.solve(lambda t, z: z**2, None, np.array([2.0]), np.array([1.0]))

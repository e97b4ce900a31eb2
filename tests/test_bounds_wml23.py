"""SAM's cycle on a quadratic: closed forms by hand, by the rule in NumPy, by differences and by grids."""

import numpy as np
import pytest

from paper_checks.wml23 import quadratic_cycle, theorem_b_1
from theory.bounds import wml23

RNG = np.random.default_rng(11)
EIGS = np.array([0.4, 0.9, 1.4, 2.0])
TURN = np.linalg.qr(RNG.normal(size=(4, 4)))[0]
H = (TURN * EIGS) @ TURN.T
RHO = 0.3
SETTINGS = [(0.1, 1.0), (0.5, 1.0), (0.95, 1.0), (0.1, 0.3), (0.5, 0.6)]  # gamma, lam


def plain(w, gamma, lam, h=H, rho=RHO):
    """The rule written out."""
    g = h @ w
    return w - gamma * h @ (w + rho * ((1 - lam) * g + lam * g / np.linalg.norm(g)))


def height(w, h=H):
    return w @ h @ w / 2


def differences(function, x, size=1e-5):
    """Central differences, one column for each entry of x."""
    steps = size * np.eye(len(x))
    return np.stack([(function(x + e) - function(x - e)) / (2 * size) for e in steps], axis=-1)


# The cycle


def test_the_cycle_of_a_small_example_is_that_by_hand():
    """l = 2, gamma = 1 / 4, rho = 1: h = 1 / 2, c = (1 / 2) / (3 / 2)."""
    at = (2.0, 0.25, 1.0, 1.0)
    np.testing.assert_allclose(wml23.cycle_radius(*at), 1 / 3, rtol=1e-15)
    np.testing.assert_allclose(wml23.cycle_gradient(*at), 2 / 3, rtol=1e-15)
    np.testing.assert_allclose(wml23.cycle_loss(*at), 1 / 9, rtol=1e-15)
    np.testing.assert_allclose(wml23.cycle_ahead(*at), 4 / 3, rtol=1e-15)
    np.testing.assert_allclose(wml23.cycle_loss_ahead(*at), 16 / 9, rtol=1e-15)
    np.testing.assert_allclose(wml23.cycle_worst_rise(*at), 5 / 3, rtol=1e-15)  # (4 / 3)^2 - (1 / 3)^2
    np.testing.assert_allclose(wml23.radial_factor(*at), -1 / 2, rtol=1e-15)
    np.testing.assert_allclose(wml23.potential_on_cycle(*at), -1 / 12, rtol=1e-15)
    np.testing.assert_allclose(wml23.invariant_radius(2.0, 0.25, 1.0), 1, rtol=1e-15)
    np.testing.assert_allclose(wml23.annihilating_gradient(2.0, 0.25, 1.0), 2, rtol=1e-15)


def test_for_sam_the_closed_forms_are_those_of_the_statements():
    eig, gamma = 1.7, 0.6
    h = gamma * eig
    at = (eig, gamma, RHO, 1.0)
    np.testing.assert_allclose(wml23.cycle_gradient(*at), gamma * RHO * eig**2 / (2 - h), rtol=1e-14)
    loss = gamma**2 * RHO**2 * eig**3 / (2 * (2 - h) ** 2)
    np.testing.assert_allclose(wml23.cycle_loss(*at), loss, rtol=1e-14)
    np.testing.assert_allclose(wml23.cycle_loss_ahead(*at), 2 * eig * RHO**2 / (2 - h) ** 2, rtol=1e-14)
    rise = RHO**2 * eig / 2 * (2 + h) / (2 - h)
    np.testing.assert_allclose(wml23.cycle_worst_rise(*at), rise, rtol=1e-14)
    level = -((gamma * RHO * eig) ** 2) / (2 * (2 - h))
    np.testing.assert_allclose(wml23.potential_on_cycle(*at), level, rtol=1e-14)


@pytest.mark.parametrize(("gamma", "lam"), SETTINGS)
def test_a_step_from_the_cycle_of_any_eigenvector_is_its_mirror_image(gamma, lam):
    for eig, vector in zip(EIGS, TURN.T, strict=True):
        at = (eig, gamma, RHO, lam)
        w = wml23.cycle_radius(*at) * vector
        np.testing.assert_allclose(plain(w, gamma, lam), -w, atol=1e-15)
        g = H @ w
        ahead = w + RHO * ((1 - lam) * g + lam * g / np.linalg.norm(g))
        np.testing.assert_allclose(wml23.cycle_gradient(*at), np.linalg.norm(g), rtol=1e-13)
        np.testing.assert_allclose(wml23.cycle_loss(*at), height(w), rtol=1e-13)
        np.testing.assert_allclose(wml23.cycle_ahead(*at), np.linalg.norm(ahead), rtol=1e-13)
        np.testing.assert_allclose(wml23.cycle_loss_ahead(*at), height(ahead), rtol=1e-13)


@pytest.mark.parametrize(("gamma", "lam"), SETTINGS)
def test_the_worst_rise_is_the_largest_on_a_circle(gamma, lam):
    h = np.diag([1.1, 2.0])
    angles = np.linspace(0, 2 * np.pi, 4001)
    w = np.array([0, wml23.cycle_radius(2.0, gamma, RHO, lam)])
    around = w + RHO * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    rises = np.sum(around @ h * around, axis=1) / 2 - height(w, h)
    np.testing.assert_allclose(rises.max(), wml23.cycle_worst_rise(2.0, gamma, RHO, lam), rtol=1e-12)


@pytest.mark.parametrize(("gamma", "lam"), SETTINGS)
def test_factors_are_the_derivative_of_the_rule_at_every_cycle(gamma, lam):
    for k, vector in enumerate(TURN.T):
        w = wml23.cycle_radius(EIGS[k], gamma, RHO, lam) * vector
        slope = TURN.T @ differences(lambda w: plain(w, gamma, lam), w, 1e-5 * np.linalg.norm(w)) @ TURN
        right = wml23.cycle_factor(EIGS[k], EIGS, gamma)
        right[k] = -wml23.radial_factor(EIGS[k], gamma, RHO, lam)
        np.testing.assert_allclose(slope, np.diag(right), atol=1e-7 * np.max(np.abs(right)))


def test_factors_differ_from_one_and_from_minus_one_by_products():
    for a in (0.05, 0.7, 1.3, 1.99):
        for s in (0.1, 0.6, 1.0, 1.2, 3.0):
            factor = wml23.cycle_factor(2.0, 2.0 * s, a / 2)
            np.testing.assert_allclose(factor, 1 - a * s - (2 - a) * s**2, atol=1e-14)
            np.testing.assert_allclose(1 - factor, s * (a + (2 - a) * s), atol=1e-14)
            np.testing.assert_allclose(1 + factor, (1 - s) * (2 + (2 - a) * s), atol=1e-14)


def test_the_rate_of_alignment_is_that_by_hand():
    eigs = np.array([1.0, 1.6, 2.0])
    # h = 1 / 2: s = 1 / 2 gives 1 - 1/4 - 3/8, s = 4 / 5 gives 1 - 2/5 - 24/25
    np.testing.assert_allclose(wml23.alignment_rate(eigs, 0.25), 0.375, rtol=1e-14)
    np.testing.assert_allclose(wml23.alignment_rate(eigs[1:], 0.25), 0.36, rtol=1e-14)
    both = wml23.alignment_rate(np.stack([eigs, 2 * eigs]), np.array([0.25, 0.125]))
    np.testing.assert_allclose(both, [0.375, 0.375], rtol=1e-14)
    assert wml23.alignment_rate(eigs[:1], 0.25) == 0


def test_the_number_of_steps_is_that_by_hand():
    """h = 1, q = 1 / 4, counted as 1 / 2: 40 / log 2 = 57.7; h = 1.9: 40 / log(10 / 9) = 379.6 beside q."""
    assert wml23.steps_to_cycle(np.array([1.0, 2.0]), 0.5) == 58 + 60 + 400
    assert wml23.steps_to_cycle(np.array([1.0, 2.0]), 0.95) == 380 + 32 + 400


# The potential


@pytest.mark.parametrize(("gamma", "lam"), SETTINGS)
def test_the_mirrored_step_is_a_gradient_step_on_the_potential(gamma, lam):
    for scale in (0.01, 0.3, 5.0):
        y = scale * RNG.normal(size=4)
        slope = differences(lambda y: wml23.potential(H, y, gamma, RHO, lam), y, 1e-5 * scale)
        np.testing.assert_allclose(-plain(y, gamma, lam), y - slope, atol=1e-7 * max(scale, 1))


@pytest.mark.parametrize(("gamma", "lam"), SETTINGS)
def test_the_potential_on_a_cycle_is_least_where_the_larger_eigenvectors_are_missing(gamma, lam):
    starts = RNG.normal(size=(2000, 4)) * np.geomspace(1e-3, 3, 2000)[:, None]
    for k in range(4):
        level = wml23.potential_on_cycle(EIGS[k], gamma, RHO, lam)
        on = wml23.cycle_radius(EIGS[k], gamma, RHO, lam) * TURN[:, k]
        np.testing.assert_allclose(wml23.potential(H, on, gamma, RHO, lam), level, rtol=1e-12)
        within = starts @ np.diag(np.arange(4) <= k) @ TURN.T
        found = [float(wml23.potential(H, y, gamma, RHO, lam)) for y in within[::20]]
        assert min(found) >= level


@pytest.mark.parametrize(("gamma", "lam"), SETTINGS)
def test_the_potential_falls_by_what_is_promised_and_on_an_eigenvector_by_no_more(gamma, lam):
    def fell_and_promised(y):
        after = -plain(y, gamma, lam)
        fell = wml23.potential(H, y, gamma, RHO, lam) - wml23.potential(H, after, gamma, RHO, lam)
        return float(fell), float(wml23.potential_fall(H, y - after, gamma, RHO, lam))

    for scale in (0.01, 0.3, 5.0):
        fell, promised = fell_and_promised(scale * RNG.normal(size=4))
        assert fell >= promised > 0
    near = wml23.cycle_radius(EIGS[1], gamma, RHO, lam) / 2  # so near that the sign stays
    fell, promised = fell_and_promised(near * TURN[:, 1])
    np.testing.assert_allclose(fell, promised, rtol=1e-12)


def test_one_step_of_a_round_bowl_attains_the_least_step():
    """J(y) - J_1 = (y - c)^2 / 2 and |grad J| = |y - c| with h = 1."""
    gamma, y, eigs = 0.5, 0.7, np.array([2.0, 2.0])
    start = float(wml23.potential(np.array([[2.0]]), np.array([y]), gamma, RHO, 1.0))
    c = wml23.cycle_radius(2.0, gamma, RHO, 1.0)
    np.testing.assert_allclose(wml23.least_step(start, eigs, gamma, RHO, 1), (y - c) ** 2, rtol=1e-12)
    np.testing.assert_allclose(wml23.least_step(start, eigs, gamma, RHO, 4), (y - c) ** 2 / 4, rtol=1e-12)


# Sets and starts


def test_a_step_annihilates_an_entry_exactly_where_it_should():
    gamma = 0.3
    for eig, vector in zip(EIGS, TURN.T, strict=True):
        g = RNG.normal(size=4)
        g *= wml23.annihilating_gradient(eig, gamma, RHO) / np.linalg.norm(g)
        after = H @ plain(np.linalg.solve(H, g), gamma, 1.0)
        assert abs(vector @ after) < 1e-15 < np.linalg.norm(after)


def test_the_wide_radius_is_the_narrow_one_for_short_steps_and_that_of_the_cycle_beyond():
    for reach in (0.3, 1.0, 1.4, 1.9):
        wide, narrow = (f(2.0, reach / 2, RHO) for f in (wml23.wide_invariant_radius, wml23.invariant_radius))
        on_cycle = wml23.cycle_gradient(2.0, reach / 2, RHO, 1.0)
        np.testing.assert_allclose(wide, narrow if reach <= 1 else on_cycle, rtol=1e-14)


def test_the_listed_starts_of_one_eigenvalue_are_those_of_a_recursion():
    """h = 1 / 2 in one dimension: w+ = (w - rho) / 2 for w > 0, so that (2^n - 1) rho meets 0 in n steps."""
    target = np.zeros(1)
    for n in range(1, 5):
        target = theorem_b_1.preimages(target, np.array([2.0]), 0.25).max(0)
        np.testing.assert_allclose(target, 2 * theorem_b_1.RHO * (2**n - 1), rtol=1e-12)


def test_the_bump_makes_a_stationary_point_where_the_parabola_has_a_slope():
    rho, size = theorem_b_1.RHO, 1e-5

    def slope(x):
        return float(theorem_b_1.bump_loss(x + size) - theorem_b_1.bump_loss(x - size)) / (2 * size)

    assert abs(slope(-rho)) < 1e-7
    for x in (*theorem_b_1.INTERVAL[::50], *(rho + theorem_b_1.INTERVAL[::50])):
        np.testing.assert_allclose(slope(x), x, rtol=1e-9)


# Other rules and steps


def test_with_an_offset_the_claimed_gradient_is_mirrored():
    gamma, eig = 0.4, 2.0
    full = wml23.cycle_gradient(eig, gamma, RHO, 1.0)
    for share in (0.0, 0.2, 0.9):
        g = wml23.offset_gradient(eig, gamma, RHO, share * full)
        after = g - gamma * eig * (g + eig * RHO * g / (g + share * full))
        np.testing.assert_allclose(after, -g, rtol=1e-13)
    assert wml23.offset_gradient(eig, gamma, RHO, 1.5 * full) == 0


def test_at_the_critical_offset_the_gradient_falls_below_its_bound_and_not_far():
    gamma, eig = 0.4, 2.0
    full = g = float(wml23.cycle_gradient(eig, gamma, RHO, 1.0))
    for t in range(1, 2001):
        g = abs(g - gamma * eig * (g + eig * RHO * g / (g + full)))
        assert g <= wml23.critical_offset_gradient(eig, gamma, RHO, t)
    assert g > 0.49 * wml23.critical_offset_gradient(eig, gamma, RHO, 2000)


@pytest.mark.parametrize("reach", [2.0, 2.0 + 1e-9, 2.1, 3.0])
def test_beyond_the_stable_step_the_distance_is_that_of_the_recursion(reach):
    distance, gamma = 0.7, reach / 2
    for t in range(40):
        found = wml23.unstable_distance(2.0, gamma, RHO, 0.7, float(t))
        np.testing.assert_allclose(found, distance, rtol=1e-12)
        distance = abs(plain(np.array([distance]), gamma, 1.0, np.array([[2.0]]))[0])


def test_no_direction_in_the_plane_is_aligned_better_with_both_than_claimed():
    for half, kappa in ((0.6, 3.0), (0.2, 1.5), (np.pi / 4, 10.0)):
        turns = [np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in (half, -half)]
        angles = np.linspace(0, np.pi, 20001)  # with 0, where the two cosines are one
        w = np.stack([np.cos(angles), np.sin(angles)])
        cosines = []
        for turn in turns:
            g = (turn * [kappa, 1.0]) @ turn.T @ w
            cosines.append(np.abs(turn[:, 0] @ g) / np.linalg.norm(g, axis=0))
        best = np.max(np.min(cosines, axis=0))
        np.testing.assert_allclose(wml23.joint_alignment(2 * half, kappa), best, rtol=1e-12)


# What the check of the cycle runs


def test_the_cycle_is_tried_on_as_many_quadratics_as_it_says():
    counts = quadratic_cycle.COUNTS
    assert sum(counts.values()) >= 200 and counts[200] >= 20
    assert quadratic_cycle.REACH == (0.05, 1.99) and quadratic_cycle.SPREAD == (0.15, 0.93)
    runs = quadratic_cycle.random_runs(np.random.default_rng(0), 30, 5, np.linspace(0.05, 1.99, 30))
    found, vectors = np.linalg.eigh(runs.h)
    np.testing.assert_allclose(found, runs.eigs, rtol=1e-12)
    tops = np.abs(np.sum(vectors[:, :, -2:] * np.swapaxes(runs.vectors, 1, 2), axis=1))
    np.testing.assert_allclose(tops, 1, rtol=1e-12)
    shares = runs.eigs[:, :-1] / runs.eigs[:, -1:]
    assert shares.min() >= 0.15 and shares.max() <= 0.93
    assert np.all(runs.steps == [wml23.steps_to_cycle(*x) for x in zip(runs.eigs, runs.gamma, strict=True)])
    assert np.all(np.abs(runs.h - np.swapaxes(runs.h, 1, 2)) < 1e-12) and np.abs(runs.h[:, 0, 1]).min() > 0

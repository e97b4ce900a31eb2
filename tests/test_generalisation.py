"""The PAC-Bayes bound of f21, step by step, and the planar model, each against a route of its own."""

from math import exp, inf, log, pi, sqrt

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from experiments import f21_bound
from paper_checks import ledger
from paper_checks.f21 import chi_square_tail, prior_grid, theorem_2
from theory.bounds import f21
from theory.problems import sizes
from theory.problems.planar import adaptive_arc, planar, profile, reach

CORE = ["theorem_1", "theorem_2", "assumption_width", "base_bound", "prior_grid", "prior_index_bound"]
CORE += ["covering_cut", "covering_repair", "chi_square_tail", "last_simplification", "tighter_bound"]
CORE += ["without_assumption", "planar_model", "radius_chosen_from_data", "vacuous_at_scale"]
CORE += ["without_assumption_size", "asam_bound", "asam_bound_reduction"]


@pytest.fixture(scope="module")
def records():
    rows, _ = ledger.statements()
    return ledger.run([row for row in rows if row.paper == "f21" and row.key in CORE], rows)


# Bounds


def test_the_term_is_that_of_plain_arithmetic():
    under = log(1 + 4 * (1 + sqrt(log(2))) ** 2) + 4 * log(2 / 0.1) + 8 * log(12 + 3)
    np.testing.assert_allclose(f21.term(4.0, 1, 2, 0.1), sqrt(under), rtol=1e-15)
    under = 3 * log(1 + 0.5 * (1 + sqrt(log(10) / 3)) ** 2) + 4 * log(10) + 8 * log(69)
    np.testing.assert_allclose(f21.term(0.5, 3, 10, 1.0), sqrt(under / 9), rtol=1e-15)


def test_the_tighter_term_is_the_base_inequality_at_the_worst_prior_and_the_chance_of_leaving_the_ball():
    square, k, n, delta = 7.0, 5, 60, 0.03
    largest = (1 + k * log(1 + square * f21.ball(k, n) / k)) / 2
    smaller = delta / (6 * n + 3 * k) ** 2
    whole = 1 / sqrt(n) + f21.base(largest, n, smaller)
    np.testing.assert_allclose(f21.tighter_term(square, k, n, delta), whole, rtol=1e-14)


def test_the_divergence_is_the_integral_in_one_dimension():
    q, p = scipy.stats.norm(0.7, 0.3), scipy.stats.norm(0, 0.8)
    whole = scipy.integrate.quad(lambda x: q.pdf(x) * (q.logpdf(x) - p.logpdf(x)), -2, 3.5, epsabs=1e-13)[0]
    np.testing.assert_allclose(f21.divergence(1, 0.7, 0.3, 0.8), whole, rtol=1e-11)
    turned = scipy.integrate.quad(lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x)), -9, 9, epsabs=1e-13)[0]
    assert abs(turned - whole) > 1


def test_the_best_prior_and_what_a_wider_one_costs_come_from_the_divergence():
    k, n, sigma, length, wider = 4, 50, 0.2, 1.3, 0.11
    best = sqrt(sigma**2 + length**2 / k)
    least = f21.divergence(k, length, sigma, best)
    rho = sigma * (sqrt(k) + sqrt(log(n)))
    np.testing.assert_allclose(f21.width(rho, k, n), sigma, rtol=1e-15)
    np.testing.assert_allclose(least, k * f21.spread((length / rho) ** 2, k, n) / 2, rtol=1e-14)
    excess = f21.divergence(k, length, sigma, best * exp(wider / 2)) - least
    np.testing.assert_allclose(f21.prior_excess(wider, k), excess, rtol=1e-12)
    assert all(f21.divergence(k, length, sigma, best * change) > least for change in (0.99, 1.01))
    assert f21.prior_excess(1 / k, k) < 1 / (4 * k)


def test_the_prior_chosen_is_the_narrowest_that_is_not_narrower_than_the_best():
    k, n = 3, 5
    for spread in (0.0, 0.4, 1.3):
        variances = [(1 + exp(4 * n / k)) * exp((1 - j) / k) for j in range(1, 40)]
        narrowest = max(j for j, s in enumerate(variances, 1) if s >= exp(spread))
        assert f21.prior_index(spread, k, n) == narrowest
        assert 0 <= log(variances[narrowest - 1]) - spread <= 1 / k
    assert f21.largest_index(k, n) == f21.prior_index(0.0, k, n)


def test_the_printed_cut_is_too_high_at_one_weight_and_two_examples():
    square = exp(8) - 1  # |w|^2 / rho^2
    ball = (1 + sqrt(log(2))) ** 2
    best, widest = 1 + ball * square, 1 + exp(8)
    assert best > widest
    np.testing.assert_allclose(f21.printed_cut(1, 2, ball), log(best), rtol=1e-14)
    np.testing.assert_allclose(f21.printed_cut(1, 2, 1.0), log(1 + square), rtol=1e-14)
    assert f21.prior_index(f21.printed_cut(1, 2, ball), 1, 2) == -1
    np.testing.assert_allclose(f21.repaired_cut(7, 15), 2)


def test_the_term_is_one_at_least_beyond_the_repaired_cut():
    k, n = 4, 30
    square = k * (exp((n - 1) / k) - 1) / f21.ball(k, n)
    np.testing.assert_allclose(f21.spread(square, k, n), f21.repaired_cut(k, n), rtol=1e-13)
    assert f21.term(square, k, n, 1.0) > 1


def test_the_cells_of_all_shells_fail_with_chance_delta_in_all():
    k, n, delta = 3, 40, 0.2
    chances = []
    for j in range(1, 2000):
        t = f21.covering_term((j / 2 - 0.1) ** 2, k, n, delta)
        cells = 1 if j == 1 else (1 + 2 * j) ** k
        chances.append(cells * exp(-2 * n * t**2))
    np.testing.assert_allclose(np.cumsum(chances)[-1], delta * (1 - 6 / (pi**2 * 2000)), rtol=1e-6)
    assert f21.covering_term(0.0, k, n, delta) == f21.covering_term(0.25, 10**7, n, delta)  # one cell


def test_points_of_the_plane_half_a_radius_apart_are_at_most_as_many_as_the_cells_counted():
    rng = np.random.default_rng(0)
    for j in (2, 5):  # |w| <= j / 2, rho = 1
        points = []
        for w in rng.uniform(-j / 2, j / 2, (4000, 2)):
            if np.hypot(*w) <= j / 2 and all(np.hypot(*(w - p)) >= 0.5 for p in points):
                points.append(w)
        assert j**2 / 2 < len(points) <= (1 + 2 * j) ** 2


def test_the_form_of_maurer_is_the_smaller_for_two_examples_and_more():
    n, divergence = np.array([2, 3, 8, 100, 10**6]), np.array([0, 1, 50.0])[:, None]
    for delta in (1.0, 1e-3):
        assert np.all(f21.maurer(divergence, n, delta) < f21.base(divergence, n, delta))
    np.testing.assert_allclose(f21.maurer(0.5, 4, 0.2), sqrt((0.5 + log(20)) / 8), rtol=1e-15)


def test_the_adaptive_term_is_the_term_at_eta_rho_and_infinite_without_an_offset():
    rho, eta, length = 0.2, 0.3, 1.7
    square = (length / (eta * rho)) ** 2
    found = f21.adaptive_term((length / rho) ** 2, eta, 6, 90, 0.1)
    np.testing.assert_allclose(found, f21.term(square, 6, 90, 0.1), rtol=1e-14)
    assert f21.adaptive_term(1.0, 0.0, 6, 90, 0.1) == inf


def test_where_the_last_display_needs_least():
    """2 sqrt x = 1 + sqrt(x + 1/4) at (11.5 + sqrt 112) / 18, which the docstring rounds up to 1.23."""
    x = (11.5 + sqrt(112)) / 18
    np.testing.assert_allclose(2 * sqrt(x), 1 + sqrt(x + 0.25), rtol=1e-14)
    assert 1.22 < x < 1.23
    np.testing.assert_allclose(f21.last_display(2.0, 5), 1 / sqrt(5) + 0.75, rtol=1e-15)


def test_the_tail_is_that_of_the_chi_square_law():
    k, n = 7, 100
    point = f21.laurent_massart(k, log(n) / 2)
    np.testing.assert_allclose(point, k + 2 * sqrt(k * log(10)) + 2 * log(10), rtol=1e-15)
    assert scipy.stats.chi2.sf(f21.ball(k, n), k) < scipy.stats.chi2.sf(point, k) < 0.1
    assert len(chi_square_tail.K) * len(chi_square_tail.N) == 4582


# The planar model


def counted(z, angle):
    return np.mean(z @ [np.cos(angle), np.sin(angle)] <= 0)


def examples(draws, n):
    return np.random.default_rng(1).standard_normal((draws, n, 2)) + [1, 0]


def angles_of(z):
    return np.arctan2(z[..., 1], z[..., 0])


def test_errors_at_an_angle_are_those_counted():
    z = examples(3, 9)
    angles = np.linspace(-4, 9, 53)
    found = profile(angles_of(z)).at(angles)
    assert found.shape == (3, 53)
    np.testing.assert_array_equal(found, [[counted(each, a) for a in angles] for each in z])


def test_the_largest_error_on_an_arc_is_that_of_a_fine_grid():
    z = examples(4, 12)
    sample = profile(angles_of(z))
    low = np.array([-3.0, -0.4, 0.0, 3.0, 1.0, -7.0])
    high = low + [0.2, 0.8, 3.0, 1.0, 6.2, 2.0]
    for row, each in zip(sample.largest(low, high), z, strict=True):
        for value, a, b in zip(row, low, high, strict=True):
            assert value == max(counted(each, angle) for angle in np.linspace(a, b, 4001))


def test_arcs_may_differ_between_the_draws():
    z = examples(3, 8)
    sample = profile(angles_of(z))
    low = np.array([[0.1], [2.0], [-1.5]])
    found = sample.largest(low, low + 0.7)
    for k in range(3):
        assert found[k, 0] == sample.largest(low[k], low[k] + 0.7)[k, 0]


def test_the_largest_gap_is_that_of_a_fine_grid():
    model, z = planar(1.0), examples(5, 30)
    sample = profile(angles_of(z))
    theta = np.linspace(-pi / 2, pi / 2, 20001)
    grid = np.max(model.risk(theta) - sample.at(theta), axis=1)
    found = model.largest_gap(sample)
    assert np.all(found >= grid - 1e-15) and np.all(found - grid < 1e-4)


def test_the_density_of_the_angle_and_the_risk_are_those_of_the_gaussian():
    model = planar(0.8)
    for angle in (0.0, 1.0, 2.5):
        ray = scipy.integrate.quad(
            lambda r, a=angle: r * exp(-((r * np.cos(a) - 0.8) ** 2 + (r * np.sin(a)) ** 2) / 2) / (2 * pi),
            0,
            12,
        )[0]
        np.testing.assert_allclose(model.density(angle), ray, rtol=1e-10)
        half = scipy.integrate.quad(model.density, angle + pi / 2, angle + 3 * pi / 2)[0]
        np.testing.assert_allclose(model.risk(angle), half, rtol=1e-12)


def test_the_noisy_risk_is_the_mean_over_gaussian_noise():
    model, width = planar(1.0), 0.4
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    weights = weights / weights.sum()
    for theta in (0.2, 2.0):
        x, y = np.cos(theta) + width * nodes[:, None], np.sin(theta) + width * nodes
        mean = weights @ model.risk(np.arctan2(y, x)) @ weights
        np.testing.assert_allclose(model.noisy_risk(theta, width), mean, atol=3e-4)
    np.testing.assert_allclose(model.noisy_risk(0.7, 1e-2 / 2), model.risk(0.7), atol=1e-4)


def test_the_mean_over_noise_of_any_symmetric_law_lies_on_the_side_of_one_half():
    model, theta = planar(1.3), np.linspace(-pi, pi, 181)
    for turn in np.linspace(0, pi, 37):
        gain = (model.risk(theta + turn) + model.risk(theta - turn)) / 2 - model.risk(theta)
        assert np.all(gain[np.cos(theta) >= 0] >= -1e-15) and np.all(gain[np.cos(theta) <= 0] <= 1e-15)


def test_the_adaptive_arc_is_that_of_the_ellipse():
    rho, eta, length = 0.4, 0.3, 1.5
    turn = np.linspace(0, 2 * pi, 200_001)
    for theta in (0.1, 1.0, 2.9, -2.0):
        w = length * np.array([np.cos(theta), np.sin(theta)])
        edge = w[:, None] + rho * (np.abs(w) + eta)[:, None] * [np.cos(turn), np.sin(turn)]
        off = np.arctan2(edge[1], edge[0]) - theta
        off = np.mod(off + pi, 2 * pi) - pi
        low, high = adaptive_arc(np.array(theta), length, rho, eta)
        np.testing.assert_allclose([low - theta, high - theta], [off.min(), off.max()], atol=1e-8)


def test_the_arc_of_the_ball_is_that_of_its_tangents():
    off = np.arctan2(0.3 * np.sin(t := np.linspace(0, 2 * pi, 100_001)), 1 + 0.3 * np.cos(t))
    np.testing.assert_allclose(off.max(), reach(0.3), rtol=1e-8)


def test_samples_are_those_of_the_shifted_normals():
    normals = np.array([[[0.5, 1.0], [-3.0, -2.0]]])
    np.testing.assert_allclose(planar(2.0).sample(normals), [[np.arctan2(1, 2.5), np.arctan2(-2, -1)]])


def test_what_is_no_model_and_no_sample_is_refused():
    with pytest.raises(ValueError, match="must not be negative; got -1"):
        planar(-1)
    with pytest.raises(ValueError, match="one sample a row"):
        profile([0.1, 0.2])
    with pytest.raises(ValueError, match="must be finite"):
        profile([[0.1, float("nan")]])
    with pytest.raises(ValueError, match="holds the origin; give less than 0.5"):
        adaptive_arc(0.0, 1.0, 0.6, 1.0)


# Sizes


def test_weights_are_counted_layer_by_layer():
    assert sizes.dense(3, 2, 1) == (3 + 1) * 2 + (2 + 1)
    first, same = 3 * 16 * 9, 2 * 32 + 2 * 16 * 16 * 9
    second = 32 + 64 + 9 * (16 * 32 + 32 * 32) + 16 * 32
    third = 64 + 128 + 9 * (32 * 64 + 64 * 64) + 32 * 64
    assert sizes.wide_resnet(10, 1, 2) == first + same + second + third + 128 + 65 * 2
    with pytest.raises(ValueError, match="must be 6 b \\+ 4; got 12"):
        sizes.wide_resnet(12, 1, 2)


def test_the_networks_are_as_large_as_their_papers_say():
    assert round(sizes.wide_resnet(28, 10, 10) / 1e6, 1) == 36.5
    assert round(sizes.preact_resnet_18(10) / 1e6, 1) == 11.2


# The ledger and the experiment


def test_every_case_holds_and_every_control_is_caught(records):
    assert {each["statement"] for each in records} == set(CORE)
    for each in records:
        assert each["holds"] and each["caught"] and all(each["hypotheses"].values()), each


def test_twenty_of_thirty_pairs_have_weights_under_the_printed_cut_without_a_prior():
    pairs = [(k, n) for k in prior_grid.K for n in prior_grid.N if n > 2]
    indices = [f21.prior_index(f21.printed_cut(k, n, f21.ball(k, n)), k, n) for k, n in pairs]
    assert len(pairs) == 30 and sum(j < 1 for j in indices) == 20
    listed = [name for name in prior_grid.cases() if name.startswith("covering_cut") and "n=2" not in name]
    assert len(listed) == 20


def test_without_a_term_the_bound_fails_at_a_tenth_of_the_length_and_seldom_at_a_half():
    chance = {
        (n, ratio): np.mean(theorem_2.gaps(n, 2, ratio, "ball", False) > 0)
        for n in (200, 2000)
        for ratio in (0.1, 0.5)
    }
    assert chance[200, 0.1] > 0.7 and chance[2000, 0.1] > 0.3
    assert chance[200, 0.5] < theorem_2.DELTA and chance[2000, 0.5] < theorem_2.DELTA


def test_a_gap_over_all_directions_is_no_smaller_than_over_some(records):
    everywhere = theorem_2.farthest(200, 2)
    assert np.all(everywhere >= theorem_2.gaps(200, 2, 0.1, "ball", False))


def test_the_experiment_refuses_what_is_no_radius_and_no_confidence():
    with pytest.raises(ValueError, match="must lie between 0 and 1; got 1.5"):
        f21_bound.run(ratios=(1.5,))
    with pytest.raises(ValueError, match=r"delta must lie in \(0, 1\]; got 0"):
        f21_bound.run(delta=0.0)


def test_the_verdicts_of_the_experiment_hold_and_their_controls_do_not():
    for found in f21_bound.verdicts(f21_bound.run(**f21_bound.QUICK)).values():
        assert found["measured"] <= found["bound"]
        assert all(each > found["bound"] for each in found["controls"].values())

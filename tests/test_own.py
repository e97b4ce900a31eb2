"""Exact worst cases of full-batch steps: by hand, by brute force, and on functions not made for them."""

from fractions import Fraction as F

import jax
import numpy as np
import pytest

from paper_checks.own.function_value_horizon import functions
from theory import interpolation
from theory.bounds import own, own_certificates
from theory.bounds.ol25 import cycle_radius
from theory.interpolation import Step
from theory.update import step

CLOSE = 1e-12
GRID = [(mu, reach / (1 - mu)) for mu in (0.0, 0.1, 0.5) for reach in (0.3, 1.0, 1.2, 3.0)]


def scalar(c, gamma, rho):
    """What one step on c x^2 / 2 multiplies x by, in two passes."""
    ahead = 1 + rho * c
    return 1 - gamma * c * ahead


@pytest.mark.parametrize("gamma", [0.1, 0.4, 1.0, 2.5])
@pytest.mark.parametrize(("mu", "rho"), GRID)
def test_quad_factor_is_the_worst_of_the_quadratics(mu, rho, gamma):
    worst = max(scalar(c, gamma, rho) ** 2 for c in np.linspace(mu, 1, 101))
    assert own.quad_factor(mu, 1.0, gamma, rho) == pytest.approx(worst, rel=CLOSE)


@pytest.mark.parametrize(("mu", "rho"), [(0.1, 0.0), (0.1, 1.0), (0.3, 4.0)])
def test_no_step_beats_the_balanced_one(mu, rho):
    best = own.balanced_step(mu, 1.0, rho)
    others = [own.quad_factor(mu, 1.0, share * best, rho) for share in np.linspace(0.5, 1.5, 101)]
    assert own.tuned_factor(mu, 1.0, rho) == pytest.approx(min(others), rel=CLOSE)
    assert own.tuned_factor(mu, 1.0, 0.0) <= own.tuned_factor(mu, 1.0, rho)


def test_dist_worst_by_hand():
    mu, top, rho = F(1, 10), F(1), F(3)
    gamma = own.balanced_step(mu, top, rho)  # p = 13/100, q = 4
    assert gamma == F(200, 413)
    # [(387/100)^2 + (9/10 * 17/10)^2] / (413/100)^2
    assert own.dist_worst(mu, top, gamma, rho) == F(387**2 + 153**2, 413**2) == F(173178, 170569)
    assert own.dist_worst_balanced(mu, top, rho) == F(173178, 170569)


def test_dist_worst_agrees_with_semidefinite_programs_solved_elsewhere():
    assert own.dist_worst(0.1, 1.0, 0.17, 10.0) == pytest.approx(1.2828049, abs=1e-6)
    assert own.quad_factor(0.1, 1.0, 0.17, 10.0) == pytest.approx(0.9331559, abs=1e-6)
    assert own.dist_worst(0.1, 1.0, 0.4843, 3.0) == pytest.approx(1.015399, abs=1e-6)


@pytest.mark.parametrize(("mu", "rho"), [(0.0, 1.5), (0.1, 2.0), (0.1, 20.0), (0.5, 3.0)])
def test_the_three_regimes_meet(mu, rho):
    low, high = own.gamma_c(mu, 1.0, rho), own.gamma_d(mu, 1.0, rho)
    for gamma, end in ((low, mu), (high, 1.0)):  # gamma_c may be negative
        assert own.between(mu, 1.0, gamma, rho) == pytest.approx(scalar(end, gamma, rho) ** 2, rel=1e-9)
    assert own.share(mu, 1.0, low, rho) == pytest.approx(0, abs=CLOSE)
    assert own.share(mu, 1.0, high, rho) == pytest.approx(1, rel=1e-9)
    assert own.share(mu, 1.0, own.balanced_step(mu, 1.0, rho), rho) == pytest.approx(0.5, rel=1e-9)


def test_distance_just_past_a_threshold_exceeds_the_quadratics_as_stated():
    rho = 1.05 / 0.9
    gamma = own.balanced_step(0.1, 1.0, rho)
    excess = own.dist_worst(0.1, 1.0, gamma, rho) - own.quad_factor(0.1, 1.0, gamma, rho)
    assert excess == pytest.approx(3.9e-4, rel=0.02)
    for mu, rho in [(0.1, 2.0), (0.1, 2.5), (0.01, 1.5)]:
        gamma = 1.05 * own.gamma_c(mu, 1.0, rho)
        excess = own.dist_worst(mu, 1.0, gamma, rho) - own.quad_factor(mu, 1.0, gamma, rho)
        assert 9e-4 < excess < 2.5e-2
    assert own.dist_worst(0.1, 1.0, 0.98 * own.gamma_c(0.1, 1.0, 2.0), 2.0) == own.quad_factor(
        0.1, 1.0, 0.98 * own.gamma_c(0.1, 1.0, 2.0), 2.0
    )


def test_no_ordinary_function_beats_a_worst_case():
    rng = np.random.default_rng(11)
    for of in functions().values():
        rule = jax.value_and_grad(of.f.loss)
        spread, d = of.top - of.mu, len(of.minimiser)
        starts = of.minimiser + rng.standard_normal((300, d)) * 10 ** rng.uniform(-2, 1, (300, 1))
        rho = 10 ** rng.uniform(-2, 1.3, 300) / spread
        gamma = rng.uniform(0.05, 2.6, 300) / (of.top * (1 + rho * of.top))
        run = jax.jit(jax.vmap(lambda w, g, r, rule=rule: (step(rule, w, g, r, 0.0), *rule(w))))
        moved, before, sizes = map(np.asarray, run(starts, gamma, rho))
        before, after = before - of.minimum, np.asarray(jax.jit(jax.vmap(of.f.loss))(moved)) - of.minimum
        apart = [np.sum((w - of.minimiser) ** 2, axis=1) for w in (starts, moved)]
        for k in np.flatnonzero(before > 1e-9):
            at = of.mu, of.top, gamma[k], rho[k]
            assert after[k] <= own.quad_factor(*at) * before[k] + 1e-12
            assert apart[1][k] <= own.dist_worst(*at) * apart[0][k] * (1 + 1e-10)
            lost = own.descent_constant(of.top, gamma[k], rho[k]) * np.sum(sizes[k] ** 2)
            assert after[k] <= before[k] - lost + 1e-9 * (before[k] + abs(lost))
            if own.potential_region(of.top, gamma[k], rho[k]) >= 0 and gamma[k] * of.top <= 1:
                assert gamma[k] * after[k] + apart[1][k] / 2 <= apart[0][k] / 2 * (1 + 1e-10)


@pytest.mark.parametrize("lam", [0.25, 1.0])
def test_the_cycle_of_a_quadratic_has_the_gradient_sam_radius(lam):
    top, gamma, rho = 1.7, 0.4, 0.3
    size = float(cycle_radius(top, gamma, rho, lam))
    g = top * size
    assert size - gamma * top * (size + rho * (1 - lam + lam / g) * g) == pytest.approx(-size, rel=CLOSE)
    assert own.sam_radius(top, gamma, rho, lam) == pytest.approx(g, rel=CLOSE)
    # there gamma is the longest step of USAM at that radius that lets no f grow
    assert gamma * own.end(top, own.mixed_radius(g, rho, lam)) == pytest.approx(2, rel=CLOSE)


def test_a_step_inside_the_radius_raises_the_loss():
    x = 0.95 * own.sam_radius(1.0, 0.5, 0.25, 1.0)
    assert abs(x - 0.5 * (x + 0.25)) > x


def test_the_level_at_the_new_steps_of_ol25():
    level = own.sam_level(1.0, 1.0, 0.125, 0.25, 1.0)
    assert level == pytest.approx(0.000488, rel=1e-3)
    assert 0.25 * (1 + 2 * 0.125 * 0.25) / level == pytest.approx(544, abs=1)
    assert 0.25**2 * (1 + 0.125) / level == pytest.approx(144, abs=1)


@pytest.mark.parametrize("gamma", [0.2, 0.9, 1.0, 1.6])
@pytest.mark.parametrize("rho", [0.0, 0.3, 0.9])
def test_descent_constant_is_the_least_over_all_second_gradients(gamma, rho):
    angle = np.linspace(0, np.pi, 181)
    g = np.array([1.0, 0.0])
    k = g + rho * np.stack([np.cos(angle), np.sin(angle)], axis=1)  # |k - g| = rho L |g|, L = 1
    falls = gamma * k[:, 0] - gamma**2 * np.sum(k**2, axis=1) / 2
    assert own.descent_constant(1.0, gamma, rho) == pytest.approx(falls.min(), abs=CLOSE)


def test_potential_region_is_below_its_root():
    for r in (0.5, 1.0, 2.0, 2.3):
        root = (1 + np.sqrt(1 - 8 * (r + 1) * (r**2 - 2 * r - 1))) / (4 * (r + 1))
        assert own.potential_region(1.0, 0.999 * root, r) > 0 > own.potential_region(1.0, 1.001 * root, r)
        assert 1 / (1 + r) <= root


def test_huber_keeps_the_gap_that_is_claimed():
    gamma, top, distance = F(3, 10), F(2), F(5)
    for rho in (F(0), F(7, 3)):
        for steps in (1, 3, 10):
            turn = distance / (2 * gamma * top * steps + 1)
            x = distance
            for _ in range(steps):
                x -= gamma * top * min(x + rho * top * min(x, turn), turn)
            value = top * x**2 / 2 if x <= turn else top * turn * (x - turn / 2)
            assert value == own.huber_gap(distance, top, gamma, steps)


def test_independent_average_hessians_leave_the_disc_by_the_stated_shares():
    def worst(rho, mu=0.1, top=1.0):
        """The largest |x - gamma_b B y|^2 over A x on its circle, B y in the direction that is worst."""
        gamma, centre, half = own.balanced_step(mu, top, rho), (mu + top) / 2, (top - mu) / 2
        angle = np.linspace(0, np.pi, 20001)
        y = np.stack([1 + rho * (centre + half * np.cos(angle)), rho * half * np.sin(angle)])
        size = np.linalg.norm(y, axis=0)
        rest = np.hypot(1 - gamma * centre * y[0], gamma * centre * y[1])
        return np.max((rest + gamma * half * size) ** 2)

    for reach, share in [(0.01, 0.004), (0.05, 0.020), (0.5, 0.157), (1.0, 0.254)]:
        excess = worst(reach / 0.9) / own.tuned_factor(0.1, 1.0, reach / 0.9) - 1
        assert excess == pytest.approx(share, abs=6e-4)


def test_interpolation_inequalities_hold_at_the_gradients_of_a_function():
    """Forms evaluated at actual vectors of a quadratic with curvatures in [mu, L], against the definition."""
    mu, top, gamma, rho = at = 0.2, 2.0, 0.3, 0.7
    curvatures, x = np.array([0.2, 0.9, 2.0]), np.array([1.0, -2.0, 0.5])
    y = x + rho * curvatures * x
    after = x - gamma * curvatures * y
    where = {"*": 0 * x, "x": x, "y": y, "+": after}
    basis = np.stack([x, curvatures * x, curvatures * y, curvatures * after])
    gram = basis @ basis.T
    for i, j in [("x", "*"), ("*", "+"), ("y", "x"), ("+", "y"), ("x", "+")]:
        form = np.array(interpolation.matrix(interpolation.inequality(Step(*at), i, j)))
        values = (np.sum(curvatures * where[i] ** 2) - np.sum(curvatures * where[j] ** 2)) / 2
        d = where[i] - where[j]
        bent = (curvatures - mu) * d  # of the convex function f - mu |.|^2 / 2
        room = np.sum((curvatures - mu) * d**2) / 2 - bent @ bent / (2 * (top - mu))
        assert values + np.sum(form * gram) == pytest.approx(room, rel=1e-9)
        assert room >= 0


def test_semidefinite_is_the_sign_of_the_least_eigenvalue():
    rng = np.random.default_rng(2)
    seen = set()
    for _ in range(60):
        root = rng.integers(-2, 3, (3, 4))
        square = root.T @ root - int(rng.integers(0, 2)) * np.diag(rng.integers(0, 3, 4))
        exact = interpolation.semidefinite([[F(int(x)) for x in row] for row in square])
        assert exact == (np.linalg.eigvalsh(square)[0] > -1e-9)
        seen.add(exact)
    assert seen == {True, False}


def test_a_certificate_with_another_multiplier_proves_nothing():
    found = own_certificates.gap_balanced(F(1, 10), F(1), F(2))
    assert found.proves and not any(found.leftover)
    more = found.multipliers | {
        pair: found.multipliers[pair] * F(11, 10) for pair in [("x", "y"), ("y", "x")]
    }
    assert not found._replace(multipliers=more).proves
    less = found.multipliers | {("*", "x"): -found.multipliers["*", "x"]}
    assert not found._replace(multipliers=less).proves

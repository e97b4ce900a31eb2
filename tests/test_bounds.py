"""Constants and steps against the table, the proof's equalities, and numbers printed by the public code."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theory import sampling
from theory.bounds import ol25, ol25_decreasing, ol25_nonconvex, residual
from theory.bounds.ol25 import Constants
from theory.problems.least_squares import least_squares, ridge
from theory.problems.log_ratio import log_ratio
from theory.update import step

LAMS = [0.0, 0.25, 0.5, 0.75, 1.0]
EACH = np.array([1.0, 2.0, 4.0, 5.0])
Q = np.array([0.1, 0.2, 0.3, 0.4])
CLOSE = 1e-12  # some ten operations


def ensemble(seed=0, size=200, one=False):
    """Constants over many orders of magnitude: mu <= L <= ell, and mu = L = ell too."""
    rng = np.random.default_rng(seed)
    for k in range(size):
        whole = 10 ** rng.uniform(-3, 3)
        pl = whole * (1 if k % 10 == 0 else 10 ** rng.uniform(-6, 0))
        lipschitz = whole if one else whole * 10 ** rng.uniform(0, 2)
        a = 0.0 if k % 7 == 0 else lipschitz * 10 ** rng.uniform(-3, 1)
        b = 1.0 if k % 7 == 0 else rng.choice([0, rng.uniform(0, 1), 10 ** rng.uniform(0, 3)])
        yield Constants(pl, whole, lipschitz, a, b, 2 * a * 10 ** rng.uniform(-3, 3))


# Expected residual


@pytest.mark.parametrize(
    ("law", "a", "b"),
    [
        (lambda: sampling.single(Q), 10 / 3, 0),  # max L_i / (n p_i)
        (lambda: sampling.uniform(4), 5, 0),  # L_max
        (lambda: sampling.importance(EACH), 3, 0),  # the mean
        # (n - tau) L_max / (tau (n - 1)) and n (tau - 1) / (tau (n - 1))
        (lambda: sampling.nice(4, 3), 5 / 9, 8 / 9),
        (lambda: sampling.nice(4, 4), 0, 1),
        (lambda: sampling.draws(Q, 5), 2 / 3, 0.8),  # max L_i / (n tau p_i) and 1 - 1 / tau
        (
            lambda: sampling.independent(Q),
            7 / 3,
            1,
        ),  # max (1 - p_i) L_i / (n p_i): 9, 8, 28 / 3 and 7.5 quarters
        (lambda: sampling.full(4), 0, 1),
    ],
    ids=["single", "uniform", "importance", "nice", "all", "draws", "independent", "full"],
)
def test_residual_constants_are_those_of_the_table(law, a, b):
    found = residual.constants(law().moment, EACH, 0.7)
    np.testing.assert_allclose(found, (a, b, 1.4 * a), rtol=1e-14, atol=1e-15)


def test_orthogonal_rows_of_one_length_attain_the_residual_bound_at_every_state():
    f = least_squares(2 * np.eye(3), np.zeros(3))
    law = sampling.uniform(3)
    a, b, c = residual.constants(law.moment, f.smoothness_each, f.mismatch)
    assert (a, b, c) == (4, 0, 0)
    for w in np.concatenate([np.eye(3), np.random.default_rng(0).normal(size=(50, 3))]):
        second = np.mean((4 * w) ** 2)  # v_i / n = 1, and f_i = 2 w_i^2
        np.testing.assert_allclose(second, 2 * a * (2 * w @ w / 3), rtol=1e-14)


def test_older_conditions_have_the_constants_of_the_table():
    assert residual.from_variance(3.0) == (0, 1, 3)
    assert residual.from_gradients(3.0) == (0, 0, 3)
    assert residual.from_strong_growth(3.0) == (0, 3, 0)
    assert residual.from_weak_growth(3.0, 5.0) == (15, 0, 0)
    assert residual.from_residual_at_minimum(3.0, 5.0) == (6, 1, 10)


# Constants of the theorem

RIDGE = ridge(np.diag([1.0, 2.0, 3.0]), np.array([1.0, -1.0, 2.0]), 0.5)


def test_constants_are_read_off_the_problem_and_the_law():
    law = sampling.nice(3, 2)
    paper, sharp = ol25.paper_constants(RIDGE, law), ol25.sharp_constants(RIDGE, law)
    # L_i = 1.5, 4.5, 9.5; L = 9 / 3 + 1 / 2, mu = 1 / 3 + 1 / 2; A = L_max / 4, B = 3 / 4
    np.testing.assert_allclose(paper[:5], (5 / 6, 9.5, 9.5, 9.5 / 4, 0.75), rtol=1e-14)
    np.testing.assert_allclose(sharp[:5], (5 / 6, 3.5, 7, 9.5 / 4, 0.75), rtol=1e-14)  # ell = (4.5 + 9.5) / 2
    assert paper.c == sharp.c == 9.5 / 2 * RIDGE.mismatch


def test_on_the_full_batch_every_smoothness_is_that_of_f():
    for law in (sampling.full(3), sampling.nice(3, 3), sampling.independent(np.ones(3))):
        for constants in (ol25.paper_constants(RIDGE, law), ol25.sharp_constants(RIDGE, law)):
            np.testing.assert_allclose(constants, (5 / 6, 3.5, 3.5, 0, 1, 0), rtol=1e-14)


def test_effort_is_what_the_residual_and_pl_leave():
    assert Constants(0.5, 2, 2, 3, 1, 0).effort == 7


def test_weights_dominate_the_square_of_the_mixed_length():
    for lam in np.linspace(0, 1, 101):
        for weights in (ol25.paper_weights(lam), ol25.jensen_weights(lam)):
            a = np.geomspace(1e-6, 1e6, 200)
            rest = weights.slope * a**2 + weights.constant - ((1 - lam) * a + lam) ** 2
            assert np.all(rest >= -1e-15 * (1 + a**2))
    assert ol25.paper_weights(0.25) == (1.125, 0.125)
    assert ol25.jensen_weights(0.25) == (0.75, 0.25)


def test_jensen_weights_are_attained_at_length_one():
    for lam in LAMS:
        assert sum(ol25.jensen_weights(lam)) == 1  # ((1 - lam) + lam)^2


# Form A


@pytest.mark.parametrize("lam", LAMS)
def test_new_steps_satisfy_the_condition(lam):
    """ell rho, ell rho alpha K and 2 L gamma K are at most 1/4, the last term at most 1/8 of the third."""
    for k in ensemble(one=True):
        gamma, rho = ol25.new_steps(k, lam)
        assert gamma * k.pl <= 1
        assert ol25.condition_a(k, gamma, rho, ol25.paper_weights(lam)) <= 25 / 32 * (1 + CLOSE)


@pytest.mark.parametrize("lam", LAMS)
def test_old_steps_attain_the_condition(lam):
    attained = 0
    for k in ensemble(one=True):
        for share in (0.1, 0.5, 0.9):
            gamma, rho = ol25.old_steps(k, lam, share)
            found = ol25.condition_a(k, gamma, rho, ol25.paper_weights(lam))
            if gamma == 1 / k.pl:  # the other condition of the theorem
                assert found <= 1 + CLOSE
            else:
                np.testing.assert_allclose(found, 1, rtol=CLOSE)
                attained += 1
    assert attained > 500


@pytest.mark.parametrize("lam", LAMS)
def test_form_a_is_the_sum_of_its_terms(lam):
    for k in ensemble(size=20):
        gamma, rho = 0.3 / k.smoothness, 0.2 / k.lipschitz
        alpha, beta = weights = ol25.paper_weights(lam)
        # ell rho = 0.2, L gamma = 0.3
        condition = 0.2 + (0.2 * alpha + 0.6 * (1 + 0.04 * alpha)) * (k.a / k.pl + k.b)
        noise = (k.c * (0.1 * alpha + 0.3 * (1 + 0.04 * alpha)) + beta * (0.1 + 0.3 * 0.04)) / k.pl
        np.testing.assert_allclose(ol25.condition_a(k, gamma, rho, weights), condition, rtol=CLOSE)
        np.testing.assert_allclose(ol25.noise_a(k, gamma, rho, weights), noise, rtol=CLOSE)


@pytest.mark.parametrize("lam", LAMS)
def test_noise_with_the_papers_weights_is_its_printed_specialisation(lam):
    rng = np.random.default_rng(1)
    for k in ensemble(one=True):
        gamma, rho = rng.uniform(0, 2, 2) / k.smoothness
        whole, rest = k.smoothness, (1 - lam) ** 2
        of_c = k.c * (rho * rest + gamma * (1 + 2 * whole**2 * rho**2 * rest))
        expected = whole / k.pl * (of_c + rho * lam**2 * (1 + 2 * whole**2 * gamma * rho))
        np.testing.assert_allclose(ol25.noise_a(k, gamma, rho, ol25.paper_weights(lam)), expected, rtol=CLOSE)


@pytest.mark.parametrize("lam", LAMS)
def test_general_steps_of_form_a_attain_the_condition(lam):
    attained = 0
    for weights in (ol25.paper_weights(lam), ol25.jensen_weights(lam)):
        for k in ensemble():
            for share in (0.1, 0.5, 0.9):
                gamma, rho = ol25.form_a_steps(k, weights, share)
                found = ol25.condition_a(k, gamma, rho, weights)
                if gamma == 1 / k.pl:
                    assert found <= 1 + CLOSE
                else:
                    np.testing.assert_allclose(found, 1, rtol=CLOSE)
                    attained += 1
    assert attained > 1000


@pytest.mark.parametrize("lam", LAMS)
def test_general_steps_with_one_constant_are_the_old_steps(lam):
    for k in ensemble(one=True):
        found = ol25.form_a_steps(k, ol25.paper_weights(lam))
        np.testing.assert_allclose(found, ol25.old_steps(k, lam), rtol=CLOSE)


# Form B


@pytest.mark.parametrize("lam", LAMS)
def test_form_b_steps_attain_the_condition(lam):
    attained = 0
    for weights in (ol25.paper_weights(lam), ol25.jensen_weights(lam)):
        for k in ensemble():
            for share in (0.1, 0.5, 0.9):
                gamma, rho = ol25.form_b_steps(k, weights, share)
                found = ol25.condition_b(k, gamma, rho, weights)
                if gamma == 1 / k.pl:
                    assert found <= 0.25 * (1 + CLOSE)
                else:
                    np.testing.assert_allclose(found, 0.25, rtol=CLOSE)
                    attained += 1
    assert attained > 1000


@pytest.mark.parametrize("lam", LAMS)
def test_form_b_is_the_sum_of_its_terms(lam):
    for k in ensemble(size=20):
        gamma, rho = 0.3 / k.smoothness, 0.2 / k.lipschitz
        alpha, beta = weights = ol25.jensen_weights(lam)
        condition = (0.04 * alpha + 0.3 * (1 + 0.04 * alpha)) * (k.a / k.pl + k.b)
        noise = (k.c * (0.04 * alpha + 0.3 * (1 + 0.04 * alpha)) + beta * 0.04 * 1.3) / k.pl
        np.testing.assert_allclose(ol25.condition_b(k, gamma, rho, weights), condition, rtol=CLOSE)
        np.testing.assert_allclose(ol25.noise_b(k, gamma, rho, weights), noise, rtol=CLOSE)


def test_the_gap_bound_forgets_the_start_and_keeps_the_noise():
    # N = beta (ell rho / 2 + L gamma ell^2 rho^2) / mu = 0.25 (0.25 + 0.25) / 0.5
    claim = ol25.Claim(Constants(0.5, 1, 1, 0, 1, 0), ol25.Weights(0, 0.25), 0.0, 1.0, 0.5)
    assert claim.rate == 0.5 and claim.noise == 0.25
    assert claim.gap(8.0, 0) == 8.25
    assert claim.gap(8.0, 3) == 1.25


def test_a_claim_is_its_form_with_its_constants_weights_and_steps():
    f = ridge(np.random.default_rng(3).normal(size=(5, 2)), np.arange(5.0), 0.1)
    law = sampling.nice(5, 2)
    paper, sharp = ol25.paper_constants(f, law), ol25.sharp_constants(f, law)
    for lam in LAMS:
        weights, jensen = ol25.paper_weights(lam), ol25.jensen_weights(lam)
        for form, steps in [("old", ol25.old_steps(paper, lam)), ("new", ol25.new_steps(paper, lam))]:
            claim = ol25.claim(f, law, form, lam)
            assert claim[:2] == (paper, weights) and (claim.gamma, claim.rho) == steps
            assert claim.noise == ol25.noise_a(paper, *steps, weights)
            assert claim.condition == ol25.condition_a(paper, *steps, weights) <= 1 + CLOSE
        claim, steps = ol25.claim(f, law, "B", lam), ol25.form_b_steps(sharp, jensen)
        assert claim[:2] == (sharp, jensen) and (claim.gamma, claim.rho) == steps
        assert claim.noise == ol25.noise_b(sharp, *steps, jensen)
        assert claim.condition == 4 * ol25.condition_b(sharp, *steps, jensen) <= 1 + CLOSE
        for form, of_form in [("A", weights), ("A, Jensen", jensen)]:
            claim, steps = ol25.claim(f, law, form, lam), ol25.form_a_steps(sharp, of_form)
            assert claim[:3] == (sharp, of_form, 0) and (claim.gamma, claim.rho) == steps
            np.testing.assert_allclose(claim.condition, 1, rtol=CLOSE)


# Deterministic corollary and the public code


@pytest.mark.parametrize("lam", LAMS)
def test_the_deterministic_forms_are_the_general_ones_without_noise(lam):
    for pl, smoothness in [(0.1, 10.0), (0.3, 0.3), (1e-4, 50.0)]:
        k = Constants(pl, smoothness, smoothness, 0.0, 1.0, 0.0)
        np.testing.assert_allclose(
            ol25.deterministic_steps(smoothness, lam), ol25.new_steps(k, lam), rtol=CLOSE
        )
        for share in (0.2, 0.5):
            found = ol25.deterministic_old_steps(smoothness, lam, share)
            np.testing.assert_allclose(found, ol25.old_steps(k, lam, share), rtol=CLOSE)
        gamma, rho = found
        noise = ol25.noise_a(k, gamma, rho, ol25.paper_weights(lam))
        np.testing.assert_allclose(
            ol25.deterministic_noise(pl, smoothness, gamma, rho, lam), noise, rtol=CLOSE
        )


def test_step_sizes_are_those_printed_by_the_public_code():
    """mu = 0.1, L = 10, full batch, lam = 0; printed with six decimals."""
    k = Constants(0.1, 10.0, 10.0, 0.0, 1.0, 0.0)
    np.testing.assert_allclose(ol25.old_steps(k, 0.0), (0.023684, 0.016667), atol=5e-7)
    np.testing.assert_allclose(ol25.new_steps(k, 0.0), (0.0125, 0.0125), rtol=CLOSE)
    # the same by hand: rho = 1 / 60, gamma = (1 - 30 / 60) / (20 (1 + 200 / 3600))
    np.testing.assert_allclose(ol25.deterministic_old_steps(10.0, 0.0), (9 / 380, 1 / 60), rtol=CLOSE)


# Limit cycle


@pytest.mark.parametrize("lam", [0.25, 1.0])
def test_the_cycle_radius_is_a_two_cycle_of_the_rule(lam):
    smoothness, gamma, rho = 3.0, 0.2, 0.4
    radius = ol25.cycle_radius(smoothness, gamma, rho, lam)
    assert radius > 0.01
    move = jax.jit(lambda w: step(jax.value_and_grad(lambda w: 0.5 * smoothness * w**2), w, gamma, rho, lam))
    once = move(jnp.asarray(radius))
    np.testing.assert_allclose([once, move(once)], [-radius, radius], rtol=1e-14)
    assert abs(move(jnp.asarray(1.1 * radius)) + 1.1 * radius) > 0.01 * radius  # no other radius is one


def test_there_is_no_cycle_without_normalisation():
    assert ol25.cycle_radius(3.0, 0.2, 0.4, 0.0) == 0


@pytest.mark.parametrize("lam", [0.25, 1.0])
def test_the_factor_across_the_cycle_is_the_rule_linearised_there(lam):
    """1 - gamma h (1 + rho (1 - lam) h) - s^2 (2 - gamma L (1 + rho (1 - lam) L)): rho and lam cancel."""
    rng = np.random.default_rng(0)
    for smoothness, share, gamma, rho in rng.uniform(0.1, 1, (100, 4)):
        h, mixed = share * smoothness, rho * (1 - lam)
        turn = 2 - gamma * smoothness * (1 + mixed * smoothness)
        expected = 1 - gamma * h * (1 + mixed * h) - share**2 * turn
        np.testing.assert_allclose(ol25.cycle_factor(smoothness, h, gamma), expected, rtol=1e-12, atol=1e-14)


def test_the_factor_across_the_cycle_is_below_one_wherever_there_is_a_cycle():
    share, reach = np.meshgrid(np.linspace(0, 1, 101)[1:-1], np.linspace(0, 2, 101)[1:])
    assert np.all(np.abs(ol25.cycle_factor(1.0, share, reach)) < 1)
    assert ol25.cycle_factor(1.0, 1.0, 0.7) == -1 and ol25.cycle_factor(1.0, 1.01, 0.7) < -1


# A given accuracy, and SGD


@pytest.mark.parametrize("lam", LAMS)
def test_steps_for_an_accuracy_bring_the_noise_to_half_of_it(lam):
    for k in ensemble(one=True):
        for epsilon in (1e-6, 1.0, 1e6):
            gamma, rho = ol25.epsilon_steps(k, lam, epsilon)
            free = ol25.new_steps(k, lam)
            assert 0 < gamma <= free[0] and 0 < rho <= free[1]
            assert ol25.noise_a(k, gamma, rho, ol25.paper_weights(lam)) <= epsilon / 2 * (1 + CLOSE)


def test_steps_for_an_accuracy_are_those_by_hand():
    k = Constants(0.5, 2.0, 2.0, 1.0, 0.0, 4.0)
    # mu epsilon / (4 L (C / 4 + 1 / 2)) = 0.005 / 12, 2 mu epsilon / (9 L C) = 0.01 / 72
    np.testing.assert_allclose(ol25.epsilon_steps(k, 0.5, 0.01), (0.01 / 72, 0.005 / 12), rtol=CLOSE)
    assert ol25.epsilon_steps(k, 0.5, 1e9) == ol25.new_steps(k, 0.5)
    still = k._replace(c=0.0)
    assert ol25.epsilon_steps(still, 0.0, 1e-9) == ol25.new_steps(still, 0.0)  # nothing to be limited
    assert ol25.epsilon_horizon(0.1, 8.0, 1.0) == 28  # 10 log 16 = 27.7
    assert ol25.epsilon_horizon(0.1, 1.0, 3.0) == 0
    assert (1 - 0.1) ** ol25.epsilon_horizon(0.1, 8.0, 1.0) * 8 <= 0.5


def test_at_radius_zero_both_forms_have_twice_the_noise_of_sgd_and_half_its_step_or_less():
    for k in ensemble():
        gamma = ol25.sgd_step(k)
        assert gamma * k.pl <= 1 and k.smoothness * gamma * k.effort <= 1 + CLOSE
        for weights in (ol25.paper_weights(0.3), ol25.jensen_weights(0.3)):
            np.testing.assert_allclose(
                [ol25.noise_a(k, gamma, 0.0, weights), ol25.noise_b(k, gamma, 0.0, weights)],
                2 * ol25.sgd_noise(k, gamma),
                rtol=CLOSE,
            )
            whole = ol25.condition_a(k, 1 / (k.smoothness * k.effort), 0.0, weights)
            np.testing.assert_allclose(whole, 2, rtol=CLOSE)  # at most 1 is allowed
    assert (
        ol25.sgd_step(Constants(0.5, 2, 2, 1, 0, 3)) == 0.25
        and ol25.sgd_noise(Constants(0.5, 2, 2, 1, 0, 3), 0.25) == 1.5
    )


# Steps that change

DECREASING = ol25_decreasing


def claims(lam, size=40):
    """Both forms, from steps that satisfy their conditions."""
    for k in ensemble(size=size, one=True):
        if k.pl < 1e-3 * k.smoothness:
            continue  # t* is then beyond 10^4
        paper, jensen = ol25.paper_weights(lam), ol25.jensen_weights(lam)
        yield ol25.Claim(k, paper, 0.0, *ol25.new_steps(k, lam))
        yield ol25.Claim(k, jensen, 1.0, *ol25.form_b_steps(k, jensen))


def test_decreasing_steps_are_the_schedule_of_the_public_code():
    claim = ol25.Claim(Constants(0.5, 1, 1, 1, 0, 1), ol25.Weights(0, 1), 0.0, 0.25, 0.1)
    t = np.array([0, 4, 5, 20])
    gamma, rho = DECREASING.steps(claim, t)
    # (2t + 1) / ((t + 1)^2 / 2): 2, 18 / 25, 22 / 36, 82 / 441; 1 / (2t + 1): 1, 1 / 9, 1 / 11, 1 / 41
    np.testing.assert_allclose(gamma, [0.25, 0.25, 0.25, 82 / 441], rtol=1e-15)
    np.testing.assert_allclose(rho, [0.1, 0.1, 1 / 11, 1 / 41], rtol=1e-15)
    gamma, rho = DECREASING.steps(claim._replace(sharp=1.0), t)
    np.testing.assert_allclose(rho, 0.1 * np.sqrt(gamma / 0.25), rtol=1e-15)


def test_the_switch_is_the_first_time_at_which_the_step_decreases():
    pl = Constants(0.5, 1, 1, 1, 0, 1)
    for rate in np.concatenate([[1.0, 0.75, 5 / 9], 10 ** np.random.default_rng(0).uniform(-4, 0, 60)]):
        claim = ol25.Claim(pl, ol25.Weights(0, 1), 0.0, rate / 0.5, 0.1)
        t = np.arange(30000)
        first = np.argmax((2 * t + 1) / ((t + 1) ** 2 * 0.5) <= claim.gamma)
        assert DECREASING.switch(claim) == first


@jax.jit
def slack(claim, start):
    """Of the bound over the unrolled inequality, the least of 3000 steps; the largest of their conditions."""
    times = jnp.arange(3001)
    gamma, rho = DECREASING.steps(claim, times[:-1])
    now = claim._replace(gamma=gamma, rho=rho)
    sharpest = DECREASING.unrolled(start, now.rate, jnp.broadcast_to(now.noise, 3000))
    return jnp.min(DECREASING.gap(claim, start, times) / sharpest), jnp.max(now.condition)


@pytest.mark.parametrize("lam", LAMS)
def test_the_bound_of_decreasing_steps_is_never_below_the_one_step_inequality_unrolled(lam):
    for claim in claims(lam):
        for start in (1e-9, 100 * float(claim.noise) + 1):
            least, condition = slack(claim, start)
            assert least >= 1 - 1e-11
            assert condition <= 1 + CLOSE  # monotone


def test_the_bound_of_decreasing_steps_and_the_unrolled_inequality_have_one_limit():
    """T delta_T tends to the level of the docstring; in form B rho^2 L is what the level still overstates."""
    k = Constants(1.0, 1.0, 1.0, 1.0, 0.0, 2.0)
    weights = ol25.Weights(0.5, 0.25)
    last = 20000
    for sharp, level in [(0.0, 0.5 * 1.25 + 8), (1.0, 4 * (2 + 0.04 / 0.1 * 1.25))]:
        claim = ol25.Claim(k, weights, sharp, 0.1, 0.2)
        gamma, rho = DECREASING.steps(claim, np.arange(last))
        now = claim._replace(gamma=gamma, rho=rho)
        found = last * jax.jit(DECREASING.unrolled)(1.0, now.rate, now.noise)[-1]
        np.testing.assert_allclose(found, level, rtol=1e-3)
        more = 4 * 0.04 * 1.25 if sharp else 0
        bound = 1e8 * DECREASING.gap(claim, 1.0, 1e8)
        np.testing.assert_allclose(bound, level + more, rtol=1e-5)


def test_the_late_bound_is_the_sum_that_the_proof_telescopes():
    k = Constants(0.5, 1.0, 2.0, 1.0, 0.0, 3.0)
    claim = ol25.Claim(k, ol25.Weights(0.5, 0.25), 0.0, 0.1, 0.05)
    since, t = 60, np.arange(60, 200)
    spread = 0.5 * 3 + 0.25
    terms = (
        2 * spread / 2 / 0.5
        + 3 * (2 * t + 1) ** 2 / ((t + 1) ** 2 * 0.25)
        + 4 * spread / ((t + 1) ** 2 * 0.25)
    )
    exact = (60**2 * 7 + np.sum(terms)) / 200**2
    found = DECREASING.late(claim, 7.0, since, 200)
    assert exact < found < 1.01 * exact  # (2t + 1)^2 < 4 (t + 1)^2 costs 1 / t
    wide = 4 * 3 * 140 / 0.25 - np.sum(3 * (2 * t + 1) ** 2 / ((t + 1) ** 2 * 0.25))
    np.testing.assert_allclose(
        found - wide / 200**2, exact, rtol=1e-7
    )  # 1 / (t + 1/2) - 1 / (t + 3/2) costs 1 / t^2


def test_unrolling_is_the_recursion_by_hand():
    found = DECREASING.unrolled(8.0, np.array([0.5, 0.25, 1.0]), np.array([2.0, 1.0, 3.0]))
    np.testing.assert_array_equal(found, [8, 5, 4, 3])


def test_the_radius_counts_squared_and_the_rebuilt_neighbourhood_linearly():
    """Parabolas of curvature 1 and 4 with centres 1 and -1: the gap of SAM is 5/4 (3/5)^2 rho^2."""
    k = Constants(2.5, 2.5, 4.0, 4.0, 0.0, 0.0)
    for rho, expected in [(0.1, 35.6), (0.01, 356), (0.001, 3560)]:
        gap = 0.45 * rho**2
        one = k._replace(smoothness=4.0)  # L_max throughout, as the public code
        np.testing.assert_allclose(
            ol25.noise_a(one, 0.0, rho, ol25.paper_weights(1.0)) / gap, expected, rtol=2e-3
        )
        np.testing.assert_allclose(ol25.noise_b(k, 0.0, rho, ol25.jensen_weights(1.0)) / gap, 14.2, rtol=2e-3)
        np.testing.assert_allclose(ol25.noise_b(k, 0.0, rho, ol25.paper_weights(1.0)) / gap, 28.4, rtol=2e-3)


# Without convexity or PL


def test_nonconvex_constants_are_read_off_the_problem_and_the_law():
    f = log_ratio([[1.0], [2.0]], [0.0, 0.0])  # L_i = 2, 8
    found = ol25_nonconvex.constants(f, sampling.uniform(2))
    assert found == (5, 8, 8, 0, 0)  # L = 2 mean a^2, ell = A = L_max
    assert ol25_nonconvex.constants(f, sampling.importance(f.smoothness_each))[:3] == (5, 5, 5)
    assert ol25_nonconvex.constants(f, sampling.full(2)) == (5, 5, 0, 1, 0)
    apart = log_ratio([[1.0], [1.0]], [1.0, -1.0])  # f(0) = log 2 is the minimum: 1 - r^2 = 0 there
    assert abs(apart.minimum - np.log(2)) < 1e-15
    np.testing.assert_allclose(ol25_nonconvex.constants(apart, sampling.uniform(2)).c, 4 * np.log(2))


def nonconvex_ensemble(seed=0, size=100):
    rng = np.random.default_rng(seed)
    for k in range(size):
        whole, a, c = 10 ** rng.uniform(-2, 2, 3)
        b = [0.0, 1.0, 10 ** rng.uniform(-1, 2)][k % 3]
        yield ol25_nonconvex.Constants(
            whole, whole * 10 ** rng.uniform(0, 1), a * (k % 2), b, c * (k % 4 > 1)
        )


@pytest.mark.parametrize("lam", LAMS)
def test_both_nonconvex_forms_are_the_sums_of_their_terms(lam):
    for k in nonconvex_ensemble():
        gamma, rho = 0.3 / k.smoothness, 0.2 / k.lipschitz
        alpha, beta = weights = ol25.jensen_weights(lam)
        # ell rho = 0.2, L gamma = 0.3
        second = gamma * (0.1 * alpha + 0.3 * (1 + 0.04 * alpha))
        claim = ol25_nonconvex.Claim(k, weights, 0.0, gamma, rho)
        np.testing.assert_allclose(claim.growth, 2 * k.a * second, rtol=CLOSE)
        np.testing.assert_allclose(claim.floor, k.c * second + beta * gamma * 0.112, rtol=CLOSE)
        np.testing.assert_allclose(claim.condition, 2 * (0.1 + k.b * second / gamma), rtol=CLOSE)
        second = gamma * (0.04 * alpha + 0.3 * (1 + 0.04 * alpha))
        claim = claim._replace(sharp=1.0)
        np.testing.assert_allclose(claim.growth, 2 * k.a * second, rtol=CLOSE)
        np.testing.assert_allclose(claim.floor, k.c * second + beta * gamma * 0.052, rtol=CLOSE)
        np.testing.assert_allclose(claim.condition, 4 * k.b * second / gamma, rtol=CLOSE, atol=0)


def test_the_pl_forms_are_the_nonconvex_ones_with_the_gap_bounded_by_the_gradient():
    """With 2A (f - f*) <= (A / mu) |grad f|^2 inserted, M stands with A / mu + B, and mu N is E0 / gamma."""
    for k in ensemble(size=50):
        gamma, rho = 0.3 / k.smoothness, 0.2 / k.lipschitz
        rest = ol25_nonconvex.Constants(k.smoothness, k.lipschitz, k.a, k.effort, k.c)
        for weights in (ol25.paper_weights(0.3), ol25.jensen_weights(0.3)):
            steps = gamma, rho, weights
            np.testing.assert_allclose(
                2 * ol25_nonconvex.condition_a(rest, *steps), ol25.condition_a(k, *steps), rtol=CLOSE
            )
            np.testing.assert_allclose(
                ol25_nonconvex.condition_b(rest, *steps), ol25.condition_b(k, *steps), rtol=CLOSE
            )
            for floor, noise in [
                (ol25_nonconvex.floor_a, ol25.noise_a),
                (ol25_nonconvex.floor_b, ol25.noise_b),
            ]:
                np.testing.assert_allclose(floor(rest, *steps) / gamma, k.pl * noise(k, *steps), rtol=CLOSE)


def test_the_horizon_is_the_sum_of_its_weights():
    for growth in (0.0, 1e-300, 1e-12, 1e-3, 0.5, 40.0):
        for steps in (1, 7, 1000):
            terms = np.exp(-np.log1p(growth) * np.arange(1, steps + 1))
            found = ol25_nonconvex.horizon(growth, steps)
            np.testing.assert_allclose(found, terms.sum(), rtol=1e-12)
            assert found >= steps * np.exp(-steps * np.log1p(growth)) * (1 - 1e-12)


def test_the_nonconvex_bound_is_what_the_recursion_allows():
    """gap+ = (1 + 2AM) gap - (gamma / 2) s + E0 with s the bound, at every step, ends at gap 0."""
    k = ol25_nonconvex.Constants(1.0, 2.0, 0.7, 0.5, 0.3)
    claim = ol25_nonconvex.Claim(k, ol25.jensen_weights(0.5), 0.0, 0.1, 0.1)
    for steps in (1, 5, 60):
        square, gap = claim.square(2.0, steps), 2.0
        for _ in range(steps):
            gap = (1 + float(claim.growth)) * gap - claim.gamma / 2 * square + float(claim.floor)
        assert abs(gap) < 1e-13 * (1 + float(claim.growth)) ** steps * steps


@pytest.mark.parametrize("lam", LAMS)
def test_steps_within_the_nonconvex_conditions_attain_them_or_their_cap(lam):
    attained = {0.0: 0, 1.0: 0}
    for k in nonconvex_ensemble():
        for share in (0.1, 0.5):
            for sharp, weights, steps in [
                (0.0, ol25.paper_weights(lam), ol25_nonconvex.bounded_steps),
                (1.0, ol25.jensen_weights(lam), ol25_nonconvex.bounded_steps_b),
            ]:
                claim = ol25_nonconvex.Claim(k, weights, sharp, *steps(k, weights, share))
                assert claim.condition <= 1 + CLOSE and claim.rho > 0
                if claim.gamma < share / k.smoothness:
                    np.testing.assert_allclose(claim.condition, 1, rtol=CLOSE)
                    attained[sharp] += 1
                else:
                    assert claim.gamma == share / k.smoothness
    assert min(attained.values()) > 10


@pytest.mark.parametrize("lam", LAMS)
def test_a_plan_meets_every_inequality_of_its_proof(lam):
    rng = np.random.default_rng(2)
    for k in nonconvex_ensemble():
        weights = ol25.paper_weights(lam)
        eps, start = 10 ** rng.uniform(-1, 1, 2)
        gamma, rho, steps = ol25_nonconvex.plan(k, weights, eps, start)
        claim = ol25_nonconvex.Claim(k, weights, 0.0, gamma, rho)
        assert (k.lipschitz * rho) ** 2 * weights.slope <= 1 / 8 * (1 + CLOSE)
        assert claim.condition <= 1 + CLOSE
        assert claim.growth * steps <= 1 + CLOSE
        assert 2 / gamma * claim.floor <= eps**2 / 2 * (1 + CLOSE)
        assert 6 * start / (gamma * steps) <= eps**2 / 2 * (1 + CLOSE)
        assert claim.square(start, steps) <= eps**2 * (1 + CLOSE)


def test_a_plan_by_hand():
    # full-batch USAM at L = ell = 2: g0 = min(1 / 2, 2 / 18), T = 12 * 3 * 9 / 0.25, rho = 1 / (4 ell alpha)
    k = ol25_nonconvex.Constants(2.0, 2.0, 0.0, 1.0, 0.0)
    found = ol25_nonconvex.plan(k, ol25.paper_weights(0.0), 0.5, 3.0)
    np.testing.assert_allclose(found, (1 / 9, 1 / 16, 1296), rtol=CLOSE)
    # A = 2, C = 1, lam = 0: g0 = eps^2 / 18, T = max(12 * 3 * 18 / eps^4, 648 * 4 * 9 / eps^4), eps = 1
    k = ol25_nonconvex.Constants(2.0, 2.0, 2.0, 0.0, 1.0)
    gamma, rho, steps = ol25_nonconvex.plan(k, ol25.paper_weights(0.0), 1.0, 3.0)
    assert steps == 23328
    np.testing.assert_allclose(gamma, np.sqrt(2) / 3 / np.sqrt(4 * 23328), rtol=CLOSE)
    # the largest radii are 1/4, eps^2 / (4 alpha C) = 1/8 and 1 / (2 gamma alpha A T) over ell
    np.testing.assert_allclose(rho, 1 / (8 * gamma * 23328) / 2, rtol=CLOSE)

"""Constants and steps against the table, the proof's equalities, and numbers printed by the public code."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theory import sampling
from theory.bounds import ol25, residual
from theory.bounds.ol25 import Constants
from theory.problems.least_squares import least_squares, ridge
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

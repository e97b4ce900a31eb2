"""Rare draws in closed form against every sample path of the rule itself, and by hand."""

import numpy as np
import pytest

from theory import rare, sampling
from theory.expectation import along_paths
from theory.problems.quadratic import quadratic

STEPS = 8


def paths(eps, c, gamma, rho, lam):
    """E w_t^2 from w_0 = 1 over all 2^8 paths: f = eps c w^2 / 2 drawn with weight 1 / eps, else 0."""
    f = quadratic(np.full((1, 1, 1), eps * c), np.zeros((1, 1)), np.zeros(1))
    law = sampling.listed([[1 / eps], [0.0]], [eps, 1 - eps])
    return along_paths(f, law, np.ones(1), gamma, rho, lam, STEPS, lambda w: w[0] ** 2)


@pytest.mark.parametrize("lam", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("gamma", [0.35, 0.8])  # turn from 0.15 to 5
def test_moves_that_cross_zero_are_summed_by_the_binomial_theorem(lam, gamma):
    eps, c, rho = 0.2, 4.0, 0.3
    turn, push = rare.move(c, gamma, rho, lam)
    assert turn > 0
    found = rare.crossing(turn, push, eps, np.arange(STEPS + 1))
    np.testing.assert_allclose(found, paths(eps, c, gamma, rho, lam), rtol=1e-13)
    np.testing.assert_allclose(rare.listed(turn, push, eps, np.arange(STEPS + 1), STEPS), found, rtol=1e-13)


@pytest.mark.parametrize("lam", [0.0, 0.3, 1.0])
def test_moves_that_do_not_cross_zero_at_first_are_listed(lam):
    eps, c, gamma, rho = 0.2, 4.0, 0.06, 0.3
    turn, push = rare.move(c, gamma, rho, lam)
    assert -1 < turn < 0
    found = rare.listed(turn, push, eps, np.arange(STEPS + 1), STEPS)
    np.testing.assert_allclose(found, paths(eps, c, gamma, rho, lam), rtol=1e-13)


def test_the_move_is_that_of_the_rule_by_hand():
    # w = 1, c = 2: y = 1 + 0.5 (0.25 * 2 + 0.75) = 1.625, w+ = 1 - 0.1 * 2 * 1.625
    turn, push = rare.move(2.0, 0.1, 0.5, 0.75)
    assert -(turn + push) == pytest.approx(0.675, rel=1e-15)


def test_chances_are_binomial():
    found = list(rare.chances(0.25, 3, 3))
    np.testing.assert_allclose(found, [27 / 64, 27 / 64, 9 / 64, 1 / 64], rtol=1e-15)
    assert list(rare.chances(0.25, 3, 4))[4] == 0


def test_the_mean_square_tends_to_the_square_of_q_or_grows():
    assert rare.crossing(0.5, 0.2, 0.1, 10_000) == pytest.approx(0.16, rel=1e-12)  # q = -0.4
    assert rare.crossing(1.5, 0.0, 0.1, 100) == pytest.approx(1.125**100, rel=1e-12)

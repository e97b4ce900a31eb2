"""Confidence limits against the binomial sum."""

from math import comb, nan

import pytest

from theory.confidence import median_above, upper


def below(successes, trials, p):
    """P(Binomial(trials, p) <= successes), summed."""
    return sum(comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in range(successes + 1))


@pytest.mark.parametrize(
    "successes, trials, level", [(0, 10, 0.999), (3, 10, 0.95), (9, 10, 0.9), (0, 1, 0.5)]
)
def test_at_the_upper_limit_so_few_successes_have_the_chance_left(successes, trials, level):
    assert abs(below(successes, trials, upper(successes, trials, level)) - (1 - level)) < 1e-12


def test_no_failure_in_n_trials_leaves_one_minus_a_root():
    assert abs(upper(0, 10, 0.999) - (1 - 0.001**0.1)) < 1e-14 and upper(0, 10, 0.999) < 0.5 < upper(
        0, 9, 0.999
    )


def test_all_successes_leave_everything_possible():
    assert upper(4, 4, 0.9) == 1.0


def test_a_ratio_that_is_no_number_counts_against_the_claim():
    assert median_above([0.5] * 10, 1.0, 0.999) == upper(0, 10, 0.999)
    assert median_above([0.5] * 9 + [nan], 1.0, 0.999) == upper(1, 10, 0.999)
    assert median_above([2.0] * 10, 1.0, 0.999) == 1.0

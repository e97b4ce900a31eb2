"""Zeros counted by interval arithmetic, against functions whose zeros are known."""

import math

from flint import arb

from paper_checks.af22 import critical_points
from paper_checks.ledger import Verdict


def cubic(x):
    return (x - 1) * (x - 2) * (x - 5)


def cubic_slope(x):
    return 3 * x**2 - 16 * x + 17


def test_all_simple_zeros_are_counted():
    assert critical_points.zeros(cubic, cubic_slope, (0.0, 10.3)) == 3
    assert critical_points.zeros(cubic, cubic_slope, (1.5, 4.0)) == 1
    assert critical_points.zeros(cubic, cubic_slope, (5.5, 9.0)) == 0
    assert critical_points.zeros(lambda x: x.sin(), lambda x: x.cos(), (-1.0, 40.0)) == 13  # 0, pi .. 12 pi


def test_a_double_zero_and_one_at_an_end_are_left_open():
    assert critical_points.zeros(lambda x: (x - 1) ** 2, lambda x: 2 * (x - 1), (0.0, 3.0)) is None
    assert critical_points.zeros(lambda x: x, lambda x: arb(1), (0.0, 1.0)) is None


def test_what_is_left_open_does_not_pass():
    case = critical_points.cases()["-cos x, rho L = 0.5"]
    found = critical_points.measured(case._replace(rho=1.0))  # 1 + rho L'' vanishes at the zero pi
    assert math.isnan(found)
    assert not Verdict(found, 0.0, 0.5).holds

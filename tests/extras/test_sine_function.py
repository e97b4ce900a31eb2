"""The enclosures of the sine function against brute force."""

import numpy as np

from paper_checks.ol25 import sine_function


def test_the_best_pl_constant_lies_in_its_enclosure():
    low, high = sine_function.best_pl()
    x = np.linspace(2.2, 2.21, 100001)
    least = np.min((2 * x + 3 * np.sin(2 * x)) ** 2 / (2 * (x**2 + 3 * np.sin(x) ** 2)))
    assert low <= least <= high + 1e-12 and high - low <= 1e-9


def test_the_least_value_of_a_parabola_is_enclosed():
    low, high = sine_function.least(lambda x: (x - 1) ** 2 + 0.25, lambda x: 2 * (x - 1), -1.0, 2.5)
    assert low <= 0.25 <= high and high - low <= 1e-9
    low, high = sine_function.least(lambda x: x, lambda x: 1 + 0 * x, 0.5, 2.0)  # at an end
    assert low <= 0.5 and 0.5 <= high <= low + 1e-9


def test_the_largest_curvature_is_8():
    low, high = sine_function.best_smoothness()
    assert low <= 8 <= high and high - low <= 1e-9

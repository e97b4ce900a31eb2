"""The exponent of one weight against numbers from elsewhere."""

import numpy as np

from paper_checks.af22 import scalar_exponent


def test_the_exponent_of_one_weight_is_the_reference_value_to_its_four_digits():
    """Of x = 1.7, y = 0.9, u(0) = 0.2, from a program of its own; by a logarithm where k is small."""
    case = scalar_exponent.cases()["flow, x=1.7, y=0.9, u(0)=0.2"]
    assert round(float(scalar_exponent.claimed(case, case.init)), 3) == 2.300
    small = scalar_exponent.claimed(case, 1e-7)
    np.testing.assert_allclose(
        small, 1.7 * 0.9 * np.log(2 * 0.9 / 1.7 / 1e-14) / 2 - 0.9 * 1.7 / 2, rtol=1e-12
    )

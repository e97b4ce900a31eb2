"""What every entry refuses, in one sentence with the value."""

import jax.numpy as jnp
import numpy as np
import pytest

from theory import admit

NAN = float("nan")


def test_what_is_admitted_comes_back_unchanged():
    np.testing.assert_array_equal(admit.numbers([1, 2.5], "x"), [1.0, 2.5])
    assert admit.numbers(3, "x").dtype == np.float64
    assert [admit.whole(x, "x", 1, 4) for x in (1, 4, np.int64(2), 3.0)] == [1, 4, 2, 3]
    np.testing.assert_array_equal(admit.probabilities([0.5, 0.5, 0.0], "x"), [0.5, 0.5, 0.0])
    np.testing.assert_array_equal(admit.reachable([0.25, 0.75], "x"), [0.25, 0.75])


def test_rounding_of_a_sum_to_one_is_admitted():
    admit.reachable([0.5, 0.5 + 1e-13], "x")


def test_the_ends_of_every_range_are_admitted():
    admit.steps(0.0, 0.0, 0.0)
    admit.steps(1e300, 1e300, 1.0)
    admit.steps(np.zeros(3), np.ones(3), np.linspace(0, 1, 3))


def test_double_precision_whole_numbers_and_python_floats_are_admitted():
    admit.double({"a": jnp.ones(2), "b": np.arange(3), "c": 0.5, "d": 1}, jnp.arange(2))


REFUSED = {
    "NaN": (
        lambda: admit.numbers([1, NAN], "x"),
        ValueError,
        r"x must be finite; entry \(1,\) is nan: remove",
    ),
    "infinity": (
        lambda: admit.numbers([[1, np.inf]], "x"),
        ValueError,
        r"x must be finite; entry \(0, 1\) is inf",
    ),
    "nothing": (lambda: admit.numbers([], "x"), ValueError, "x: none given; at least one is needed"),
    "words": (lambda: admit.numbers("one", "x"), ValueError, "x must be numbers; got 'one'"),
    "ragged": (
        lambda: admit.numbers([[1], [1, 2]], "x"),
        ValueError,
        r"x must be numbers, rows of one length; got \[\[1\], \[1, 2\]\]",
    ),
    "complex": (lambda: admit.numbers(np.array([1j]), "x"), ValueError, "x must be numbers; got"),
    "fraction": (
        lambda: admit.whole(1.5, "x", 1),
        ValueError,
        "x must be a whole number at least 1; got 1.5",
    ),
    "low": (lambda: admit.whole(0, "x", 1), ValueError, "x must be a whole number at least 1; got 0"),
    "high": (lambda: admit.whole(5, "x", 1, 4), ValueError, "x must be a whole number from 1 to 4; got 5"),
    "infinite count": (lambda: admit.whole(np.inf, "x", 1), ValueError, "whole number at least 1; got inf"),
    "truth value": (lambda: admit.whole(True, "x", 0), ValueError, "whole number at least 0; got True"),
    "word": (lambda: admit.whole("2", "x", 1), ValueError, "whole number at least 1; got '2'"),
    "no count": (lambda: admit.whole(None, "x", 1), ValueError, "whole number at least 1; got None"),
    "list": (lambda: admit.whole([2], "x", 1), ValueError, r"whole number at least 1; got \[2\]"),
    "negative": (lambda: admit.probabilities([1.5, -0.5], "x"), ValueError, "smallest -0.5, sum 1: divide"),
    "sum": (lambda: admit.probabilities([0.5, 0.4], "x"), ValueError, "sum 0.9: divide them by their sum"),
    "matrix": (lambda: admit.probabilities([[1.0]], "x"), ValueError, r"must be a vector.*shape \(1, 1\)"),
    "unreachable": (lambda: admit.reachable([0.0, 1.0], "x"), ValueError, "x leave index 0 unreachable"),
    "gamma": (lambda: admit.steps(-1, 0, 0), ValueError, "the step gamma must not be negative; got -1"),
    "rho": (lambda: admit.steps(0, [1, -2], 0), ValueError, "the radius rho must not be negative; got -2"),
    "small lam": (lambda: admit.steps(0, 0, -0.1), ValueError, r"lam must lie in \[0, 1\]; got -0.1"),
    "large lam": (lambda: admit.steps(0, 0, [0, 1.5]), ValueError, r"lam must lie in \[0, 1\]; got 1.5"),
    "lam NaN": (lambda: admit.steps(0, 0, NAN), ValueError, "lam must be finite"),
    "float32": (
        lambda: admit.double(jnp.ones(2, jnp.float32)),
        TypeError,
        "need float64, got float32: call jax.config",
    ),
    "bfloat16": (
        lambda: admit.double([1.0, jnp.ones(2, jnp.bfloat16)]),
        TypeError,
        "need float64, got bfloat16",
    ),
    "numpy float32": (lambda: admit.double(np.float32(1)), TypeError, "need float64, got float32"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_naming_value_and_remedy(case):
    act, kind, message = REFUSED[case]
    with pytest.raises(kind, match=message) as refusal:
        act()
    assert "\n" not in str(refusal.value)

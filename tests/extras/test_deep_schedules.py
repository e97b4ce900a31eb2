"""Schedules against their values by hand; one program for all sizes and marks."""

import jax
import numpy as np
import pytest

from experiments.deep.schedules import schedule


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.3", [0.3, 0.3, 0.3, 0.3]),
        ("constant:0.3", [0.3, 0.3, 0.3, 0.3]),
        ("cosine:0.2", [0.2, 0.1 + 0.1 * 0.5**0.5, 0.1, 0.1 - 0.1 * 0.5**0.5]),
        ("piecewise:0.1,0.5:0.1,0.75:0.01", [0.1, 0.1, 0.01, 0.001]),
        ("piecewise:2,0.25:3", [2, 6, 6, 6]),
        ("1/t", [1, 1 / 2, 1 / 3, 1 / 4]),
        ("1/t:0.6", [0.6, 0.3, 0.2, 0.15]),
        ("1-1/t", [0, 1 / 2, 2 / 3, 3 / 4]),
        ("1-1/t:0.5", [0, 1 / 4, 1 / 3, 3 / 8]),
    ],
)
def test_a_schedule_over_four_steps_is_the_one_by_hand(text, expected):
    made = schedule(text)
    np.testing.assert_allclose([made(t, 4) for t in range(1, 5)], expected, rtol=1e-14, atol=1e-16)


def test_a_number_is_a_constant_schedule():
    assert schedule(0.25)(3, 7) == 0.25 and schedule(0.25).constant and not schedule("1/t").constant


def test_size_and_marks_are_traced():
    at = jax.jit(lambda made, t, total: made(t, total))
    texts = ["piecewise:0.1,0.5:0.1", "piecewise:0.3,0.25:0.2"]
    # from (t - 1) / 10 >= 0.5 on, and from 0.25 on
    for text, t, expected in [
        (texts[0], 5, 0.1),
        (texts[0], 6, 0.01),
        (texts[1], 3, 0.3),
        (texts[1], 4, 0.06),
    ]:
        np.testing.assert_allclose(at(schedule(text), t, 10), expected, rtol=1e-14)
    assert at._cache_size() == 1


@pytest.mark.parametrize(
    "text",
    ["", "cosine", "constant:", "cosine:a", "linear:0.1", "0.1:2", "piecewise:0.1", "1/t:", "t:1", "1/t:1:2"],
)
def test_a_text_that_names_no_schedule_is_refused_with_the_forms(text):
    with pytest.raises(ValueError, match=r"a schedule is a number, constant:0\.1, .*; got"):
        schedule(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nan", "must be finite"),
        ("cosine:inf", "must be finite"),
        ("piecewise:0.1,0.75:0.1,0.5:0.01", "marks that grow"),
        ("piecewise:0.1,1.5:0.1", "marks that grow"),
        ("piecewise:0.1,0.5:-1", "must not be negative"),
        ("-0.1", "must not be negative"),
    ],
)
def test_sizes_and_marks_without_meaning_are_refused(text, why):
    with pytest.raises(ValueError, match=why):
        schedule(text)

"""Printed tables: cells read by hand, provenance, and the arithmetic that the checks do on them."""

import numpy as np
import pytest
import scipy.stats

from paper_checks import published
from paper_checks.f21 import table_1, table_9, table_11

TABLES = published.tables("f21")


def test_a_cell_is_its_value_and_its_margin():
    for cell, number, size in [("2.7±0.1", 2.7, 0.1), ("1.4±<0.1", 1.4, 0.1), ("20.9±<0.0", 20.9, 0.1)]:
        assert (published.value(cell), published.margin(cell)) == (number, size)
    assert published.value("15.3") == 15.3 and np.isnan(published.margin("15.3"))
    assert np.isnan(published.value("-"))


def test_what_is_no_cell_is_refused():
    with pytest.raises(ValueError, match=r"got '2.7\+-0.1'"):
        published.value("2.7+-0.1")


def test_a_row_with_a_cell_too_few_is_no_table():
    with pytest.raises(ValueError, match="zip"):
        published.parsed({"printed": "a | b\n1 | 2\n3"})


def test_every_table_says_where_it_stands_and_how_it_reached_us():
    for name, table in TABLES.items():
        assert set(table.about) == {"place", "holds", "source", "read"}, name
        assert table.about["source"] in published.SOURCES, name
        assert table.values.notna().to_numpy().any() and len(table.margins) == len(table.values), name


def test_the_tables_have_the_size_of_those_of_the_paper():
    sizes = {name: table.values.shape for name, table in TABLES.items()}
    assert sizes["table_1"] == sizes["table_9"] == (15, 6) and sizes["table_2"] == (9, 6)
    assert sizes["table_3"] == (9, 5) and sizes["table_4"] == (13, 6) and sizes["table_8"] == (7, 5)
    assert TABLES["table_4"].values.isna().to_numpy().sum() == 4


def test_the_pairs_are_those_of_the_tables():
    found = {name: table_1.read(name) for name in table_1.PAIRS}
    assert {name: len(sam) for name, (sam, *_) in found.items()} == {
        "table_1": 30,
        "table_2": 9,
        "table_3": 18,
        "table_5": 8,
    }
    assert {name: len(set(groups)) for name, (*_, groups) in found.items()} == {
        "table_1": 10,
        "table_2": 3,
        "table_3": 18,
        "table_5": 4,
    }
    sam, sgd, margins, _ = found["table_1"]
    assert (sam[0], sgd[0], margins[0]) == (2.7, 3.5, 0.2) and (sam[15], sgd[15]) == (16.5, 18.8)
    worse = [name for name, (sam, sgd, *_) in found.items() if np.any(sam >= sgd)]
    assert worse == ["table_5"]
    np.testing.assert_array_equal(found["table_5"][0][found["table_5"][0] > found["table_5"][1]], [1.07])


def test_the_test_of_two_means_is_that_of_welch():
    values, margins, _ = TABLES["table_11"]
    found = table_11.chance(values, margins, "C100", [1, 2, 3])
    for k, (mean, deviation) in enumerate([(16.59, 0.08), (16.62, 0.09), (16.60, 0.06)]):
        p = scipy.stats.ttest_ind_from_stats(16.72, 0.08, 20, mean, deviation, 20, False, "greater").pvalue
        np.testing.assert_allclose(found.low[k], 3 * p, rtol=1e-10)


def test_the_chance_of_six_equal_means_is_that_of_draws_around_the_middle():
    """One of the six means, its interval +-0.2: two means of 5 runs are both printed as that value."""
    (found,) = table_9.coincidence(TABLES).low
    each = []
    for margin in (0.2, 0.2, 0.2, 0.2, 0.1, 0.2):
        deviation = margin / scipy.stats.t.ppf(0.975, 4)
        each.append((1 - 2 * scipy.stats.norm.sf(0.05, scale=deviation)) ** 2)
    np.testing.assert_allclose(found, np.prod(each), rtol=1e-12)
    assert 0 < found < 1e-3


def test_a_comparison_fails_by_its_largest_excess():
    one = published.same(np.array([1.0, 2.0]), np.array([1.0, 2.5]), {"none": (np.ones(2), np.ones(2))})
    assert published.excess(one) == 0.5
    assert published.excess(published.falsified(one)["none"]) == 0
    broken = one._replace(low=np.array([np.nan, 0.0]))
    assert np.isnan(published.excess(broken)) and not published.complete(broken)["numbers on both sides"]

"""Intervals around expected amounts."""

import numpy as np
import pytest

from models.value.intervals import coverage, fit_intervals, intervals_from


def _customers(rows, seed, *, quiet=0.3):
    random = np.random.default_rng(seed)
    expected = np.exp(random.normal(4, 1, rows))
    spends = random.random(rows) > np.where(expected < 50, quiet, 0.02)
    return expected, expected * random.gamma(2, 0.5, rows) * spends


def test_four_in_five_outcomes_lie_inside_whatever_the_tier():
    intervals = fit_intervals(*_customers(6_000, 1))
    told = coverage(intervals, *_customers(20_000, 2))
    assert told.pop("all") == pytest.approx(0.8, abs=0.02)
    assert set(told) == {"lead", "iron", "gold", "platinum"}
    assert all(0.75 < share < 0.85 for share in told.values())


def test_the_interval_begins_at_nothing_where_one_in_ten_spends_nothing():
    low, typical, high = fit_intervals(*_customers(6_000, 1)).around(np.array([20.0, 500.0]))
    assert low[0] == 0 < low[1]
    assert (low <= typical).all()
    assert (typical <= high).all()


@pytest.mark.parametrize("rows", [1, 7, 150])
def test_few_customers_make_one_wide_group_that_survives_storage(rows):
    intervals = fit_intervals(*_customers(rows, 3))
    assert len(intervals.low) == 1
    assert intervals_from(intervals.described()) == intervals
    low, _, high = intervals.around(np.array([0.0, 1.0]))
    assert low[0] == high[0] == 0

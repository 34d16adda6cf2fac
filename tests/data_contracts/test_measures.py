import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.measures import Loads, measured, population_stability_index
from data_contracts.profiles import ColumnProfile, Profile

DAY = date(2024, 6, 1)


def load(rows=1000, **columns):
    return Profile(rows=rows, loaded_on=DAY, first_day=date(2024, 5, 30), rows_by_day=(rows,), columns=columns)


def column(nulls=0, *, categories=None, counts=(), edges=(1.0,)):
    return ColumnProfile(nulls=nulls, categories=categories, counts=counts, edges=edges if counts else ())


@pytest.mark.parametrize(
    ("measure", "current", "earlier", "value", "told"),
    [
        ("rows_ratio", load(600), [load(1000), load(900), load(3000)], 0.6, "600 rows, 0.60 times the usual 1,000"),
        ("rows_ratio", load(600), [], None, "no earlier load"),
        ("rows_ratio", load(600), [load(0)], None, "had no rows"),
        ("days_since_newest", load(), [], 2, "the newest is of 2024-05-30, 2 days before the load"),
        ("days_since_newest", Profile(rows=0, loaded_on=DAY), [], None, "no rows"),
        ("null_share", load(c=column(250)), [], 0.25, "25.0% of the rows have no c"),
        ("null_share", load(0, c=column()), [], None, "no rows"),
        ("null_share_rise", load(c=column(250)), [load(c=column(100)), load(500, c=column(100))], 0.1, "before 15.0%"),
        ("null_share_rise", load(c=column(250)), [load()], None, "no earlier load"),
        (
            "new_category_share",
            load(c=column(categories={"web": 900, "fax": 60, "app": 40})),
            [load(c=column(categories={"web": 5})), load(c=column(categories={"app": 1}))],
            0.06,
            "6.0% of the rows have a new value: 'fax'",
        ),
        ("new_category_share", load(c=column()), [load(c=column(categories={}))], None, "too many values"),
        (
            "distribution_shift",
            load(c=column(counts=(50, 50))),
            [load(c=column(counts=(100, 100)))],
            0.0,
            "index 0.000",
        ),
        (
            "distribution_shift",
            load(c=column(counts=(50, 49))),
            [load(c=column(counts=(100, 100)))],
            None,
            "fewer than",
        ),
        (
            "distribution_shift",
            load(c=column(counts=(50, 50))),
            [load(c=column(counts=(100, 100), edges=(2.0,)))],
            None,
            "no earlier load",
        ),
        ("missing_days", load(), [], 0, "0 missing days"),
        ("new_missing_days", load(), [], None, "no earlier load"),
    ],
)
def test_measures(measure, current, earlier, value, told):
    of_column = "c" if measure in ("null_share", "null_share_rise", "new_category_share", "distribution_shift") else ""
    found = measured(measure, Loads(current=current, earlier=earlier, column=of_column))
    assert found.value == (None if value is None else pytest.approx(value))
    assert told in found.got


def test_the_population_stability_index_is_the_published_formula():
    expected = (0.25 - 0.5) * math.log(0.25 / 0.5) + (0.75 - 0.5) * math.log(0.75 / 0.5)
    assert population_stability_index([500, 500], [25, 75]) == pytest.approx(expected)


counts = st.lists(st.integers(0, 10_000), min_size=4, max_size=4).filter(sum)


@given(counts, counts, st.integers(1, 50))
def test_the_index_is_symmetric_never_negative_and_blind_to_size(one, other, times):
    index = population_stability_index(one, other)
    assert index >= 0
    assert population_stability_index(other, one) == pytest.approx(index)
    assert population_stability_index([count * times for count in one], other) == pytest.approx(index)
    assert population_stability_index(one, one) == 0


@pytest.mark.parametrize(
    ("as_of", "value", "told"),
    [
        (date(2024, 6, 9), 10, "10 days before 2024-06-09, the date asked for"),
        (date(2024, 5, 20), -10, "10 days after 2024-05-20, the date asked for"),
    ],
)
def test_how_recent_rows_are_is_measured_from_the_date_that_is_asked_for(as_of, value, told):
    found = measured("days_since_newest", Loads(current=load(), earlier=[], as_of=as_of))
    assert (found.value, told in found.got) == (value, True)

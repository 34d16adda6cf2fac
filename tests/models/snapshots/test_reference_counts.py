"""Counting who was trained on: bins that cover everything, and a form that comes back as it was."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.snapshots.reference_counts import (
    Bins,
    bins_of,
    counted_together,
    reference_from,
    sampled,
    take_reference,
    with_columns_counted,
)

DAYS = [date(2025, 1, 1), date(2025, 2, 1)]


def frame(rows=60):
    """Customers of two dates: a number, a text, something the same for all, and a fact of the calendar."""
    number = list(range(rows))
    return pl.DataFrame(
        {
            "customer_id": [f"c{place}" for place in number] * 2,
            "snapshot_date": [day for day in DAYS for _ in number],
            "spent": [float(place) if place % 5 else None for place in number] * 2,
            "region": [("north" if place % 2 else "south") if place > 3 else "isle" for place in number] * 2,
            "same": [1] * (2 * rows),
            "month": [day.month for day in DAYS for _ in number],
        }
    )


def test_a_reference_counts_every_row_once_and_comes_back_as_it_was():
    made = take_reference(frame(), ("spent", "region", "same", "month", "not there"), outcomes={DAYS[0]: 0.25})
    assert set(made.bins) == {"spent", "region"}  # what never changes, or names the date, says nothing
    assert made.bins["region"].categories == ("north", "south")  # eight rows of "isle" are too few to be listed
    assert made.counts[DAYS[0]]["region"] == (28, 28, 4, 0)
    assert made.counts[DAYS[1]]["spent"][-1] == 12
    assert all(sum(counts) == 60 for day in DAYS for counts in made.counts[day].values())
    assert reference_from(made.file()) == made
    scores = frame().select("customer_id", "snapshot_date", score=pl.col("spent").fill_null(0.0))
    both = with_columns_counted(made, scores)
    assert set(both.counts[DAYS[0]]) == {"spent", "region", "score"}


@pytest.mark.parametrize(
    ("values", "bins", "expected"),
    [
        ([1.0, 2.0, 9.0, None, float("nan")], Bins(edges=(1.0, 5.0)), (1, 1, 1, 2)),
        ([1, 2, 9, None], Bins(edges=(1.0, 5.0)), (1, 1, 1, 1)),
        ([True, False, None], Bins(edges=(0.0,)), (1, 1, 1)),
        (["a", "new", None], Bins(categories=("a", "b")), (1, 0, 1, 1)),
        ([None, None], Bins(), (0, 2)),
    ],
)
def test_rows_fall_into_their_bins(values, bins, expected):
    assert counted_together(pl.DataFrame({"x": values}), {"x": bins, "gone": Bins()}) == {"x": expected}


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)), min_size=1, max_size=50))
def test_no_number_is_counted_twice_or_lost(values):
    rows = pl.DataFrame({"x": values}, schema={"x": pl.Float64})
    (counts,) = counted_together(rows, bins_of(rows, ["x"])).values()
    assert sum(counts) == len(values)
    assert min(counts) >= 0


def test_a_sample_takes_the_same_customers_of_every_snapshot():
    few = sampled(frame(400), 100)
    first, second = (set(few.filter(snapshot_date=day)["customer_id"]) for day in DAYS)
    assert first == second
    assert 50 < len(first) < 150

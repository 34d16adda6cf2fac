"""Since when a customer looks the way they look now."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.publishing.changes import stamp_changes

OLD, BEFORE, NOW = date(2026, 1, 1), date(2026, 3, 1), date(2026, 3, 2)


def frame(rows):
    return pl.DataFrame(rows, schema={"customer_id": pl.String, "tier": pl.String, "offer": pl.String}, orient="row")


def stamped(new, previous, *, watched=("tier", "offer")):
    return stamp_changes(new, previous, key=["customer_id"], watched=watched, as_of=NOW)["changed_at"].to_list()


@pytest.mark.parametrize(
    ("row", "before", "expected"),
    [
        (("a", "gold", "x"), ("a", "gold", "x"), OLD),
        (("a", "gold", None), ("a", "gold", None), OLD),
        (("a", "gold", "x"), ("a", "iron", "x"), NOW),
        (("a", "gold", "x"), ("a", "gold", None), NOW),
        (("a", "gold", None), ("a", "gold", "x"), NOW),
        (("a", "gold", "x"), ("b", "gold", "x"), NOW),
    ],
)
def test_a_row_keeps_its_date_until_a_watched_column_changes(row, before, expected):
    previous = frame([before]).with_columns(changed_at=pl.lit(OLD))
    assert stamped(frame([row]), previous) == [expected]


def test_the_first_night_everything_is_new():
    assert stamped(frame([("a", "gold", "x")]), None) == [NOW]


def test_a_column_nobody_watches_does_not_count():
    previous = frame([("a", "gold", "x")]).with_columns(changed_at=pl.lit(OLD))
    assert stamped(frame([("a", "gold", "y")]), previous, watched=["tier"]) == [OLD]


@pytest.mark.parametrize(
    "previous",
    [
        frame([("a", "gold", "x")]),
        frame([("a", "gold", "x")]).drop("tier").with_columns(changed_at=pl.lit(OLD)),
        frame([("a", "gold", "x")]).with_columns(changed_at=pl.lit(OLD), tier=pl.lit(1)),
    ],
    ids=["without changed_at", "without a watched column", "with another dtype"],
)
def test_what_can_not_be_compared_counts_as_changed(previous):
    assert stamped(frame([("a", "gold", "x")]), previous) == [NOW]


def test_rows_and_columns_stay_where_they_are():
    new = frame([("b", "gold", "x"), ("a", "iron", "y")]).with_columns(changed_at=pl.lit(None, pl.Date), last=pl.lit(1))
    result = stamp_changes(
        new, new.with_columns(changed_at=pl.lit(OLD)), key=["customer_id"], watched=["tier"], as_of=NOW
    )
    assert result.columns == new.columns
    assert result["customer_id"].to_list() == ["b", "a"]
    assert result["changed_at"].to_list() == [OLD, OLD]


@given(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["gold", "iron", None])))
def test_an_unchanged_night_changes_no_date(tiers):
    rows = frame([(customer, tier, None) for customer, tier in tiers.items()])
    previous = rows.with_columns(changed_at=pl.lit(BEFORE))
    assert set(stamped(rows, previous)) <= {BEFORE}

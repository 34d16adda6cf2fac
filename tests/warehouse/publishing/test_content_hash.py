"""The content hash: the same rows are the same hash, other rows are another."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.published import OutputColumn, OutputContract, PublishedTable
from warehouse.publishing.content_hash import content_hash

MONDAY = date(2026, 3, 2)
CONTRACT = OutputContract(
    table="things",
    key=("id",),
    columns=(
        OutputColumn("id", pl.String),
        OutputColumn("count", pl.Int64, nullable=True),
        OutputColumn("share", pl.Float64, nullable=True),
        OutputColumn("words", pl.String, nullable=True),
        OutputColumn("run_key", pl.String),
    ),
    volatile=("run_key",),
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.text(st.characters(codec="utf-8"), max_size=5),
            "count": st.none() | st.integers(-100, 100),
            "share": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "words": st.none() | st.text(st.characters(codec="utf-8"), max_size=5),
            "run_key": st.just("score-a"),
        }
    ),
    unique_by=lambda row: row["id"],
    max_size=8,
)


def table(rows):
    return PublishedTable(pl.DataFrame(rows, schema=CONTRACT.schema), CONTRACT)


@given(ROWS, st.randoms(use_true_random=False))
def test_row_order_dtype_width_and_volatile_columns_make_no_difference(rows, random):
    shuffled = [{**row, "run_key": "score-b"} for row in rows]
    random.shuffle(shuffled)
    narrow = PublishedTable(table(shuffled).frame.cast({"count": pl.Int8, "id": pl.Categorical}), CONTRACT)
    narrow = PublishedTable(narrow.frame.with_columns(pl.col("id").cast(pl.String)), CONTRACT)
    assert content_hash([table(rows)]) == content_hash([table(shuffled)]) == content_hash([narrow])


@given(ROWS, ROWS)
def test_other_rows_are_another_hash(rows, others):
    same = sorted(map(repr, rows)) == sorted(map(repr, others))
    equal = sorted(rows, key=lambda row: row["id"]) == sorted(others, key=lambda row: row["id"])
    if same or not equal:
        assert (content_hash([table(rows)]) == content_hash([table(others)])) == same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"words": None}, {"words": ""}),
        ({"words": None}, {"words": "\\N"}),
        ({"words": 'a","b'}, {"words": "a"}),
        ({"count": None}, {"count": 0}),
        ({"share": 0.1}, {"share": 0.1 + 1e-16}),
    ],
)
def test_what_looks_alike_is_told_apart(one, other):
    row = {"id": "1", "count": 1, "share": 1.0, "words": "x", "run_key": "a"}
    assert content_hash([table([row | one])]) != content_hash([table([row | other])])


def test_minus_zero_is_zero():
    row = {"id": "1", "count": 1, "share": 0.0, "words": "x", "run_key": "a"}
    assert content_hash([table([row])]) == content_hash([table([row | {"share": -0.0}])])


def test_the_order_of_tables_makes_no_difference_but_their_names_do(night):
    tables = list(night.night_tables(MONDAY).values())
    assert content_hash(tables) == content_hash(tables[::-1])
    renamed = [replace(tables[0], contract=replace(tables[0].contract, table="other")), tables[1]]
    assert content_hash(tables) != content_hash(renamed)


def test_an_instant_is_the_same_in_every_time_zone_and_money_at_every_precision(night):
    frame = night.customer_frame(MONDAY)
    elsewhere = frame.with_columns(
        pl.col("scored_at").dt.convert_time_zone("Asia/Tokyo"), pl.col("expected_value").cast(pl.Decimal(30, 2))
    )
    assert content_hash([PublishedTable(frame, night.CUSTOMER)]) == content_hash(
        [PublishedTable(elsewhere, night.CUSTOMER)]
    )


def test_the_form_is_pinned(night):
    """A change here makes every published hash another: say so in the changelog."""
    at = datetime(2026, 3, 2, 1, tzinfo=timezone(timedelta(hours=1))).astimezone(UTC)
    frame = night.customer_frame(MONDAY, customers=1).with_columns(
        scored_at=pl.lit(at), expected_value=pl.lit(Decimal("1.50"), pl.Decimal(18, 2))
    )
    assert content_hash([PublishedTable(frame, night.CUSTOMER)])[:16] == "6e9cdaab89951f5e"

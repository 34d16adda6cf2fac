"""Frames through PostgreSQL: whatever goes in comes out, or is refused before anything is written."""

import itertools
import math
from datetime import UTC, date, datetime, time
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.databases.errors_postgresql import NotStorableError
from warehouse.databases.postgresql_warehouse import PostgreSQLWarehouse

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6) | st.sampled_from(
    ["", " ", "\\N", "\\.", "\n\\.\n", "NULL", '"', ",", "\r\n", "\r", "'; --", "NaN", "0042", "=1+1"]
)
TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))  # noqa: DTZ001 the zone is added where it belongs
VALUES = {
    "text": (pl.String, TEXT),
    "truth": (pl.Boolean, st.booleans()),
    "tiny": (pl.Int8, st.integers(-128, 127)),
    "tiny_natural": (pl.UInt8, st.integers(0, 255)),
    "small": (pl.Int16, st.integers(-(2**15), 2**15 - 1)),
    "small_natural": (pl.UInt16, st.integers(0, 2**16 - 1)),
    "whole": (pl.Int32, st.integers(-(2**31), 2**31 - 1)),
    "natural": (pl.UInt32, st.integers(0, 2**32 - 1)),
    "large": (pl.Int64, st.integers(-(2**63), 2**63 - 1)),
    "share": (pl.Float64, st.floats()),
    "short_share": (pl.Float32, st.floats(width=32)),
    "money": (pl.Decimal(18, 2), st.integers(-(10**17), 10**17).map(lambda pence: Decimal(pence).scaleb(-2))),
    "long_money": (pl.Decimal(38, 6), st.integers(-(10**25), 10**25).map(lambda parts: Decimal(parts).scaleb(-6))),
    "day": (pl.Date, st.dates()),
    "at": (pl.Datetime("us", "UTC"), TIMES.map(lambda at: at.replace(tzinfo=UTC))),
    "local_at": (pl.Datetime("us"), TIMES),
}
SCHEMA = {name: dtype for name, (dtype, _) in VALUES.items()}
ROWS = st.lists(st.fixed_dictionaries({name: st.none() | values for name, (_, values) in VALUES.items()}), max_size=5)
NAMES = (f"table_{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def postgresql(postgresql_server):
    with PostgreSQLWarehouse(postgresql_server.format(database="postgres")) as warehouse:
        yield warehouse


def there_and_back(warehouse, frame):
    name = next(NAMES)
    warehouse.write_frame("laws", name, frame)
    back = warehouse.read_table("laws", name)
    warehouse.point_view(("laws", "shown"), ("laws", name))
    assert warehouse.read_table("laws", "shown").equals(back)
    return back


@settings(max_examples=25)
@given(ROWS)
def test_whatever_goes_in_comes_out(postgresql, rows):
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    back = there_and_back(postgresql, frame)
    assert back.schema == frame.schema
    assert back.equals(frame)


@settings(max_examples=25)
@given(st.lists(st.none() | TEXT, max_size=6))
def test_a_single_column_loses_no_row(postgresql, texts):
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    assert there_and_back(postgresql, frame).equals(frame)


def test_blocks_of_rows_are_put_together_in_full(postgresql, monkeypatch):
    monkeypatch.setattr("warehouse.databases.postgresql_frames._BYTES_AT_A_TIME", 1000)
    monkeypatch.setattr("warehouse.databases.postgresql_frames._ROWS_AT_A_TIME", 7)
    frame = pl.DataFrame({"number": range(1000), "text": [f'"{number}\n' for number in range(1000)]})
    assert there_and_back(postgresql, frame).equals(frame)


def test_minus_zero_and_no_number_at_all_are_kept(postgresql):
    back = there_and_back(postgresql, pl.DataFrame({"share": [-0.0, math.nan, math.inf, -math.inf]}))["share"].to_list()
    assert math.copysign(1, back[0]) == -1
    assert math.isnan(back[1])
    assert back[2:] == [math.inf, -math.inf]


def test_other_zones_and_categories_come_back_as_utc_and_text(postgresql):
    at = pl.Series([datetime(2026, 7, 1, tzinfo=UTC)]).dt.convert_time_zone("Asia/Tokyo")
    frame = pl.DataFrame({"at": at, "tier": pl.Series(["gold"], dtype=pl.Categorical)})
    back = there_and_back(postgresql, frame)
    assert back.schema == {"at": pl.Datetime("us", "UTC"), "tier": pl.String}
    assert back.row(0) == (datetime(2026, 7, 1, tzinfo=UTC), "gold")


def test_narrow_integers_are_plain_numbers_to_other_programs(postgresql):
    postgresql.write_frame("laws", "narrow", pl.DataFrame({"score": pl.Series([5], dtype=pl.Int8)}))
    assert postgresql.query("SELECT score + 1 AS more, score FROM laws.narrow").row(0) == (6, 5)
    assert postgresql.query("SELECT pg_typeof(score)::text AS kind FROM laws.narrow").item() == "gristmill.tinyint"


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (pl.Series("value", ["a\x00b"]), "NUL"),
        (pl.Series("value", [[1, 2]]), "List"),
        (pl.Series("value", [time(1)]), "Time"),
        (pl.Series("value", [datetime(2026, 1, 1)], dtype=pl.Datetime("ns")), "ns"),  # noqa: DTZ001 as above
        (pl.Series("value", [2**63], dtype=pl.UInt64), "UInt64"),
    ],
)
def test_what_has_no_place_is_refused_before_anything_is_written(postgresql, column, told):
    with pytest.raises(NotStorableError) as refused:
        postgresql.write_frame("never", "made", column.to_frame())
    assert told in refused.value.got
    assert refused.value.where == "never.made.value"
    assert refused.value.exit_code == 3
    assert postgresql.tables("never") == []
    assert postgresql.query("SELECT 1 AS one FROM pg_namespace WHERE nspname = 'never'").is_empty()


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1969, 12, 31), date(2024, 2, 29), date(9999, 12, 31)])
def test_far_and_odd_days(postgresql, day):
    assert there_and_back(postgresql, pl.DataFrame({"day": [day]})).item() == day

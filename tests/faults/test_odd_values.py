"""Ids and days that other systems break on: exact round trips on both warehouses, one night a business date."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from config import load_settings
from data_contracts.published import PublishedTable
from flows.context import Context
from warehouse.databases.errors_postgresql import NotStorableError
from warehouse.ledger import run_key

ROOT = Path(__file__).parents[2]
MONDAY = date(2026, 3, 2)
IDS = [
    "00123",
    "123",
    "0123.0",
    "1e5",
    "\u00e9",  # é as one character
    "e\u0301",  # and as two
    "👩‍👩‍👧",
    "\u202e\u0634\u0645\u0627\u0631\u0647",  # written from right to left
    " padded ",
    "NULL",
    "=1+1",
    'a"; DROP TABLE x; --',
    "x" * 10_000,
    "line\nbreak\ttab\\N",
]


def night_of(night, ids):
    tables = night.night_tables(MONDAY, customers=len(ids))
    return {
        name: PublishedTable(table.frame.with_columns(pl.Series("customer_id", ids)), table.contract)
        for name, table in tables.items()
    }


def test_odd_ids_are_published_exactly(night, place):
    night.publish_night(place, MONDAY, tables=night_of(night, IDS))
    with place.open(read_only=True) as warehouse:
        assert sorted(warehouse.read_table("segments", "customer")["customer_id"]) == sorted(IDS)


def test_a_nul_in_an_id_is_exact_or_refused_whole(night, make_place):
    tables = night_of(night, ["a\0b", "a"])
    duckdb, server = make_place("duckdb"), make_place("postgresql")
    night.publish_night(duckdb, MONDAY, tables=tables)
    with duckdb.open(read_only=True) as warehouse:
        assert sorted(warehouse.read_table("segments", "customer")["customer_id"]) == ["a", "a\0b"]
    with pytest.raises(NotStorableError) as refused:
        night.publish_night(server, MONDAY, tables=tables)
    assert refused.value.exit_code == 3
    with server.open() as warehouse:
        assert warehouse.views("segments") == []


@pytest.mark.parametrize(
    ("zone", "first", "days"),
    [
        ("Europe/London", datetime(2026, 3, 28, 12, tzinfo=UTC), 2),  # the hour that is missing
        ("Europe/London", datetime(2026, 10, 24, 12, tzinfo=UTC), 2),  # the hour that comes twice
        ("Pacific/Auckland", datetime(2028, 2, 28, 0, tzinfo=UTC), 3),  # a leap day, far from UTC
        ("America/St_Johns", datetime(2026, 12, 31, 0, tzinfo=UTC), 2),
    ],
)
def test_one_run_a_business_date_whatever_the_clocks_do(zone, first, days):
    settings = load_settings(ROOT / "gristmill.toml", environment={"GRISTMILL__COMPANY__TIME_ZONE": zone})
    assert settings.company.time_zone == zone
    seen = {}
    for quarter in range(days * 96):
        now = first + timedelta(minutes=15 * quarter)
        today = Context(settings=settings, now=now, clock=lambda: now).resolve_as_of(None)  # noqa: B023 used at once
        assert today == now.astimezone(ZoneInfo(zone)).date()
        seen.setdefault(run_key("score", today, "c" * 16), []).append(quarter)
    assert len(seen) in {days, days + 1}
    assert all(quarters == list(range(quarters[0], quarters[-1] + 1)) for quarters in seen.values())

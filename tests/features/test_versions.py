"""Corrected and removed rows: what counts at a snapshot is what was in force then, however many are built at once."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data_contracts.orders import current_at, snapshot_instant
from features.engine import build

ZONE = "Europe/London"
DAYS = [date(2024, 3, 1), date(2024, 4, 1), date(2024, 5, 1), date(2024, 6, 1)]
INSTANT = pl.Datetime("us", "UTC")


def at(month, day=10):
    return datetime(2024, month, day, 12, tzinfo=UTC)


def since(day):
    """When what a load of that business date tells is known."""
    return snapshot_instant(day, time_zone=ZONE) - timedelta(microseconds=1)


def orders(*rows):
    """Rows of (customer, order, ordered, known, superseded, amount, product)."""
    frame = pl.DataFrame(
        rows,
        schema={
            "customer_id": pl.String,
            "order_id": pl.String,
            "ordered_at": INSTANT,
            "known_at": INSTANT,
            "superseded_at": INSTANT,
            "amount": pl.Int64,
            "product_id": pl.String,
        },
        orient="row",
    )
    none = pl.lit(None, pl.Int64)
    others = {"discount_amount": none, "cost_amount": none, "channel": pl.lit(None, pl.String)}
    return frame.with_columns(quantity=pl.lit(1.0), **others).lazy()


def products(*rows):
    schema = {"product_id": pl.String, "category": pl.String, "known_at": INSTANT, "superseded_at": INSTANT}
    empty = {"brand": pl.lit(None, pl.String), "list_price": pl.lit(None, pl.Int64)}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(**empty).lazy()


def customers(*rows):
    schema = {"customer_id": pl.String, "region": pl.String, "known_at": INSTANT, "superseded_at": INSTANT}
    texts = [pl.lit(None, pl.String).alias(name) for name in ("customer_type", "acquisition_channel")]
    others = [pl.lit(None, kind).alias(name) for name, kind in _OTHERS.items()]
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(*texts, *others).lazy()


_OTHERS = {"birth_year": pl.Int32, "created_at": INSTANT, "credit_limit": pl.Int64, "consent_marketing": pl.Boolean}
APRIL, MAY = since(date(2024, 4, 1)), since(date(2024, 5, 1))
LINES = orders(
    ("steady", "1", at(2), at(2), None, 100, "p"),
    ("corrected", "2", at(2), at(2), APRIL, 100, "p"),
    ("corrected", "2", at(2), APRIL, None, 700, "p"),
    ("corrected", "3", at(4), at(4), None, 50, "q"),
    ("removed", "4", at(2), at(2), MAY, 100, "p"),
    ("moved", "5", at(2), at(2), None, 100, "r"),
)
GOODS = products(
    ("p", "tea", at(1), None),
    ("q", "tea", at(1), APRIL),
    ("q", "tea", APRIL, None),
    ("r", "tea", at(1), APRIL),
    ("r", "cake", APRIL, None),
)
PEOPLE = customers(("steady", "north", at(1), MAY), ("steady", "south", MAY, None), ("removed", "west", at(1), APRIL))


def built(days, *, people=PEOPLE, goods=GOODS, lines=LINES):
    given = {"orders": lines, "customers": people, "products": goods}
    entities = {name: rows for name, rows in given.items() if rows is not None}
    return build(entities, snapshots=days, time_zone=ZONE).collect()


@pytest.mark.parametrize("goods", [GOODS, None])
def test_all_snapshots_at_once_equal_each_alone_on_the_rows_in_force(goods):
    alone = []
    for day in DAYS:
        instant = snapshot_instant(day, time_zone=ZONE)
        now = {
            name: None if rows is None else current_at(rows, instant).drop("superseded_at")
            for name, rows in (("lines", LINES), ("people", PEOPLE), ("goods", goods))
        }
        alone.append(built([day], **now))
    expected = pl.concat(alone).sort("customer_id", "snapshot_date")
    assert_frame_equal(built(DAYS, goods=goods), expected)
    assert_frame_equal(built(DAYS[2:3], goods=goods), alone[2])


def test_a_correction_counts_from_its_load_on_and_the_old_value_before():
    found = built(DAYS).filter(pl.col("customer_id") == "corrected")
    amounts = dict(found.select("snapshot_date", "net_amount_life").iter_rows())
    assert amounts == {DAYS[0]: 100, DAYS[1]: 700, DAYS[2]: 750, DAYS[3]: 750}


def test_a_removed_line_and_record_are_gone_from_then_on():
    found = built(DAYS).filter(pl.col("customer_id") == "removed")
    assert found["snapshot_date"].to_list() == DAYS[:2]
    assert found["region"].to_list() == ["west", None]


def test_the_record_in_force_is_joined():
    found = built(DAYS).filter(pl.col("customer_id") == "steady")
    assert found["region"].to_list() == ["north", "north", "south", "south"]

"""Laws of the engine on random histories: nothing leaks, nothing depends on order, snapshots don't see each other."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

START = datetime(2023, 9, 1, tzinfo=UTC)
SNAPSHOTS = [date(2023, 12, 1), date(2024, 2, 29), date(2024, 3, 31), date(2024, 10, 28)]
ZONES = st.sampled_from(["UTC", "Europe/London", "America/New_York"])

HOURS = st.integers(0, 24 * 430)
LATE_HOURS = st.one_of(st.just(0), st.just(0), st.integers(1, 24 * 200))


@st.composite
def histories(draw):
    """A few customers' lines over 14 months: returns, equal timestamps, late lines of old orders, free gifts."""
    rows = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "customer_id": st.sampled_from(["a", "b", "c"]),
                    "order": st.integers(0, 5),
                    "hours": st.one_of(HOURS, st.sampled_from([0, 24 * 91, 24 * 181, 24 * 30])),
                    "late": LATE_HOURS,
                    "closed": st.one_of(st.none(), st.none(), st.integers(0, 24 * 200)),
                    "channel": st.sampled_from([None, "web", "shop"]),
                    "amount": st.integers(-500, 1000),
                    "quantity": st.sampled_from([0.1, 0.2, 0.3, 1.0, 12.5]),
                    "product_id": st.sampled_from(["p", "q", "r", "s"]),
                    "discount_amount": st.one_of(st.none(), st.integers(0, 50)),
                    "cost_amount": st.one_of(st.none(), st.integers(0, 500)),
                }
            ),
            min_size=1,
            max_size=25,
        )
    )
    return [_line(row) for row in rows]


def _line(row):
    at = START + timedelta(hours=row["hours"])
    order = f"{row['customer_id']}{row['order']}"
    same = {
        key: row[key]
        for key in ("customer_id", "amount", "quantity", "product_id", "discount_amount", "cost_amount", "channel")
    }
    known = at + timedelta(hours=row["late"])
    closed = None if row["closed"] is None else known + timedelta(hours=row["closed"])
    return same | {"order_id": order, "at": at, "known": known, "superseded": closed}


@pytest.fixture(scope="session")
def products(products_of):
    return products_of(
        {"product_id": "p", "category": "x"},
        {"product_id": "q", "category": "x"},
        {"product_id": "r", "category": "y", "known_at": datetime(2024, 1, 15, tzinfo=UTC)},
    )


@settings(max_examples=12, deadline=None)
@given(rows=histories(), when=st.tuples(st.sampled_from(SNAPSHOTS), ZONES))
def test_rows_not_yet_known_change_nothing(orders_of, features_of, products, rows, when):
    snapshot, zone = when
    frame = orders_of(*rows)
    instant = datetime.combine(snapshot, datetime.min.time(), tzinfo=UTC) + timedelta(
        hours=24
    )  # after it in every zone
    future = frame.with_columns(
        pl.max_horizontal("ordered_at", pl.lit(instant)).alias("ordered_at"), amount=pl.col("amount") * 7 + 1
    ).with_columns(known_at=pl.col("ordered_at"), superseded_at=pl.lit(None, pl.Datetime("us", "UTC")))
    unknown = frame.with_columns(
        known_at=pl.max_horizontal("known_at", pl.lit(instant)), amount=-pl.col("amount") * 3 - 1
    )
    closed = frame.with_columns(superseded_at="known_at", amount=pl.col("amount") * 5 + 1)
    before = features_of(frame, snapshot, products=products, time_zone=zone)
    after = features_of(pl.concat([future, frame, unknown, closed]), snapshot, products=products, time_zone=zone)
    assert_frame_equal(before, after, check_exact=True)


@settings(max_examples=12, deadline=None)
@given(rows_and_shuffled=histories().flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))), zone=ZONES)
def test_the_order_of_rows_changes_nothing(orders_of, features_of, products, rows_and_shuffled, zone):
    frame, shuffled = (orders_of(*rows) for rows in rows_and_shuffled)
    options = {"products": products, "time_zone": zone}
    assert_frame_equal(
        features_of(frame, *SNAPSHOTS, **options), features_of(shuffled, *SNAPSHOTS, **options), check_exact=True
    )


@settings(max_examples=12, deadline=None)
@given(rows=histories(), zone=ZONES)
def test_several_snapshots_in_one_call_equal_one_by_one(orders_of, features_of, products, rows, zone):
    frame, options = orders_of(*rows), {"products": products, "time_zone": zone}
    apart = pl.concat([features_of(frame, snapshot, **options) for snapshot in SNAPSHOTS])
    assert_frame_equal(
        features_of(frame, *SNAPSHOTS, **options), apart.sort("customer_id", "snapshot_date"), check_exact=True
    )


@settings(max_examples=8, deadline=None)
@given(rows=histories())
def test_customers_do_not_see_each_other(orders_of, features_of, products, rows):
    frame = orders_of(*rows)
    apart = [
        features_of(part, *SNAPSHOTS, products=products) for part in frame.partition_by("customer_id", include_key=True)
    ]
    together = features_of(frame, *SNAPSHOTS, products=products)
    assert_frame_equal(together, pl.concat(apart).sort("customer_id", "snapshot_date"), check_exact=True)


@settings(max_examples=15, deadline=None)
@given(rows=histories(), zone=ZONES)
def test_no_value_is_infinite_or_not_a_number(orders_of, features_of, products, rows, zone):
    built = features_of(orders_of(*rows), *SNAPSHOTS, products=products, time_zone=zone)
    floats = built.select(pl.col(pl.Float64))
    assert floats.select(pl.all().is_finite().all()).row(0) == (True,) * floats.width


def test_snapshots_of_the_laws_ascend():
    assert all(earlier < later for earlier, later in pairwise(SNAPSHOTS))

"""Laws of the engine on random histories: nothing leaks, nothing depends on order, snapshots don't see each other."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.features.edges import SNAPSHOTS, ZONES
from tests.features.order_histories import histories

ANY_ZONE = st.sampled_from(["UTC", *ZONES])


@pytest.fixture(scope="session")
def products(products_of):
    return products_of(
        {"product_id": "p0", "category": "x"},
        {"product_id": "p1", "category": "x"},
        {"product_id": "p2", "category": "y", "known_at": datetime(2024, 1, 15, tzinfo=UTC)},
    )


@settings(max_examples=12, deadline=None)
@given(rows=histories(), when=st.tuples(st.sampled_from(SNAPSHOTS), ANY_ZONE))
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
@given(
    rows_and_shuffled=histories().flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))), zone=ANY_ZONE
)
def test_the_order_of_rows_changes_nothing(orders_of, features_of, products, rows_and_shuffled, zone):
    frame, shuffled = (orders_of(*rows) for rows in rows_and_shuffled)
    options = {"products": products, "time_zone": zone}
    assert_frame_equal(
        features_of(frame, *SNAPSHOTS, **options), features_of(shuffled, *SNAPSHOTS, **options), check_exact=True
    )


@settings(max_examples=8, deadline=None)
@given(rows=histories(), zone=ANY_ZONE)
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
@given(rows=histories(), zone=ANY_ZONE)
def test_no_value_is_infinite_or_not_a_number(orders_of, features_of, products, rows, zone):
    built = features_of(orders_of(*rows), *SNAPSHOTS, products=products, time_zone=zone)
    floats = built.select(pl.col(pl.Float64))
    assert floats.select(pl.all().is_finite().all()).row(0) == (True,) * floats.width

from datetime import date

import polars as pl

from data_contracts.orders import known_before, purchase_orders
from features.inputs import Window
from features.order_inputs import order_inputs
from features.snapshots import snapshots_of

LIFE = {name: Window(column=name) for name in ("purchase_count", "purchase_amount", "net_amount")}


def test_purchases_are_what_the_shared_definition_says(orders_of):
    lines = orders_of(
        {"at": "2024-01-05 10:00", "order_id": "1", "amount": 100},
        {"at": "2024-01-05 10:00", "order_id": "1", "amount": -30},
        {"at": "2024-01-07 10:00", "order_id": "2", "amount": 50},
        {"at": "2024-01-07 10:00", "order_id": "2", "amount": -50, "known": "2024-02-10"},
        {"at": "2024-01-09 10:00", "order_id": "3", "amount": -20},
        {"at": "2024-01-11 10:00", "order_id": "4", "amount": 60},
        {"at": "2024-01-11 10:00", "order_id": "4", "amount": -70, "known": "2024-02-10"},
        {"at": "2024-01-11 10:00", "order_id": "4", "amount": 40, "known": "2024-03-10"},
    )
    snapshots = snapshots_of([date(2024, month, 1) for month in (1, 2, 3, 4)], time_zone="UTC")
    got = order_inputs(lines.lazy(), None, LIFE, snapshots)
    for number, instant in enumerate(snapshots.instants):
        orders = purchase_orders(known_before(lines.lazy(), instant)).collect()
        bought = orders.filter("is_purchase")
        expected = (len(bought), bought["amount"].sum(), orders["amount"].sum())
        assert got.filter(snapshot=number).select(list(LIFE)).row(0) == expected


def test_an_order_belongs_to_the_day_of_its_first_known_line(orders_of):
    lines = orders_of(
        {"at": "2024-01-05 10:00", "order_id": "1"},
        {"at": "2024-01-03 23:30", "order_id": "1", "known": "2024-02-10"},
    )
    snapshots = snapshots_of([date(2024, 1, 31), date(2024, 2, 29)], time_zone="UTC")
    # of the first snapshot 26 days before, of the second 57
    windows = {str(days): Window(column="net_amount", oldest_days=days) for days in (25, 26, 56, 57)}
    got = order_inputs(lines.lazy(), None, windows, snapshots)
    assert got.select("25", "26", "56", "57").rows() == [(0, 100, 100, 100), (0, 0, 0, 200)]


def test_a_superseded_line_counts_until_its_successor(orders_of, features_of):
    history = orders_of(
        {"at": "2024-01-05", "order_id": "1", "amount": 100, "superseded": "2024-02-10"},
        {"at": "2024-01-05", "order_id": "1", "amount": 70, "known": "2024-02-10"},
        {"at": "2024-01-06", "order_id": "2", "amount": 40, "superseded": "2024-03-01 00:00"},
    )
    built = features_of(history, "2024-02-01", "2024-03-01", "2024-03-02")
    assert built["net_amount_life"].to_list() == [140, 110, 70]  # what is superseded at the instant itself still counts
    assert built["purchase_count_life"].to_list() == [2, 2, 1]


def test_frames_without_versions_are_read_as_they_are(orders_of, features_of):
    history = orders_of({"at": "2024-01-05"}).drop("superseded_at")
    assert features_of(history, "2024-02-01", "2024-03-01")["net_amount_life"].to_list() == [100, 100]


def test_inputs_are_sorted_by_customer_and_snapshot_whatever_the_order_of_rows(orders_of):
    lines = orders_of({"customer_id": "b", "at": "2024-01-05"}, {"customer_id": "a", "at": "2024-01-05"})
    snapshots = snapshots_of([date(2024, 2, 1), date(2024, 3, 1)], time_zone="UTC")
    got = order_inputs(lines.lazy(), None, LIFE, snapshots)
    assert got.select("customer_id", "snapshot").rows() == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
    assert got.schema["snapshot"] == pl.UInt16

from datetime import date

import polars as pl

from data_contracts.orders import known_before, purchase_orders
from features.ledgers import counted_lines, day_ledger
from features.snapshots import snapshots_of


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
    days = day_ledger(counted_lines(lines.lazy(), snapshots), snapshots)
    got = days.group_by("snapshot").agg(pl.col("purchase_count", "purchase_amount", "net_amount").sum()).collect()
    for number, instant in enumerate(snapshots.instants):
        orders = purchase_orders(known_before(lines.lazy(), instant)).collect()
        bought = orders.filter("is_purchase")
        expected = [(len(bought), bought["amount"].sum(), orders["amount"].sum())] if len(orders) else []
        assert got.filter(snapshot=number).drop("snapshot").rows() == expected


def test_an_order_belongs_to_the_day_of_its_first_known_line(orders_of):
    lines = orders_of(
        {"at": "2024-01-05 10:00", "order_id": "1"},
        {"at": "2024-01-03 23:30", "order_id": "1", "known": "2024-02-10"},
    )
    snapshots = snapshots_of([date(2024, 2, 1), date(2024, 3, 1)], time_zone="UTC")
    days = day_ledger(counted_lines(lines.lazy(), snapshots), snapshots).sort("snapshot").collect()
    assert days.select("snapshot", "day", "purchase_count", "net_amount").rows() == [
        (0, date(2024, 1, 5), 1, 100),
        (1, date(2024, 1, 3), 1, 200),
    ]

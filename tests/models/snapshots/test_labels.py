from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from models.snapshots.labels import known_costs, monthly_activity, outcomes, population, purchase_gaps

ZONE = "Europe/London"
S = date(2025, 7, 1)  # British Summer Time: the business date begins at 23:00 UTC the day before
START = datetime(2025, 6, 30, 23, tzinfo=UTC)
END = START + timedelta(days=90)
BEFORE = START - timedelta(days=10)


def lines(*rows):
    filled = [row if len(row) == 5 else (*row, row[2]) for row in rows]
    columns = ["customer_id", "order_id", "ordered_at", "amount", "known_at"]
    frame = pl.DataFrame(filled, schema=columns, orient="row")
    stamp = pl.Datetime("us", "UTC")
    return frame.with_columns(pl.col("ordered_at", "known_at").cast(stamp), quantity=pl.lit(1.0)).lazy()


def outcome(*rows, horizon_days=90):
    made = outcomes(lines(("a", "o0", BEFORE, 100), *rows), snapshots=[S], horizon_days=horizon_days, time_zone=ZONE)
    (row,) = made.filter(pl.col("customer_id") == "a").collect().to_dicts()
    return row["churned"], row["value_amount"], row["order_count"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], (1, 0, 0)),
        ([("a", "o1", START, 500)], (0, 500, 1)),
        ([("a", "o1", START - timedelta(microseconds=1), 500)], (1, 0, 0)),
        ([("a", "o1", END - timedelta(microseconds=1), 500)], (0, 500, 1)),
        ([("a", "o1", END, 500)], (1, 0, 0)),
        ([("a", "r1", START, -70)], (1, -70, 0)),
        ([("a", "o1", START, 500), ("a", "r1", END - timedelta(days=1), -600)], (0, -100, 1)),
        ([("a", "o1", START, 500), ("a", "o1", START, -500)], (1, 0, 0)),
        ([("a", "o1", START, 1), ("a", "o2", START, 2)], (0, 3, 2)),
    ],
)
def test_what_a_customer_did_in_the_window(rows, expected):
    assert outcome(*rows) == expected


def test_margins_are_of_lines_with_a_known_cost():
    sold = lines(
        ("a", "o0", BEFORE, 100),
        ("a", "o1", START, 500),
        ("a", "o1", START, 70),
        ("a", "r", START, -50),
        ("a", "o2", END, 9),
    )
    costed = sold.with_columns(cost_amount=pl.Series([60, 300, None, -30, 1]))
    assert outcomes(costed, snapshots=[S], horizon_days=90, time_zone=ZONE).collect()["margin_amount"].to_list() == [
        180
    ]
    assert outcomes(sold, snapshots=[S], horizon_days=90, time_zone=ZONE).collect()["margin_amount"].to_list() == [0]
    told = known_costs(costed, as_of=S + timedelta(days=30), time_zone=ZONE).collect()
    assert told.row(0) == (720, 650, 720, 650)  # the last line is not known by then
    year_later = known_costs(costed, as_of=S + timedelta(days=360), time_zone=ZONE).collect()
    assert year_later.row(0) == (729, 659, 629, 559)


def test_customers_without_a_purchase_before_the_snapshot_have_no_outcome():
    made = outcomes(
        lines(("new", "o1", START, 5), ("returner", "o2", BEFORE, -5), ("returner", "o3", START, 5)),
        snapshots=[S],
        horizon_days=90,
        time_zone=ZONE,
    )
    assert made.collect().is_empty()


def test_a_purchase_not_yet_known_makes_nobody_a_customer():
    late = lines(("a", "o1", BEFORE, 5, START))
    assert population(late, snapshots=[S], time_zone=ZONE).collect().is_empty()
    assert population(lines(("a", "o1", BEFORE, 5)), snapshots=[S], time_zone=ZONE).collect().height == 1


@pytest.mark.parametrize(
    ("ordered_at", "asked"),
    [
        (datetime(2024, 6, 30, 23, tzinfo=UTC), True),
        (datetime(2024, 6, 30, 22, 59, tzinfo=UTC), False),
        (START - timedelta(microseconds=1), True),
        (START, False),
    ],
)
def test_the_population_is_whom_bought_within_a_year(ordered_at, asked):
    made = population(lines(("a", "o1", ordered_at, 5)), snapshots=[S], active_within_days=365, time_zone=ZONE)
    assert bool(made.collect().height) is asked


def test_several_snapshots_are_the_same_as_one_by_one(orders):
    days = [date(2025, 1, 1), date(2025, 2, 1)]
    together = outcomes(orders.lazy(), snapshots=days, horizon_days=90, time_zone=ZONE).collect()
    alone = [outcomes(orders.lazy(), snapshots=[day], horizon_days=90, time_zone=ZONE).collect() for day in days]
    assert together.equals(pl.concat(alone).sort("customer_id", "snapshot_date"))


def test_activity_adds_up_over_buckets_and_ignores_order(orders):
    def made(frame):
        return monthly_activity(frame.lazy(), as_of=date(2026, 1, 1), time_zone=ZONE).collect()

    whole = made(orders)
    even = pl.col("customer_id").str.slice(-1).is_in(["0", "2", "4", "6", "8"])
    parts = pl.concat([made(orders.filter(even)), made(orders.filter(~even))])
    bands = ["month_start", "recency_band", "frequency_band"]
    assert parts.group_by(bands).agg(pl.exclude(bands).sum()).sort(bands).equals(whole)
    assert made(orders.sample(fraction=1.0, shuffle=True, seed=3)).equals(whole)


def test_activity_counts_purchases_and_baskets_of_recent_customers():
    day = datetime(2025, 11, 20, tzinfo=UTC)
    rows = lines(
        ("a", "o1", day, 100),
        ("a", "o2", day + timedelta(days=15), 200),
        ("b", "o3", day - timedelta(days=400), 100),
        ("b", "o4", day + timedelta(days=15), 900),
    )
    made = monthly_activity(rows, as_of=date(2026, 1, 1), time_zone=ZONE).collect()
    (december,) = made.filter(pl.col("month_start") == date(2025, 12, 1)).to_dicts()
    assert (december["customer_count"], december["purchase_count"]) == (1, 1)
    assert december["basket_log_millionths"] == pytest.approx(np.log(2) * 1e6, abs=2)


def test_gaps_are_between_days_with_a_purchase():
    day = datetime(2025, 11, 20, 12, tzinfo=UTC)
    rows = lines(
        ("a", "o1", day, 100),
        ("a", "o2", day + timedelta(hours=1), 100),
        ("a", "o3", day + timedelta(days=10), -100),
        ("a", "o4", day + timedelta(days=30), 100),
        ("b", "o5", day + timedelta(days=31), 100),
    )
    made = purchase_gaps(rows, as_of=date(2026, 1, 1), time_zone=ZONE).collect()
    assert made.rows() == [(30, 1)]
    assert purchase_gaps(rows, as_of=date(2025, 12, 1), time_zone=ZONE).collect().is_empty()

from statistics import mean, median, stdev

import pytest


@pytest.fixture(scope="module")
def history(orders_of):
    """Purchases on days with gaps 10, 10, 25; two orders on one day, a return in between."""
    return orders_of(
        {"at": "2024-01-01 09:00"},
        {"at": "2024-01-11 08:00"},
        {"at": "2024-01-11 08:00"},
        {"at": "2024-01-15 10:00", "amount": -40},
        {"at": "2024-01-21 19:30"},
        {"at": "2024-02-15 12:00", "amount": 300},
        {"at": "2024-02-20 12:00", "amount": -300},
    )


GAPS = [10, 10, 25]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("days_since_last_order", 15),
        ("days_since_first_order", 60),
        ("days_between_first_and_last_order", 45),
        ("purchase_day_count", 4),
        ("median_days_between_orders", median(GAPS)),
        ("mean_days_between_orders", mean(GAPS)),
        ("spread_of_days_between_orders", pytest.approx(stdev(GAPS), rel=1e-12)),
        ("longest_days_between_orders", 25),
        ("last_days_between_orders", 25),
        ("irregularity_of_orders", pytest.approx(stdev(GAPS) / mean(GAPS), rel=1e-12)),
        ("last_gap_to_usual", 2.5),
        ("silence_to_usual_gap", 1.5),
        ("silence_to_longest_gap", 0.6),
        ("silence_in_deviations", 0.0),
        ("weekend_share", 0.2),  # 21 January 2024 is a Sunday
        ("favourite_weekday_share", 0.6),  # three of five on a Thursday
        ("morning_share", 0.6),
        ("evening_share", 0.2),
        ("mean_order_hour", (9 + 8 + 8 + 19 + 12) / 5),
    ],
)
def test_values(history, one_row, name, expected):
    assert one_row(history, "2024-03-01")[name] == expected


@pytest.mark.parametrize(
    ("orders", "null_names"),
    [
        (1, ["median_days_between_orders", "spread_of_days_between_orders", "silence_to_usual_gap"]),
        (2, ["spread_of_days_between_orders", "irregularity_of_orders", "silence_in_deviations"]),
        (3, ["silence_in_deviations"]),  # evenly spaced: no spread to measure in
    ],
)
def test_short_histories_are_null_not_infinite(orders_of, one_row, orders, null_names):
    row = one_row(orders_of(*({"at": f"2024-01-{1 + 7 * number:02}"} for number in range(orders))), "2024-03-01")
    assert [name for name in null_names if row[name] is not None] == []


def test_same_season_last_year_is_the_window_ahead_a_year_ago(orders_of, one_row):
    # S = 2025-03-01, so [2024-03-01, 2024-05-30)
    history = orders_of(
        {"at": "2024-02-29 23:59", "amount": 1},
        {"at": "2024-03-01 00:00", "amount": 20},
        {"at": "2024-05-29 23:59", "amount": 300},
        {"at": "2024-05-30 00:00", "amount": 4000},
    )
    row = one_row(history, "2025-03-01")
    assert row["purchase_count_same_season_last_year"] == 2
    assert row["net_amount_same_season_last_year"] == 320
    assert row["share_of_amount_same_season"] == 320 / 4320


@pytest.mark.parametrize(
    ("time_zone", "at", "expected"),
    [
        ("Europe/London", "2024-03-30 23:30", [(2, 23.0)]),  # winter time: still Saturday
        ("Europe/London", "2024-03-31 22:30", [(1, 23.0)]),  # the clocks have gone forward
        ("Europe/London", "2024-03-31 23:30", []),  # half past midnight of the snapshot itself
        ("America/New_York", "2024-03-31 03:00", [(2, 23.0)]),  # the evening before, there
        ("Pacific/Auckland", "2024-03-30 12:00", [(1, 1.0)]),
    ],
)
def test_days_and_hours_are_local(orders_of, features_of, time_zone, at, expected):
    built = features_of(orders_of({"at": at}), "2024-04-01", time_zone=time_zone)
    assert built.select("days_since_last_order", "mean_order_hour").rows() == expected


def test_the_hour_that_comes_twice_lies_on_the_same_day(orders_of, features_of):
    twice = orders_of({"at": "2024-10-27 00:30"}, {"at": "2024-10-27 01:30"})
    row = features_of(twice, "2024-10-28", time_zone="Europe/London").row(0, named=True)
    assert (row["purchase_day_count"], row["purchase_count_life"], row["mean_order_hour"]) == (1, 2, 1.0)

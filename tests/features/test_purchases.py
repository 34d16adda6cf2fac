import pytest


@pytest.fixture(scope="module")
def history(orders_of):
    """As of 2024-03-01: three purchases, one return and an order that nets to nothing."""
    return orders_of(
        {"at": "2023-01-15 09:00", "order_id": "1", "amount": 1000},
        {"at": "2023-12-20 09:00", "order_id": "2", "amount": 300},
        {"at": "2023-12-20 09:00", "order_id": "2", "amount": 100},
        {"at": "2024-02-10 09:00", "order_id": "3", "amount": 600},
        {"at": "2024-02-20 09:00", "order_id": "4", "amount": -150},
        {"at": "2024-02-25 09:00", "order_id": "5", "amount": 70},
        {"at": "2024-02-25 09:00", "order_id": "5", "amount": -70},
        {"at": "2024-03-01 00:00", "order_id": "6", "amount": 5000},
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("purchase_count_7_days", 0),
        ("net_amount_7_days", 0),
        ("purchase_count_30_days", 1),
        ("net_amount_30_days", 450),
        ("purchase_count_90_days", 2),
        ("net_amount_90_days", 850),
        ("purchase_count_180_days", 2),
        ("purchase_count_365_days", 2),
        ("net_amount_365_days", 850),
        ("purchase_count_life", 3),
        ("net_amount_life", 1850),
        ("amount_per_purchase", 2000 / 3),
        ("amount_per_purchase_365_days", 500.0),
        ("largest_purchase_day_amount", 1000),
        ("last_purchase_day_amount", 600),
        ("last_amount_to_usual", 600 * 3 / 2000),
        ("share_of_amount_last_365_days", 0.5),
        ("purchase_trend_30_days", 1.0),
        ("purchase_trend_90_days", 1.0),
        ("purchase_trend_365_days", 1 / 3),
        ("spend_trend_365_days", 0.0),
    ],
)
def test_values(history, one_row, name, expected):
    assert one_row(history, "2024-03-01")[name] == expected


def test_decayed_sums_halve_at_the_half_life(orders_of, one_row):
    history = orders_of({"at": "2024-01-31", "amount": 800}, {"at": "2023-12-02", "amount": 400})
    row = one_row(history, "2024-03-01")  # 30 and 90 days before
    assert row["decayed_purchase_count_30_days"] == 0.5 + 0.125
    assert row["decayed_net_amount_30_days"] == 800 * 0.5 + 400 * 0.125
    assert row["decayed_net_amount_90_days"] == pytest.approx(800 * 2 ** (-1 / 3) + 200, rel=1e-5)


def test_trends_without_purchases_are_null(orders_of, one_row):
    row = one_row(orders_of({"at": "2021-01-01"}), "2024-03-01")
    assert row["purchase_trend_365_days"] is None
    assert row["amount_per_purchase_365_days"] is None


@pytest.mark.parametrize(
    ("bought", "inside"),
    [("2024-02-24 00:00", 0), ("2024-02-23 23:59", 0), ("2024-02-25 00:00", 1), ("2024-03-02 23:59", 1)],
)
def test_a_window_counts_back_over_a_leap_day(orders_of, one_row, bought, inside):
    assert one_row(orders_of({"at": bought}), "2024-03-03")["purchase_count_7_days"] == inside

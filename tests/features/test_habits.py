from math import log, sqrt

import pytest


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("night_share", 0.25),
        ("early_in_month_share", 0.5),
        ("spread_of_order_hours", pytest.approx(sqrt(((5 - 11) ** 2 + (9 - 11) ** 2 + 0 + (19 - 11) ** 2) / 3))),
        ("weekday_entropy", pytest.approx(-(0.75 * log(0.75) + 0.25 * log(0.25)))),
    ],
)
def test_values(orders_of, one_row, name, expected):
    history = orders_of(
        {"at": "2024-01-01 05:59"}, {"at": "2024-01-08 09:00"}, {"at": "2024-01-15 11:59"}, {"at": "2024-01-11 19:00"}
    )  # three Mondays and a Thursday
    assert one_row(history, "2024-03-01")[name] == expected


def test_one_weekday_has_no_entropy_and_one_purchase_no_spread(orders_of, one_row):
    row = one_row(orders_of({"at": "2024-01-01 05:59"}), "2024-03-01")
    assert (row["weekday_entropy"], row["spread_of_order_hours"]) == (0.0, None)

import pytest


@pytest.fixture(scope="module")
def history(orders_of):
    return orders_of(
        {"at": "2022-01-10", "order_id": "1", "amount": 1000, "discount_amount": 0, "cost_amount": 700},
        {"at": "2024-01-10", "order_id": "2", "amount": 300, "discount_amount": 100, "cost_amount": 200},
        {"at": "2024-01-10", "order_id": "2", "amount": 100},
        {"at": "2024-01-20", "order_id": "3", "amount": -150, "discount_amount": -50, "cost_amount": -100},
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("returned_amount_365_days", 150),
        ("returned_amount_share", 150 / 1400),
        ("returned_amount_share_365_days", 150 / 400),
        ("returned_line_share", 1 / 3),
        ("days_since_last_return", 41),
        ("discount_share", 100 / 1400),
        ("discount_share_365_days", 0.25),
        ("discounted_line_share", 0.5),
        ("margin_amount_365_days", 50),
        ("margin_share", 350 / 1150),
        ("margin_share_365_days", 50 / 150),
    ],
)
def test_values(history, one_row, name, expected):
    assert one_row(history, "2024-03-01")[name] == expected


def test_nothing_known_of_discounts_and_no_return(orders_of, one_row):
    row = one_row(orders_of({"at": "2024-01-10"}), "2024-03-01")
    assert row["discount_share"] is None
    assert row["margin_share"] is None
    assert row["days_since_last_return"] is None
    assert row["returned_amount_share"] == 0.0

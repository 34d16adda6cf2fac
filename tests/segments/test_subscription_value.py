"""What subscriptions are expected to bring, added to what is expected of orders."""

import polars as pl
import pytest

from segments.subscription_value import SUM_OF, with_subscription_value

SCHEMA = {"customer_id": pl.String} | dict.fromkeys(SUM_OF.values(), pl.Int64)
VALUE = pl.DataFrame(
    {
        "customer_id": ["both", "orders", "negative"],
        "expected_value_90d_amount": [1_000, 500, -20],
        "expected_value_12m_amount": [4_000, 2_000, -50],
        "expected_value_24m_amount": [7_000, 3_500, 0],
        "typical_value_90d_amount": [900, 400, 0],
        "expected_orders_30d": [0.5, 0.25, 0.0],
    }
)


def summed(subscriptions):
    return {row.pop("customer_id"): row for row in with_subscription_value(VALUE, subscriptions).to_dicts()}


def test_the_sum_is_of_both_and_only_the_sum_is_told_of_who_subscribes():
    running = [("both", 300, 1_200), ("negative", 60, 240), ("subscribes", 90, 360), ("left", None, None)]
    found = summed(pl.DataFrame(running, schema=SCHEMA, orient="row"))
    amounts = {name: tuple(row[one] for one in (*SUM_OF, *SUM_OF.values())) for name, row in found.items()}
    assert amounts == {
        "both": (1_300, 5_200, 300, 1_200),
        "orders": (500, 2_000, None, None),
        "negative": (60, 240, 60, 240),
        "subscribes": (90, 360, 90, 360),
    }
    assert {name: row["typical_value_90d_amount"] for name, row in found.items()} == {
        "both": None,
        "orders": 400,
        "negative": None,
        "subscribes": None,
    }
    assert found["orders"]["expected_value_24m_amount"] == 3_500
    assert found["both"]["expected_value_24m_amount"] is None
    assert found["both"]["expected_orders_30d"] == 0.5


@pytest.mark.parametrize("subscriptions", [None, pl.DataFrame({"customer_id": ["orders"], "subscribes": [True]})])
def test_where_nothing_is_added_values_are_what_they_were(subscriptions):
    parts = dict.fromkeys(SUM_OF.values())
    assert summed(subscriptions) == {row.pop("customer_id"): row | parts for row in VALUE.to_dicts()}

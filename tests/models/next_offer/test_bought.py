from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from data_contracts.orders import snapshot_instant
from models.next_offer.bought import bought_before, code_lines

INSTANT = snapshot_instant(datetime(2024, 7, 1, tzinfo=UTC).date(), time_zone="UTC")


def named(coded, bought):
    customers = coded.customer_ids.gather(bought["customer"]).to_list()
    products = coded.product_ids.gather(bought["product"]).to_list()
    return list(zip(customers, products, bought["days_before"].to_list(), strict=True))


@pytest.mark.parametrize(
    ("row", "counts"),
    [
        (("a", "x", 3, {}), True),
        (("a", "x", 3, {"amount": -500}), False),  # a return is no purchase
        (("a", "x", 3, {"amount": 0}), False),  # nor is a gift
        (("a", "x", -1, {}), False),  # it lies in the future
        (("a", "x", 3, {"known_at": INSTANT}), False),  # we heard of it too late
        (("a", "x", 3, {"ordered_at": INSTANT}), False),
        (("a", "x", 3, {"ordered_at": INSTANT - timedelta(microseconds=1)}), True),
    ],
)
def test_which_lines_are_bought_products(make_orders, row, counts):
    coded = code_lines(make_orders(row), before=INSTANT)
    assert (bought_before(coded.lines, INSTANT).height == 1) is counts


def test_lines_of_an_order_that_is_taken_back_do_not_count(make_orders):
    orders = make_orders(("a", "x", 3), ("a", "y", 3, {"amount": -500}), ("a", "z", 9))
    coded = code_lines(orders, before=INSTANT)
    assert named(coded, bought_before(coded.lines, INSTANT)) == [("a", "z", 8)]


def test_lines_of_one_product_in_one_order_are_one_purchase(make_orders):
    coded = code_lines(make_orders(("a", "x", 3), ("a", "x", 3, {"quantity": 0.5})), before=INSTANT)
    bought = bought_before(coded.lines, INSTANT)
    assert bought.select("milli_quantity", "amount").row(0) == (1500, 1000)


def test_products_outside_the_given_list_are_dropped(make_orders):
    first = code_lines(make_orders(("a", "x", 3)), before=INSTANT)
    coded = code_lines(make_orders(("a", "x", 3), ("b", "y", 3)), before=INSTANT, product_ids=first.product_ids)
    assert named(coded, bought_before(coded.lines, INSTANT)) == [("a", "x", 2)]


def test_a_purchase_at_the_first_moment_of_a_window_is_in_it():
    """At midnight 365 days before, as files with dates only have it: inside [as_of - 365 days, as_of)."""
    instant = datetime(2026, 1, 1, tzinfo=UTC)
    moments = [instant - timedelta(days=365), instant - timedelta(days=365, microseconds=1)]
    lines = pl.LazyFrame(
        {
            "order_id": ["a", "b"],
            "line_number": [1, 1],
            "customer_id": ["c", "d"],
            "ordered_at": moments,
            "known_at": moments,
            "product_id": ["p", "p"],
            "quantity": [1.0, 1.0],
            "amount": [100, 100],
        }
    )
    coded = code_lines(lines, before=instant)
    bought = bought_before(coded.lines, instant)
    days = dict(zip(coded.customer_ids.gather(bought["customer"]), bought["days_before"], strict=True))
    assert days == {"c": 364, "d": 365}

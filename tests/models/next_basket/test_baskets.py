"""Baskets in their order, and histories cut short."""

import polars as pl

from models.next_basket.baskets import code_baskets, cut


def test_positions_follow_the_order_of_baskets_and_repeated_lines_are_one():
    table = pl.DataFrame(
        {
            "customer_id": ["a", "a", "a", "b"],
            "basket": [30, 7, 7, 1],
            "product_id": ["x", "y", "y", "x"],
            "quantity": [1.0, 2.0, 3.0, 1.0],
        }
    )
    baskets = code_baskets(table)
    assert baskets.lines.rows() == [(0, 0, 1, 5.0), (0, 1, 0, 1.0), (1, 0, 0, 1.0)]


def test_a_cut_hides_the_last_baskets_and_asks_for_the_first_hidden_one(make_baskets):
    snapshot = cut(make_baskets({"a": ["x", "y", "z"], "b": ["x"]}), steps_back=1)
    assert snapshot.lines.select("customer", "position", "product").rows() == [(0, 0, 0), (0, 1, 1)]
    assert snapshot.customers.rows() == [(0, 2)]
    assert snapshot.truth.rows() == [(0, 2)]
    assert cut(make_baskets({"a": ["x", "y", "z"]}), steps_back=2).truth.rows() == [(0, 1)]

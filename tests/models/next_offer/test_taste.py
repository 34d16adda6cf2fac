from datetime import date

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data_contracts.orders import snapshot_instant
from models.next_offer import taste
from models.next_offer.bought import bought_before, code_lines
from models.next_offer.facts import combine_item_facts, item_facts, partial_item_facts
from models.next_offer.history import history_of_bought
from models.next_offer.taste import RIDGE, taste_scores

AS_OF = date(2024, 7, 1)
BASKETS = {"a": "xyz", "b": "xyw", "c": "xw", "d": "yzv", "e": "vw", "f": "x"}


@pytest.fixture
def orders(make_orders):
    return make_orders(*[(customer, product, 3) for customer, basket in BASKETS.items() for product in basket])


def pairs_of(orders, facts):
    instant = snapshot_instant(AS_OF, time_zone="UTC")
    bought = bought_before(code_lines(orders, before=instant, product_ids=facts.product_ids).lines, instant)
    return history_of_bought(bought, window_days=30, active_within_days=365).pairs


def test_each_product_is_regressed_on_all_the_others(orders):
    """Column by column the same as solving the ridge regression with the product itself left out."""
    learnt = item_facts(orders, None, as_of=AS_OF, time_zone="UTC").taste
    matrix = np.array([[product in basket for product in "vwxyz"] for basket in BASKETS.values()], dtype=float)
    together = matrix.T @ matrix
    ridged = together + RIDGE * np.diag(together).mean() * np.eye(5)
    for column in range(5):
        others = [row for row in range(5) if row != column]
        expected = np.linalg.solve(ridged[np.ix_(others, others)], together[others, column])
        assert learnt.weights[others, column] == pytest.approx(expected, rel=1e-4)
        assert learnt.weights[column, column] == 0


def test_buckets_of_customers_teach_the_same_taste(orders):
    whole = item_facts(orders, None, as_of=AS_OF, time_zone="UTC").taste
    halves = [orders.filter(pl.col("customer_id") < "c"), orders.filter(pl.col("customer_id") >= "c")]
    parts = [partial_item_facts(half, as_of=AS_OF, time_zone="UTC") for half in halves]
    assert combine_item_facts(parts, None).taste.weights.tobytes() == whole.weights.tobytes()


def test_the_best_that_was_never_bought_comes_beside_what_is_asked(orders, monkeypatch):
    facts = item_facts(orders, None, as_of=AS_OF, time_zone="UTC")
    pairs = pairs_of(orders, facts)
    asked = pairs.select("customer", "product")
    scores = taste_scores(pairs, asked, facts.taste, keep=1)
    new = scores.join(asked, on=["customer", "product"], how="anti")
    assert new["customer"].is_unique().all()
    assert new.height == len(BASKETS)
    assert (new["taste_score"] > 0).all()
    everything = asked.select("customer").unique().join(pl.DataFrame({"product": facts.taste.products}), how="cross")
    all_scores = taste_scores(pairs, everything.sort("customer", "product"), facts.taste, keep=9)
    assert_frame_equal(scores.join(all_scores, on=scores.columns, how="anti"), scores.clear())  # the same numbers
    best = all_scores.join(asked, on=["customer", "product"], how="anti").group_by("customer").agg(
        pl.col("taste_score").max()
    )  # fmt: skip
    assert_frame_equal(best.sort("customer"), new.select("customer", "taste_score").sort("customer"))
    monkeypatch.setattr(taste, "CUSTOMERS_AT_ONCE", 2)
    blocks = taste_scores(pairs, asked, facts.taste, keep=1)
    assert_frame_equal(blocks, scores, check_row_order=False, check_exact=True)


def test_products_with_one_buyer_are_not_known(make_orders):
    orders = make_orders(("a", "x", 3), ("b", "y", 3))
    facts = item_facts(orders, None, as_of=AS_OF, time_zone="UTC")
    pairs = pairs_of(orders, facts)
    assert len(facts.taste.products) == 0
    assert taste_scores(pairs, pairs.select("customer", "product"), facts.taste, keep=3).is_empty()

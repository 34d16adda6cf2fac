from datetime import date

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from models.next_offer.facts import combine_item_facts, item_facts, partial_item_facts, product_categories

AS_OF = date(2024, 7, 1)


def facts_of(orders, products=None):
    return item_facts(orders, products, as_of=AS_OF, time_zone="UTC")


def row_of(facts, product):
    return facts.products.filter(pl.col("product") == facts.product_ids.to_list().index(product)).row(0, named=True)


def test_popularity_counts_customers_not_lines(make_orders):
    facts = facts_of(make_orders(("a", "x", 3), ("a", "x", 9), ("b", "x", 40), ("c", "x", 500)))
    row = row_of(facts, "x")
    expected = {"buyers": 3, "repeat_buyers": 1, "times_bought": 4, "buyers_30d": 1, "buyers_previous_30d": 1}
    assert {name: row[name] for name in expected} == expected
    assert (row["buyers_90d"], row["buyers_365d"], row["gap_days"], row["gaps"]) == (2, 2, 6, 1)


def test_the_season_is_the_coming_window_a_year_ago(make_orders):
    facts = facts_of(make_orders(("a", "x", 365), ("b", "x", 337), ("c", "x", 335), ("d", "x", 367)))
    row = row_of(facts, "x")
    assert (row["buyers_season"], row["buyers_before_season"]) == (2, 1)


def test_returning_buyers_bought_in_both_windows(make_orders):
    facts = facts_of(make_orders(("a", "x", 3), ("a", "x", 50), ("b", "x", 50), ("c", "x", 3)))
    row = row_of(facts, "x")
    assert (row["buyers_30d_to_120d"], row["returning_buyers_30d"]) == (2, 1)


def neighbours_of(facts):
    rows = facts.neighbours.with_columns(pl.col("product", "neighbour").map_elements(facts.product_ids.item)).rows()
    return {(product, neighbour): similarity for product, neighbour, similarity in rows}


def test_neighbours_are_bought_by_the_same_customers(make_orders):
    facts = facts_of(
        make_orders(("a", "x", 3), ("a", "y", 9), ("b", "x", 3), ("b", "y", 3), ("c", "z", 3), ("c", "x", 3))
    )
    # x and y share two of x's three and y's two customers: 2 / sqrt(6), shrunk by 2 / 7; x and z share only one
    cosine = 2 / 6**0.5 * 2 / 7
    overall = (6 + 1) / (6 + 10)
    expected = {("x", "y"): cosine * 2.5 / 7 / overall, ("y", "x"): cosine * 3.5 / 8 / overall}
    assert neighbours_of(facts) == pytest.approx(expected)


def test_what_is_bought_lately_goes_better_with_others(make_orders):
    rows = [(customer, product, 200) for customer in "abc" for product in ("own", "leaving", "lively")]
    found = neighbours_of(facts_of(make_orders(*rows, *[(customer, "lively", 3) for customer in "abc"])))
    assert found["own", "lively"] == pytest.approx(7 * found["own", "leaving"])  # 3.5 against .5
    assert next(iter(found)) == ("leaving", "lively")  # best first


def test_what_became_known_later_leaves_no_trace(make_orders):
    rows = [("a", "x", 3), ("b", "x", 9)]
    late = ("c", "x", 5, {"known_at": make_orders(("c", "x", -2)).collect()["known_at"][0]})
    assert_frame_equal(facts_of(make_orders(*rows)).products, facts_of(make_orders(*rows, late)).products)


purchases = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from("vwxyz"), st.integers(1, 400)), min_size=1, max_size=40
)


@given(rows=purchases)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_buckets_sum_to_the_whole(make_orders, rows):
    whole = facts_of(make_orders(*rows))
    buckets = [[row for row in rows if ord(row[0]) % 3 == remainder] for remainder in range(3)]
    parts = [partial_item_facts(make_orders(*bucket), as_of=AS_OF, time_zone="UTC") for bucket in buckets]
    combined = combine_item_facts(parts, None)
    assert_frame_equal(combined.products, whole.products)
    assert_frame_equal(combined.neighbours, whole.neighbours)


def test_products_without_categories_have_none(make_products):
    assert product_categories(make_products(("x", None, True)), as_of=AS_OF, time_zone="UTC") is None
    assert product_categories(None, as_of=AS_OF, time_zone="UTC") is None

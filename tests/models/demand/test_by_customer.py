"""The forecast broken down to customers: adds up to it, knows nothing of the future, keeps new customers apart."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.demand.by_customer import (
    EVERYBODY_ELSE,
    customer_weights,
    factors,
    in_named_categories,
    known_customers_orders,
    known_shares,
    reconciled,
    with_everybody_else,
)
from models.demand.forecast import MILLION, OTHERS, TOTAL, by_day, forecast_demand

AS_OF = date(2026, 1, 1)
DAYS = {"as_of": AS_OF, "active_within_days": 365}


def _lines(*rows):
    return pl.DataFrame(
        [(who, AS_OF - timedelta(days=ago), what, MILLION, 2 * MILLION) for who, ago, what in rows],
        schema=["customer_id", "day", "category", "orders", "units"],
        orient="row",
    )


def _expected(**orders):
    return pl.DataFrame(
        {
            "customer_id": list(orders),
            "expected_orders_30d": [float(one) for one in orders.values()],
            "expected_orders_90d": [2.0 * one for one in orders.values()],
        }
    )


def _shared(lines, expected, *, period_days=30):
    forecast = forecast_demand(by_day(lines), as_of=AS_OF, period_days=period_days)
    weights = in_named_categories(customer_weights(lines, expected, period_days=period_days, **DAYS), forecast)
    known = in_named_categories(known_customers_orders(lines, days=period_days, **DAYS), forecast)
    sums = weights.group_by("category").agg(pl.col("orders", "units").sum())
    rows = reconciled(weights, factors(sums, forecast, known_shares(known)))
    return forecast, with_everybody_else(rows, forecast)


people = st.lists(
    st.tuples(st.sampled_from("abcde"), st.integers(1, 500), st.sampled_from(["tea", "cup", "jam"])), min_size=1
)
paces = st.dictionaries(st.sampled_from("abcdxy"), st.floats(0, 5), min_size=1)


@settings(max_examples=40, deadline=None)
@given(bought=people, paces=paces, period_days=st.sampled_from([30, 90, 365]))
def test_customers_add_up_to_the_forecast_of_every_category(bought, paces, period_days):
    forecast, shared = _shared(_lines(*bought), _expected(**paces), period_days=period_days)
    sums = shared.group_by("category").agg(pl.col("expected_orders", "expected_units").sum())
    both = forecast.join(sums, on="category", how="left", suffix="_told", maintain_order="left")
    for name in ("expected_orders", "expected_units"):
        categories = both.filter(pl.col("category") != TOTAL)
        assert categories[f"{name}_told"].to_list() == pytest.approx(categories[name].to_list(), abs=1e-4)
        assert shared[name].sum() == pytest.approx(both[name][0], abs=1e-3)
        assert shared[name].min() >= 0
    assert not shared.select("customer_id", "category").is_duplicated().any()
    assert set(shared["customer_id"]) <= {row[0] for row in bought} & set(paces) | {EVERYBODY_ELSE}


def _regulars():
    """Two who buy tea every 10 days, one tea and one cup; who is new buys as much as both."""
    old = [(who, ago, what) for ago in range(5, 300, 10) for who, what in (("a", "tea"), ("b", "tea"), ("b", "cup"))]
    return old, [(f"new {ago}", ago, "tea") for ago in range(1, 29)]


def test_known_customers_get_their_part_in_proportion_and_new_ones_theirs():
    old, new = _regulars()
    lines = _lines(*old, *new)
    forecast, shared = _shared(lines, _expected(a=3, b=3))
    rows = {(who, what): orders for who, what, orders, _ in shared.iter_rows()}
    assert rows[("a", "tea")] == pytest.approx(2 * rows[("b", "tea")], rel=1e-4)  # half of b's purchases are cups
    bought = lines.filter(pl.col("day") >= AS_OF - timedelta(days=30))
    tea = bought.filter(pl.col("category") == "tea")
    measured = tea["customer_id"].is_in(["a", "b"]).mean()
    total = forecast.filter(pl.col("category") == "tea")["expected_orders"].item()
    share = (rows[("a", "tea")] + rows[("b", "tea")]) / total
    everybody = bought["customer_id"].is_in(["a", "b"]).mean()
    assert measured < share < everybody  # few purchases of tea lean on what is so of all


def test_what_is_expected_of_few_is_not_blown_up_to_the_whole_forecast():
    old, _ = _regulars()
    _, shared = _shared(_lines(*old), _expected(a=0.1))
    told = shared.filter(pl.col("customer_id") == "a")["expected_orders"].to_list()
    assert told == pytest.approx([0.3])


def test_the_smallest_of_very_many_categories_are_one_row_of_a_customer():
    lines = _lines(*(("a", ago, f"c{ago:02d}") for ago in range(1, 81)))
    _, shared = _shared(lines, _expected(a=20))
    mine = shared.filter(pl.col("customer_id") == "a")
    others = mine.filter(pl.col("category") == OTHERS)
    assert others.height == 1
    assert others["expected_orders"].item() > 10 * mine.filter(pl.col("category") != OTHERS)["expected_orders"].max()

"""Coming demand: counted by day, forecast, held against the same days a year before."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from models.demand.forecast import (
    MILLION,
    NO_CATEGORY,
    TOTAL,
    daily_demand,
    forecast_demand,
    forecast_total,
    seasonal_naive,
)

AS_OF = date(2026, 1, 1)


def _line(customer, order, day, product, quantity, amount):
    when = datetime(2025, 12, day, 12, tzinfo=UTC)
    return {
        "customer_id": customer,
        "order_id": order,
        "ordered_at": when,
        "known_at": when,
        "product_id": product,
        "quantity": float(quantity),
        "amount": amount,
    }


ORDERS = pl.LazyFrame(
    [
        _line("a", "1", 1, "tea", 2, 500),
        _line("a", "1", 1, "cup", 1, 100),
        _line("b", "2", 1, "tea", 1, 250),
        _line("b", "r", 2, "tea", -1, -250),  # a return is no demand
        _line("c", "3", 3, "new", 4, 100),
        _line("c", "4", 31, "tea", 9, 900) | {"known_at": datetime(2026, 2, 1, tzinfo=UTC)},  # not known yet
    ]
)
PRODUCTS = pl.LazyFrame(
    {
        "product_id": ["tea", "cup"],
        "category": ["drinks", "china"],
        "known_at": [datetime(2025, 1, 1, tzinfo=UTC)] * 2,
    }
)


def test_a_purchase_of_two_categories_counts_half_in_each():
    counted = daily_demand(ORDERS, PRODUCTS, as_of=AS_OF, time_zone="UTC")
    assert counted.rows() == [
        (date(2025, 12, 1), "china", MILLION // 2, MILLION),
        (date(2025, 12, 1), "drinks", 3 * MILLION // 2, 3 * MILLION),
        (date(2025, 12, 3), NO_CATEGORY, MILLION, 4 * MILLION),
    ]
    alone = daily_demand(ORDERS, None, as_of=AS_OF, time_zone="UTC")
    assert alone.group_by("category").agg(pl.col("units").sum()).rows() == [(NO_CATEGORY, 8 * MILLION)]


def _seasonal(days, *, growth=0.0, seed=3):
    at = np.arange(days)
    level = 60 * (1 + 0.5 * np.sin(2 * np.pi * at / 364)) * (1 + growth) ** (at / 364)
    return np.random.default_rng(seed).poisson(level).astype(float)


def test_a_growing_company_is_forecast_better_than_by_last_year_alone():
    daily = _seasonal(1_000, growth=0.6)
    told = forecast_total(daily[:970], 30)
    assert told.periods == 12
    assert told.error_ratio < 0.6
    assert told.low < daily[970:].sum() < told.high
    assert told.seasonal_naive == daily[970 - 364 : 1_000 - 364].sum()


def test_intervals_of_a_quarter_hold_and_are_not_as_wide_as_the_worst_of_a_few_overlapping_periods():
    made = [_seasonal(900, seed=seed) for seed in range(8)]
    told = [(forecast_total(daily[:-90], 90), daily[-90:].sum()) for daily in made]
    assert sum(one.low <= came <= one.high for one, came in told) >= 6
    assert max(one.high / one.expected for one, _ in told) < 1.25


def test_days_without_an_order_in_a_third_of_the_period_do_not_narrow_what_the_period_itself_shows():
    daily = np.random.default_rng(0).poisson(0.5, 700).astype(float)  # weeks without any
    told = forecast_total(daily, 28)
    assert np.log(told.high / told.expected) == pytest.approx(0.499, abs=1e-3)  # as 80 % of past periods; else 0.316


def test_where_a_year_repeats_itself_last_year_is_kept_to():
    told = forecast_total(_seasonal(1_000), 30)
    assert told.expected == pytest.approx(told.seasonal_naive, rel=0.06)


@pytest.mark.parametrize("days", [1, 10, 100, 400])
def test_short_histories_are_carried_on_at_their_pace_with_a_wide_interval(days):
    told = forecast_total(np.full(days, 5.0), 30)
    assert told.expected == pytest.approx(150)
    assert told.low - 1e-9 <= 150 <= told.high + 1e-9
    assert seasonal_naive(np.full(days, 5.0), 30) == pytest.approx(150)


def test_a_company_that_fell_silent_is_forecast_nothing():
    told = forecast_total(np.concatenate([np.full(300, 5.0), np.zeros(200)]), 30)
    assert told.expected == pytest.approx(told.seasonal_naive / 2)
    assert np.isfinite([told.low, told.high]).all()


def test_categories_add_up_to_the_total():
    days = [AS_OF - timedelta(days=back) for back in range(1, 500)]
    demand = pl.concat(
        pl.DataFrame({"day": days, "category": name, "orders": size * MILLION, "units": 3 * size * MILLION})
        for name, size in (("drinks", 3), ("china", 1))
    )
    told = forecast_demand(demand, as_of=AS_OF, period_days=30)
    assert told["category"].to_list() == [TOTAL, "china", "drinks"]
    assert told["expected_orders"].to_list() == pytest.approx([120, 30, 90])
    assert told["expected_units"].to_list() == pytest.approx([360, 90, 270])


def test_very_many_categories_are_taken_together():
    demand = pl.DataFrame(
        {
            "day": [AS_OF - timedelta(days=1)] * 80,
            "category": [f"c{number:02d}" for number in range(80)],
            "orders": [MILLION] * 80,
            "units": [MILLION] * 80,
        }
    )
    told = forecast_demand(demand, as_of=AS_OF, period_days=30)
    assert told.height == 51
    assert told.filter(pl.col("category") != TOTAL)["expected_orders"].sum() == pytest.approx(
        told["expected_orders"][0]
    )

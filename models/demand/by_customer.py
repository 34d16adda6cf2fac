"""The coming demand broken down to customers and categories, so that it adds up to what is forecast.

    weight (customer, category) = purchases expected of the customer · the category's share of the past year's
    expected (customer, category) = weight · factor of the category
    factor = forecast of the category · share of known customers / sum of the weights, at most 3

A category's forecast is of everybody who will buy, new customers too. What part of it known customers make up is read
off the latest days: who bought, and was a known active customer when these days began. That part is shared among them
in proportion to their weights; all the rest, and rows too small to tell, stand in rows of `EVERYBODY_ELSE`, so that
the rows of a category add up to its forecast. Units go the same way, weights times the customer's own units a
purchase. Sums are of whole numbers, the same in whatever order. Belongs here: weights and their reconciliation. Does
not: the forecast (`demand`), what is expected of a customer in all (`value`).
"""

import math
from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

from models.demand.forecast import MILLION, OTHERS, TOTAL

EVERYBODY_ELSE = "(everybody else)"
HABIT_DAYS = 365
BILLION = 1_000_000_000  # weights are kept in billionths of a purchase or unit
SMALLEST_ORDERS = 0.005  # purchases expected in the period; rows below stand with everybody else
MOST_RAISED = 3.0  # beyond, a category's forecast is not explained by these customers
PRIOR_ORDERS = 20.0  # purchases of all categories that a category's share of known customers is held against
WEIGHTS = ("orders", "units")


def known_customers_orders(lines: pl.DataFrame, *, as_of: date, days: int, active_within_days: int) -> pl.DataFrame:
    """Of the latest days' purchases, how many were made by customers who were known and active when they began.

    Args:
        lines: `demand.demand_lines` of some customers, all of theirs.
        as_of: the day after the latest.
        days: how many.
        active_within_days: how long ago a customer may have bought last to be active.

    Returns:
        `category`, `orders` and `known_orders` (Int64, millionths); rows of several groups of customers add up.
    """
    start = as_of - timedelta(days=days)
    day = pl.col("day")
    earlier = (day < start) & (day >= start - timedelta(days=active_within_days))
    known = lines.filter(earlier).select("customer_id").unique().with_columns(known=True)
    latest = lines.filter(day >= start).join(known, on="customer_id", how="left", validate="m:1")
    theirs = pl.when("known").then("orders").otherwise(0).sum().alias("known_orders")
    return latest.group_by("category").agg(pl.col("orders").sum(), theirs).sort("category")


def known_shares(orders: pl.DataFrame) -> dict[str, float]:
    """By category, and of `TOTAL`, the part of purchases that known customers make: few purchases lean on the total's.

    Args:
        orders: `known_customers_orders`, of everybody.
    """
    whole, known = (int(orders[name].sum()) for name in ("orders", "known_orders"))
    total = known / whole if whole else 1.0
    prior = PRIOR_ORDERS * MILLION
    sums = orders.group_by("category").agg(pl.col("orders", "known_orders").sum()).sort("category")
    return {TOTAL: total} | {
        category: (theirs + prior * total) / (all_orders + prior)
        for category, all_orders, theirs in sums.select("category", "orders", "known_orders").iter_rows()
    }


def customer_weights(
    lines: pl.DataFrame, expected: pl.DataFrame, *, as_of: date, period_days: int, active_within_days: int
) -> pl.DataFrame:
    """What customers would buy of each category, were they to go on as in the past year and as they are expected to.

    Args:
        lines: `demand.demand_lines` of some customers, all of theirs.
        expected: `customer_id`, `expected_orders_30d`, `expected_orders_90d` of whoever is scored.
        as_of: the day after the latest.
        period_days: length of the period.
        active_within_days: how long ago a scored customer may have bought last.

    Returns:
        `customer_id`, `category`, `orders` and `units` (Int64, billionths); sorted. A customer has a row of every
        category bought from in the past year (or in `active_within_days`, where that is longer).
    """
    earliest = as_of - timedelta(days=max(HABIT_DAYS, active_within_days))
    habits = lines.filter(pl.col("day") >= earliest).group_by("customer_id", "category").agg(pl.col(WEIGHTS).sum())
    every = pl.col("orders").sum().over("customer_id")
    weight = _expected_orders(period_days) / every * BILLION
    return (
        habits.join(expected, on="customer_id", how="inner", validate="m:1")
        .select("customer_id", "category", *((pl.col(name) * weight).round().cast(pl.Int64) for name in WEIGHTS))
        .sort("customer_id", "category")
    )


def in_named_categories(rows: pl.DataFrame, forecast: pl.DataFrame) -> pl.DataFrame:
    """Rows by category summed to the categories that a forecast names: the smallest of very many are taken together."""
    names = forecast["category"].to_list()
    category = pl.when(pl.col("category").is_in(names)).then("category").otherwise(pl.lit(OTHERS)).alias("category")
    keys = [name for name in ("customer_id", "category") if name in rows.columns]
    return rows.with_columns(category).group_by(keys).agg(pl.exclude(keys).sum()).sort(keys)


def factors(weights: pl.DataFrame, forecast: pl.DataFrame, shares: Mapping[str, float]) -> pl.DataFrame:
    """What weights are multiplied by.

    Args:
        weights: sums of `customer_weights` by `category`, of everybody, in the forecast's categories.
        forecast: see `demand.forecast_demand`.
        shares: see `known_shares`, of the forecast's categories.

    Returns:
        `category`, `orders_factor`, `units_factor` (Float64).
    """
    known = pl.col("category").replace_strict(dict(shares), default=shares[TOTAL], return_dtype=pl.Float64)
    joined = weights.join(forecast, on="category", how="inner", validate="1:1").sort("category")
    return joined.select(
        "category",
        *(
            pl.when(pl.col(name) > 0)
            .then((pl.col(f"expected_{name}") * known * BILLION / pl.col(name)).clip(upper_bound=MOST_RAISED))
            .otherwise(0.0)
            .alias(f"{name}_factor")
            for name in WEIGHTS
        ),
    )


def reconciled(weights: pl.DataFrame, by_category: pl.DataFrame) -> pl.DataFrame:
    """Expectations of customers, rows too small to tell left out.

    Args:
        weights: `customer_weights` in the forecast's categories.
        by_category: see `factors`.

    Returns:
        `customer_id`, `category`, `orders` and `units` (Int64, millionths); sorted.
    """
    to_millionths = MILLION / BILLION
    rows = weights.join(by_category, on="category", how="inner", validate="m:1").select(
        "customer_id",
        "category",
        *((pl.col(name) * pl.col(f"{name}_factor") * to_millionths).round().cast(pl.Int64) for name in WEIGHTS),
    )
    return rows.filter(pl.col("orders") >= SMALLEST_ORDERS * MILLION).sort("customer_id", "category")


def with_everybody_else(rows: pl.DataFrame, forecast: pl.DataFrame) -> pl.DataFrame:
    """Add what a category's forecast has beyond the rows, so that they add up to it.

    Args:
        rows: `reconciled`, of everybody.
        forecast: see `demand.forecast_demand`.

    Returns:
        `customer_id`, `category`, `expected_orders` and `expected_units` (Float64); sorted by both.
    """
    told = rows.group_by("category").agg(pl.col(WEIGHTS).sum())
    joined = forecast.filter(pl.col("category") != TOTAL).join(told, on="category", how="left", validate="1:1")
    rest = joined.select(
        pl.lit(EVERYBODY_ELSE).alias("customer_id"),
        "category",
        *(
            ((pl.col(f"expected_{name}") * MILLION).round().cast(pl.Int64) - pl.col(name).fill_null(0))
            .clip(lower_bound=0)
            .alias(name)
            for name in WEIGHTS
        ),
    )
    return (
        pl.concat([rows, rest])
        .sort("customer_id", "category")
        .select("customer_id", "category", *((pl.col(name) / MILLION).alias(f"expected_{name}") for name in WEIGHTS))
    )


def _expected_orders(period_days: int) -> pl.Expr:
    """Purchases in the period, by a power of its length through those of 30 and of 90 days."""
    month, quarter = (pl.col(f"expected_orders_{days}d").fill_null(0).clip(lower_bound=0) for days in (30, 90))
    power = (quarter / month).log(3).clip(0.0, 1.0)
    return pl.when(month > 0).then(month * (power * math.log(period_days / 30)).exp()).otherwise(0.0)

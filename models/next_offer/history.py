"""What each customer bought before a snapshot, summed to customer and product, and to customer.

Belongs here: sums over one customer's own rows. Not: comparisons with others (facts), or ratios (pair features).
"""

from dataclasses import dataclass

import polars as pl

from models.next_offer.options import DAYS_A_YEAR

DECAY_UNIT = 1_000_000  # decayed counts are summed as integers, so that the order of adding can't show
HALF_LIVES_DAYS = (30, 120)


@dataclass(frozen=True)
class History:
    """The own past of the customers who are asked about.

    Attributes:
        pairs: one row a customer and product bought: `customer`, `product` (UInt32), `times_bought`,
            `times_bought_90d`, `times_bought_365d`, `times_bought_season` (Int64, orders; season: the equal of the
            coming window a year ago), `decayed_30d`, `decayed_120d` (Int64, millionths of an order),
            `days_since_bought`, `days_since_first_bought` (Int32), `orders_since_bought` (Int64),
            `milli_quantity`, `amount`, `largest_amount` (Int64, the last: of one order).
        customers: one row a customer: `customer`, `customer_orders`, `customer_orders_90d`, `customer_orders_365d`,
            `customer_orders_season` (Int64), `days_since_order`, `days_since_first_order` (Int32),
            `customer_lines`, `customer_products`, `customer_milli_quantity`, `customer_amount` (Int64).
    Both sorted by their keys.
    """

    pairs: pl.DataFrame
    customers: pl.DataFrame


def history_of_bought(bought: pl.DataFrame, *, window_days: int, active_within_days: int) -> History:
    """The history of customers with a purchase within `active_within_days`, from what `bought_before` returned."""
    orders = (
        bought.group_by("customer", "order")
        .agg(pl.col("days_before").min().alias("order_days_before"))
        .sort("customer", "order_days_before", "order")
        .with_columns(pl.int_range(pl.len()).over("customer").alias("orders_since_bought"))
        .filter(pl.col("order_days_before").first().over("customer") < active_within_days)
    )
    lines = bought.join(orders, on=["customer", "order"], how="inner", validate="m:1")
    return History(_pairs(lines, window_days), _customers(lines, orders, window_days))


def _within(days: int) -> pl.Expr:
    return (pl.col("days_before") < days).sum().cast(pl.Int64)


def _season(column: str, window_days: int) -> pl.Expr:
    return pl.col(column).is_between(DAYS_A_YEAR - window_days, DAYS_A_YEAR - 1).sum().cast(pl.Int64)


def _pairs(lines: pl.DataFrame, window_days: int) -> pl.DataFrame:
    decayed = [
        (DECAY_UNIT * (-pl.col("days_before").cast(pl.Float64) * (0.6931471805599453 / days)).exp())
        .round().cast(pl.Int64).sum().alias(f"decayed_{days}d")
        for days in HALF_LIVES_DAYS
    ]  # fmt: skip
    return (
        lines.group_by("customer", "product")
        .agg(
            pl.len().cast(pl.Int64).alias("times_bought"),
            _within(90).alias("times_bought_90d"),
            _within(DAYS_A_YEAR).alias("times_bought_365d"),
            _season("days_before", window_days).alias("times_bought_season"),
            *decayed,
            pl.col("days_before").min().alias("days_since_bought"),
            pl.col("days_before").max().alias("days_since_first_bought"),
            pl.col("orders_since_bought").min(),
            pl.col("milli_quantity", "amount").sum(),
            pl.col("amount").max().alias("largest_amount"),
        )
        .sort("customer", "product")
    )


def _customers(lines: pl.DataFrame, orders: pl.DataFrame, window_days: int) -> pl.DataFrame:
    by_order = orders.rename({"order_days_before": "days_before"}).group_by("customer").agg(
        pl.len().cast(pl.Int64).alias("customer_orders"),
        _within(90).alias("customer_orders_90d"),
        _within(DAYS_A_YEAR).alias("customer_orders_365d"),
        _season("days_before", window_days).alias("customer_orders_season"),
        pl.col("days_before").min().alias("days_since_order"),
        pl.col("days_before").max().alias("days_since_first_order"),
    )  # fmt: skip
    by_line = lines.group_by("customer").agg(
        pl.len().cast(pl.Int64).alias("customer_lines"),
        pl.col("product").n_unique().cast(pl.Int64).alias("customer_products"),
        pl.col("milli_quantity").sum().alias("customer_milli_quantity"),
        pl.col("amount").sum().alias("customer_amount"),
    )
    return by_order.join(by_line, on="customer", validate="1:1").sort("customer")

"""Who is asked about, and what happened to them: populations, outcomes and the company's activity.

Belongs here: facts read from core order lines around snapshots, one row a customer and snapshot (or a month); all of
them can be made bucket by bucket and put together. Does not: features (before the snapshot), or how snapshots are
chosen (`splits`).
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

import polars as pl

from data_contracts.orders import known_before, purchase_orders, snapshot_instant
from models.snapshots.splits import months_before

ACTIVITY_MONTHS = 24
ACTIVITY_MEMORY_DAYS = 365
RECENCY_BANDS = [7, 14, 30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 330]  # upper edges, days since the last purchase
FREQUENCY_DAYS = 90
FREQUENCY_BANDS = [1, 2, 4]  # upper edges, purchases in so many days
KEYS = ["customer_id", "snapshot_date"]


def population(
    orders: pl.LazyFrame, *, snapshots: Sequence[date], active_within_days: int = 365, time_zone: str
) -> pl.LazyFrame:
    """Customers active enough to be asked about: at least one purchase in the days before the snapshot.

    Args:
        orders: core order lines.
        snapshots: business dates; a line counts when it happened and was known before the date began.
        active_within_days: how far back a purchase may lie (whole business days).
        time_zone: the company's, in which business dates begin.

    Returns:
        One row a customer and snapshot: `customer_id`, `snapshot_date`; sorted by both.
    """

    def at(snapshot: date) -> pl.LazyFrame:
        earliest = snapshot_instant(snapshot - timedelta(days=active_within_days), time_zone=time_zone)
        known = known_before(orders, snapshot_instant(snapshot, time_zone=time_zone))
        active = purchase_orders(known).filter(pl.col("is_purchase") & (pl.col("ordered_at") >= earliest))
        return active.select("customer_id", pl.lit(snapshot).alias("snapshot_date")).unique()

    return _together([at(day) for day in snapshots], {"customer_id": pl.String, "snapshot_date": pl.Date}).sort(KEYS)


def outcomes(
    orders: pl.LazyFrame,
    *,
    snapshots: Sequence[date],
    horizon_days: int,
    time_zone: str,
    known_by: datetime | None = None,
) -> pl.LazyFrame:
    """What customers did in [snapshot, snapshot + horizon): the labels of churn and value.

    Args:
        orders: core order lines, all versions, or cut by the caller to what may be known.
        snapshots: business dates whose windows are fully observed; that is the plan's care.
        horizon_days: length of the window in business days.
        time_zone: the company's.
        known_by: what became known, or was corrected, at or after this instant (UTC) does not count; None: `orders` are
            cut already.

    Returns:
        One row a snapshot and customer with a purchase before it: `customer_id`, `snapshot_date`, `churned` (Int8: no
        purchase in the window), `value_amount` (Int64, minor units: net of all lines in the window, returns taken
        off), `order_count` (UInt32: purchases in the window), `margin_amount` (Int64: the same net of the goods' cost,
        of lines with a known cost); sorted by customer and snapshot.
    """
    seen_in_the_end = _with_costs(orders if known_by is None else known_before(orders, known_by))
    margin = (pl.col("amount") - pl.col("cost_amount")).sum().alias("margin_amount")

    def at(snapshot: date) -> pl.LazyFrame:
        start = snapshot_instant(snapshot, time_zone=time_zone)
        end = snapshot_instant(snapshot + timedelta(days=horizon_days), time_zone=time_zone)
        bought_before = (
            purchase_orders(known_before(orders, start)).filter("is_purchase").select("customer_id").unique()
        )
        lines = seen_in_the_end.filter((pl.col("ordered_at") >= start) & (pl.col("ordered_at") < end))
        margins = lines.group_by("customer_id").agg(margin)
        window = purchase_orders(lines)
        seen = window.group_by("customer_id").agg(
            pl.col("amount").sum().alias("value_amount"), pl.col("is_purchase").sum().alias("order_count")
        )
        seen = seen.join(margins, on="customer_id", how="left", validate="1:1")
        return bought_before.join(seen, on="customer_id", how="left", validate="1:1").select(
            "customer_id",
            pl.lit(snapshot).alias("snapshot_date"),
            (pl.col("order_count").fill_null(0) == 0).cast(pl.Int8).alias("churned"),
            pl.col("value_amount").fill_null(0),
            pl.col("order_count").fill_null(0).cast(pl.UInt32),
            pl.col("margin_amount").fill_null(0),
        )

    schema = {
        "customer_id": pl.String,
        "snapshot_date": pl.Date,
        "churned": pl.Int8,
        "value_amount": pl.Int64,
        "order_count": pl.UInt32,
        "margin_amount": pl.Int64,
    }
    return _together([at(day) for day in snapshots], schema).sort(KEYS)


def known_costs(orders: pl.LazyFrame, *, as_of: date, time_zone: str) -> pl.LazyFrame:
    """How much of what was bought and returned has a known cost: what decides whether value can be a margin.

    Args:
        orders: core order lines.
        as_of: the first day not looked at.
        time_zone: the company's.

    Returns:
        One row: `moved_amount` and `costed_amount` (Int64, minor units, without sign) of all lines, and of the last 365
        days `moved_amount_365_days` and `costed_amount_365_days`; rows of several buckets add up.
    """
    instant = snapshot_instant(as_of, time_zone=time_zone)
    year = pl.col("ordered_at") >= snapshot_instant(as_of - timedelta(days=365), time_zone=time_zone)
    moved, costed = pl.col("amount").abs(), pl.col("cost_amount").is_not_null()
    sums = {"moved_amount": moved, "costed_amount": moved.filter(costed)}
    of_the_year = {"moved_amount_365_days": moved.filter(year), "costed_amount_365_days": moved.filter(costed & year)}
    lines = _with_costs(known_before(orders, instant))
    return lines.select(**{name: one.sum().cast(pl.Int64) for name, one in (sums | of_the_year).items()})


def monthly_activity(orders: pl.LazyFrame, *, as_of: date, time_zone: str) -> pl.LazyFrame:
    """How busy recent customers were, month by month: what the company's seasons are read from (`season`).

    For each month before `as_of` (from the same day of the month), customers with a purchase in the 365 days before it
    are counted in bands of recency and frequency (purchases in 90 days), with their purchases in the month. Bands make
    months comparable whatever the customers of the time were. Rows add up over buckets of customers.

    Args:
        orders: core order lines.
        as_of: the first day not looked at.
        time_zone: the company's.

    Returns:
        `month_start` (Date), `recency_band` and `frequency_band` (Int8), `customer_count`, `purchase_count` (Int64) and
        `basket_log_millionths` (Int64: over purchases, ln(amount / what the customer's purchases came to before,
        geometric mean), in millionths); sorted.
    """
    lines = known_before(orders, snapshot_instant(as_of, time_zone=time_zone))
    purchases = (
        purchase_orders(lines)
        .filter("is_purchase")
        .select(
            "customer_id",
            pl.col("ordered_at").dt.convert_time_zone(time_zone).dt.date().alias("day"),
            (pl.col("amount").cast(pl.Float64).log() * 1e6).round().cast(pl.Int64).alias("basket"),
        )
        .collect()
        .lazy()
    )
    months = [months_before(as_of, back) for back in range(ACTIVITY_MONTHS, -1, -1)]
    parts = [_month(purchases, start, end) for start, end in pairwise(months)]
    bands = ["month_start", "recency_band", "frequency_band"]
    return pl.concat(parts).group_by(bands).agg(pl.exclude(bands).sum()).sort(bands)


def purchase_gaps(orders: pl.LazyFrame, *, as_of: date, time_zone: str) -> pl.LazyFrame:
    """How long customers take to buy again: days between successive days with a purchase, counted.

    Args:
        orders: core order lines.
        as_of: the first day not looked at.
        time_zone: the company's.

    Returns:
        `gap_days` (Int64), `gap_count` (UInt32); rows add up over buckets of customers; sorted.
    """
    lines = known_before(orders, snapshot_instant(as_of, time_zone=time_zone))
    day = pl.col("ordered_at").dt.convert_time_zone(time_zone).dt.date().alias("day")
    days = purchase_orders(lines).filter("is_purchase").select("customer_id", day).unique().sort("customer_id", "day")
    gap = pl.col("day").diff().over("customer_id").dt.total_days().alias("gap_days")
    return days.select(gap).drop_nulls().group_by("gap_days").agg(pl.len().alias("gap_count")).sort("gap_days")


def _with_costs(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Lines with `cost_amount`, null where there is none."""
    if "cost_amount" in lines.collect_schema().names():
        return lines
    return lines.with_columns(pl.lit(None, pl.Int64).alias("cost_amount"))


def _month(purchases: pl.LazyFrame, start: date, end: date) -> pl.LazyFrame:
    """One row a customer at risk in [start, end)."""
    days_ago = (pl.lit(start) - pl.col("day")).dt.total_days()
    before = (
        purchases.filter(pl.col("day") < start)
        .group_by("customer_id")
        .agg(
            days_ago.min().alias("recency"),
            (days_ago <= FREQUENCY_DAYS).sum().alias("frequency"),
            (pl.col("basket").sum() // pl.len()).alias("usual_basket"),
        )
        .filter(pl.col("recency") <= ACTIVITY_MEMORY_DAYS)
    )
    during = (
        purchases.filter((pl.col("day") >= start) & (pl.col("day") < end))
        .group_by("customer_id")
        .agg(pl.len().cast(pl.Int64).alias("purchase_count"), pl.col("basket").sum().alias("baskets"))
    )
    count = pl.col("purchase_count").fill_null(0)
    return before.join(during, on="customer_id", how="left", validate="1:1").select(
        pl.lit(start).alias("month_start"),
        _band("recency", RECENCY_BANDS).alias("recency_band"),
        _band("frequency", FREQUENCY_BANDS).alias("frequency_band"),
        pl.lit(1, dtype=pl.Int64).alias("customer_count"),
        count.alias("purchase_count"),
        (pl.col("baskets").fill_null(0) - count * pl.col("usual_basket")).alias("basket_log_millionths"),
    )


def _band(column: str, upper_edges: Sequence[int]) -> pl.Expr:
    """How many of the edges the value lies above."""
    return pl.sum_horizontal((pl.col(column) > edge).cast(pl.Int8) for edge in upper_edges).cast(pl.Int8)


def _together(parts: list[pl.LazyFrame], schema: dict[str, type[pl.DataType]]) -> pl.LazyFrame:
    return pl.concat(parts) if parts else pl.LazyFrame(schema=schema)

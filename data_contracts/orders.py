"""What counts as an order, a purchase and a business day: the one definition features, labels and segments share."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import polars as pl


def snapshot_instant(snapshot_date: date, *, time_zone: str) -> datetime:
    """The first instant (UTC) of a business date; a row counts for the snapshot when it lies strictly before it."""
    return datetime.combine(snapshot_date, time.min, tzinfo=ZoneInfo(time_zone)).astimezone(ZoneInfo("UTC"))


def known_before(lines: pl.LazyFrame, instant: datetime) -> pl.LazyFrame:
    """Order lines that had happened, as we could have known of them, before `instant` (UTC)."""
    return current_at(lines, instant).filter(pl.col("ordered_at") < instant)


def current_at(rows: pl.LazyFrame, instant: datetime) -> pl.LazyFrame:
    """Rows of any core table as they stood just before `instant` (UTC): of each row the version in force then.

    A version counts when it was known before the instant and had not been superseded before it. So what a later load
    corrects, or brings late, changes no earlier picture.

    Args:
        rows: core rows with `known_at`; `superseded_at` (null: the version in force) may be missing, and is where no
            row of the table has ever been superseded.
        instant: usually a snapshot's (`snapshot_instant`).
    """
    known = pl.col("known_at") < instant
    if "superseded_at" not in rows.collect_schema().names():
        return rows.filter(known)
    return rows.filter(known & (pl.col("superseded_at").is_null() | (pl.col("superseded_at") >= instant)))


def purchase_orders(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Order lines summed to orders, with what makes an order a purchase.

    A *purchase* is an order whose lines sum above zero. An order that sums to zero or below (a return, a
    cancellation) is no purchase, but its negative amount reduces what the customer has spent.

    Args:
        lines: core order lines (`order_id`, `customer_id`, `ordered_at`, `known_at`, `quantity`, `amount`).

    Returns:
        One row an order: `customer_id`, `order_id`, `ordered_at` and `known_at` (its first line's, UTC), `amount`
        (Int64, minor units, net), `quantity` (Float64), `line_count` (UInt32), `is_purchase` (Boolean). Unsorted.
    """
    return (
        lines.group_by("customer_id", "order_id")
        .agg(
            pl.col("ordered_at").min(),
            pl.col("known_at").min(),
            pl.col("amount").sum(),
            pl.col("quantity").sum(),
            pl.len().alias("line_count"),
        )
        .with_columns((pl.col("amount") > 0).alias("is_purchase"))
    )

"""How channels serve customers: load, waiting, settled at the first contact, and who uses several.

Belongs here: figures by channel, of service tickets and of all touch-points. Does not: channels as features of a
customer.
"""

from datetime import date, timedelta

import polars as pl

from segments.standing.rules import SegmentationRules

YEAR_DAYS = 365
_HOURS_A_DAY = 24.0
USES_SCHEMA: dict[str, type[pl.DataType]] = {
    "channel": pl.String,
    "touch_points": pl.Int64,
    "customers": pl.Int64,
    "multi_channel_customers": pl.Int64,
    "order_customers": pl.Int64,
}


def channel_uses(uses: pl.DataFrame) -> pl.DataFrame:
    """Counts by channel that add up over buckets of customers.

    Args:
        uses: `customer_id`, `channel` (not null), `is_order` (Boolean), `touch_points` (Int64): one row a (customer,
            channel, is_order) of the last year.

    Returns:
        As `USES_SCHEMA`: orders, tickets and events together; customers; those who use another channel too; those who
        order through it. Sorted by channel.
    """
    by_customer = uses.group_by("customer_id", "channel").agg(
        pl.col("touch_points").sum(), pl.col("is_order").any().alias("orders")
    )
    several = by_customer.group_by("customer_id").agg((pl.len() > 1).alias("several"))
    joined = by_customer.join(several, on="customer_id", validate="m:1")
    return (
        joined.group_by("channel")
        .agg(
            pl.col("touch_points").sum().cast(pl.Int64),
            pl.len().cast(pl.Int64).alias("customers"),
            pl.col("several").sum().cast(pl.Int64).alias("multi_channel_customers"),
            pl.col("orders").sum().cast(pl.Int64).alias("order_customers"),
        )
        .sort("channel")
    )


def ticket_figures(tickets: pl.DataFrame, *, as_of: date, rules: SegmentationRules) -> pl.DataFrame:
    """Figures of the last year's tickets by channel.

    Args:
        tickets: `customer_id`, `ticket_id`, `kind`, `channel` (null: told as "unknown"), `opened_on` (Date),
            `hours_to_resolve` (Int64; null: open), `satisfaction`; all that were known at the date.
        as_of: the business date.
        rules: of the company.

    Returns:
        One row per `channel`: `tickets`, `open_tickets` (Int64), `median_days_to_resolve` (null: none settled),
        `first_contact_share` (of tickets old enough to tell: settled, and no other of the same kind by the customer
        within `first_contact_days`; null: none old enough), `mean_satisfaction` (null: nobody judged).
    """
    ordered = tickets.sort("customer_id", "kind", "opened_on", "ticket_id", nulls_last=True)
    following = pl.col("opened_on").shift(-1).over("customer_id", "kind")
    again = (following - pl.col("opened_on")).dt.total_days() <= rules.first_contact_days
    told = pl.col("opened_on") <= as_of - timedelta(days=rules.first_contact_days)
    settled = pl.col("hours_to_resolve").is_not_null()
    marked = ordered.with_columns((settled & ~again.fill_null(value=False)).alias("first"), told.alias("told"))
    in_year = marked.filter(pl.col("opened_on") >= as_of - timedelta(days=YEAR_DAYS))
    hundredths = (pl.col("satisfaction") * 100).round().cast(pl.Int64)
    return (
        in_year.group_by(pl.col("channel").fill_null("unknown"))
        .agg(
            pl.len().cast(pl.Int64).alias("tickets"),
            pl.col("hours_to_resolve").is_null().sum().cast(pl.Int64).alias("open_tickets"),
            (pl.col("hours_to_resolve").median() / _HOURS_A_DAY).alias("median_days_to_resolve"),
            (pl.col("first").filter("told").sum() / pl.col("told").sum()).fill_nan(None).alias("first_contact_share"),
            (hundredths.sum() / hundredths.count() / 100).fill_nan(None).alias("mean_satisfaction"),
        )
        .sort("channel")
    )


def channel_effectiveness(uses: pl.DataFrame, figures: pl.DataFrame | None) -> pl.DataFrame:
    """Everything by channel.

    Args:
        uses: as `channel_uses` returns it, of all buckets, one below the other.
        figures: as `ticket_figures` returns it; None without tickets.

    Returns:
        One row per `channel`: the columns of both, `share_of_touch_points`; what a channel has none of is 0 or null.
    """
    counts = [name for name in USES_SCHEMA if name != "channel"]
    summed = uses.group_by("channel").agg(pl.col(counts).sum()).sort("channel")
    nothing = {"channel": pl.String, "tickets": pl.Int64, "open_tickets": pl.Int64}
    nothing |= dict.fromkeys(("median_days_to_resolve", "first_contact_share", "mean_satisfaction"), pl.Float64)
    figures = pl.DataFrame(schema=nothing) if figures is None else figures
    rows = summed.join(figures, on="channel", how="full", coalesce=True, validate="1:1")
    rows = rows.with_columns(pl.col(*counts, "tickets", "open_tickets").fill_null(0))
    share = pl.col("touch_points") / pl.col("touch_points").sum()
    return rows.with_columns(share.fill_nan(None).alias("share_of_touch_points")).sort("channel")

"""What decisions are made of, read from the core and the settings: margins, consent, contacts made, offers declared.

Belongs here: small frames as of a date. Does not: deciding.
"""

from collections.abc import Iterable
from datetime import date, timedelta

import polars as pl

from data_contracts.orders import current_at, known_before, snapshot_instant
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.errors import SuppressionListError
from segments.campaigns.recorded import margin_share

ANY_CHANNEL = "any"
YEAR_DAYS = 365


def scale_of(minor_digits: int) -> int:
    """Minor units a major unit."""
    return int(10**minor_digits)


def known_orders(core: CoreTables, as_of: date, *, days: int | None = None, bucket: int | None = None) -> pl.LazyFrame:
    """Order lines known at the date, of the last so many days, with `ordered_on`; `cost_amount` null where unknown."""
    instant = snapshot_instant(as_of, time_zone=core.time_zone)
    lines = known_before(core.orders(bucket), instant)
    local = pl.col("ordered_at").dt.convert_time_zone(core.time_zone).dt.date()
    lines = lines.with_columns(local.alias("ordered_on"))
    if "cost_amount" not in lines.collect_schema().names():
        lines = lines.with_columns(pl.lit(None, pl.Int64).alias("cost_amount"))
    return lines if days is None else lines.filter(pl.col("ordered_on") >= as_of - timedelta(days=days))


def margin_of_sales(core: CoreTables, as_of: date, *, assumed: float) -> tuple[float, bool]:
    """Margin as a share of the sales of the last 365 days, and whether it was measured, see `recorded.margin_share`."""
    return margin_share(sales_by_day(core, as_of, days=YEAR_DAYS), assumed=assumed)


def sales_by_day(core: CoreTables, as_of: date, *, days: int | None = None, bucket: int | None = None) -> pl.DataFrame:
    """Net sales, those with a cost, and that cost, as `recorded.SALES`; of the last so many days, or of all."""
    costed = pl.col("cost_amount").is_not_null()
    sums = (
        known_orders(core, as_of, days=days, bucket=bucket)
        .group_by(pl.col("ordered_on").alias("day"))
        .agg(
            pl.sum("amount").alias("net_amount"),
            pl.col("amount").filter(costed).sum().alias("costed_amount"),
            pl.sum("cost_amount"),
        )
    )
    return sums.sort("day").collect()


def product_margins(core: CoreTables, as_of: date, *, assumed: float) -> pl.DataFrame:
    """What a purchase of each product brings after the goods' cost.

    Returns:
        `product_id`, `margin_amount` (Int64, minor units a bought line, at least 0), `price_amount` (likewise).
    """
    bought = known_orders(core, as_of, days=YEAR_DAYS).filter(pl.col("amount") > 0)
    margin = pl.coalesce(pl.col("amount") - pl.col("cost_amount"), pl.col("amount") * assumed)
    return (
        bought.group_by("product_id")
        .agg(
            margin.sum().alias("margin"),
            pl.sum("amount"),
            pl.len().alias("lines"),
        )
        .select(
            "product_id",
            (pl.col("margin") / pl.col("lines")).round(0).clip(lower_bound=0).cast(pl.Int64).alias("margin_amount"),
            (pl.col("amount") / pl.col("lines")).round(0).cast(pl.Int64).alias("price_amount"),
        )
        .sort("product_id")
        .collect()
    )


def consents(core: CoreTables, as_of: date, customers: pl.DataFrame, *, without_record: bool) -> pl.DataFrame:
    """`customer_id`, `may_be_contacted` of the customers asked about."""
    recorded = known_rows(core, "customers", as_of)
    asked = customers.select("customer_id")
    if recorded is None or "consent_marketing" not in recorded.columns:
        return asked.with_columns(pl.lit(without_record).alias("may_be_contacted"))
    said = recorded.select("customer_id", "consent_marketing")
    joined = asked.join(said, on="customer_id", how="left", validate="m:1", maintain_order="left")
    return joined.select("customer_id", pl.col("consent_marketing").fill_null(without_record).alias("may_be_contacted"))


def known_rows(core: CoreTables, entity: str, as_of: date) -> pl.DataFrame | None:
    """Rows of an entity as they stood at the date; None where the load has none."""
    rows = core.scan(entity)
    return None if rows is None else current_at(rows, snapshot_instant(as_of, time_zone=core.time_zone)).collect()


def sent_contacts(core: CoreTables, as_of: date) -> pl.DataFrame | None:
    """Contacts before the date, held-out ones too, with `sent_on`; columns the source lacks are null."""
    contacts = known_rows(core, "contacts", as_of)
    if contacts is None:
        return None
    absent = {
        "offer_id": pl.String,
        "channel": pl.String,
        "cost": pl.Int64,
        "held_out": pl.Boolean,
        "propensity": pl.Float64,
        "offer_propensity": pl.Float64,
    }
    contacts = contacts.with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in absent.items() if name not in contacts.columns
    )
    local = pl.col("sent_at").dt.convert_time_zone(core.time_zone).dt.date()
    return contacts.with_columns(local.alias("sent_on")).filter(pl.col("sent_on") < as_of)


def recent_contacts(contacts: pl.DataFrame | None, as_of: date, *, days: int, default_channel: str) -> pl.DataFrame:
    """`customer_id`, `channel` (null where the source names none), `contacts` (sent) of the last so many days."""
    schema = {"customer_id": pl.String, "channel": pl.String, "contacts": pl.Int64}
    if contacts is None:
        return pl.DataFrame(schema=schema)
    sent = contacts.filter(
        (pl.col("sent_on") >= as_of - timedelta(days=days)) & pl.col("held_out").ne_missing(other=True)
    )
    if default_channel == ANY_CHANNEL:
        sent = sent.with_columns(pl.lit(ANY_CHANNEL).alias("channel"))
    counted = sent.group_by("customer_id", "channel").agg(pl.len().cast(pl.Int64).alias("contacts"))
    return counted.sort("customer_id", "channel")


def uncapped_contacts(recent: pl.DataFrame, channels: Iterable[str]) -> dict[str, int]:
    """Contacts of the period that count otherwise than the settings let expect, by their channel; for the record.

    Args:
        recent: see `recent_contacts`.
        channels: the declared ones. Contacts without a channel count towards each, those by others towards none.
    """
    others = recent.filter(~pl.col("channel").is_in(list(channels)).fill_null(value=False))
    sums = others.group_by("channel").agg(pl.sum("contacts")).sort("channel", nulls_last=True)
    return {channel or "no channel: counted towards every one": count for channel, count in sums.iter_rows()}


def usual_contact_cost(contacts: pl.DataFrame | None, channel: str) -> int | None:
    """What a contact by the channel cost on average, minor units; None where no cost is on record."""
    if contacts is None:
        return None
    sent = contacts.filter(pl.col("held_out").ne_missing(other=True))
    if channel != ANY_CHANNEL:
        sent = sent.filter(pl.col("channel") == channel)
    mean = sent["cost"].mean()
    return None if mean is None else round(float(mean))  # type: ignore[arg-type]  # an Int64 column's mean is a float


def without_suppressed(customers: pl.DataFrame, suppressed: list[str]) -> pl.DataFrame:
    """The same customers; `may_be_contacted` is false of those on the suppression list."""
    allowed = pl.col("may_be_contacted") & ~pl.col("customer_id").is_in(suppressed)
    return customers.with_columns(allowed.alias("may_be_contacted"))


def suppressed_customers(context: Context) -> list[str]:
    """Ids on the suppression list.

    Raises:
        SuppressionListError: it is named, but can't be read or has no column customer_id.
    """
    named = context.settings.decisions.suppression_list
    if named is None:
        return []
    path = (context.settings.base / named).resolve()
    try:
        rows = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SuppressionListError(path=str(named), got=type(error).__name__) from error
    if "customer_id" not in rows.columns:
        raise SuppressionListError(path=str(named), got=f"columns: {', '.join(rows.columns)}")
    return rows["customer_id"].drop_nulls().str.strip_chars().unique().sort().to_list()

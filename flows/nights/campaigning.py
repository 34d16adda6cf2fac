"""The campaign ledger of a night: core rows read bucket by bucket, the tables made and put beside the others.

Belongs here: reading contacts, orders, campaigns and offers as they were known on the date. Does not: any formula
(`segments.campaigns`).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date

import polars as pl

from data_contracts.currencies import MINOR_UNIT_DIGITS
from data_contracts.orders import current_at, known_before, snapshot_instant
from data_contracts.published import PublishedTable
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.decisions.inputs import known_rows, sales_by_day, scale_of
from segments.build import SegmentTables
from segments.campaigns.contract import BALANCE, ledger_contract
from segments.campaigns.making import Source, make_ledger
from segments.campaigns.people import CONTACTS
from segments.campaigns.recorded import CAMPAIGNS, OFFERS, PRODUCTS, SALES, Recorded
from segments.campaigns.restating import with_restatements
from segments.campaigns.rules import CampaignRules
from segments.contract_columns import as_published
from segments.money import currency_of
from warehouse.publishing.publications import rows_before


def with_campaigns(
    context: Context, *, core: CoreTables, as_of: date, tables: SegmentTables, run_key: str, tick: Callable[[], None]
) -> SegmentTables:
    """The tables of the night with the campaign ledger and its balance; as they were where there are no contacts.

    Args:
        context: the surroundings.
        core: the load.
        as_of: the business date.
        tables: of the night.
        run_key: the run that publishes.
        tick: called after each bucket, twice.
    """
    if not {"orders", "contacts"} <= set(core.entities):
        return tables
    currency = currency_of(context.settings.company.currency)
    decisions = context.settings.decisions
    with context.private_folder("tell what campaigns brought") as folder:
        ledger, balance = make_ledger(
            source_of(core, as_of),
            recorded_of(context, core, as_of),
            as_of=as_of,
            rules=CampaignRules(window_days=decisions.outcome_days),
            currency=currency,
            folder=folder,
            tick=tick,
        )
    told = with_restatements(ledger, _told_before(context, as_of), currency=currency, as_of=as_of)
    made = {
        contract.table: PublishedTable(
            as_published(frame, contract, as_of=as_of, run_key=run_key, currency=currency), contract
        )
        for frame, contract in ((told, ledger_contract(currency)), (balance, BALANCE))
    }
    return replace(tables, others={**tables.others, **made})


def _told_before(context: Context, as_of: date) -> pl.DataFrame | None:
    """The ledger as it was last published for an earlier date."""
    if not context.warehouse(read_only=True).exists():
        return None
    with context.warehouse(read_only=True) as warehouse:
        return rows_before(warehouse, "campaign_ledger", as_of)


def source_of(core: CoreTables, as_of: date) -> Source:
    """The core rows of a load as they were known on the date.

    Args:
        core: the load; it has orders and contacts.
        as_of: the business date.
    """
    return Source(
        buckets=list(core.buckets()),
        contacts=lambda bucket: _contacts(core, bucket, as_of),
        lines=lambda bucket: _lines(core, bucket, as_of),
        known=lambda bucket: _known(core, bucket, as_of),
    )


def recorded_of(context: Context, core: CoreTables, as_of: date) -> Recorded:
    """Campaigns, offers and products as they were known on the date."""
    minor_units = scale_of(MINOR_UNIT_DIGITS[context.settings.company.currency])
    costs = {
        name: round(one.cost * minor_units)
        for name, one in context.settings.decisions.channels.items()
        if one.cost is not None
    }
    return Recorded(
        campaigns=_table(core, "campaigns", as_of, CAMPAIGNS),
        offers=_table(core, "offers", as_of, OFFERS),
        products=_table(core, "products", as_of, PRODUCTS),
        sales=pl.concat(
            [pl.DataFrame(schema=dict(SALES)), *(sales_by_day(core, as_of, bucket=one) for one in core.buckets())]
        ),
        assumed_margin_share=context.settings.decisions.assumed_margin_share,
        channel_costs=costs,
        orders_begin_on=core.span[0],
    )


def _table(core: CoreTables, entity: str, as_of: date, columns: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """One row a key, the first column; absent columns null, no rows where the load has no such entity."""
    rows = known_rows(core, entity, as_of)
    if rows is None:
        return pl.DataFrame(schema=dict(columns))
    return _completed(rows.lazy(), columns).collect().unique(next(iter(columns)), keep="first", maintain_order=True)


def _completed(rows: pl.LazyFrame, columns: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    there = rows.collect_schema().names()
    return rows.select(
        (pl.col(name).cast(dtype) if name in there else pl.lit(None, dtype)).alias(name)
        for name, dtype in columns.items()
    )


def _contacts(core: CoreTables, bucket: int, as_of: date) -> pl.DataFrame:
    rows = core.scan("contacts", bucket)
    if rows is None:
        return pl.DataFrame(schema=dict(CONTACTS))
    instant = snapshot_instant(as_of, time_zone=core.time_zone)
    there = rows.collect_schema().names()
    responded = pl.lit(None, pl.Boolean)
    if "responded_at" in there:
        responded = (pl.col("responded_at") < instant).fill_null(value=False)
    dated = (
        current_at(rows, instant)
        .filter(pl.col("sent_at") < instant)
        .with_columns(
            pl.col("sent_at").dt.convert_time_zone(core.time_zone).dt.date().alias("sent_on"),
            responded.alias("responded"),
        )
    )
    return _completed(dated, CONTACTS).collect()


def _lines(core: CoreTables, bucket: int, as_of: date) -> pl.DataFrame:
    lines = known_before(core.orders(bucket), snapshot_instant(as_of, time_zone=core.time_zone))
    optional = {"cost_amount": pl.Int64, "discount_amount": pl.Int64}
    there = lines.collect_schema().names()
    lines = lines.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in optional.items() if name not in there)
    return lines.select(
        *("customer_id", "order_id", "product_id"),
        pl.col("ordered_at").dt.convert_time_zone(core.time_zone).dt.date().alias("day"),
        pl.col("amount").alias("net_amount"),
        (pl.col("amount") - pl.col("cost_amount")).alias("margin_amount"),
        "discount_amount",
    ).collect()


def _known(core: CoreTables, bucket: int, as_of: date) -> pl.DataFrame:
    """Everybody of a bucket, and since when they are known: by their first order, or their registration."""
    instant = snapshot_instant(as_of, time_zone=core.time_zone)

    def day(moment: str) -> pl.Expr:
        return pl.col(moment).dt.convert_time_zone(core.time_zone).dt.date().alias("known_from")

    parts = [known_before(core.orders(bucket), instant).select("customer_id", day("ordered_at"))]
    customers, contacts = core.scan("customers", bucket), core.scan("contacts", bucket)
    if customers is not None:
        columns = customers.collect_schema().names()
        since = day("created_at") if "created_at" in columns else pl.lit(None, pl.Date).alias("known_from")
        parts.append(current_at(customers, instant).select("customer_id", since))
    if contacts is not None:
        parts.append(current_at(contacts, instant).select("customer_id", pl.lit(None, pl.Date).alias("known_from")))
    return pl.concat(parts).group_by("customer_id").agg(pl.col("known_from").min()).sort("customer_id").collect()

"""Building features: reduce history to ledgers, aggregate the ledgers, finalise each feature, once for all snapshots.

Belongs here: the way through the stages. Does not: what a ledger holds (`ledgers`), what a feature is (the families).
"""

from collections.abc import Collection, Sequence
from datetime import date

import polars as pl

from features import ledgers, versions
from features.catalogue import chosen, names
from features.errors import ColumnsMissingError
from features.feature import Feature, sums_of
from features.snapshots import Snapshots, snapshots_of

KEYS = ledgers.KEYS
REQUIRED = {
    "orders": (
        *("customer_id", "order_id", "ordered_at", "known_at", "product_id", "quantity", "amount"),
        *("discount_amount", "cost_amount"),
    ),
    "customers": (
        *("customer_id", "known_at", "customer_type", "region", "acquisition_channel", "birth_year", "created_at"),
        *("credit_limit", "consent_marketing"),
    ),
    "products": ("product_id", "category", "known_at"),
}


def build(
    orders: pl.LazyFrame,
    customers: pl.LazyFrame | None,
    products: pl.LazyFrame | None,
    *,
    snapshots: Sequence[date],
    time_zone: str,
    absent_columns: Collection[str] = (),
) -> pl.LazyFrame:
    """Features of every customer with a purchase known before a snapshot, as of that snapshot.

    Args:
        orders: core order lines of one bucket (every row of some customers), in any order.
        customers: core customers of the same bucket (one version of a row in force at a time), or None; others' rows do
            no harm.
        products: core products, whole (likewise), or None.
        snapshots: business dates; a row counts for one when it had happened and was known before its first instant.
        time_zone: the company's time zone (IANA name), of business dates, weekdays and hours.
        absent_columns: optional columns that hold nothing in the whole company (see `catalogue`). Pass the same for
            every bucket: what holds nothing in one bucket may hold something in another.

    Returns:
        One row per (`customer_id`, `snapshot_date`), sorted by both; columns as `names` says. The same input gives the
        same bits whatever the order of rows and the number of threads.

    Raises:
        NoSnapshotsError: no snapshot was asked for.
        ColumnsMissingError: a frame lacks a column.
        UnknownEntityError: an absent column is named that no feature is made of.
    """
    frames = {"orders": orders, "customers": customers, "products": products}
    entities = [entity for entity, frame in frames.items() if frame is not None and _checked(entity, frame)]
    features = [feature for _, feature in chosen(entities, absent_columns=absent_columns)]
    passes = versions.passes(orders, products, snapshots_of(snapshots, time_zone=time_zone))
    parts = [_built(each.orders, customers, each.products, features, each.snapshots) for each in passes]
    return pl.concat(parts).select(names(entities, absent_columns=absent_columns)).sort("customer_id", "snapshot_date")


def _built(
    orders: pl.LazyFrame,
    customers: pl.LazyFrame | None,
    products: pl.LazyFrame | None,
    features: Sequence[Feature],
    numbered: Snapshots,
) -> pl.LazyFrame:
    """Features in one pass, of order lines and products that are in force whenever they are known."""
    lines = ledgers.counted_lines(orders, numbered)
    rows = _aggregated(ledgers.day_ledger(lines, numbered), features, ledger="days").filter(
        pl.col("purchase_count_life") > 0
    )
    for ledger, states in _item_ledgers(lines, products, numbered).items():
        sums = _aggregated(states, features, ledger=ledger)
        rows = rows.join(sums, on=KEYS, how="left", validate="1:1")
    rows = rows.join(numbered.table(), on="snapshot", how="inner")
    if customers is not None:
        rows = _with_records(rows, customers, numbered)
    return rows.select("customer_id", "snapshot_date", *(feature.expression() for feature in features))


def _checked(entity: str, frame: pl.LazyFrame) -> bool:
    """True once all the columns features are made of are there."""
    present = frame.collect_schema().names()
    missing = set(REQUIRED[entity]) - set(present)
    if missing:
        raise ColumnsMissingError(entity=entity, missing=missing, present=present)
    return True


def _item_ledgers(lines: pl.LazyFrame, products: pl.LazyFrame | None, snapshots: Snapshots) -> dict[str, pl.LazyFrame]:
    bought = ledgers.product_ledger(lines)
    states = {"products": ledgers.product_states(bought, snapshots)}
    if products is not None:
        states["categories"] = ledgers.category_states(bought, products, snapshots)
    return states


def _aggregated(states: pl.LazyFrame, features: Sequence[Feature], *, ledger: str) -> pl.LazyFrame:
    return states.group_by(KEYS).agg(**sums_of(features, ledger=ledger))


def _with_records(rows: pl.LazyFrame, customers: pl.LazyFrame, snapshots: Snapshots) -> pl.LazyFrame:
    """Join the version of each customer's record in force, its columns as `customers.<column>`; null before any was."""
    attributes = [column for column in REQUIRED["customers"] if column not in ("customer_id", "known_at")]
    present = customers.collect_schema().names()
    ends = snapshots.first_that_counts(versions.SUPERSEDED_AT) if versions.SUPERSEDED_AT in present else pl.lit(None)
    records = customers.select(
        "customer_id",
        snapshots.first_that_counts("known_at").alias("record_cell"),
        ends.cast(pl.UInt16).alias("record_cell_until"),
        *(pl.col(column).alias(f"customers.{column}") for column in attributes),
        snapshots.business_date(pl.col("created_at")).alias("customers.created_at_date"),
    )
    in_force = (pl.col("record_cell") <= pl.col("snapshot")) & (
        pl.col("record_cell_until").is_null() | (pl.col("snapshot") < pl.col("record_cell_until"))
    )
    standing = rows.select(KEYS).join(records, on="customer_id", how="inner").filter(in_force)
    return rows.join(standing.drop("record_cell", "record_cell_until"), on=KEYS, how="left", validate="1:1")

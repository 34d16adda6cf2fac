"""Building features: every input once, for all snapshots, then each feature from its inputs.

Belongs here: the way through the stages, and who gets a row. Does not: how inputs are computed (`order_inputs`,
`tables`), what a feature is (the families).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import polars as pl

from data_contracts.contracts import ColumnType, core_contract
from features.additions import NOTHING_ADDED, Additions
from features.catalogue import chosen, tables
from features.errors import ColumnsMissingError, ColumnTypesError, RecordsDoubledError
from features.feature import Feature, inputs_of
from features.inputs import Aggregate, Input, Visit
from features.order_inputs import order_inputs
from features.own_at_snapshots import with_expressions, with_own
from features.required import REQUIRED
from features.snapshots import Snapshots, snapshots_of
from features.subscriptions import TABLE as SUBSCRIPTIONS
from features.tables import KEYS, LAST_PURCHASE_DAYS, table_inputs, tables_wanted
from features.visible import DTYPES, RECORDS

PURCHASES = "purchase_count_life"
RECENCY = "last_age_days"


def build(
    entities: Mapping[str, pl.LazyFrame],
    *,
    snapshots: Sequence[date],
    time_zone: str,
    absent_columns: Collection[str] = (),
    additions: Additions = NOTHING_ADDED,
) -> pl.LazyFrame:
    """Features of every customer with a purchase or a subscription known before a snapshot, as of that snapshot.

    Args:
        entities: core frames by entity (`orders`, `customers`, `products`, …), in any order of rows: of one bucket
            where the entity has customers, else whole. Customers' rows are found by `customer_id`; rows of customers of
            other buckets do no harm. Entities no feature is made of are passed over.
        snapshots: business dates; a version of a row counts for one when the event had happened and the version was
            known, and not yet superseded, before the date's first instant.
        time_zone: the company's time zone (IANA name), of business dates, weekdays and hours.
        absent_columns: optional columns that hold nothing in the whole company (see `catalogue`). Pass the same for
            every bucket: what holds nothing in one bucket may hold something in another.
        additions: features of the company's own, and extra attributes of customers.

    Returns:
        One row per (`customer_id`, `snapshot_date`), sorted by both; columns as `names` says. Frames are read at once,
        not when the result is collected. The same input gives the same bits whatever the order of rows and the number
        of threads.

    Raises:
        NoSnapshotsError: no snapshot was asked for.
        ColumnsMissingError, ColumnTypesError: a frame lacks a column, or has one of another type than its contract.
        RecordsDoubledError: two records of one customer, product or offer are in force at a snapshot.
        UnknownEntityError: an absent column is named that no feature is made of.
        OwnFeatureTextError, OwnFeatureTypeError, OwnFeatureValuesError, OwnFunctionFailedError: a feature of the
            company's own can't be made of these rows; and what `catalogue` raises.
    """
    frames = {entity: frame for entity, frame in entities.items() if entity in REQUIRED}
    for entity, frame in frames.items():
        _check_columns(entity, frame)
    numbered = snapshots_of(snapshots, time_zone=time_zone)
    for entity in sorted(RECORDS & set(frames)):
        _check_records(entity, frames[entity], numbered)
    features = [feature for _, feature in chosen(frames, absent_columns=absent_columns, additions=additions)]
    specs = [spec for spec in additions.own if spec.name in {feature.name for feature in features}]
    rows = _rows(frames, features, numbered)
    if "customers" in frames:
        rows = _with_records(rows, frames["customers"], numbered, [name for name, _ in additions.attributes])
    rows = with_own(rows, frames, numbered, specs=specs, additions=additions)
    rows = rows.join(numbered.table(), on="snapshot", how="left", validate="m:1", maintain_order="left")
    derived = {spec.name for spec in specs if spec.form == "expression"}
    plain = [feature.expression() for feature in features if feature.name not in derived]
    finished = with_expressions(rows.select("customer_id", "snapshot_date", *plain), specs)
    return finished.select("customer_id", "snapshot_date", *(feature.name for feature in features)).lazy()


def _check_columns(entity: str, frame: pl.LazyFrame) -> None:
    schema = frame.collect_schema()
    present = schema.names()
    missing = set(REQUIRED[entity]) - set(present)
    if missing:
        raise ColumnsMissingError(entity=entity, missing=missing, present=present)
    columns = core_contract(entity).columns
    odd = {name: str(schema[name]) for name in REQUIRED[entity] if not _is_of(schema[name], columns[name].type)}
    if odd:
        raise ColumnTypesError(entity=entity, odd=odd, expected={name: columns[name].type for name in odd})


def _check_records(entity: str, frame: pl.LazyFrame, snapshots: Snapshots) -> None:
    """Of what there is one record at a time, there must be one at each snapshot."""
    key = list(core_contract(entity).key)
    stamps = [name for name in ("known_at", "superseded_at") if name in frame.collect_schema()]
    held = frame.select(*key, *stamps).collect()
    if not held.select(key).is_duplicated().any():
        return
    for snapshot in snapshots:
        doubled = int(snapshot.known(held.lazy()).collect().select(key).is_duplicated().sum())
        if doubled:
            raise RecordsDoubledError(entity=entity, key=key, rows=doubled, snapshot=snapshot.day)


def _is_of(dtype: pl.DataType, declared: ColumnType) -> bool:
    """Whether a column has the type its contract says; one of nothing but nulls may have none."""
    if declared in {"integer", "money"}:
        return dtype.is_integer() or dtype == pl.Null
    return dtype in {DTYPES[declared], pl.Null}


def _rows(frames: Mapping[str, pl.LazyFrame], features: Sequence[Feature], snapshots: Snapshots) -> pl.DataFrame:
    """One row per customer and snapshot, sorted, with every input that the features are made of."""
    wanted = inputs_of(features)
    ordered = _of_orders(frames, wanted, snapshots)
    buyers = {LAST_PURCHASE_DAYS: _last_purchase_days(ordered, snapshots)}
    aggregated = {
        table.name: table_inputs(table, {**frames, **buyers}, wanted, snapshots)
        for table in tables_wanted(tables(), wanted)
    }
    rows = _population(ordered, aggregated.get(SUBSCRIPTIONS.name), wanted)
    for sums in aggregated.values():
        rows = rows.join(sums, on=KEYS, how="left", validate="1:1")
    return rows.sort(KEYS) if aggregated else rows  # of orders alone they are sorted


def _of_orders(frames: Mapping[str, pl.LazyFrame], wanted: Mapping[str, Input], snapshots: Snapshots) -> pl.DataFrame:
    """Inputs made of orders, with at least what the engine itself asks for; no rows where there are no orders."""
    of_orders: dict[str, Input] = {name: one for name, one in wanted.items() if not isinstance(one, Aggregate)}
    if "orders" not in frames:
        nothing = {"customer_id": pl.String, "snapshot": pl.UInt16, PURCHASES: pl.Int64, RECENCY: pl.Int64}
        return pl.DataFrame(schema=nothing)
    return order_inputs(frames["orders"], frames.get("products"), of_orders, snapshots)


def _last_purchase_days(ordered: pl.DataFrame, snapshots: Snapshots) -> pl.LazyFrame:
    """`customer_id`, `snapshot`, `last_purchase_day` of who has bought."""
    dates = snapshots.table().select("snapshot", "snapshot_date")
    ages = ordered.lazy().filter(pl.col(RECENCY).is_not_null()).select(*KEYS, RECENCY)
    day = (pl.col("snapshot_date") - pl.duration(days=pl.col(RECENCY))).alias("last_purchase_day")
    return ages.join(dates.lazy(), on="snapshot", validate="m:1").select(*KEYS, day)


def _population(ordered: pl.DataFrame, subscribed: pl.DataFrame | None, wanted: Mapping[str, Input]) -> pl.DataFrame:
    """Who has bought, and who has subscribed, with the inputs made of orders: of who never ordered, sums are 0."""
    bought = pl.col(PURCHASES) > 0
    if subscribed is None:
        return ordered.filter(bought)
    keys = subscribed.select(KEYS)
    known = pl.concat([ordered.filter(bought), ordered.filter(~bought).join(keys, on=KEYS, how="semi")])
    strangers = keys.join(ordered, on=KEYS, how="anti")
    sums = [name for name, one in wanted.items() if name in ordered.columns and not isinstance(one, Visit)]
    return pl.concat(
        [known, strangers.join(ordered.clear(), on=KEYS, how="left").with_columns(pl.col(sums).fill_null(0))]
    )


def _with_records(
    rows: pl.DataFrame, customers: pl.LazyFrame, snapshots: Snapshots, extra: Sequence[str]
) -> pl.DataFrame:
    """Join each customer's record, its columns as `customers.<column>`; null until the record was known."""
    present = customers.collect_schema().names()
    asked = (*REQUIRED["customers"], *(name for name in extra if name in present))
    attributes = [column for column in asked if column not in {"customer_id", "known_at"}]
    held = customers.collect().lazy()
    records = pl.concat(
        snapshot.known(held).select(
            "customer_id",
            pl.lit(snapshot.number, dtype=pl.UInt16).alias("snapshot"),
            *(pl.col(column).alias(f"customers.{column}") for column in attributes),
            snapshot.business_date(pl.col("created_at")).alias("customers.created_at_date"),
        )
        for snapshot in snapshots
    )
    return rows.join(records.collect(), on=KEYS, how="left", validate="m:1", maintain_order="left")

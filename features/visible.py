"""What features of a company's own are shown of a core table at a snapshot: rows, columns and values known by then.

Belongs here: the gate on rows, and on what a row says of later days. Does not: what is made of them (`own`).

Built-in families have gates of their own, made for what they compute; this one serves for anything.
"""

from collections.abc import Collection, Mapping

import polars as pl

from data_contracts.contracts import Column, core_contract
from features.snapshots import INSTANT, Snapshot

RECORDS = frozenset({"customers", "products", "offers"})
"""Entities of which there is one record in force at a time; rows of the others are events, of which there are many."""
OUTCOMES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "payments": {"paid_on": ()},
    "contacts": {"opened_at": (), "clicked_at": (), "responded_at": ()},
    "tickets": {"resolved_at": ("satisfaction", "compensation")},
    "subscriptions": {"ended_on": ()},
}
"""By entity, columns that say what became of a row on a day of their own, and those that are told with them."""
EVENT_DATE, AGE_DAYS = "event_date", "age_days"
SNAPSHOT_DATE = "snapshot_date"
ADDED = frozenset({EVENT_DATE, AGE_DAYS, SNAPSHOT_DATE})
DTYPES: Mapping[str, pl.DataType] = {
    "text": pl.String(),
    "integer": pl.Int32(),
    "number": pl.Float64(),
    "money": pl.Int64(),
    "date": pl.Date(),
    "timestamp": INSTANT,
    "boolean": pl.Boolean(),
}


def shown_columns(entity: str, attributes: Mapping[str, Column] | None = None) -> dict[str, pl.DataType]:
    """The columns that are shown of an entity, with their types.

    Those of its contract but texts that are personal data; of customers, extra attributes too. `snapshot_date` (Date)
    is added, and, of entities with an event time, `event_date` (Date, of the company's time zone) and `age_days`
    (Int64, from the event to the snapshot: 1 is the day before).
    """
    contract = core_contract(entity)
    columns = {**contract.columns, **((attributes or {}) if entity == "customers" else {})}
    shown = {name: DTYPES[column.type] for name, column in columns.items() if not is_personal_text(column)}
    added: dict[str, pl.DataType] = {SNAPSHOT_DATE: pl.Date()}
    if contract.event_time:
        added |= {EVENT_DATE: pl.Date(), AGE_DAYS: pl.Int64()}
    return shown | added


def is_personal_text(column: Column) -> bool:
    """Whether a column holds texts that name a person: no model and no report may learn them."""
    return column.personal and column.type == "text"


def visible(entity: str, frame: pl.LazyFrame, snapshot: Snapshot, columns: Collection[str]) -> pl.LazyFrame:
    """The rows of an entity that count at a snapshot, with what was known of each.

    A version counts when it was known before the snapshot's first instant and not superseded before it, and when the
    event had happened. What became of it later is null, with what is told with that; so is a record's own event time.

    Args:
        entity: the entity.
        frame: core rows, all versions.
        snapshot: the date.
        columns: some of `shown_columns`.

    Returns:
        The columns, in order of their names: rows sorted by customer (where there is one), event time and all the other
        columns, so that the order of `frame` leaves no trace.
    """
    wanted = [name for name in sorted(columns) if name not in ADDED]
    event = core_contract(entity).event_time
    rows = _happened(entity, snapshot.known(frame), snapshot)
    for outcome, told_with_it in OUTCOMES.get(entity, {}).items():
        told = [name for name in (outcome, *told_with_it) if name in columns]
        if told:
            past = _before(outcome, rows, snapshot)
            rows = rows.with_columns(pl.when(past).then(pl.col(name)).alias(name) for name in told)
    order = [name for name in dict.fromkeys(("customer_id", event, *wanted)) if name in {*wanted, event} and name]
    return rows.select(order).sort(order).select(*wanted, *_added(event, rows, snapshot, columns))


def _happened(entity: str, rows: pl.LazyFrame, snapshot: Snapshot) -> pl.LazyFrame:
    """Events before the snapshot; of records all, with no event time that is still to come."""
    event = core_contract(entity).event_time
    if not event:
        return rows
    past = _before(event, rows, snapshot)
    return rows.with_columns(pl.when(past).then(pl.col(event)).alias(event)) if entity in RECORDS else rows.filter(past)


def _before(column: str, rows: pl.LazyFrame, snapshot: Snapshot) -> pl.Expr:
    is_date = rows.collect_schema()[column] == pl.Date
    return pl.col(column) < (pl.lit(snapshot.day) if is_date else pl.lit(snapshot.instant, dtype=INSTANT))


def _added(event: str, rows: pl.LazyFrame, snapshot: Snapshot, columns: Collection[str]) -> list[pl.Expr]:
    added = {SNAPSHOT_DATE: pl.lit(snapshot.day)}
    if event:
        is_date = rows.collect_schema()[event] == pl.Date
        day = pl.col(event) if is_date else snapshot.business_date(pl.col(event))
        added |= {EVENT_DATE: day, AGE_DAYS: snapshot.days_since(day)}
    return [expression.alias(name) for name, expression in added.items() if name in columns]

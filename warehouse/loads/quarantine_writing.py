"""Rows that enter or leave quarantine outside of a load that went through.

Belongs here: the rows that a load was blocked by, replayed rows, rows that are taken away for good. Does not: the rows
that a load sets aside when it goes through (`recording.py`), or looking at any (`quarantine.py`).
"""

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from warehouse.core.judged_rows import QUARANTINE_SCHEMA as COLUMNS
from warehouse.databases.base import Warehouse
from warehouse.databases.identifiers import quoted
from warehouse.ledger import Load, record_load
from warehouse.ledger_schema import SCHEMA as LEDGER_SCHEMA
from warehouse.ledger_schema import make_ledger
from warehouse.loads.quarantine import (
    ACTIONS,
    ACTIONS_TABLE,
    BLOCKED,
    QUARANTINE_SCHEMA,
    RowsWanted,
    count_rows,
    entities_in_quarantine,
)
from warehouse.sources.unreadable_lines import LINE_RULE

_ADDED = "added_rows"
_OF_BLOCKED_LOADS = f"load_id IN (SELECT load_id FROM {LEDGER_SCHEMA}.loads WHERE status = '{BLOCKED}')"  # noqa: S608 literals of this package


def keep_blocked(warehouse: Warehouse, rows: pl.DataFrame, load: Load) -> None:
    """Keep the rows that a load was blocked by, in place of those of the blocked load before; and write it down.

    Args:
        warehouse: open for writing; the caller holds the lock.
        rows: as `judged_rows.QUARANTINE_SCHEMA`.
        load: the load, its status `BLOCKED`.
    """
    make_ledger(warehouse)
    warehouse.make_schema(QUARANTINE_SCHEMA)
    with warehouse.transaction():
        forget_blocked(warehouse)
        for entity in rows["entity"].unique(maintain_order=True):
            _add(warehouse, entity, rows.filter(entity=entity))
        record_load(warehouse, load)


def forget_blocked(warehouse: Warehouse) -> None:
    """Remove the rows that an earlier load was blocked by; within a transaction."""
    for entity in entities_in_quarantine(warehouse):
        warehouse.execute(
            f"DELETE FROM {quoted(QUARANTINE_SCHEMA, entity)} WHERE {_OF_BLOCKED_LOADS}",  # noqa: S608 names are checked
            step=f"forget what a blocked load left of {entity}",
        )


def replace_replayed(warehouse: Warehouse, wanted: RowsWanted, rows: pl.DataFrame, *, sources: Sequence[str]) -> None:
    """Put replayed rows as they are now in place of what they were; within a transaction.

    Args:
        warehouse: open for writing.
        wanted: which rows were replayed, of
        sources: these sources; those of a blocked load were not.
        rows: those that stay, as `judged_rows.QUARANTINE_SCHEMA`.
    """
    condition, parameters = wanted.condition()
    listed = ", ".join("?" for _ in sources)
    warehouse.execute(
        f"DELETE FROM {quoted(QUARANTINE_SCHEMA, wanted.entity)} WHERE {condition} AND source IN ({listed}) "  # noqa: S608 names are checked, values are parameters
        f"AND NOT ({_OF_BLOCKED_LOADS}) AND rules <> ?",
        [*parameters, *sources, LINE_RULE],
        step=f"clear replayed rows of {wanted.entity}",
    )
    _add(warehouse, wanted.entity, rows)


def drop_rows(warehouse: Warehouse, wanted: RowsWanted, *, reason: str, now: datetime, run_by: str) -> int:
    """Take rows out of quarantine for good and write down why; the caller holds the warehouse's lock.

    Returns:
        How many they were. Where there are none, nothing is written down.
    """
    rows = count_rows(warehouse, wanted)
    if not rows:
        return 0
    condition, parameters = wanted.condition()
    with warehouse.transaction():
        warehouse.execute(
            f"DELETE FROM {quoted(QUARANTINE_SCHEMA, wanted.entity)} WHERE {condition}",  # noqa: S608 as above
            parameters,
            step=f"drop rows of {wanted.entity} from quarantine",
        )
        record_action(warehouse, wanted, action="dropped", rows=rows, reason=reason, now=now, run_by=run_by)
    return rows


def record_action(  # the facts of one action, by name
    warehouse: Warehouse, wanted: RowsWanted, *, action: str, rows: int, reason: str, now: datetime, run_by: str
) -> None:
    """Write down that rows left quarantine by hand, and why; within a transaction."""
    table = f"{LEDGER_SCHEMA}.{ACTIONS_TABLE}"
    warehouse.execute(f"CREATE TABLE IF NOT EXISTS {table} ({ACTIONS})", step=f"make {table}")
    warehouse.execute(
        f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 a literal of this package
        [now, action, wanted.entity, wanted.rule, wanted.source, wanted.load_id, rows, reason, run_by],
        step="write down what left quarantine",
    )


def _add(warehouse: Warehouse, entity: str, rows: pl.DataFrame) -> None:
    """Add rows to an entity's table in quarantine, which is made if need be."""
    if entity not in entities_in_quarantine(warehouse):
        warehouse.write_frame(QUARANTINE_SCHEMA, entity, rows)
        return
    if rows.is_empty():
        return
    warehouse.drop_table(QUARANTINE_SCHEMA, _ADDED)
    warehouse.write_frame(QUARANTINE_SCHEMA, _ADDED, rows)
    columns = ", ".join(quoted(name) for name in COLUMNS)
    warehouse.execute(
        f"INSERT INTO {quoted(QUARANTINE_SCHEMA, entity)} ({columns}) "  # noqa: S608 names are checked
        f"SELECT {columns} FROM {quoted(QUARANTINE_SCHEMA, _ADDED)}",
        step=f"add rows of {entity} to quarantine",
    )
    warehouse.drop_table(QUARANTINE_SCHEMA, _ADDED)

"""Writing down a load: its rows in quarantine and its rows in the ledger, in one transaction.

Belongs here: what of a load goes into the warehouse. Does not: the core rows (`core_writing.py`), or looking into the
quarantine (`quarantine.py`).

The quarantine accumulates. A source that was read from beginning to end has just the rows set aside now. Of files that
bring only news, even where all that are still there were read, the rows of those that were read are replaced, and a
row that was set aside before, word for word, is not set aside twice; all others stay: their files may be gone.
"""

from collections.abc import Callable

import polars as pl

from warehouse.core.judged_rows import QUARANTINE_SCHEMA as COLUMNS
from warehouse.databases.base import Warehouse
from warehouse.databases.identifiers import quoted
from warehouse.identities.recording import record_identities
from warehouse.ledger import Load, record_load
from warehouse.ledger_schema import ledger_rows, make_ledger
from warehouse.loads.increments import Reading
from warehouse.loads.profiles import record_profiles
from warehouse.loads.quarantine_writing import forget_blocked
from warehouse.loads.results import CoreLoad
from warehouse.loads.states import record_states

QUARANTINE = "quarantine"
_ARRIVING = "arriving_rows"


def record_core_load(warehouse: Warehouse, core: CoreLoad, load: Load, *, failpoint: Callable[[str], None]) -> None:
    """Write down a load and the rows it set aside: all of it or nothing. The caller holds the lock.

    Args:
        warehouse: open for writing.
        core: the load, which is in the lake already.
        load: its row for the ledger.
        failpoint: called with a name at points where a process may die, for tests.
    """
    make_ledger(warehouse)
    warehouse.make_schema(QUARANTINE)
    with warehouse.transaction():
        forget_blocked(warehouse)
        for entity in core.counts:
            set_aside(
                warehouse,
                entity,
                core.quarantined.filter(pl.col("entity") == entity),
                whole=_shown_in_full(core.reading),
                files=[file.label for file in core.reading.files if not file.is_copy],
            )
        failpoint("quarantine_written")
        record_load(warehouse, load)
        record_profiles(warehouse, load.load_id, core.profiles, loaded_at=load.loaded_at)
        record_identities(warehouse, core.identities)
        record_states(warehouse, load.load_id, core.states, core.reading.files, loaded_at=load.loaded_at)
        failpoint("before_commit")


def _shown_in_full(reading: Reading) -> list[str]:
    """The sources that showed everything they ever brought: not those of files that are moved away once loaded."""
    of_news = {name for name, spec in reading.inputs.items() if spec.is_incremental and spec.database is None}
    return sorted(name for name in reading.whole if reading.sources[name].input not in of_news)


def set_aside(warehouse: Warehouse, entity: str, rows: pl.DataFrame, *, whole: list[str], files: list[str]) -> None:
    """Add rows to an entity's quarantine, in place of those they stand for; within a transaction.

    Args:
        warehouse: open for writing.
        entity: the core table.
        rows: as `judged_rows.QUARANTINE_SCHEMA`.
        whole: the sources that were read from beginning to end.
        files: the files that were read of others.
    """
    if entity not in warehouse.tables(QUARANTINE):
        warehouse.write_frame(QUARANTINE, entity, rows)
        return
    table, arriving = quoted(QUARANTINE, entity), quoted(QUARANTINE, _ARRIVING)
    if whole:
        listed = ", ".join("?" for _ in whole)
        warehouse.execute(f"DELETE FROM {table} WHERE source IN ({listed})", whole, step="clear the quarantine")  # noqa: S608 names are checked
    if files:
        listed = ", ".join("?" for _ in files)
        warehouse.execute(f"DELETE FROM {table} WHERE source_file IN ({listed})", files, step="clear the quarantine")  # noqa: S608 names are checked
    if rows.is_empty():
        return
    warehouse.drop_table(QUARANTINE, _ARRIVING)
    warehouse.write_frame(QUARANTINE, _ARRIVING, rows)
    columns = ", ".join(quoted(name) for name in COLUMNS)
    warehouse.execute(
        f"DELETE FROM {table} WHERE EXISTS (SELECT 1 FROM {arriving} AS a WHERE a.source = {table}.source "  # noqa: S608 names are checked
        f"AND a.source_file = {table}.source_file AND a.raw_row = {table}.raw_row)",
        step="clear the quarantine",
    )
    warehouse.execute(
        f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {arriving}",  # noqa: S608 names are checked
        step=f"write the quarantine of {entity}",
    )
    warehouse.drop_table(QUARANTINE, _ARRIVING)


def loads_to_keep(warehouse: Warehouse, *, keep: int) -> list[str]:
    """The loads whose rows stay in the lake: the last `keep` that are done."""
    rows = ledger_rows(
        warehouse, "loads", "WHERE status = 'done' ORDER BY loaded_at DESC, load_id DESC LIMIT ?", [max(keep, 1)]
    )
    return [row["load_id"] for row in rows]

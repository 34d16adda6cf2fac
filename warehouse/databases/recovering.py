"""A DuckDB warehouse whose log is damaged: back to the last good state, with nothing thrown away.

Belongs here: setting the log aside. Does not: when that is right (people decide: `gristmill recover`).

DuckDB writes what is committed to a log beside the file, and moves it into the file at a checkpoint: at the latest when
a run closes the file. So a log is only left by a process that died, and the file without it is whole as of the
checkpoint before. What the log held is published or recorded again by running the night again.
"""

from datetime import datetime
from pathlib import Path

from warehouse.databases.duckdb_warehouse import DuckDBWarehouse
from warehouse.errors import WarehouseLogUnreadableError

_STAMP = "%Y%m%dT%H%M%SZ"


def recover(place: DuckDBWarehouse, *, now: datetime) -> Path | None:
    """Open the warehouse; where its log is damaged, set that aside first. The caller holds the lock.

    Args:
        place: the warehouse, not open.
        now: when this happens (UTC), for the name of what is set aside.

    Returns:
        Where the log lies now, under another name; None where nothing was wrong with it.

    Raises:
        WarehouseUnreachableError: the file itself is damaged; nothing was changed.
    """
    try:
        with place:
            return None
    except WarehouseLogUnreadableError:
        log = place.path.with_name(f"{place.path.name}.wal")
        aside = log.with_name(f"{log.name}.unreadable-{now.strftime(_STAMP)}")
        log.rename(aside)
    try:
        with place:
            return aside
    except BaseException:
        aside.rename(log)  # it was not the log alone: leave everything as it was found
        raise

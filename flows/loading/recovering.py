"""Bringing a damaged warehouse back: what was set aside, what readers see now.

Belongs here: what `gristmill recover` answers, as plain values. Does not: setting anything aside
(`warehouse.databases.recovering`).
"""

from typing import Any

from flows.context import Context
from flows.running.recording import alone
from flows.running.serving_copy import keep_serving_copy
from warehouse.databases.duckdb_warehouse import DuckDBWarehouse
from warehouse.databases.recovering import recover
from warehouse.errors import WarehouseMissingError
from warehouse.publishing.publications import current_publication


def recover_warehouse(context: Context) -> dict[str, Any]:
    """Set a damaged log of the DuckDB warehouse aside, and say what the last good state is.

    Returns:
        `status` (`recovered`, or `unchanged` where nothing was wrong), `set_aside` (a path, or null), `published` (the
        date and version readers see, or null).

    Raises:
        WarehouseMissingError: there is no warehouse yet.
        WarehouseUnreachableError: the file itself is damaged; nothing was changed.
        WarehouseBusyError: a run is under way.
    """
    place = context.warehouse()
    if not place.exists():
        raise WarehouseMissingError(path=place.where)
    with alone(context, "recover"):
        aside = recover(place, now=context.now) if isinstance(place, DuckDBWarehouse) else None
        with context.warehouse() as warehouse:
            current = current_publication(warehouse)
        keep_serving_copy(context)
    return {
        "verb": "recover",
        "status": "recovered" if aside else "unchanged",
        "message": "the log was set aside; run the last night again: it finds by itself what is missing"
        if aside
        else "nothing was wrong with the warehouse's log",
        "set_aside": str(aside) if aside else None,
        "published": current and {"as_of": current.as_of.isoformat(), "version": current.version_number},
    }

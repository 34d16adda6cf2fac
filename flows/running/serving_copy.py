"""Keeping the readers' copy of a DuckDB warehouse in step with what is published.

Belongs here: whether there is such a copy, and where. Does not: writing it (`warehouse.publishing.serving_copy`).
"""

from flows.context import Context
from warehouse.databases.duckdb_warehouse import DuckDBWarehouse
from warehouse.publishing.serving_copy import refresh_serving_copy


def keep_serving_copy(context: Context, *, force: bool = False) -> None:
    """Renew the readers' file where it does not show what is published; the caller holds the lock.

    Nothing happens with PostgreSQL. Where the copy is switched off, one that is left over is removed: it would grow
    old.

    Raises:
        ServingCopyNotWrittenError: it can't be written; what is published stays published.
    """
    path = context.settings.serving_file
    if not context.settings.warehouse.serving_copy:
        path.unlink(missing_ok=True)
        return
    place = context.warehouse()
    if isinstance(place, DuckDBWarehouse) and place.exists():
        with place as warehouse:
            refresh_serving_copy(warehouse, path, force=force)

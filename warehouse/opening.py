"""Which warehouse it is: a DuckDB file or a PostgreSQL database.

Belongs here: that choice, by the address. Does not: what either of them does.
"""

from pathlib import Path

from warehouse.databases.base import Timeouts, Warehouse
from warehouse.databases.duckdb_warehouse import DuckDBWarehouse


def warehouse_at(
    file: Path,
    address: str = "",
    *,
    read_only: bool = False,
    file_wait_seconds: float = 10.0,
    timeouts: Timeouts | None = None,
) -> Warehouse:
    """The warehouse at an address, not opened yet.

    Args:
        file: the DuckDB file, used when there is no address.
        address: of a PostgreSQL database; empty for none.
        read_only: for those who only look.
        file_wait_seconds: how long to wait while another process has the DuckDB file open.
        timeouts: how long to wait for PostgreSQL.
    """
    if not address:
        return DuckDBWarehouse(file, read_only=read_only, lock_wait_seconds=file_wait_seconds)
    from warehouse.databases.postgresql_warehouse import PostgreSQLWarehouse  # noqa: PLC0415 most companies never need psycopg

    return PostgreSQLWarehouse(address, read_only=read_only, timeouts=timeouts)

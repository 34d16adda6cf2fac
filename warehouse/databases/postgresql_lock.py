"""One writer at a time in PostgreSQL: an advisory lock on a connection of its own, its holder's name in a row.

Belongs here: taking the lock, naming and finding its holder. Does not: connecting (`postgresql_warehouse.py`) and what
is done under the lock. The server frees the lock when the connection ends, however its process ends; the row is for
people and is never trusted as the lock.
"""

import time

import psycopg

from warehouse.databases.locking import LockHolder
from warehouse.errors import WarehouseBusyError

_KEYS = (0x67726973, 0x746D696C)  # "gris", "tmil": one lock a database
_POLL_SECONDS = 0.1
_SHORTEST_WAIT_SECONDS = 0.25
_UNKNOWN = LockHolder(0, "unknown", "unknown", "unknown")
_ROW_OF_HOLDER = """
    CREATE TABLE IF NOT EXISTS gristmill.lock_holder (
        backend_pid INTEGER NOT NULL, pid INTEGER NOT NULL, host TEXT NOT NULL, run_key TEXT NOT NULL,
        started_at TEXT NOT NULL)"""


def take(connection: psycopg.Connection, holder: LockHolder, *, where: str, wait_seconds: float) -> None:
    """Take the lock on this connection, and write down who has it.

    Args:
        connection: in autocommit mode; the lock is freed when it is closed. The schema `gristmill` is there.
        holder: who takes it.
        where: the warehouse's address, redacted.
        wait_seconds: how long to wait for another holder; a quarter of a second is always allowed.

    Raises:
        WarehouseBusyError: it was not free in time.
        psycopg.Error: the server refused something.
    """
    deadline = time.monotonic() + max(wait_seconds, _SHORTEST_WAIT_SECONDS)
    while not _taken(connection):
        if time.monotonic() >= deadline:
            found = find(connection)
            told = "another process" if found in {None, _UNKNOWN} else str(found)
            raise WarehouseBusyError(path=where, holder=told, waited_seconds=wait_seconds)
        time.sleep(_POLL_SECONDS)
    with connection.transaction():
        connection.execute(_ROW_OF_HOLDER)
        connection.execute("DELETE FROM gristmill.lock_holder")
        connection.execute(
            "INSERT INTO gristmill.lock_holder VALUES (pg_backend_pid(), %s, %s, %s, %s)",
            [holder.pid, holder.host, holder.run_key, holder.started_at],
        )


def release(connection: psycopg.Connection) -> None:
    """Free the lock now, rather than when the server notices that the connection is closed."""
    connection.execute("SELECT pg_advisory_unlock(%s::integer, %s::integer)", _KEYS)


def find(connection: psycopg.Connection) -> LockHolder | None:
    """Who holds the lock now; None when it is free. A holder whose row can't be read is there, but unknown."""
    held = connection.execute(
        "SELECT pid FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 "
        "AND classid = %s AND objid = %s "
        "AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())",
        _KEYS,
    ).fetchone()
    if held is None:
        return None
    try:
        row = connection.execute(
            "SELECT pid, host, run_key, started_at FROM gristmill.lock_holder WHERE backend_pid = %s", held
        ).fetchone()
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        row = None
    return _UNKNOWN if row is None else LockHolder(*row)


def _taken(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s::integer, %s::integer)", _KEYS).fetchone()
    return bool(row and row[0])

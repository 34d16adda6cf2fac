"""The warehouse in a PostgreSQL database.

Belongs here: what PostgreSQL does its own way (transactions, the lock, views whose columns change). Does not: the
ledger and publishing, which know only `databases.base.Warehouse`; connecting (`postgresql_connecting.py`); frames
(`postgresql_frames.py`); which error becomes which (`postgresql_failures.py`).

Readers come and go as they like. Only moving the stable views has to wait for those who are reading them at that
moment; it is done so that no reader is ever chosen as the victim of a deadlock (see `transaction`).
"""

import contextlib
import itertools
import os
import re
import socket
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Self

import polars as pl
import psycopg
from psycopg.pq import TransactionStatus

from warehouse.databases import postgresql_lock
from warehouse.databases.base import TableDescription, Timeouts, Warehouse
from warehouse.databases.errors_postgresql import StatementTimedOutError
from warehouse.databases.identifiers import checked, quoted
from warehouse.databases.locking import LockHolder
from warehouse.databases.postgresql_connecting import connect, milliseconds, place_of
from warehouse.databases.postgresql_failures import connection_was_lost, failure, reason_of_postgresql
from warehouse.databases.postgresql_frames import TableColumn, columns_sql, copy_in, copy_out, domains_sql
from warehouse.databases.postgresql_rows import rows_frame
from warehouse.errors import CommitUnclearError, WarehouseLockedError, WarehouseMissingError
from warehouse.ledger_schema import SCHEMA

_PAUSE_SECONDS = 0.05
# below deadlock_timeout (1 s): whoever waits for us waits less than the server takes to look for a deadlock. Short
# attempts are many draws where readers lock in another order; long ones let slow readers end
_LOCK_ATTEMPTS_MILLISECONDS = (50, 50, 100, 200, 400, 800)
_PARTS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\?|%")


class PostgreSQLWarehouse(Warehouse):
    """A PostgreSQL database, open for the length of a `with` block.

    Args:
        address: `postgresql://…`, or any connection string of libpq. Its password is never shown anywhere.
        read_only: for those who only look: the server refuses them every change.
        timeouts: how long to wait.

    Raises (on entering the block):
        AddressUnreadableError: the address can't be read.
        WarehouseDownError: the server did not let us in in time, or refused the user.
        ServerUnsuitableError: too old, or a database that is not UTF-8.
        WarehouseMissingError: `read_only`, and nothing of ours is in the database.
    """

    def __init__(self, address: str, *, read_only: bool = False, timeouts: Timeouts | None = None) -> None:
        self._address = address
        self.read_only = read_only
        self.timeouts = timeouts or Timeouts()
        self._connection: psycopg.Connection | None = None

    def __repr__(self) -> str:
        return f"PostgreSQLWarehouse({self.where!r})"

    def __enter__(self) -> Self:
        self._connection = self._connected()
        if self.read_only and not self._has_our_schema(self._connection):
            self.__exit__()
            raise WarehouseMissingError(path=self.where)
        return self

    def __exit__(self, *exception: object) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @property
    def where(self) -> str:
        """Host, port and database; nothing else of the address."""
        return place_of(self._address)

    @property
    def connection(self) -> psycopg.Connection:
        """The open connection, in autocommit mode.

        Raises:
            RuntimeError: used outside its `with` block.
        """
        if self._connection is None:
            raise RuntimeError("a PostgreSQLWarehouse is open only inside its `with` block")
        return self._connection

    def exists(self) -> bool:
        """Whether anything of ours is in the database."""
        with self._briefly("look for the warehouse") as connection:
            return self._has_our_schema(connection)

    @contextlib.contextmanager
    def lock(self, *, run_key: str, now: datetime, wait_seconds: float = 0.0) -> Iterator[LockHolder]:
        """Hold the advisory lock, on a connection of its own; see `Warehouse.lock`."""
        holder = LockHolder(os.getpid(), socket.gethostname(), run_key, now.isoformat())
        with self._connected(name=f"gristmill: {run_key}") as connection:
            with self._told("take the lock", connection):
                if not self._has_our_schema(connection):
                    with contextlib.suppress(psycopg.errors.UniqueViolation):  # somebody made it at the same moment
                        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(SCHEMA)}".encode())
                postgresql_lock.take(connection, holder, where=self.where, wait_seconds=wait_seconds)
            try:
                yield holder
            finally:
                with contextlib.suppress(psycopg.Error):  # a connection that is gone has freed it
                    postgresql_lock.release(connection)

    def holder(self) -> LockHolder | None:
        """Who holds the lock now; see `Warehouse.holder`."""
        with self._briefly("look who holds the lock") as connection:
            return postgresql_lock.find(connection)

    def execute(self, statement: str, parameters: Sequence[Any] = (), *, step: str = "run a statement") -> None:
        """Run a statement that returns nothing; see `Warehouse.execute`."""
        with self._told(step):
            self._run(statement, parameters)

    def query(self, statement: str, parameters: Sequence[Any] = (), *, step: str = "read") -> pl.DataFrame:
        """The rows of a SELECT, a handful or thousands; see `Warehouse.query`."""
        with self._told(step):
            return rows_frame(self._run(statement, parameters))

    def read_table(self, schema: str, table: str) -> pl.DataFrame:
        """All rows of a table or view, through COPY; see `Warehouse.read_table`."""
        return pl.concat(self.read_slices(schema, table), rechunk=True)

    def read_slices(self, schema: str, table: str) -> Iterator[pl.DataFrame]:
        """The same, as COPY sends it; see `Warehouse.read_slices`."""
        columns = self._columns(schema, table)
        if not columns or any(column.dtype is None for column in columns):
            yield super().read_table(schema, table)
            return
        with self._told(f"read {schema}.{table}"):
            yield from copy_out(self.connection, quoted(schema, table), columns)

    @contextlib.contextmanager
    def transaction(self, *, moving: Sequence[tuple[str, str]] = ()) -> Iterator[None]:
        """All or nothing; tables, views, grants and comments take part like rows.

        Views that are about to move are locked first, all of them or none, in attempts shorter than the time after
        which the server looks for deadlocks: a reader waits for less than a second, and is never turned away.

        Raises:
            WarehouseLockedError: others held a view for as long as `timeouts.lock_seconds`.
            CommitUnclearError: the connection was lost during the commit.
        """
        self._begin(moving)
        try:
            yield
        except BaseException:
            with contextlib.suppress(psycopg.Error):  # a transaction whose connection is gone is over already
                self.connection.execute("ROLLBACK")
            raise
        self._commit()

    def settle(self, schema: str, table: str) -> None:
        """Connect anew and wait until nobody is writing the table any more; see `Warehouse.settle`."""
        self.__exit__()
        self._connection = self._connected()
        with self.transaction():
            self.execute(f"LOCK TABLE {quoted(schema, table)} IN SHARE MODE", step="wait for the lost commit to end")

    def forget_deleted(self, tables: Sequence[tuple[str, str]]) -> list[str]:
        """Write the tables anew (VACUUM FULL), and what the planner remembers of them; see `Warehouse.forget_deleted`.

        Readers of a table wait while it is written anew. The server's log and its backups keep what they hold.
        """
        there = {schema: set(self.tables(schema)) for schema, _ in tables}
        found = [(schema, table) for schema, table in tables if table in there[schema]]
        for schema, table in found:
            self.execute(f"VACUUM (FULL, ANALYZE) {quoted(schema, table)}", step=f"write {schema}.{table} anew")
        if not found:
            return []
        # the planner keeps common values of a column, so maybe deleted ones; the server only warns who may not do this
        self.execute("VACUUM (FULL) pg_catalog.pg_statistic", step="write the planner's statistics anew")
        may = self.query(
            "SELECT pg_has_role(datdba, 'USAGE') AS may FROM pg_database WHERE datname = current_database()"
        )
        return [] if may["may"][0] else ["the planner's statistics (pg_statistic): only the database's owner may"]

    def write_frame(self, schema: str, table: str, frame: pl.DataFrame) -> None:
        """Make a new table of a frame, through COPY; see `Warehouse.write_frame`."""
        target = quoted(schema, table)
        columns = columns_sql(frame, f"{schema}.{table}")
        self.make_schema(schema)
        step = f"write {schema}.{table}"
        with self._in_transaction():
            for number, statement in enumerate(domains_sql(frame)):
                if number == 0:
                    self.make_schema(SCHEMA)
                self.execute(statement, step=step)
            self.execute(f"CREATE TABLE {target} ({columns})", step=step)
            with self._told(step):
                copy_in(self.connection, target, frame)
            self.execute(f"ANALYZE {target}", step=step)

    def make_schema(self, schema: str) -> None:
        """Make a schema unless it is there; one that is there needs no right to make schemas."""
        if self.query("SELECT 1 AS one FROM pg_namespace WHERE nspname = ?", [checked(schema)]).is_empty():
            super().make_schema(schema)

    def describe(self, schema: str, table: str) -> TableDescription:
        """Columns and comments from PostgreSQL's catalogue; see `Warehouse.describe`."""
        columns = self.query(
            "SELECT attname AS name, coalesce(col_description(c.oid, attnum), '') AS meaning, "
            "coalesce(obj_description(c.oid, 'pg_class'), '') AS table_meaning "
            "FROM pg_attribute JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE nspname = ? AND relname = ? AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [schema, table],
            step=f"describe {schema}.{table}",
        )
        meaning = str(columns["table_meaning"][0]) if columns.height else ""
        return TableDescription(dict(zip(columns["name"], columns["meaning"], strict=True)), meaning)

    def point_view(self, view: tuple[str, str], table: tuple[str, str]) -> None:
        """Make a view show a table; who was granted a view keeps it, also when its columns change."""
        before, after = self._columns(*view), self._columns(*table)
        if before == after[: len(before)]:  # PostgreSQL replaces a view only by one with further columns at its end
            super().point_view(view, table)
            return
        grants = self._grants(view)
        self.drop_view(*view)
        super().point_view(view, table)
        for grant in grants:
            self.execute(grant, step=f"grant {'.'.join(view)} again")

    def _columns(self, schema: str, table: str) -> list[TableColumn]:
        found = self.query(
            "SELECT attname, typname, atttypmod FROM pg_attribute JOIN pg_class c ON c.oid = attrelid "
            "JOIN pg_namespace n ON n.oid = relnamespace JOIN pg_type t ON t.oid = atttypid "
            "WHERE nspname = ? AND relname = ? AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [schema, table],
            step=f"describe {schema}.{table}",
        )
        return [TableColumn(*row) for row in found.iter_rows()]

    def _grants(self, view: tuple[str, str]) -> list[str]:
        """Statements that grant a view to whom it is granted now (whole views; not single columns)."""
        found = self.query(
            "SELECT privilege_type AS privilege, is_grantable, "
            "CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS grantee "
            "FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace, aclexplode(relacl) "
            "WHERE nspname = ? AND relname = ? AND grantee <> relowner ORDER BY grantee, privilege",
            list(view),
            step=f"read who may see {'.'.join(view)}",
        )
        return [
            f"GRANT {privilege} ON {quoted(*view)} TO {grantee}{' WITH GRANT OPTION' if grantable else ''}"
            for privilege, grantable, grantee in found.iter_rows()
        ]

    def _run(self, statement: str, parameters: Sequence[Any]) -> psycopg.Cursor:
        if not parameters:
            return self.connection.execute(statement.encode())
        return self.connection.execute(_with_placeholders(statement).encode(), list(parameters))

    @contextlib.contextmanager
    def _in_transaction(self) -> Iterator[None]:
        """The transaction that is open already, or one of its own."""
        if self.connection.info.transaction_status is TransactionStatus.IDLE:
            with self.transaction():
                yield
        else:
            yield

    def _begin(self, moving: Sequence[tuple[str, str]]) -> None:
        deadline = time.monotonic() + self.timeouts.lock_seconds
        for attempt_milliseconds in itertools.cycle(_LOCK_ATTEMPTS_MILLISECONDS):
            self.execute("BEGIN", step="begin a transaction")
            if not moving:
                return
            try:
                self._lock_views(moving, attempt_milliseconds)
            except (WarehouseLockedError, StatementTimedOutError) as error:
                self.execute("ROLLBACK", step="wait for readers")
                if time.monotonic() >= deadline:
                    raise WarehouseLockedError(
                        step="move the views",
                        where=self.where,
                        holders=self._sessions_on(moving),
                        waited_seconds=self.timeouts.lock_seconds,
                    ) from error
                time.sleep(_PAUSE_SECONDS)
            except BaseException:
                with contextlib.suppress(psycopg.Error):
                    self.connection.execute("ROLLBACK")
                raise
            else:
                return

    def _lock_views(self, moving: Sequence[tuple[str, str]], attempt_milliseconds: int) -> None:
        step = "lock the views"
        self.execute(f"SET LOCAL statement_timeout = {max(1, attempt_milliseconds // len(moving))}", step=step)
        for view in moving:
            # locks the view, and changes nothing of it; LOCK TABLE would lock the view's table, too
            self.execute(f"ALTER VIEW {quoted(*view)} RESET (check_option)", step=step)
        # a process that is stopped with the views locked keeps readers waiting no longer than they keep it waiting
        idle = milliseconds(self.timeouts.lock_seconds)
        self.execute(f"SET LOCAL idle_in_transaction_session_timeout = {idle}", step=step)
        self.execute(f"SET LOCAL statement_timeout = {milliseconds(self.timeouts.statement_seconds)}", step=step)

    def _sessions_on(self, views: Sequence[tuple[str, str]]) -> str:
        found = self.query(
            "SELECT DISTINCT a.pid, coalesce(nullif(a.application_name, ''), 'a program') AS program, a.usename "
            "FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = relnamespace "
            "JOIN pg_stat_activity a ON a.pid = l.pid "
            "WHERE nspname = ? AND granted AND relname = ANY(?) ORDER BY a.pid",
            [views[0][0], [name for _, name in views]],
        )
        told = [f"{program} of {user} (server process {pid})" for pid, program, user in found.iter_rows()]
        return ", ".join(told) or "sessions that have just ended"

    def _commit(self) -> None:
        try:
            self.connection.execute("COMMIT")
        except psycopg.Error as error:
            if connection_was_lost(error, self.connection):
                raise CommitUnclearError(where=self.where, reason=reason_of_postgresql(error)) from None
            raise self._failure(error, "commit") from error

    @contextlib.contextmanager
    def _told(self, step: str, connection: psycopg.Connection | None = None) -> Iterator[None]:
        """PostgreSQL's errors as ours."""
        try:
            yield
        except psycopg.Error as error:
            raise self._failure(error, step, connection) from error

    def _failure(self, error: psycopg.Error, step: str, connection: psycopg.Connection | None = None) -> Exception:
        return failure(
            error,
            connection=connection or self.connection,
            step=step,
            where=self.where,
            timeouts=(self.timeouts.statement_seconds, self.timeouts.lock_seconds),
        )

    @contextlib.contextmanager
    def _briefly(self, step: str) -> Iterator[psycopg.Connection]:
        """The open connection, or one for this question."""
        if self._connection is not None:
            with self._told(step):
                yield self._connection
        else:
            with self._connected() as connection, self._told(step, connection):
                yield connection

    def _connected(self, *, name: str = "gristmill") -> psycopg.Connection:
        return connect(self._address, name=name, read_only=self.read_only, timeouts=self.timeouts)

    @staticmethod
    def _has_our_schema(connection: psycopg.Connection) -> bool:
        found = connection.execute("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = %s", [SCHEMA])
        return found.fetchone() is not None


def _with_placeholders(statement: str) -> str:
    """`?` outside quotes as psycopg's `%s`; every `%` doubled."""
    as_psycopg_writes = {"?": "%s", "%": "%%"}
    return _PARTS.sub(lambda part: as_psycopg_writes.get(part[0], part[0].replace("%", "%%")), statement)

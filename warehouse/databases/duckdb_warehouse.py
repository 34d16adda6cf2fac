"""The warehouse in one DuckDB file.

Belongs here: what DuckDB does its own way (opening, waiting for the file, transactions, frames in and out). Does not:
the ledger and publishing, which know only `warehouse.databases.base.Warehouse`.

DuckDB lets one process in at a time: an open writer keeps every other process out, readers too. So connections are
opened late and closed soon, and who is turned away is told who holds the file.
"""

import contextlib
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import duckdb
import polars as pl

from warehouse.databases.base import TableDescription, Warehouse
from warehouse.databases.duckdb_rewriting import write_anew
from warehouse.databases.identifiers import checked, quoted
from warehouse.databases.locking import LockHolder, current_holder, exclusive_lock
from warehouse.errors import (
    FileNameRefusedError,
    NoRoomLeftError,
    StatementFailedError,
    WarehouseBusyError,
    WarehouseLogUnreadableError,
    WarehouseMissingError,
    WarehouseOpenElsewhereError,
    WarehouseUnreachableError,
)
from warehouse.shortages import is_no_room

if TYPE_CHECKING:
    import pyarrow as pa

_POLL_SECONDS = 0.1
_HELD_BY = re.compile(r"Conflicting lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")
_OUR_SCHEMAS = ("gristmill", "segments", "segments_versions")
_INCOMING = "incoming_frame"
_ROWS_AT_A_TIME = 500_000
_LOG_UNREADABLE = "Failure while replaying WAL file"
_FINAL = (NoRoomLeftError, WarehouseUnreachableError, WarehouseLogUnreadableError)  # waiting changes nothing


class DuckDBWarehouse(Warehouse):
    """A DuckDB file, open for the length of a `with` block.

    Args:
        path: the database file. A writer makes it, and its folder, if needed.
        read_only: for those who only look; may share the file with other readers, never with a writer.
        lock_wait_seconds: how long to wait while another process has the file open.

    Raises (on entering the block):
        FileNameRefusedError: the file is named like one of our schemas.
        WarehouseMissingError: `read_only`, and there is no file.
        WarehouseBusyError: the holder is a run of ours.
        WarehouseOpenElsewhereError: the holder is another program.
        WarehouseUnreachableError: the file can't be opened at all.
    """

    def __init__(self, path: Path, *, read_only: bool = False, lock_wait_seconds: float = 10.0) -> None:
        self.path = path
        self.read_only = read_only
        self.lock_wait_seconds = lock_wait_seconds
        self._connection: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> Self:
        if self.path.stem in _OUR_SCHEMAS:
            raise FileNameRefusedError(path=str(self.path), reserved=_OUR_SCHEMAS)
        if self.read_only and not self.path.exists():
            raise WarehouseMissingError(path=str(self.path))
        if not self.read_only:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = self._opened_in_time()
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute("SET enable_progress_bar = false")  # it would draw on standard output
        return self

    def __exit__(self, *exception: object) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The open DuckDB connection.

        Raises:
            RuntimeError: used outside its `with` block.
        """
        if self._connection is None:
            raise RuntimeError("a DuckDBWarehouse is open only inside its `with` block")
        return self._connection

    @property
    def where(self) -> str:
        """The file's path."""
        return str(self.path)

    def exists(self) -> bool:
        """Whether the file is there."""
        return self.path.exists()

    def lock(self, *, run_key: str, now: datetime, wait_seconds: float = 0.0) -> AbstractContextManager[LockHolder]:
        """Hold the lock file beside the database; see `locking.exclusive_lock`."""
        return exclusive_lock(self.path, run_key=run_key, now=now, wait_seconds=wait_seconds)

    def holder(self) -> LockHolder | None:
        """Who holds the lock file; see `locking.current_holder`."""
        return current_holder(self.path)

    def execute(self, statement: str, parameters: Sequence[Any] = (), *, step: str = "run a statement") -> None:
        """Run a statement that returns nothing; see `Warehouse.execute`."""
        try:
            self.connection.execute(statement, list(parameters)).fetchall()
        except duckdb.Error as error:
            raise self._failure(step, error) from error

    def query(self, statement: str, parameters: Sequence[Any] = (), *, step: str = "read") -> pl.DataFrame:
        """The rows of a SELECT; see `Warehouse.query`."""
        try:
            rows: pl.DataFrame = self.connection.sql(statement, params=list(parameters)).pl()
        except duckdb.Error as error:
            raise self._failure(step, error) from error
        return rows

    @contextlib.contextmanager
    def transaction(self, *, moving: Sequence[tuple[str, str]] = ()) -> Iterator[None]:  # noqa: ARG002 no reader is in the way
        """All or nothing; DuckDB's tables, views and comments take part like rows."""
        self.execute("BEGIN TRANSACTION", step="begin a transaction")
        try:
            yield
            self.execute("COMMIT", step="commit")
        except BaseException:
            with contextlib.suppress(duckdb.Error):  # a transaction that DuckDB gave up is over already
                self.connection.execute("ROLLBACK")
            raise

    def settle(self, schema: str, table: str) -> None:
        """Nothing to do: no commit is lost on its way to a file."""

    def forget_deleted(self, tables: Sequence[tuple[str, str]]) -> list[str]:  # noqa: ARG002 the file is written anew as a whole
        """Write the file anew: DuckDB keeps what was deleted in unused blocks; see `Warehouse.forget_deleted`."""
        self.execute("CHECKPOINT", step="empty the log into the file")
        self.__exit__()
        try:
            write_anew(self.path)
        except duckdb.Error as error:
            raise StatementFailedError(
                step="write the file anew", where=str(self.path), reason=type(error).__name__
            ) from error
        finally:
            self.__enter__()
        return []

    def write_frame(self, schema: str, table: str, frame: pl.DataFrame) -> None:
        """Make a new table of a frame, through Arrow; see `Warehouse.write_frame`."""
        target = quoted(schema, table)
        for name in frame.columns:
            checked(name)
        self.make_schema(schema)
        self.connection.register(_INCOMING, _streamed(frame))
        try:
            self.execute(
                f"CREATE TABLE {target} AS SELECT * FROM {_INCOMING}",  # noqa: S608 names are checked
                step=f"write {schema}.{table}",
            )
        finally:
            self.connection.unregister(_INCOMING)

    def read_slices(self, schema: str, table: str) -> Iterator[pl.DataFrame]:
        """The rows of a table in the order they were written, through Arrow; see `Warehouse.read_slices`."""
        statement = f"SELECT * FROM {quoted(schema, table)}"  # noqa: S608 names are checked
        try:
            reader = self.connection.sql(statement).to_arrow_reader(_ROWS_AT_A_TIME)
            yield pl.DataFrame(reader.schema.empty_table())
            for batch in reader:
                yield pl.DataFrame(batch)
        except duckdb.Error as error:
            raise self._failure(f"read {schema}.{table}", error) from error

    def describe(self, schema: str, table: str) -> TableDescription:
        """Columns and comments from DuckDB's catalogue; see `Warehouse.describe`."""
        columns = self.query(
            "SELECT column_name, coalesce(comment, '') AS meaning FROM duckdb_columns() "
            "WHERE schema_name = ? AND table_name = ? ORDER BY column_index",
            [schema, table],
            step=f"describe {schema}.{table}",
        )
        relations = self.query(
            "SELECT comment FROM duckdb_tables() WHERE schema_name = ?1 AND table_name = ?2 "
            "UNION ALL SELECT comment FROM duckdb_views() WHERE schema_name = ?1 AND view_name = ?2",
            [schema, table],
            step=f"describe {schema}.{table}",
        )
        meaning = str(relations["comment"][0] or "") if relations.height else ""
        return TableDescription(dict(zip(columns["column_name"], columns["meaning"], strict=True)), meaning)

    def _failure(self, step: str, error: duckdb.Error) -> Exception:
        kind = NoRoomLeftError if is_no_room(error) else StatementFailedError
        return kind(step=step, where=str(self.path), reason=str(error))

    def _opened_in_time(self) -> duckdb.DuckDBPyConnection:
        deadline = time.monotonic() + self.lock_wait_seconds
        while True:
            try:
                return duckdb.connect(self.path, read_only=self.read_only)
            except duckdb.Error as error:
                refusal = self._refusal(error)
                if isinstance(refusal, _FINAL) or time.monotonic() >= deadline:
                    raise refusal from error
            time.sleep(_POLL_SECONDS)

    def _refusal(self, error: duckdb.Error) -> Exception:
        """Why the file was not opened: held by a run of ours, held by another program, or something worse."""
        path, waited = str(self.path), self.lock_wait_seconds
        if "different configuration" in str(error):
            return WarehouseOpenElsewhereError(path=path, holder="this process, in another mode", waited_seconds=waited)
        if is_no_room(error):
            return NoRoomLeftError(step="open its file", where=path, reason=str(error))
        if _LOG_UNREADABLE in str(error):
            return WarehouseLogUnreadableError(path=path, reason=str(error))
        held_by = _HELD_BY.search(str(error))
        if held_by is None:
            return WarehouseUnreachableError(path=path, reason=str(error))
        ours = current_holder(self.path)
        if ours is not None and ours.pid == int(held_by["pid"]):
            return WarehouseBusyError(path=path, holder=str(ours), waited_seconds=waited)
        program = f"{Path(held_by['program']).name} (process {held_by['pid']})"
        return WarehouseOpenElsewhereError(path=path, holder=program, waited_seconds=waited)


def _streamed(frame: pl.DataFrame) -> "pa.RecordBatchReader":
    """A frame's rows as Arrow, so many at a time: Arrow writes text down a second time."""
    import pyarrow as pa  # noqa: PLC0415 heavy

    batches = (
        batch
        for first in range(0, frame.height, _ROWS_AT_A_TIME)
        for batch in frame.slice(first, _ROWS_AT_A_TIME).to_arrow().to_batches()
    )
    return pa.RecordBatchReader.from_batches(frame.clear().to_arrow().schema, batches)

"""The seam between what we do in a warehouse and which warehouse it is.

Belongs here: the few things each database does its own way (abstract), and what follows from them for all. Does not:
the ledger and publishing, which are written against this class only.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import polars as pl

from warehouse.databases.identifiers import quoted, text_literal
from warehouse.databases.locking import LockHolder


@dataclass(frozen=True)
class TableDescription:
    """What a row of a table means, and each of its columns (in order); an empty text where nobody has said."""

    columns: Mapping[str, str]
    meaning: str = ""


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """How long to wait for a warehouse that is a server, in seconds: to connect, for a statement, for others' locks."""

    connect_seconds: float = 10.0
    statement_seconds: float = 900.0
    lock_seconds: float = 30.0


class Warehouse(ABC):
    """An open connection to the place where published tables and the ledger live.

    Values are always given as parameters (`?`), names always pass the allow-list. Times come back in UTC.
    """

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(self, *exception: object) -> None: ...

    @property
    @abstractmethod
    def where(self) -> str:
        """The warehouse as people are told of it: a file, or an address without its password."""

    @abstractmethod
    def exists(self) -> bool:
        """Whether there is anything of ours yet. Works outside the `with` block too."""

    @abstractmethod
    def lock(self, *, run_key: str, now: datetime, wait_seconds: float = 0.0) -> AbstractContextManager[LockHolder]:
        """Hold the warehouse's lock for the length of a `with` block; works outside that of the warehouse too.

        Args:
            run_key: what the holder does, for those who are turned away.
            now: when it started (an aware datetime).
            wait_seconds: how long to wait for another holder; a quarter of a second is always allowed.

        Raises:
            WarehouseBusyError: it was not free in time.
            DependencyDownError: the lock can't be reached.
        """

    @abstractmethod
    def holder(self) -> LockHolder | None:
        """Who holds the lock now; None when it is free, whatever a crashed holder left behind."""

    @abstractmethod
    def execute(self, statement: str, parameters: Sequence[Any] = (), *, step: str = "run a statement") -> None:
        """Run a statement that returns nothing.

        Raises:
            StatementFailedError: the warehouse refused it; the message names `step`.
        """

    @abstractmethod
    def query(self, statement: str, parameters: Sequence[Any] = (), *, step: str = "read") -> pl.DataFrame:
        """The rows of a SELECT. An order is only there if the statement asks for one.

        Raises:
            StatementFailedError: the warehouse refused it; the message names `step`.
        """

    @abstractmethod
    def transaction(self, *, moving: Sequence[tuple[str, str]] = ()) -> AbstractContextManager[None]:
        """All or nothing: commits at the end of the block, rolls back when the block raises.

        Args:
            moving: views, as (schema, name), that the block moves or drops; where readers may be in the way, they
                are waited for first.
        """

    @abstractmethod
    def write_frame(self, schema: str, table: str, frame: pl.DataFrame) -> None:
        """Make a new table of a frame, column names and dtypes as they are. The schema is made if needed.

        Raises:
            NameRefusedError: a name is not allowed; nothing was created.
            StatementFailedError: the table is already there, or the warehouse can't hold it.
        """

    @abstractmethod
    def describe(self, schema: str, table: str) -> TableDescription:
        """A table's or view's columns, in order, with the comments written down for it."""

    @abstractmethod
    def settle(self, schema: str, table: str) -> None:
        """After an unclear commit: make sure that it has ended one way or the other; then the table tells which."""

    @abstractmethod
    def forget_deleted(self, tables: Sequence[tuple[str, str]]) -> list[str]:
        """Make sure that rows deleted from tables are gone from the disk too, not only from sight.

        Not inside a transaction. What a server keeps beside its tables (its log, backups, replicas) is not ours to
        change.

        Args:
            tables: as (schema, name); those that are gone by now are passed over.

        Returns:
            What could not be done, in words; empty when all was.
        """

    def read_table(self, schema: str, table: str) -> pl.DataFrame:
        """All rows of a table or view, in no particular order."""
        return self.query(f"SELECT * FROM {quoted(schema, table)}", step=f"read {schema}.{table}")  # noqa: S608 names are checked

    def read_slices(self, schema: str, table: str) -> Iterator[pl.DataFrame]:
        """The same rows, so many at a time, one slice at least; for tables that need not be in memory whole."""
        yield self.read_table(schema, table)

    def make_schema(self, schema: str) -> None:
        """Make a schema unless it is there."""
        self.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}", step=f"make the schema {schema}")

    def tables(self, schema: str) -> list[str]:
        """Names of the tables (not views) of a schema, sorted; none when there is no such schema."""
        return self._names(schema, "BASE TABLE")

    def views(self, schema: str) -> list[str]:
        """Names of the views of a schema, sorted; none when there is no such schema."""
        return self._names(schema, "VIEW")

    def drop_table(self, schema: str, table: str) -> None:
        """Remove a table if it is there."""
        self.execute(f"DROP TABLE IF EXISTS {quoted(schema, table)}", step=f"drop {schema}.{table}")

    def drop_view(self, schema: str, view: str) -> None:
        """Remove a view if it is there."""
        self.execute(f"DROP VIEW IF EXISTS {quoted(schema, view)}", step=f"drop {schema}.{view}")

    def comment_table(self, schema: str, table: str, description: TableDescription) -> None:
        """Write down in the warehouse what a table's row and its columns mean; empty texts are left out."""
        self._comment("TABLE", (schema, table), description)

    def point_view(self, view: tuple[str, str], table: tuple[str, str]) -> None:
        """Make a view show a table, comments and all, whatever it showed before; both are given as (schema, name)."""
        self.make_schema(view[0])
        description = self.describe(*table)
        columns = ", ".join(quoted(column) for column in description.columns)
        self.execute(
            f"CREATE OR REPLACE VIEW {quoted(*view)} AS SELECT {columns} FROM {quoted(*table)}",  # noqa: S608 names are checked
            step=f"point {'.'.join(view)} at {'.'.join(table)}",
        )
        self._comment("VIEW", view, description)

    def _comment(self, kind: str, name: tuple[str, str], description: TableDescription) -> None:
        target, step = quoted(*name), f"comment on {'.'.join(name)}"
        if description.meaning:
            self.execute(f"COMMENT ON {kind} {target} IS {text_literal(description.meaning)}", step=step)
        for column, text in description.columns.items():
            if text:
                self.execute(f"COMMENT ON COLUMN {target}.{quoted(column)} IS {text_literal(text)}", step=step)

    def _names(self, schema: str, kind: str) -> list[str]:
        found = self.query(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND table_type = ? "
            "ORDER BY table_name",
            [schema, kind],
            step=f"list {schema}",
        )
        return [str(name) for name in found["table_name"]]

"""A copy of the published tables for readers: a DuckDB file that no run ever holds open.

Belongs here: writing that file aside and putting it in place in one step. Does not: when that happens (`flows`), and
the warehouse itself. A PostgreSQL warehouse needs no such copy: it lets everybody in.

A reader who has the file open keeps reading the version they opened; the next connection sees the newest one.
"""

import contextlib
import os
from pathlib import Path

import duckdb

from data_contracts.sql import text
from warehouse.databases.duckdb_warehouse import DuckDBWarehouse
from warehouse.databases.identifiers import quoted
from warehouse.publishing.errors_serving import ServingCopyNotWrittenError
from warehouse.publishing.publications import PUBLISHED_SCHEMA, Publication, current_publication

STAMP = "published_version"
_ALIAS = "serving_copy"


def refresh_serving_copy(warehouse: DuckDBWarehouse, path: Path, *, force: bool = False) -> bool:
    """Make the readers' file show what is published now; nothing happens where it does already.

    Args:
        warehouse: open for writing, its lock held.
        path: the readers' file.
        force: write it although its version is the current one: rows were erased from that.

    Returns:
        Whether the file was written (or, where nothing is published any more, removed).

    Raises:
        ServingCopyNotWrittenError: there is no room, or no right to write there; the file before stays.
    """
    current = current_publication(warehouse)
    if current is None:
        existed = path.exists()
        path.unlink(missing_ok=True)
        return existed
    if not force and _shown_by(path) == (current.version_number, current.content_hash):
        return False
    aside = path.with_name(f".{path.name}.writing")
    try:
        _remove(aside)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(warehouse, current, aside)
        _sync(aside)
        aside.replace(path)
    except (OSError, duckdb.Error) as error:
        with contextlib.suppress(OSError):
            _remove(aside)
        raise ServingCopyNotWrittenError(path=str(path), reason=str(error)) from error
    return True


def _shown_by(path: Path) -> tuple[int, str] | None:
    """Version and content hash that a readers' file holds; None where there is none that can be read."""
    if not path.exists():
        return None
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            row = connection.execute(
                f"SELECT version_number, content_hash FROM {quoted(PUBLISHED_SCHEMA, STAMP)}"  # noqa: S608 names are checked
            ).fetchone()
    except duckdb.Error:
        return None
    return (int(row[0]), str(row[1])) if row else None


def _write(warehouse: DuckDBWarehouse, current: Publication, aside: Path) -> None:
    """Tables and comments of every published view, and which version they are."""
    connection = warehouse.connection
    connection.execute(f"ATTACH {text(str(aside))} AS {_ALIAS}")
    try:
        connection.execute(f"CREATE SCHEMA {_ALIAS}.{quoted(PUBLISHED_SCHEMA)}")
        for table in sorted(current.tables):
            name = quoted(PUBLISHED_SCHEMA, table)
            connection.execute(f"CREATE TABLE {_ALIAS}.{name} AS SELECT * FROM {name}")  # noqa: S608 names are checked
            _comment(warehouse, table)
        connection.execute(
            f"CREATE TABLE {_ALIAS}.{quoted(PUBLISHED_SCHEMA, STAMP)} AS SELECT version_number, as_of, run_key, "  # noqa: S608 names are checked
            "content_hash, published_at FROM gristmill.publications WHERE version_number = ?",
            [current.version_number],
        )
        connection.execute(f"CHECKPOINT {_ALIAS}")
    finally:
        connection.execute(f"DETACH {_ALIAS}")


def _comment(warehouse: DuckDBWarehouse, table: str) -> None:
    description = warehouse.describe(PUBLISHED_SCHEMA, table)
    target = f"{_ALIAS}.{quoted(PUBLISHED_SCHEMA, table)}"
    if description.meaning:
        warehouse.connection.execute(f"COMMENT ON TABLE {target} IS {text(description.meaning)}")
    for column, meaning in description.columns.items():
        if meaning:
            warehouse.connection.execute(f"COMMENT ON COLUMN {target}.{quoted(column)} IS {text(meaning)}")


def _remove(file: Path) -> None:
    for left in (file, file.with_name(f"{file.name}.wal")):
        left.unlink(missing_ok=True)


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""What a row of the core layer is, in DuckDB's SQL: its columns, its order, its files.

Belongs here: the columns every core row carries beside the contract's, and reading and writing files of them. Does not:
which version of a row is in force (`merging.py`), where the files lie (`lake.py`).

Beside the contract's columns a core row has `load_id` (the load that brought it), `superseded_at` (null: in force),
`source` (the source that brought it) and, for each column that names a customer, that id as the source writes it
(`source_customer_id`), before identities are joined.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb

from data_contracts.contracts import Contract
from data_contracts.sql import identifier, text
from warehouse.core.judged_rows import SORTED_BY
from warehouse.lake import SUPERSEDED_AT
from warehouse.sources.columns import DUCKDB_TYPE

ADDED: dict[str, str] = {"load_id": "VARCHAR", SUPERSEDED_AT: "TIMESTAMP WITH TIME ZONE", "source": "VARCHAR"}
"""Columns of every core row beside the contract's, and their DuckDB types."""

_NAMES_A_CUSTOMER = ("customer_id", "referrer_id", "referred_id")
_SMALL_PAGES = "(format parquet, compression zstd, compression_level 1, row_group_size 100000)"
"""Level 1: a tenth less to write than with DuckDB's level 3, and files of order lines were no larger."""


def customer_columns(contract: Contract) -> list[str]:
    """The columns of a table that name a customer."""
    return [name for name in contract.columns if name in _NAMES_A_CUSTOMER]


def as_the_source_writes_it(column: str) -> str:
    """The column that keeps a customer's id as the source has it."""
    return f"source_{column}"


def core_columns(contract: Contract) -> dict[str, str]:
    """All columns of a table's core rows, in order, with their DuckDB types."""
    ids = {as_the_source_writes_it(name): "VARCHAR" for name in customer_columns(contract)}
    return {name: DUCKDB_TYPE[column.type] for name, column in contract.columns.items()} | ADDED | ids


def order_of(contract: Contract) -> str:
    """SQL of the order of core rows: by customer and time, else by key; versions of a row in time."""
    first = SORTED_BY.get(contract.entity, contract.key)
    return ", ".join(map(identifier, [*first, "known_at", "load_id"]))


def stored_rows(connection: duckdb.DuckDBPyConnection, files: Sequence[Path], columns: dict[str, str]) -> str:
    """SQL of the rows in core files as a table of just these columns; those that the files lack are null.

    Beside them `file_name`, the path of the row's file. Without files there are no rows.
    """
    if not files:
        nothing = ", ".join(f"null::{kind} as {identifier(name)}" for name, kind in columns.items())
        return f"(select {nothing}, ''::varchar as file_name where false)"
    listed = ", ".join(text(str(path)) for path in files)
    source = f"read_parquet([{listed}], filename = true, hive_partitioning = false, union_by_name = true)"
    there = {row[0] for row in connection.execute(f"describe from {source}").fetchall()}
    selected = ", ".join(
        f"{identifier(name)}::{kind} as {identifier(name)}" if name in there else f"{_missing(name, kind, there)}"
        for name, kind in columns.items()
    )
    return f"(select {selected}, filename as file_name from {source})"  # noqa: S608  # quoted names


def stored_columns(file: Path) -> dict[str, str]:
    """The columns of a core file, in order, with their DuckDB types."""
    with duckdb.connect() as connection:
        found = connection.execute(f"describe from read_parquet([{text(str(file))}], hive_partitioning = false)")
        return {str(name): str(kind) for name, kind, *_ in found.fetchall()}


def _missing(name: str, kind: str, there: set[str]) -> str:
    """A column that the files do not have yet: ids were the source's own before identities were joined."""
    plain = name.removeprefix("source_")
    value = identifier(plain) if name != plain and plain in there else "null"
    return f"{value}::{kind} as {identifier(name)}"


def write_rows(connection: duckdb.DuckDBPyConnection, query: str, path: Path, *, order: str) -> None:
    """Write the rows of a query into one core file, in order; sorting spills to disk where memory is short."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(f"copy (select * from ({query}) order by {order}) to {text(str(path))} {_SMALL_PAGES}")  # noqa: S608  # quoted


def link_file(source: Path, path: Path) -> None:
    """Let a new load have a file of an earlier one: a hard link, a copy where the file system has none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, path)
    except OSError:
        shutil.copy2(source, path)

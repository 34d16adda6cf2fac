"""Reading a company's inputs into DuckDB as they are: every row with its file and row number, nothing guessed.

Belongs here: an input as a table, the inputs as views for queries, the raw row as JSON. Does not: finding files
(`files.py`), files as a table (`tables.py`), databases (`databases.py`), mapping
(`mapping.py`).

An input `orders` becomes `raw.orders` (the files' columns, `source_file`, `source_row` counted from 1, and `rowid`, in
the order of files and rows), and the view `orders` (the files' columns only). CSV values and the cells of a sheet stay
text: an id `00042` is kept. A database's rows have no order of their own and are numbered in the order of their values.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from data_contracts.inputs import InputSpec
from data_contracts.redaction import reason_of
from data_contracts.sql import first_row, identifier, text
from warehouse.errors_ingestion import SourceExpressionError
from warehouse.sources.databases import database_label, database_rows
from warehouse.sources.errors import SourceFileEmptyError
from warehouse.sources.files import SourceFile, SourcePlace, find_files
from warehouse.sources.tables import (
    FILE_COLUMN,
    ROW_COLUMN,
    CopiedFiles,
    columns_of,
    is_read_in_place,
    refuse_taken_names,
    show_parquet,
)
from warehouse.sources.unreadable_lines import unreadable_lines_of

__all__ = [
    "FILE_COLUMN",
    "ROW_COLUMN",
    "RawTable",
    "leave_out",
    "raw_row_json",
    "read_input",
    "read_query",
    "row_count",
]

FROM_QUERY = "(query)"
_SAMPLED_FILES = 32


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """Rows as a source has them.

    Attributes:
        table: the DuckDB table or view, quoted and qualified; it has a `rowid`.
        columns: the source's own columns and their DuckDB types, in the source's order.
        unreadable: the table of its lines that are no rows (`lines.py`); empty where there are none.
        files: where its rows are from, for people.
        left_out: how many rows were there beside these, which are not the source's (`SourceMapping.where`).
    """

    table: str
    columns: Mapping[str, str]
    unreadable: str = ""
    files: tuple[str, ...] = ()
    left_out: int = 0


def read_input(  # noqa: PLR0913  # what is read, from where, how much and how strictly, each by name
    connection: duckdb.DuckDBPyConnection,
    name: str,
    spec: InputSpec,
    *,
    place: SourcePlace,
    rows: int | None = None,
    keeps_unreadable: bool = False,
    when_empty: Mapping[str, str] | None = None,
    needed: Collection[str] | None = None,
) -> RawTable:
    """Read an input into `raw.<name>`, and show it to queries as the view `<name>`.

    Args:
        connection: where to.
        name: the input's name.
        spec: what it is.
        place: where it is looked for.
        rows: read at most so many (files: so many of all of them together, from the head of each), where given.
        keeps_unreadable: keep lines of CSV files that are no rows in a table of their own (`lines.py`); whoever
            asks for it has to tell of them.
        when_empty: where the input may hold no row: the columns (and types) it then has if it does not name them.
        needed: words, in small letters, among which the names of the columns are that every file must have; files may
            differ in others. None: they may differ in none.

    Raises:
        SourceFileMissingError: no file there.
        SourceFileUnreadableError: a file is not of its format, or, where lines are kept, most of its lines are not.
        SourceFilesDifferError: the files' columns differ.
        SourceFileEmptyError: no row in any of them, and that is not allowed, or nobody knows its columns.
        UsageError, DependencyDownError: see `files.find_files`, `databases.database_rows`.
    """
    connection.execute("create schema if not exists raw")
    table = f"raw.{identifier(name)}"
    if spec.database is None:
        files = CopiedFiles(
            connection=connection, name=name, spec=spec, keeps_unreadable=keeps_unreadable, needed=needed
        )
        columns, labels = _read_files(files, place=place, rows=rows)
    else:
        columns, labels = _read_database(connection, name, spec, place=place, rows=rows), [database_label(spec)]
    if not columns and when_empty:
        columns = _make_empty(connection, name, when_empty)
    if not columns or (when_empty is None and not row_count(connection, table)):
        raise SourceFileEmptyError(input_name=name, files=labels)
    listed = ", ".join(map(identifier, columns))
    connection.execute(
        f"create view {identifier(name)} as select {listed} from {table}"  # noqa: S608  # quoted
    )
    unreadable = unreadable_lines_of(connection, name)
    return RawTable(table=table, columns=columns, unreadable=unreadable, files=tuple(labels))


def _make_empty(connection: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str]) -> dict[str, str]:
    """An input's table without a row, where its files don't even name their columns."""
    listed = ", ".join(f"{identifier(column)} {kind}" for column, kind in columns.items())
    connection.execute(f"create table raw.{identifier(name)} ({listed}, {FILE_COLUMN} varchar, {ROW_COLUMN} bigint)")
    return dict(columns)


def _read_files(copied: CopiedFiles, *, place: SourcePlace, rows: int | None) -> tuple[dict[str, str], list[str]]:
    name, spec = copied.name, copied.spec
    files = find_files(name, spec, place.data_root)
    labels = [file.label for file in files]
    if rows is None and all(is_read_in_place(spec, file) for file in files):
        columns = show_parquet(copied.connection, name, files)
        if columns:
            return columns, labels
    copied.rows_of_each = None if rows is None else -(-rows // min(len(files), _SAMPLED_FILES))
    for file in files if rows is None else _spread(files):
        if not file.is_empty():
            copied.add(file)
    copied.show()
    return copied.columns, labels


def _spread(files: Sequence[SourceFile]) -> list[SourceFile]:
    """The first and the last files where there are too many to look into each."""
    half = _SAMPLED_FILES // 2
    return list(files) if len(files) <= _SAMPLED_FILES else [*files[:half], *files[-half:]]


def _read_database(
    connection: duckdb.DuckDBPyConnection, name: str, spec: InputSpec, *, place: SourcePlace, rows: int | None
) -> dict[str, str]:
    """A database's rows, streamed in Arrow batches, then put in the order of their values: the same each time."""
    arrived = identifier(f"arrived {name}")
    with database_rows(name, spec, place, rows=rows) as stream:
        connection.register("arriving rows", stream)
        connection.execute(f'create table raw.{arrived} as from "arriving rows"')
        connection.unregister("arriving rows")
    columns = columns_of(connection, f"from raw.{arrived}")
    label = database_label(spec)
    refuse_taken_names(name, label, columns)
    order = ", ".join(map(identifier, columns))
    connection.execute(
        f"create table raw.{identifier(name)} as select *, {text(label)} as {FILE_COLUMN}, "  # noqa: S608  # quoted
        f"row_number() over (order by {order}) as {ROW_COLUMN} from raw.{arrived} order by {ROW_COLUMN}"
    )
    connection.execute(f"drop table raw.{arrived}")
    return columns


def read_query(connection: duckdb.DuckDBPyConnection, source: str, query: str) -> RawTable:
    """Run a source's query over the inputs' views into a table; its rows are numbered in the order of their values.

    Raises:
        SourceExpressionError: the query can't be run.
    """
    table = f"raw.{identifier(f'query of {source}')}"
    connection.execute("create schema if not exists raw")
    try:
        columns = columns_of(connection, f"select * from ({query})")  # noqa: S608  # the company's own settings
        order = ", ".join(map(identifier, columns))
        connection.execute(
            f"create table {table} as select *, {text(FROM_QUERY)} as {FILE_COLUMN}, "  # noqa: S608  # as above
            f"row_number() over (order by {order}) as {ROW_COLUMN} from ({query}) order by {ROW_COLUMN}"
        )
    except duckdb.Error as failure:
        raise SourceExpressionError(
            source=source, part="query", expression=" ".join(query.split()), reason=reason_of(failure)
        ) from None
    return RawTable(table=table, columns=columns)


def leave_out(connection: duckdb.DuckDBPyConnection, source: str, raw: RawTable, where: str | None) -> RawTable:
    """The rows of a source for which its condition is true, with their own file, row and `rowid`; others are counted.

    Raises:
        SourceExpressionError: the condition can't be evaluated.
    """
    if where is None:
        return raw
    table = f"raw.{identifier(f'rows of {source}')}"
    condition = f"(({where}))::boolean is true"
    listed = ", ".join(map(identifier, raw.columns))
    try:
        (left_out,) = first_row(
            connection,
            f"select count(*) - count(*) filter ({condition}) from {raw.table}",  # noqa: S608  # the company's own settings
        )
        connection.execute(
            f"create view {table} as select {listed}, {FILE_COLUMN}, {ROW_COLUMN}, rowid as rowid "  # noqa: S608  # as above
            f"from {raw.table} where {condition}"
        )
    except (duckdb.OutOfMemoryException, duckdb.IOException):
        raise  # no fault of the condition
    except duckdb.Error as failure:
        raise SourceExpressionError(
            source=source, part="where", expression=" ".join(where.split()), reason=reason_of(failure)
        ) from None
    return replace(raw, table=table, left_out=int(left_out))


def raw_row_json(raw: RawTable) -> str:
    """SQL over the raw table: the row as JSON, all its columns. Infinite and not-a-number values are kept as text."""
    parts: list[str] = []
    for name, kind in raw.columns.items():
        column = identifier(name)
        value = f"to_json({column})"
        if kind in ("DOUBLE", "FLOAT"):
            value = f"case when isfinite({column}) then to_json({column}) else to_json({column}::varchar) end"
        parts.append(f"{text(name)}, {value}")
    return f"json_object({', '.join(parts)})::varchar"


def row_count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Rows of a table."""
    return int(first_row(connection, f"select count(*) from {table}")[0])  # noqa: S608  # a quoted name

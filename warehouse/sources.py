"""Reading a company's inputs into DuckDB as they are: every row with its file and row number, nothing guessed.

Belongs here: an input as a table, the inputs as views for queries, the raw row as JSON. Does not: finding files
(`source_files.py`), sheets (`source_excel.py`), databases (`source_databases.py`), mapping (`source_mapping.py`).

An input `orders` becomes the table `raw.orders` (the files' columns, `source_file`, `source_row` counted from 1) in the
order of files and rows, and the view `orders` (the files' columns only). CSV values and the cells of a sheet stay text:
an id `00042` is kept. A database's rows have no order of their own and are numbered in the order of their values.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from data_contracts.inputs import InputSpec, is_compressed
from data_contracts.redaction import reason_of
from data_contracts.sql import first_row, identifier, text
from warehouse.errors_ingestion import SourceExpressionError
from warehouse.errors_sources import (
    SourceColumnNameTakenError,
    SourceFileEmptyError,
    SourceFilesDifferError,
    SourceFileUnreadableError,
)
from warehouse.source_databases import database_label, database_rows
from warehouse.source_excel import SHEET_ROW, SheetUnreadableError, read_sheet
from warehouse.source_files import SourceFile, SourcePlace, find_files

FILE_COLUMN = "source_file"
ROW_COLUMN = "source_row"
FROM_QUERY = "(query)"
_SAMPLED_FILES = 32
_ENCODING = {"utf-8": "utf-8", "latin-1": "latin-1", "utf-16": "utf-16"}


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """Rows as a source has them.

    Attributes:
        table: the DuckDB table, quoted and qualified.
        columns: the source's own columns and their DuckDB types, in the source's order.
    """

    table: str
    columns: Mapping[str, str]


def read_input(
    connection: duckdb.DuckDBPyConnection, name: str, spec: InputSpec, *, place: SourcePlace, rows: int | None = None
) -> RawTable:
    """Read an input into `raw.<name>`, and show it to queries as the view `<name>`.

    Args:
        connection: where to.
        name: the input's name.
        spec: what it is.
        place: where it is looked for.
        rows: read at most so many (files: so many of all of them together, from the head of each), where given.

    Raises:
        SourceFileMissingError: no file there.
        SourceFileUnreadableError: a file is not of its format.
        SourceFilesDifferError: the files' columns differ.
        SourceFileEmptyError: no row in any of them.
        UsageError, DependencyDownError: see `source_files.find_files`, `source_databases.database_rows`.
    """
    connection.execute("create schema if not exists raw")
    table = f"raw.{identifier(name)}"
    if spec.database is None:
        columns, labels = _read_files(connection, name, spec, place=place, rows=rows)
    else:
        columns, labels = _read_database(connection, name, spec, place=place, rows=rows), [database_label(spec)]
    if not columns or not row_count(connection, table):
        raise SourceFileEmptyError(input_name=name, files=labels)
    connection.execute(
        f"create view {identifier(name)} as select * exclude ({FILE_COLUMN}, {ROW_COLUMN}) from {table}"  # noqa: S608  # quoted
    )
    return RawTable(table=table, columns=columns)


def _read_files(
    connection: duckdb.DuckDBPyConnection, name: str, spec: InputSpec, *, place: SourcePlace, rows: int | None
) -> tuple[dict[str, str], list[str]]:
    files = find_files(name, spec, place.data_root)
    each = None if rows is None else -(-rows // min(len(files), _SAMPLED_FILES))
    columns: dict[str, str] = {}
    for file in files if rows is None else _spread(files):
        if not file.is_empty():
            columns = _read_file(connection, name, spec, file=file, columns=columns, rows=each)
    return columns, [file.label for file in files]


def _spread(files: Sequence[SourceFile]) -> list[SourceFile]:
    """The first and the last files where there are too many to look into each."""
    half = _SAMPLED_FILES // 2
    return list(files) if len(files) <= _SAMPLED_FILES else [*files[:half], *files[-half:]]


def _read_file(  # one file of an input among the others, each fact by name
    connection: duckdb.DuckDBPyConnection,
    name: str,
    spec: InputSpec,
    *,
    file: SourceFile,
    columns: dict[str, str],
    rows: int | None,
) -> dict[str, str]:
    """Add a file's rows to the input's table; returns the columns, those of the first file."""
    table = f"raw.{identifier(name)}"
    try:
        reader, row_number = _reader(connection, name, spec, file=file, rows=rows)
        found = {key: kind for key, kind in _columns_of(connection, f"from {reader}").items() if key != SHEET_ROW}
        _refuse_taken_names(name, file.label, found)
        if columns and set(found) != set(columns):
            raise _files_differ(name, file.label, expected=columns, got=found)
        listed = ", ".join(map(identifier, found))
        query = (
            f"select {listed}, {text(file.label)} as {FILE_COLUMN}, {row_number} as {ROW_COLUMN} "  # noqa: S608  # quoted
            f"from {reader if rows is None else f'(from {reader} limit {rows:d})'}"
        )
        connection.execute(f"insert into {table} by name {query}" if columns else f"create table {table} as {query}")
    except (duckdb.Error, SheetUnreadableError) as failure:
        reason = reason_of(failure) if isinstance(failure, duckdb.Error) else str(failure)
        raise SourceFileUnreadableError(
            input_name=name, file=file.label, file_format=spec.format_of(file.label), reason=reason
        ) from None
    return columns or found


def _read_database(
    connection: duckdb.DuckDBPyConnection, name: str, spec: InputSpec, *, place: SourcePlace, rows: int | None
) -> dict[str, str]:
    """A database's rows, streamed in Arrow batches, then put in the order of their values: the same each time."""
    arrived = identifier(f"arrived {name}")
    with database_rows(name, spec, place, rows=rows) as stream:
        connection.register("arriving rows", stream)
        connection.execute(f'create table raw.{arrived} as from "arriving rows"')
        connection.unregister("arriving rows")
    columns = _columns_of(connection, f"from raw.{arrived}")
    label = database_label(spec)
    _refuse_taken_names(name, label, columns)
    order = ", ".join(map(identifier, columns))
    connection.execute(
        f"create table raw.{identifier(name)} as select *, {text(label)} as {FILE_COLUMN}, "  # noqa: S608  # quoted
        f"row_number() over (order by {order}) as {ROW_COLUMN} from raw.{arrived} order by {ROW_COLUMN}"
    )
    connection.execute(f"drop table raw.{arrived}")
    return columns


def _refuse_taken_names(name: str, label: str, columns: Mapping[str, str]) -> None:
    for column in columns:
        if column.lower() in (FILE_COLUMN, ROW_COLUMN):
            raise SourceColumnNameTakenError(input_name=name, file=label, column=column)


def read_query(connection: duckdb.DuckDBPyConnection, source: str, query: str) -> RawTable:
    """Run a source's query over the inputs' views into a table; its rows are numbered in the order of their values.

    Raises:
        SourceExpressionError: the query can't be run.
    """
    table = f"raw.{identifier(f'query of {source}')}"
    try:
        columns = _columns_of(connection, f"select * from ({query})")  # noqa: S608  # the company's own settings
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


def _reader(
    connection: duckdb.DuckDBPyConnection, name: str, spec: InputSpec, *, file: SourceFile, rows: int | None
) -> tuple[str, str]:
    """SQL of a file's rows, and of a row's number in it."""
    kind = spec.format_of(file.label)
    if kind == "excel":
        frame = read_sheet(name, file, sheet=spec.sheet, header_row=spec.header_row, rows=rows)
        connection.register("sheet", frame)
        return "sheet", identifier(SHEET_ROW)
    file.show_to(connection)
    path = text(file.address)
    packed = "gzip" if is_compressed(file.label) else "none"
    if kind == "parquet":
        reader = f"read_parquet({path})"
    elif kind == "jsonl":
        reader = f"read_json({path}, format = 'newline_delimited', compression = '{packed}')"
    else:
        delimiter = spec.delimiter or ("\t" if ".tsv" in file.label.lower() else ",")
        nulls = ", ".join(map(text, spec.null_texts))
        reader = (
            f"read_csv({path}, header = true, all_varchar = true, skip = 0, comment = '', delim = {text(delimiter)}, "
            f"quote = {text(spec.quote)}, escape = {text(spec.quote)}, encoding = {text(_ENCODING[spec.encoding])}, "
            f"nullstr = [{nulls}], compression = '{packed}')"
        )
    return reader, "row_number() over ()"


def _columns_of(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    return {name: str(kind) for name, kind, *_ in connection.execute(f"describe {query}").fetchall()}


def row_count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Rows of a table."""
    return int(first_row(connection, f"select count(*) from {table}")[0])  # noqa: S608  # a quoted name


def _files_differ(
    name: str, label: str, *, expected: Sequence[str] | Mapping[str, str], got: Mapping[str, str]
) -> SourceFilesDifferError:
    return SourceFilesDifferError(
        input_name=name,
        file=label,
        missing=[column for column in expected if column not in got],
        surplus=[column for column in got if column not in expected],
    )

"""Reading a company's files into DuckDB as they are: every row with its file and row number, nothing guessed.

Belongs here: finding and reading input files, the inputs as views for queries, the raw row as JSON. Does not: mapping
onto contracts (`source_mapping.py`).

An input `orders` becomes the table `raw.orders` (the files' columns, `source_file`, `source_row` counted from 1) in the
order of files and rows, and the view `orders` (the files' columns only). CSV values stay text: an id `00042` is kept.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from data_contracts.mapping import InputSpec
from data_contracts.redaction import reason_of
from data_contracts.sql import first_row, identifier, text
from warehouse.errors_ingestion import (
    SourceExpressionError,
    SourceFileEmptyError,
    SourceFileMissingError,
    SourceFilesDifferError,
    SourceFileUnreadableError,
)

FILE_COLUMN = "source_file"
ROW_COLUMN = "source_row"
FROM_QUERY = "(query)"
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


def find_files(name: str, spec: InputSpec, data_root: Path) -> list[Path]:
    """The files of an input, sorted by path, each once.

    Raises:
        SourceFileMissingError: a pattern matches no file; names the full path looked at.
    """
    found: set[Path] = set()
    for pattern in spec.files:
        base = Path(Path(pattern).anchor)  # empty for the usual, relative pattern
        relative = Path(pattern).relative_to(base).as_posix()
        matched = [path for path in (data_root / base).glob(relative) if path.is_file()]
        if not matched:
            raise SourceFileMissingError(input_name=name, looked_at=(data_root / pattern).absolute())
        found.update(matched)
    return sorted(found)


def read_input(connection: duckdb.DuckDBPyConnection, name: str, spec: InputSpec, *, data_root: Path) -> RawTable:
    """Read the files of an input into `raw.<name>`, and show them to queries as the view `<name>`.

    Raises:
        SourceFileMissingError: no file there.
        SourceFileUnreadableError: a file is not of its format.
        SourceFilesDifferError: the files' columns differ.
        SourceFileEmptyError: no row in any of them.
    """
    files = find_files(name, spec, data_root)
    labels = [file_label(path, data_root) for path in files]
    table = f"raw.{identifier(name)}"
    connection.execute("create schema if not exists raw")
    columns: dict[str, str] = {}
    for file, label in zip(files, labels, strict=True):
        reader = _reader(spec, file)
        try:
            if file.stat().st_size == 0:
                continue
            found = _columns_of(connection, f"from {reader}")
            if columns and set(found) != set(columns):
                raise _files_differ(name, label, expected=columns, got=found)
            rows = f"select *, {text(label)} as {FILE_COLUMN}, row_number() over () as {ROW_COLUMN} from {reader}"  # noqa: S608  # quoted
            connection.execute(f"insert into {table} by name {rows}" if columns else f"create table {table} as {rows}")
            columns = columns or found
        except duckdb.Error as failure:
            raise SourceFileUnreadableError(
                input_name=name, file=label, file_format=spec.format_of(file.name), reason=reason_of(failure)
            ) from None
    if not columns or not row_count(connection, table):
        raise SourceFileEmptyError(input_name=name, files=labels)
    connection.execute(
        f"create view {identifier(name)} as select * exclude ({FILE_COLUMN}, {ROW_COLUMN}) from {table}"  # noqa: S608  # quoted
    )
    return RawTable(table=table, columns=columns)


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


def file_label(path: Path, data_root: Path) -> str:
    """A file as people and fingerprints name it: relative to the data folder where it lies in it."""
    return (path.relative_to(data_root) if path.is_relative_to(data_root) else path).as_posix()


def file_digest(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _reader(spec: InputSpec, file: Path) -> str:
    path = text(file.as_posix())
    kind = spec.format_of(file.name)
    if kind == "parquet":
        return f"read_parquet({path})"
    if kind == "jsonl":
        return f"read_json({path}, format = 'newline_delimited')"
    delimiter = spec.delimiter or ("\t" if file.suffix.lower() == ".tsv" else ",")
    nulls = ", ".join(map(text, spec.null_texts))
    return (
        f"read_csv({path}, header = true, all_varchar = true, skip = 0, comment = '', delim = {text(delimiter)}, "
        f"quote = {text(spec.quote)}, escape = {text(spec.quote)}, encoding = {text(_ENCODING[spec.encoding])}, "
        f"nullstr = [{nulls}])"
    )


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

"""Frames in and out of PostgreSQL, through COPY on the connection whose transaction it has to be part of.

Belongs here: which PostgreSQL type holds which Polars dtype, and both directions of COPY. Does not: transactions,
errors, and which table it is about (`postgresql_warehouse.py`).

Text travels as CSV: strings always in quotes, nulls as nothing at all, floats in the shortest form that reads back as
the same number, times as UTC. Integers narrower than PostgreSQL has are kept in domains, so that a table comes back
with the dtypes it was written with.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl
import psycopg
from polars import selectors
from polars.datatypes import DataType, DataTypeClass
from psycopg.pq import TransactionStatus

from warehouse.databases.errors_postgresql import NotStorableError
from warehouse.databases.identifiers import quoted

DOMAIN_SCHEMA = "gristmill"
_ROWS_AT_A_TIME = 50_000
_BYTES_AT_A_TIME = 64 * 1024 * 1024
_LARGEST_PRECISION = 38

_PLAIN: Mapping[DataTypeClass, str] = {
    pl.String: "text",
    pl.Categorical: "text",
    pl.Enum: "text",
    pl.Null: "text",
    pl.Boolean: "boolean",
    pl.Int16: "smallint",
    pl.Int32: "integer",
    pl.Int64: "bigint",
    pl.Float32: "real",
    pl.Float64: "double precision",
    pl.Date: "date",
}
_DOMAINS: Mapping[DataTypeClass, tuple[str, str, int, int]] = {
    pl.Int8: ("tinyint", "smallint", -(2**7), 2**7 - 1),
    pl.UInt8: ("utinyint", "smallint", 0, 2**8 - 1),
    pl.UInt16: ("usmallint", "integer", 0, 2**16 - 1),
    pl.UInt32: ("uinteger", "bigint", 0, 2**32 - 1),
}
_READ: Mapping[str, DataType | DataTypeClass] = {
    "text": pl.String,
    "varchar": pl.String,
    "bpchar": pl.String,
    "name": pl.String,
    "json": pl.String,
    "jsonb": pl.String,
    "uuid": pl.String,
    "bool": pl.Boolean,
    "int2": pl.Int16,
    "int4": pl.Int32,
    "int8": pl.Int64,
    "float4": pl.Float32,
    "float8": pl.Float64,
    "date": pl.Date,
    "timestamp": pl.Datetime("us"),
    "timestamptz": pl.Datetime("us", "UTC"),
    **{name: dtype for dtype, (name, *_) in _DOMAINS.items()},
}


@dataclass(frozen=True)
class TableColumn:
    """A column as PostgreSQL's catalogue has it: the type's own name (of a domain, the domain's) and modifier."""

    name: str
    type_name: str
    modifier: int

    @property
    def dtype(self) -> DataType | DataTypeClass | None:
        """The Polars dtype it is read as; None when there is none that holds it exactly."""
        if self.type_name == "numeric" and self.modifier >= 0:
            precision, scale = ((self.modifier - 4) >> 16) & 0xFFFF, (self.modifier - 4) & 0x7FF
            return pl.Decimal(precision, scale) if scale <= precision <= _LARGEST_PRECISION else None
        return _READ.get(self.type_name)


def columns_sql(frame: pl.DataFrame, table: str) -> str:
    """The columns of a CREATE TABLE that holds the frame.

    Raises:
        NameRefusedError: a column's name is not allowed.
        NotStorableError: a column's dtype, or a NUL character in a text, has no place in PostgreSQL.
    """
    for name in frame.select(selectors.string()).columns:
        if frame[name].str.contains("\x00", literal=True).any():
            raise NotStorableError(
                table=table, column=name, got="a NUL character in a text", expected="text without NUL characters"
            )
    return ", ".join(f"{quoted(name)} {_type_sql(table, name, dtype)}" for name, dtype in frame.schema.items())


def domains_sql(frame: pl.DataFrame) -> Iterator[str]:
    """Statements that make the domains which the frame's dtypes need, unless they are there."""
    for dtype in dict.fromkeys(dtype.base_type() for dtype in frame.dtypes):
        if dtype in _DOMAINS:
            name, held_in, smallest, largest = _DOMAINS[dtype]
            yield (
                f"DO $$ BEGIN CREATE DOMAIN {quoted(DOMAIN_SCHEMA, name)} AS {held_in} "
                f"CHECK (VALUE BETWEEN {smallest} AND {largest}); EXCEPTION WHEN duplicate_object THEN NULL; END $$"
            )


def copy_in(connection: psycopg.Connection, target: str, frame: pl.DataFrame) -> None:
    """Fill a table made in this very transaction (its rows are written as ones that every later reader may see).

    Args:
        connection: in a transaction.
        target: the table, quoted.
        frame: what to write; its columns in the table's order.

    Raises:
        psycopg.Error: the server refused it.
    """
    if connection.info.transaction_status is not TransactionStatus.INTRANS:
        raise RuntimeError("a frame is written inside a transaction, so that no half of it can stay")
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {target} FROM STDIN (FORMAT csv, FREEZE)".encode()) as stream,
    ):
        for rows in frame.iter_slices(_ROWS_AT_A_TIME):
            buffer = io.BytesIO()
            _as_text(rows).write_csv(buffer, include_header=False, quote_style="non_numeric")
            stream.write(buffer.getvalue())


def copy_out(connection: psycopg.Connection, source: str, columns: list[TableColumn]) -> Iterator[pl.DataFrame]:
    """All rows of a table or view, each column with the dtype of its `TableColumn`; slices, the first without rows.

    Args:
        connection: any.
        source: the table or view, quoted.
        columns: all its columns; each has a dtype.

    Raises:
        psycopg.Error: the server refused it.
    """
    dtypes = {column.name: column.dtype for column in columns}
    selected = ", ".join(_select_sql(name, dtype) for name, dtype in dtypes.items())
    sent = pl.Schema({name: _sent_as(dtype) for name, dtype in dtypes.items()} | {"": pl.Int8})
    statement = f"COPY (SELECT {selected}, 1 FROM {source}) TO STDOUT (FORMAT csv)"  # noqa: S608 names are checked
    yield pl.DataFrame(schema=dtypes)
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as stream:
        for block in _blocks(stream):
            yield _parsed(block, sent, dtypes)


def _type_sql(table: str, name: str, dtype: DataType) -> str:
    base = dtype.base_type()
    if base in _PLAIN:
        return _PLAIN[base]
    if base in _DOMAINS:
        return quoted(DOMAIN_SCHEMA, _DOMAINS[base][0])
    if isinstance(dtype, pl.Decimal) and dtype.precision is not None:
        return f"numeric({dtype.precision}, {dtype.scale})"
    if isinstance(dtype, pl.Datetime) and dtype.time_unit != "ns":
        return "timestamp" if dtype.time_zone is None else "timestamp with time zone"
    raise NotStorableError(
        table=table, column=name, got=f"a column of {dtype}", expected="text, numbers, decimals, dates, times, truths"
    )


def _as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Times as ISO 8601 in UTC; all else as Polars writes it."""
    return frame.with_columns(
        selectors.datetime(time_zone="*").dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"),
        selectors.datetime(time_zone=None).dt.strftime("%Y-%m-%dT%H:%M:%S%.6f"),
    )


def _select_sql(name: str, dtype: DataType | DataTypeClass | None) -> str:
    """A column in the form that is read fastest: truths and dates as integers, times as microseconds since 1970."""
    column = quoted(name)
    if dtype == pl.Boolean:
        return f"{column}::integer"
    if dtype == pl.Date:
        return f"{column} - date '1970-01-01'"
    return f"(extract(epoch from {column}) * 1000000)::bigint" if dtype == pl.Datetime else column


def _sent_as(dtype: DataType | DataTypeClass | None) -> DataType | DataTypeClass:
    if dtype == pl.Boolean:
        return pl.Int8
    if dtype == pl.Date:
        return pl.Int32
    return pl.Int64 if dtype == pl.Datetime or dtype is None else dtype


def _blocks(stream: psycopg.Copy) -> Iterator[io.BytesIO]:
    """The rows in pieces that bound the memory; the server sends whole rows."""
    buffer = io.BytesIO()
    for rows in stream:
        buffer.write(rows)
        if buffer.tell() > _BYTES_AT_A_TIME:
            buffer.seek(0)
            yield buffer
            buffer = io.BytesIO()
    if buffer.tell():
        buffer.seek(0)
        yield buffer


def _parsed(block: io.BytesIO, sent: pl.Schema, dtypes: Mapping[str, DataType | DataTypeClass | None]) -> pl.DataFrame:
    rows = pl.read_csv(block, has_header=False, schema=sent).select(list(dtypes))
    return rows.with_columns(
        pl.col(name).cast(dtype) for name, dtype in dtypes.items() if dtype is not None and rows.schema[name] != dtype
    )

"""Tables and queries of databases as sources: DuckDB files and PostgreSQL, in Arrow batches, never row by row.

Belongs here: opening a database for reading, its rows as an Arrow stream, what changes when they do. Does not: our own
warehouse (`duckdb_warehouse.py`, `postgresql_warehouse.py`).

Nothing is ever written: DuckDB files are opened read-only, PostgreSQL's transactions are made so. An address may hold a
password: it appears in no error, and its driver's words only where they can't quote it.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb

from data_contracts.inputs import InputSpec, NarrowedInput
from data_contracts.redaction import reason_of
from warehouse.databases.identifiers import quoted
from warehouse.sources.errors import (
    DatabaseAddressMissingError,
    DatabaseFileMissingError,
    SourceDatabaseDownError,
    SourceDatabaseQueryError,
)
from warehouse.sources.files import SourcePlace

_POSTGRESQL = re.compile(r"postgres(ql)?(\+\w+)?://", re.IGNORECASE)
_BATCH_ROWS = 100_000
_CONNECT_SECONDS = 15
_FINGERPRINT = "select count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text from ({query}) as t"
_VALUE_FAILED = "22"
"""The class of PostgreSQL's errors that quote a value of the data."""


def database_label(spec: InputSpec) -> str:
    """What the rows are called in reports: the table's name or that it is a query."""
    return f"table {spec.table}" if spec.table is not None else "query"


def database_rows(name: str, spec: InputSpec, place: SourcePlace, *, rows: int | None) -> "_Rows":
    """The rows of an input's table or query, as a context manager of an Arrow stream that DuckDB can read.

    Args:
        name: the input's name.
        spec: an input with a database.
        place: where a DuckDB file lies, and the environment with the address.
        rows: at most so many, where given.

    Raises:
        DatabaseAddressMissingError: the environment variable is not set, or its value is no address.
        SourceDatabaseDownError: the database did not answer.
        SourceDatabaseQueryError: it refused the query.
    """
    query = _query(spec)
    limited = query if rows is None else f"select * from ({query}) as sampled limit {rows:d}"  # noqa: S608  # the company's own settings
    address = _address(name, spec, place)
    if _POSTGRESQL.match(address):
        return _postgresql_rows(name, address, limited)
    return _duckdb_rows(name, spec, place.data_root / address, limited)


def database_version(name: str, spec: InputSpec, place: SourcePlace) -> str:
    """What changes when the rows do: a DuckDB file's SHA-256; in PostgreSQL the rows' number and hash, computed there.

    Raises:
        As `database_rows`.
    """
    address = _address(name, spec, place)
    if _POSTGRESQL.match(address):
        with _postgresql_rows(name, address, _FINGERPRINT.format(query=_query(spec))) as stream:
            return str(stream.read_all().to_pylist())
    file = place.data_root / address
    if not file.is_file():
        raise DatabaseFileMissingError(input_name=name, looked_at=file.absolute())
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


_Rows = Any  # a context manager of a pyarrow.RecordBatchReader, whose types are not followed


def _query(spec: InputSpec) -> str:
    if isinstance(spec, NarrowedInput):
        whole = _query(InputSpec.model_validate(spec.model_dump(exclude={"condition"})))
        return f"select * from ({whole}) as narrowed where {spec.condition}"  # noqa: S608  # built of a quoted name and a literal
    if spec.table is not None:
        return f"select * from {quoted(*spec.table.split('.'))}"  # noqa: S608  # names of the allow-list
    return (spec.query or "").strip().rstrip(";")


def _address(name: str, spec: InputSpec, place: SourcePlace) -> str:
    variable = spec.database_variable
    if variable is None:
        return spec.database or ""
    address = place.environment.get(variable, "")
    if not address:
        raise DatabaseAddressMissingError(input_name=name, variable=variable, got="it is not set")
    if "://" in address and not _POSTGRESQL.match(address):
        scheme = address.split("://", maxsplit=1)[0]
        got = f"an address of {scheme}" if scheme.isalnum() else "no address"
        raise DatabaseAddressMissingError(input_name=name, variable=variable, got=got)
    return address


@contextmanager
def _duckdb_rows(name: str, spec: InputSpec, file: Path, query: str) -> Iterator[Any]:
    if not file.is_file():
        raise DatabaseFileMissingError(input_name=name, looked_at=file.absolute())
    try:
        connection = duckdb.connect(file, read_only=True)
    except duckdb.Error as failure:
        raise SourceDatabaseDownError(input_name=name, reason=_duckdb_reason(failure)) from None
    with connection:
        try:
            yield connection.sql(query).to_arrow_reader(_BATCH_ROWS)
        except duckdb.Error as failure:  # also while the rows are fetched
            raise SourceDatabaseQueryError(
                input_name=name, asked=database_label(spec), reason=reason_of(failure)
            ) from None


def _duckdb_reason(failure: duckdb.Error) -> str:
    holder = re.search(r"PID \d+", str(failure))
    return f"another process holds the file open for writing ({holder.group(0)})" if holder else reason_of(failure)


@contextmanager
def _postgresql_rows(name: str, address: str, query: str) -> Iterator[Any]:
    driver = import_module("adbc_driver_postgresql.dbapi")  # only for PostgreSQL; it has no types
    plain = _POSTGRESQL.sub("postgresql://", address, count=1)
    if "connect_timeout" not in plain:
        plain += f"{'&' if '?' in plain else '?'}connect_timeout={_CONNECT_SECONDS}"
    try:
        connection = driver.connect(plain)
    except driver.Error as failure:
        raise SourceDatabaseDownError(input_name=name, reason=_connection_reason(str(failure))) from None
    with connection, connection.cursor() as cursor:
        try:
            cursor.execute("set transaction read only")
            cursor.execute(query)
            yield cursor.fetch_record_batch()
        except driver.OperationalError as failure:
            raise SourceDatabaseDownError(input_name=name, reason=_connection_reason(str(failure))) from None
        except (driver.Error, duckdb.Error) as failure:  # DuckDB's where a row fails while the rows are fetched
            reason = _query_reason(failure) if isinstance(failure, driver.Error) else _fetch_reason(failure)
            raise SourceDatabaseQueryError(input_name=name, asked="table or query", reason=reason) from None


def _connection_reason(message: str) -> str:
    """The server's part of libpq's message; what it says of the address itself may quote a password."""
    found = re.search(r"failed: (?:FATAL:\s*)?([^\n\"]*)", message)
    return found.group(1).strip() if found and found.group(1).strip() else "its address can't be read or reached"


def _query_reason(failure: Exception) -> str:
    first = str(failure).split("Query was:", maxsplit=1)[0].splitlines()[0]
    reason = first.split("ERROR:", maxsplit=1)[-1].strip()
    if str(getattr(failure, "sqlstate", "") or "").startswith(_VALUE_FAILED):
        reason = re.sub(r'"[^"]*"', '"..."', reason)
    return reason


def _fetch_reason(failure: duckdb.Error) -> str:
    found = re.search(r"ERROR:\s*([^\n]*)", str(failure))
    return re.sub(r'"[^"]*"', '"..."', found.group(1)) if found else reason_of(failure)

"""Connections to PostgreSQL: made in time, set up as sessions of ours, and never told about with their password.

Belongs here: reading an address, connecting, the session's settings. Does not: anything done in the session
(`postgresql_warehouse.py`).
"""

import time
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.string import TextLoader

from warehouse.databases.base import Timeouts
from warehouse.databases.errors_postgresql import AddressUnreadableError, ServerUnsuitableError, WarehouseDownError
from warehouse.databases.postgresql_failures import failure, reason_of_postgresql, worth_waiting_for

_OLDEST_VERSION = 140_000
_POLL_SECONDS = 0.2
_LONGEST_NAME = 63
_SESSION = """
    SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET standard_conforming_strings = on; SET extra_float_digits = 1;
    SET search_path = pg_catalog; SET statement_timeout = {statement}; SET lock_timeout = {lock};
    SET idle_in_transaction_session_timeout = {statement}; SET idle_session_timeout = 0;
    SET client_connection_check_interval = '10s'; SET default_transaction_read_only = {read_only}"""


def place_of(address: str) -> str:
    """Host, port and database of an address; nothing else of it."""
    try:
        given = conninfo_to_dict(address)
    except psycopg.Error:
        return "an address that can't be read"
    host, port, name = (str(given.get(key) or "") for key in ("host", "port", "dbname"))
    if host.startswith("/"):
        return f"postgresql:///{name}?host={host}"
    return f"postgresql://{host or given.get('service') or 'localhost'}{port and ':' + port}/{name}"


def connect(address: str, *, name: str, read_only: bool, timeouts: Timeouts) -> psycopg.Connection:
    """A connection in autocommit mode, in a session of ours.

    Args:
        address: with its password.
        name: what the server's own tools call the session.
        read_only: whether the server refuses it every change.
        timeouts: how long to wait; a server that is down is tried again until then.

    Raises:
        AddressUnreadableError: the address can't be read.
        WarehouseDownError: the server did not let us in in time, or refused the user.
        ServerUnsuitableError: too old, or a database that is not UTF-8.
    """
    arguments = _arguments(address, name, timeouts)
    deadline = time.monotonic() + timeouts.connect_seconds
    while True:
        try:
            connection = psycopg.connect(**arguments)
            break
        except psycopg.Error as error:
            if not worth_waiting_for(error) or time.monotonic() >= deadline:
                raise WarehouseDownError(
                    where=place_of(address),
                    reason=reason_of_postgresql(error),
                    waited_seconds=timeouts.connect_seconds,
                ) from None  # psycopg's own error is left out, lest anything of the address be in it
        time.sleep(_POLL_SECONDS)
    try:
        _check(connection, place_of(address))
        _prepare(connection, place_of(address), timeouts, read_only=read_only)
    except BaseException:
        connection.close()
        raise
    return connection


def milliseconds(seconds: float) -> int:
    """A time-out as the server wants it; never 0, which would be none at all."""
    return max(1, round(seconds * 1000))


def _arguments(address: str, name: str, timeouts: Timeouts) -> dict[str, Any]:
    try:
        given = conninfo_to_dict(address)
    except psycopg.Error:
        raise AddressUnreadableError from None  # psycopg's message quotes pieces of the address
    defaults = {
        "connect_timeout": max(2, round(timeouts.connect_seconds)),  # libpq takes 1 for 2
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "application_name": name[:_LONGEST_NAME],
    }
    return {**defaults, **given, "client_encoding": "UTF8", "autocommit": True, "prepare_threshold": None}


def _check(connection: psycopg.Connection, where: str) -> None:
    if connection.info.server_version < _OLDEST_VERSION:
        version, oldest = connection.info.server_version // 10_000, _OLDEST_VERSION // 10_000
        raise ServerUnsuitableError(where=where, got=f"PostgreSQL {version}", expected=f"PostgreSQL {oldest} or later")
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        got = f"a database with the encoding {encoding}"
        raise ServerUnsuitableError(where=where, got=got, expected="the encoding UTF8")


def _prepare(connection: psycopg.Connection, where: str, timeouts: Timeouts, *, read_only: bool) -> None:
    """Make a new connection a session of ours: JSON stays the text it is, times are UTC, nothing waits for ever."""
    connection.adapters.register_loader("json", TextLoader)
    connection.adapters.register_loader("jsonb", TextLoader)
    statement = _SESSION.format(
        statement=milliseconds(timeouts.statement_seconds),
        lock=milliseconds(timeouts.lock_seconds),
        read_only="on" if read_only else "off",
    )
    try:
        connection.execute(statement.encode())
    except psycopg.Error as error:
        waits = (timeouts.statement_seconds, timeouts.lock_seconds)
        raise failure(error, connection=connection, step="begin a session", where=where, timeouts=waits) from error

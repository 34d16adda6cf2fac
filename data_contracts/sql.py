"""Quoting and reading single rows in DuckDB SQL, shared by what stages rows and what checks them."""

from collections.abc import Sequence
from typing import Any

import duckdb


def identifier(name: str) -> str:
    """`name` as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """`value` as a text literal."""
    return "'" + value.replace("'", "''") + "'"


def first_row(connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()) -> tuple[Any, ...]:
    """The first row of a query that has one. The whole result is read: DuckDB refuses work beside an unread one."""
    rows: list[tuple[Any, ...]] = connection.execute(query, list(parameters)).fetchall()
    return rows[0]

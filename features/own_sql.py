"""SQL of a company's own features: what it refers to, whether it is allowed, and evaluating it.

Belongs here: everything that is DuckDB's. Does not: which rows are shown (`visible`), or what a feature is (`own`).

The connection has no access to files, to the network, to other data or to its own settings, works on one thread (sums
of fractions then add up in the order of the rows) and gives null for a division by zero.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import duckdb
import polars as pl

from data_contracts.sql import identifier
from features.own_errors import OwnFeatureTextError

SHUT_IN = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "error_on_division_by_zero": "false",
    "ieee_floating_point_ops": "false",
    "threads": "1",
}
FORBIDDEN = {"SUBQUERY": "a subquery", "WINDOW": "a window (over …)", "PARAMETER": "a parameter", "STAR": "a star"}
ONE_VALUED = ("customer_id", "snapshot_date")  # of which all rows of a customer have the same
COLUMN, CALL, FUNCTION_NAME = "COLUMN_REF", "FUNCTION", "function_name"
ALSO_REFUSED = {"getenv", "unnest", "ago", "user", "current_query", "pg_conf_load_time", "pg_postmaster_start_time"}
"""Functions that are steady by what DuckDB says of them, but ask the clock, look outside the row or make several values
of one."""


def columns_of(text: str, *, name: str) -> tuple[str, ...]:
    """The columns that an expression refers to, by name; it is read, not evaluated.

    Args:
        text: one DuckDB expression.
        name: the feature's, for messages.

    Raises:
        OwnFeatureTextError: it can't be read, is more than one expression, or uses what is not allowed: subqueries,
            windows, stars, parameters, an alias, and functions that depend on more than their arguments (random, now).
    """
    columns: set[str] = set()
    parameters: set[str] = set()
    for node in _nodes(_parsed(text, name)):
        kind = node.get("class", "")
        if kind in FORBIDDEN:
            raise OwnFeatureTextError(feature=name, text=text, reason=f"{FORBIDDEN[kind]} is not allowed")
        if kind == COLUMN:
            columns.add(".".join(node["column_names"]))
        if kind == "LAMBDA":
            parameters |= {".".join(one["column_names"]) for one in _nodes(node["lhs"]) if one.get("class") == COLUMN}
        if kind == CALL and _is_unsteady(node):
            reason = f"{node[FUNCTION_NAME]}() does not depend on the rows alone"
            raise OwnFeatureTextError(feature=name, text=text, reason=reason)
    return tuple(sorted(columns - parameters))


def _is_unsteady(call: Mapping[str, Any]) -> bool:
    """Whether a call depends on more than its arguments; `age` of one argument counts from today."""
    name = call[FUNCTION_NAME].lower()
    given = call.get("arguments") or call.get("children") or ()  # by the version of DuckDB
    return name in unsteady_functions() or (name == "age" and len(given) == 1)


def aggregate(frame: pl.DataFrame, expressions: Mapping[str, str]) -> pl.DataFrame:
    """Expressions that aggregate, by `customer_id`: one row a customer, in no order.

    Raises:
        OwnFeatureTextError: DuckDB can't evaluate one of them.
    """
    return _evaluated(
        frame,
        expressions,
        before="customer_id, ",
        after=f"group by {', '.join(name for name in ONE_VALUED if name in frame.columns)}",
    )


def evaluate(frame: pl.DataFrame, expressions: Mapping[str, str]) -> pl.DataFrame:
    """Expressions of a row, row by row, in the order of the rows.

    Raises:
        OwnFeatureTextError: DuckDB can't evaluate one of them, or they aggregate.
    """
    found = _evaluated(frame, expressions)
    if found.height != frame.height:
        name, text = next(iter(expressions.items()))
        raise OwnFeatureTextError(feature=name, text=text, reason="it aggregates over customers")
    return found


def _evaluated(
    frame: pl.DataFrame, expressions: Mapping[str, str], *, before: str = "", after: str = ""
) -> pl.DataFrame:
    """All at once; where that fails, one by one, to say which."""
    try:
        return _asked(frame, expressions, before, after)
    except duckdb.Error:
        for name, text in expressions.items():
            try:
                _asked(frame, {name: text}, before, after)
            except duckdb.Error as error:
                raise OwnFeatureTextError(feature=name, text=text, reason=_reason(error, frame)) from None
        raise


def _asked(frame: pl.DataFrame, expressions: Mapping[str, str], before: str, after: str) -> pl.DataFrame:
    listed = ", ".join(f"({text}\n) as {identifier(name)}" for name, text in expressions.items())
    with _shut_in() as connection:
        connection.register("shown", frame.with_columns(_naive(frame)))
        connection.execute("set lock_configuration = true")
        answer: pl.DataFrame = connection.sql(f"select {before}{listed} from shown {after}").pl()  # noqa: S608 the owner's expression, read before, in a connection that sees nothing but the rows
        return answer


def _naive(frame: pl.DataFrame) -> list[pl.Expr]:
    """Instants as they stand in UTC, without a zone: DuckDB would turn them into the machine's."""
    return [pl.col(name).dt.replace_time_zone(None) for name, dtype in frame.schema.items() if _has_zone(dtype)]


def _has_zone(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.Datetime) and dtype.time_zone is not None


def _reason(error: duckdb.Error, frame: pl.DataFrame) -> str:
    """What DuckDB says of the expression; of values of rows, which may be anybody's, only what kind of thing failed."""
    said = str(error).splitlines()[0]
    return said if frame.is_empty() else said.split(":", maxsplit=1)[0]


@contextmanager
def _shut_in() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config=dict(SHUT_IN)) as connection:
        yield connection


@cache
def unsteady_functions() -> frozenset[str]:
    """Functions that depend on more than their arguments, by what DuckDB says of them, and those `ALSO_REFUSED`."""
    with _shut_in() as connection:
        query = "select distinct function_name from duckdb_functions() where stability <> 'CONSISTENT'"
        return frozenset(row[0] for row in connection.execute(query).fetchall()) | ALSO_REFUSED


def _parsed(text: str, name: str) -> dict[str, Any]:
    with _shut_in() as connection:
        rows = connection.execute("select json_serialize_sql(?::varchar)", [f"select {text}"]).fetchall()
    found: dict[str, Any] = json.loads(rows[0][0])
    if found["error"]:
        raise OwnFeatureTextError(feature=name, text=text, reason=str(found["error_message"]))
    nodes = [statement["node"] for statement in found["statements"]]
    if len(nodes) != 1 or len(nodes[0].get("select_list", ())) != 1 or not _is_bare(nodes[0]):
        raise OwnFeatureTextError(feature=name, text=text, reason="it is more than one expression")
    expression: dict[str, Any] = nodes[0]["select_list"][0]
    if expression["alias"]:
        raise OwnFeatureTextError(feature=name, text=text, reason="an alias is not allowed: the feature has a name")
    return expression


def _is_bare(node: Mapping[str, Any]) -> bool:
    """Whether a statement is `select <expression>` and nothing else."""
    clauses = ("where_clause", "having", "qualify", "sample")
    return (
        node["type"] == "SELECT_NODE"
        and node["from_table"]["type"] == "EMPTY"
        and not node["modifiers"]
        and not node["group_expressions"]
        and not any(node.get(clause) for clause in clauses)
    )


def _nodes(tree: object) -> Iterator[dict[str, Any]]:
    """Every object of a parsed expression."""
    if isinstance(tree, dict):
        yield tree
        for part in tree.values():
            yield from _nodes(part)
    elif isinstance(tree, list):
        for part in tree:
            yield from _nodes(part)

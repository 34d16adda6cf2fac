"""Mapping a source's rows onto a contract: the staged rows that the rules judge.

Belongs here: renames, expressions, constants and source rules evaluated in DuckDB, with errors that name the part of
the mapping that failed. Does not: reading files (`inputs.py`), types (`columns.py`), rules (`data_contracts`).

A staged table is a view, unless asked otherwise: nothing is worked out before it is judged, and then once. It has
`row_id` (unique over all sources of the entity, in source order), `source`, `source_file`, `source_row`, `raw_row` (the
row's place in the source's raw table), every contract column (typed), `<column>__state`, and `rule__<name>` for each
source rule.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from data_contracts.identity import CUSTOMER_ID_COLUMNS
from data_contracts.mapping import Constant, SourceMapping, close_match
from data_contracts.redaction import reason_of
from data_contracts.rules import CellState
from data_contracts.sql import first_row, identifier, text
from warehouse.errors_ingestion import SourceColumnMissingError, SourceExpressionError
from warehouse.sources.columns import DUCKDB_TYPE, Given, typed_value
from warehouse.sources.inputs import FILE_COLUMN, ROW_COLUMN, RawTable, row_count
from warehouse.sources.rates import converted_rows
from warehouse.sources.transforms import Value, listed_flags, transformed


@dataclass(frozen=True, kw_only=True)
class MappedSource:
    """A source, its mapping and its rows, and what the company's settings say where the mapping is silent.

    Attributes:
        name: the source's name.
        mapping: how its rows become the contract's.
        raw: its rows as they are.
        time_zone: the company's, for timestamps that carry none.
        company_currency: the currency of money in tables without a currency column.
        rates: the table of rates (`rates.prepare_rates`) that its amounts are converted by, if they are.
    """

    name: str
    mapping: SourceMapping
    raw: RawTable
    time_zone: str
    company_currency: str
    rates: str = ""

    def value_sql(self, column: str) -> str:
        """SQL over the raw table of what the mapping gives for a mapped contract column, before it is typed."""
        renames = self.mapping.renames()
        if column in renames:
            return identifier(renames[column])
        if column in self.mapping.expressions:
            return f"({self.mapping.expressions[column]})"
        return _literal(self.mapping.constants[column])


@dataclass(frozen=True, kw_only=True)
class _Part:
    """A piece of SQL that people wrote: where it stands in the settings, and under what name its value goes on."""

    setting: str
    sql: str
    alias: str


def stage_entity(
    connection: duckdb.DuckDBPyConnection, entity: str, sources: Sequence[MappedSource], *, as_table: bool = False
) -> str:
    """Stage the rows of all sources of an entity as one view, in the order of the sources; returns its name.

    Whoever reads it does so within `faults_named`: an expression may still fail on a row.

    Args:
        connection: where the sources' raw tables are.
        entity: the core table.
        sources: what it is staged from.
        as_table: work the rows out now, for somebody who wants to delete some before they are judged.

    Raises:
        SourceColumnMissingError: a mapped column is not in its source.
        SourceExpressionError: an expression or a rule can't mean anything (or, in a table, fails on a row).
    """
    table = staged_table(entity)
    selects: list[str] = []
    offset = 0
    for source in sources:
        parts = list(_parts(source))
        selects.append(f"({_staged_rows(connection, source, parts, offset=offset)})")
        offset += row_count(connection, source.raw.table) + source.raw.left_out
    with faults_named(connection, sources):
        ordered = " order by row_id" if any(source.rates for source in sources) else ""  # a join keeps no order
        kind = "table" if as_table else "view"
        connection.execute(f"create {kind} {identifier(table)} as {' union all by name '.join(selects)}{ordered}")
    return table


@contextmanager
def faults_named(connection: duckdb.DuckDBPyConnection, sources: Sequence[MappedSource]) -> Iterator[None]:
    """Where staged rows can't be had, find the part of the mapping that fails.

    Raises:
        SourceExpressionError: an expression or a rule fails on a row.
    """
    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.IOException):
        raise  # no fault of the mapping
    except duckdb.Error as failure:
        for source in sources:
            _name_the_part(connection, source)
        raise failure from None


def staged_table(entity: str) -> str:
    """The name of an entity's staged table."""
    return f"staged_{entity}"


def _parts(source: MappedSource) -> Iterator[_Part]:
    """Every mapped column and source rule, in the contract's order.

    Raises:
        SourceColumnMissingError: a mapped column is not in the source.
    """
    mapping, renames = source.mapping, source.mapping.renames()
    for column in mapping.mapped_columns():
        kind = "constants"
        if column in renames:
            _require_column(source, column, renames[column])
            kind = "columns"
        elif column in mapping.expressions:
            kind = "expressions"
        yield _Part(setting=f"{kind}.{column}", sql=source.value_sql(column), alias="given " + column)
    for rule in mapping.rules:
        yield _Part(setting=f"rules.{rule.name}", sql=f"(({rule.expression}))::boolean", alias="rule__" + rule.name)


def _require_column(source: MappedSource, contract_column: str, column: str) -> None:
    if column not in source.raw.columns and column not in (FILE_COLUMN, ROW_COLUMN):
        present = list(source.raw.columns)
        raise SourceColumnMissingError(
            source=source.name,
            contract_column=contract_column,
            column=column,
            present=present,
            files=source.raw.files,
            hint=close_match(column, present),
        )


def _staged_rows(
    connection: duckdb.DuckDBPyConnection, source: MappedSource, parts: Sequence[_Part], *, offset: int
) -> str:
    """SQL of one source's staged rows; every part is bound alone first, so that a fault has a name."""
    types = {part.alias: _type_of(connection, source, part) for part in parts}
    given = ", ".join(f"{part.sql} as {identifier(part.alias)}" for part in parts)
    rows = f"select rowid as raw_row, {FILE_COLUMN}, {ROW_COLUMN}, {given} from {source.raw.table}"  # noqa: S608  # quoted names; expressions are the company's own settings
    rows, types, flags = _transformed_rows(source, rows, types)
    values, columns = _typed_columns(source, types)
    rules = "".join(
        f", {identifier('rule__' + name)}" for name in (*(rule.name for rule in source.mapping.rules), *flags)
    )
    rows = (
        f"select raw_row + {offset} as row_id, {text(source.name)} as source, {FILE_COLUMN}, {ROW_COLUMN}, raw_row, "  # noqa: S608  # as above
        f"{columns}{rules} from (select *, {values} from ({rows}))"
    )
    if not source.rates:
        return rows
    return converted_rows(
        rows,
        source.mapping,
        source.mapping.contract(),
        rates=source.rates,
        company_currency=source.company_currency,
        time_zone=source.time_zone,
    )


def _transformed_rows(source: MappedSource, rows: str, types: dict[str, str]) -> tuple[str, dict[str, str], list[str]]:
    """The rows after `values` and `scale`, the types after them, and the names of the rules they are judged by."""
    mapping, contract = source.mapping, source.mapping.contract()
    given = {
        name: Value(sql=identifier("given " + name), type=types["given " + name]) for name in mapping.mapped_columns()
    }
    touched = {
        name: transformed(name, contract.columns[name].type, given[name], mapping)
        for name in given
        if name in mapping.values or name in mapping.scale
    }
    if not touched:
        return rows, types, []
    flags = listed_flags(given, mapping)
    replaced = ", ".join(f"{value.sql} as {given[name].sql}" for name, value in touched.items())
    added = "".join(f", {sql} as {identifier('rule__' + rule)}" for rule, sql in flags.items())
    after = types | {"given " + name: value.type for name, value in touched.items()}
    return f"select * replace ({replaced}){added} from ({rows})", after, list(flags)  # noqa: S608  # quoted names


def _typed_columns(source: MappedSource, types: dict[str, str]) -> tuple[str, str]:
    """SQL of the typed values, and of each contract column and its state over them.

    A value that several columns share (the moment of an order and of knowing it) is worked out once. An optional
    column that is not mapped is null throughout.
    """
    mapping = source.mapping
    currency = identifier("given currency") if "given currency" in types else text(source.company_currency)
    aliases = _shared_aliases(mapping)
    values: dict[str, str] = {}
    columns: list[str] = []
    for name, column in mapping.contract().columns.items():
        alias = aliases.get(name, "")
        value, state = f"null::{DUCKDB_TYPE[column.type]}", str(int(CellState.absent))
        if alias in types:
            given = Given(
                sql=identifier(alias),
                type=types[alias],
                time_zone=mapping.time_zones.get(name) or mapping.time_zone or source.time_zone,
                money=mapping.money or "minor",
                currency=currency,
                formats=mapping.formats.get(name, ()),
            )
            value, _ = typed_value(column.type, given)
            known_as = values.setdefault(value, identifier("typed " + name))
            value, state = known_as, typed_value(column.type, given, known_as=known_as)[1]
        if mapping.id_space is not None and name in CUSTOMER_ID_COLUMNS:
            value = f"{text(mapping.id_space + ':')} || {value}"
        columns += [f"{value} as {identifier(name)}", f"({state})::utinyint as {identifier(name + '__state')}"]
    return ", ".join(f"{sql} as {name}" for sql, name in values.items()), ", ".join(columns)


def _shared_aliases(mapping: SourceMapping) -> dict[str, str]:
    """By mapped column where its value stands before it is typed; those that are one source column's share a place."""
    first: dict[str, str] = {}
    as_they_are = {
        name: column
        for name, column in mapping.renames().items()
        if name not in mapping.values and name not in mapping.scale
    }
    return {
        name: "given " + (first.setdefault(as_they_are[name], name) if name in as_they_are else name)
        for name in mapping.mapped_columns()
    }


def _literal(value: Constant) -> str:
    if isinstance(value, bool | int | float):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"{'timestamptz' if value.tzinfo else 'timestamp'} {text(value.isoformat(sep=' '))}"
    return f"date {text(value.isoformat())}" if isinstance(value, date) else text(value)


def _type_of(connection: duckdb.DuckDBPyConnection, source: MappedSource, part: _Part) -> str:
    query = f"describe select {part.sql} as value from {source.raw.table}"  # noqa: S608  # the company's own settings
    try:
        return str(first_row(connection, query)[1])
    except duckdb.Error as failure:
        raise _expression_error(source, part, failure) from None


def _name_the_part(connection: duckdb.DuckDBPyConnection, source: MappedSource) -> None:
    """Find the expression that fails on the data, one by one."""
    for part in _parts(source):
        try:
            connection.execute(f"select max(hash({part.sql})) from {source.raw.table}").fetchall()  # noqa: S608  # as above
        except duckdb.BinderException:
            continue  # a window function can't stand in an aggregate; it was bound before
        except duckdb.Error as failure:
            raise _expression_error(source, part, failure) from None


def _expression_error(source: MappedSource, part: _Part, failure: duckdb.Error) -> SourceExpressionError:
    return SourceExpressionError(source=source.name, part=part.setting, expression=part.sql, reason=reason_of(failure))

"""Quarantined rows as the raw rows of their sources again, and what judging them anew says of each.

Belongs here: raw tables made of rows of quarantine, which sources' rows can stand alone, which rows the core has
already. Does not: the steps of a replay (`replaying.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import duckdb
import polars as pl

from data_contracts.checking import ACCEPTED, broken_rules_sql
from data_contracts.contracts import Severity
from data_contracts.rules import KEY_RULE
from data_contracts.sql import first_row, identifier, text
from warehouse.core.judged_rows import JudgedEntity
from warehouse.core.rows import as_the_source_writes_it, customer_columns
from warehouse.core.sql import key_of
from warehouse.lake import SUPERSEDED_AT
from warehouse.sources.inputs import FILE_COLUMN, ROW_COLUMN, RawTable
from warehouse.sources.mapping import MappedSource

_NESTED_ENDING, _NESTED = "]", ("STRUCT", "MAP", "UNION", "JSON")


@dataclass(frozen=True, kw_only=True)
class ReplayedRows:
    """What is replayed.

    Attributes:
        rows: as `judged_rows.QUARANTINE_SCHEMA` and `loaded_at` (of the row's load), oldest load first, then in the
            order of the source.
        columns: by source, its own columns and their DuckDB types.
        loads: `load_id` and `loaded_at` of all loads that core rows may have come with.
    """

    rows: pl.DataFrame = field(repr=False)
    columns: Mapping[str, Mapping[str, str]]
    loads: pl.DataFrame = field(repr=False)


def raw_table(connection: duckdb.DuckDBPyConnection, name: str, replayed: ReplayedRows) -> RawTable:
    """A source's quarantined rows as it wrote them, typed as they were when it was read."""
    columns = replayed.columns[name]
    table = f"raw.{identifier('replay of ' + name)}"
    connection.register("quarantined rows", replayed.rows.filter(source=name).to_arrow())
    values = "".join(f"{_value(column, kind)} as {identifier(column)}, " for column, kind in columns.items())
    connection.execute(
        f"create table {table} as select {values}source_file as {FILE_COLUMN}, source_row as {ROW_COLUMN} "  # noqa: S608  # quoted names
        'from "quarantined rows"'
    )
    beside = identifier(f"loads of {name}")
    connection.execute(
        f"create table raw.{beside} as select row_number() over () - 1 as raw_row, loaded_at, rules "  # noqa: S608  # quoted names
        'from "quarantined rows"'
    )
    connection.unregister("quarantined rows")
    return RawTable(table=table, columns=columns)


def _value(column: str, kind: str) -> str:
    """SQL of a column's value out of the JSON of a row, as `sources.raw_row_json` wrote it."""
    pointer = text("/" + column.replace("~", "~0").replace("/", "~1"))
    if kind.endswith(_NESTED_ENDING) or kind.startswith(_NESTED):
        return f"(json_extract(raw_row, {pointer}))::{kind}"
    return f"try_cast(json_extract_string(raw_row, {pointer}) as {kind})"


def show_loads(connection: duckdb.DuckDBPyConnection, replayed: ReplayedRows) -> None:
    """Show when each recorded load was, as `raw.loads`."""
    connection.register("recorded loads", replayed.loads.to_arrow())
    connection.execute('create table raw.loads as from "recorded loads"')
    connection.unregister("recorded loads")


def looks_beyond(connection: duckdb.DuckDBPyConnection, source: MappedSource) -> bool:
    """Whether any part of the mapping needs more than the row itself: a window over rows, or another table."""
    mapping = source.mapping
    parts = [*mapping.expressions.values(), *(rule.expression for rule in mapping.rules), mapping.where or "true"]
    for part in parts:
        try:
            connection.execute(f"select 1 from {source.raw.table} where ({part}) is null limit 0").fetchall()  # noqa: S608  # the company's own settings
        except duckdb.CatalogException:
            return True
        except duckdb.BinderException as failure:
            if "window" in str(failure).lower():
                return True
        except duckdb.Error:
            continue  # staging tells what is wrong with it
    return False


def without_known_keys(
    connection: duckdb.DuckDBPyConnection, judged: JudgedEntity, *, stored: str, incremental: Sequence[str]
) -> JudgedEntity:
    """The same, rows set aside whose key the core has already, unless they are equal to it or came after it.

    Of a row that was set aside as a repetition neither helps.
    """
    contract, table = judged.contract, identifier(judged.checked.table)
    ids = customer_columns(contract)
    key = [(name.removeprefix("source_") if name.startswith("source_") else name, name) for name in key_of(contract)]
    same = " and ".join(f"n.{identifier(own)} = p.{identifier(kept)}" for own, kept in key)
    compared = [
        (name, as_the_source_writes_it(name) if name in ids else name)
        for name, column in contract.columns.items()
        if name != "known_at" and not column.personal  # contact data lie apart from their customers
    ]
    differs = " or ".join(f"n.{identifier(own)} is distinct from p.{identifier(kept)}" for own, kept in compared)
    told = " union all ".join(
        f"select {text(source.name)} as source, raw_row, loaded_at, "  # noqa: S608  # quoted names
        f"contains(rules, {text(KEY_RULE)}) as is_repeated, {str(source.name in incremental).lower()} as may_correct "
        f"from raw.{identifier('loads of ' + source.name)}"
        for source in judged.sources
    )
    connection.execute(
        f"update {table} set {KEY_RULE} = false, {ACCEPTED} = false where row_id in ("  # noqa: S608  # quoted names
        f"select n.row_id from {table} n join (select * from {stored} where {SUPERSEDED_AT} is null) p on {same} "
        f"join ({told}) t on t.source = n.source and t.raw_row = n.raw_row "
        "left join raw.loads l on l.load_id = p.load_id "
        f"where n.{ACCEPTED} and (t.is_repeated or (({differs} or n.source <> p.source) "
        "and not (t.may_correct and coalesce(t.loaded_at > l.loaded_at, false)))))"
    )
    read, accepted, repeated = first_row(
        connection,
        f"select count(*), count(*) filter ({ACCEPTED}), count(*) filter (not {KEY_RULE}) from {table}",  # noqa: S608  # quoted names
    )
    rules = tuple(replace(each, rows=repeated) if each.rule == KEY_RULE else each for each in judged.checked.rules)
    return replace(judged, checked=replace(judged.checked, read=read, accepted=accepted, rules=rules))


def told_anew(connection: duckdb.DuckDBPyConnection, judged: JudgedEntity, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of an entity that still break a rule, with the names of those they break now."""
    critical = [identifier(rule.name) for rule in judged.rules if rule.severity is Severity.critical]
    severity = f"if({' and '.join(critical) or 'true'}, 'error', 'critical')"
    broken: pl.DataFrame = connection.sql(
        f"select source, raw_row as number, {broken_rules_sql(judged.rules)} as now_broken, {severity} as now_severity "  # noqa: S608  # quoted names
        f"from {identifier(judged.checked.table)} where not {ACCEPTED}"
    ).pl()
    parts = [rows.head(0)]
    for source in judged.sources:
        own = rows.filter(source=source.name).with_row_index("number").with_columns(pl.col("number").cast(pl.Int64))
        found = broken.filter(source=source.name).select(pl.col("number").cast(pl.Int64), "now_broken", "now_severity")
        told = own.join(found, on="number", how="inner", maintain_order="left")
        parts.append(
            told.with_columns(rules=pl.col("now_broken"), severity=pl.col("now_severity")).select(rows.columns)
        )
    return pl.concat(parts)

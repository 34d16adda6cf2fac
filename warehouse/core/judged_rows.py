"""What leaves a load: accepted rows as core frames, the others with their reasons and their raw row.

Belongs here: reading checked tables out of DuckDB into Polars, with fixed types and order. Does not: judging.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from data_contracts.checking import ACCEPTED, CheckedTable, broken_rules_sql
from data_contracts.contracts import Contract, Severity
from data_contracts.rules import BoundRule
from data_contracts.sql import identifier
from warehouse.sources.inputs import raw_row_json
from warehouse.sources.mapping import MappedSource
from warehouse.sources.unreadable_lines import unreadable_rows_sql

QUARANTINE_SCHEMA: Mapping[str, pl.DataType] = {
    "entity": pl.String(),
    "source": pl.String(),
    "source_file": pl.String(),
    "source_row": pl.Int64(),
    "rules": pl.String(),
    "severity": pl.String(),
    "raw_row": pl.String(),
    "load_id": pl.String(),
}

SORTED_BY: Mapping[str, tuple[str, ...]] = {
    "orders": ("customer_id", "ordered_at", "order_id", "line_number"),
    "customers": ("customer_id",),
    "payments": ("customer_id", "issued_on", "invoice_id"),
    "contacts": ("customer_id", "sent_at", "contact_id"),
    "tickets": ("customer_id", "opened_at", "ticket_id"),
    "subscriptions": ("customer_id", "started_on", "subscription_id"),
    "surveys": ("customer_id", "answered_at", "survey_id"),
    "events": ("customer_id", "at", "event_id"),
}
"""Entities that are about customers, by customer and time; the others by their key."""


@dataclass(frozen=True, kw_only=True)
class JudgedEntity:
    """An entity's checked table, its contract, the rules it was judged by and the sources its rows came from."""

    checked: CheckedTable
    contract: Contract
    rules: tuple[BoundRule, ...]
    sources: tuple[MappedSource, ...]


def quarantined_rows(
    connection: duckdb.DuckDBPyConnection, judged: Sequence[JudgedEntity], *, load_id: str, at_most: int | None = None
) -> pl.DataFrame:
    """The rows set aside, as `QUARANTINE_SCHEMA`, entity by entity, in source order.

    With `at_most`, only so many of each source, those that break a critical rule first.
    """
    frames = [pl.DataFrame(schema=dict(QUARANTINE_SCHEMA))]
    for each in judged:
        for source in each.sources:
            found: list[pl.DataFrame] = [
                connection.sql(query, params={"source": source.name}).pl()
                for query in (
                    _quarantine_query(each, source, at_most),
                    unreadable_rows_sql(source.raw.unreadable, at_most),
                )
                if query
            ]
            frames += [
                frame.with_columns(pl.lit(each.checked.entity).alias("entity"), pl.lit(load_id).alias("load_id"))
                .select(list(QUARANTINE_SCHEMA))
                .cast(pl.Schema(QUARANTINE_SCHEMA))
                for frame in found
            ]
    return pl.concat(frames)


def _quarantine_query(judged: JudgedEntity, source: MappedSource, at_most: int | None) -> str:
    """SQL of one source's rejected rows; only their raw rows are turned into JSON."""
    critical = [identifier(rule.name) for rule in judged.rules if rule.severity is Severity.critical]
    severity = f"if({' and '.join(critical) or 'true'}, 'error', 'critical')"
    first = f"order by severity, row_id limit {at_most:d}" if at_most is not None else ""  # "critical" < "error"
    return f"""
        with rejected as (
            select row_id, raw_row as raw_id, source, source_file, source_row,
                {broken_rules_sql(judged.rules)} as rules, {severity} as severity
            from {identifier(judged.checked.table)} where not {ACCEPTED} and source = $source {first}
        ),
        raw_rows as (
            select rowid as raw_id, {raw_row_json(source.raw)} as raw_row from {source.raw.table}
            where rowid in (select raw_id from rejected)
        )
        select source, source_file, source_row, rules, severity, raw_row
        from rejected join raw_rows using (raw_id) order by row_id
    """  # noqa: S608  # quoted names

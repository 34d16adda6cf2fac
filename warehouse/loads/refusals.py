"""When a load as a whole can't be trusted: most values of a column unreadable, a critical rule broken, nothing left.

Belongs here: the decision to block, and the sample that shows why (dates and currency codes only, never a personal
value). Does not: what happens to single rows (`data_contracts/checking.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import duckdb
import polars as pl

from data_contracts.checking import refuse_critical
from data_contracts.contracts import ANCHOR_ENTITIES
from data_contracts.errors import DataBlockedError
from data_contracts.redaction import currency_sample, date_sample
from data_contracts.sql import first_row, identifier
from warehouse.core.judged_rows import JudgedEntity, quarantined_rows
from warehouse.errors_ingestion import CurrencyUnknownError, DatesUnparsableError, NothingAcceptedError
from warehouse.sources.mapping import MappedSource

KEPT_OF_A_BLOCKED_LOAD = 10_000
"""How many rows of each source are kept of a load that was blocked: enough to see why; its files have them all."""

_OTHERS = "currency_is_the_companys"

MOST = 0.5
"""A share of unreadable values above which the mapping is wrong, not the rows."""


def refuse_what_cannot_be_used(
    connection: duckdb.DuckDBPyConnection, judged: JudgedEntity, *, may_be_empty: bool = False
) -> None:
    """Block the load when this entity can't be used.

    Args:
        connection: the load's database.
        judged: the entity.
        may_be_empty: no row of it need be left.

    Raises:
        DatesUnparsableError: most of a source's values of a date column can't be read.
        CurrencyUnknownError: most of a source's currency codes are unknown.
        CriticalRuleBrokenError: a critical rule is broken.
        NothingAcceptedError: no row is left of an entity that customers are known by (orders, subscriptions).
    """
    contract = judged.contract
    for source in judged.sources:
        mapped = source.mapping.mapped_columns()
        for column in contract.columns_of_type("date", "timestamp"):
            if column in mapped:
                _refuse_unparsable_dates(connection, judged, source, column)
        if "currency" in mapped:
            _refuse_unknown_currency(connection, judged, source)
    refuse_critical(judged.checked)
    if judged.checked.entity in ANCHOR_ENTITIES and not judged.checked.accepted and not may_be_empty:
        broken = [count for count in judged.checked.rules if count.rows]
        commonest = sorted(broken, key=lambda count: (-count.rows, count.rule))[:3]
        raise NothingAcceptedError(
            entity=judged.checked.entity,
            read=judged.checked.read,
            left_out=sum(source.raw.left_out for source in judged.sources),
            commonest=[f"{count.rule} {count.rows:,}" for count in commonest],
            foreign_currency=_foreign_currency(connection, judged)
            if commonest[:1] and commonest[0].rule == _OTHERS
            else None,
        )


def _foreign_currency(connection: duckdb.DuckDBPyConnection, judged: JudgedEntity) -> str:
    """The commonest known currency that is not the company's, of rows that break no other rule about it."""
    row = first_row(
        connection,
        f"select mode(currency order by currency) from {identifier(judged.checked.table)} "  # noqa: S608  # quoted names
        f"where not {identifier(_OTHERS)}",
    )
    return str(row[0])


@contextmanager
def offenders_kept(
    connection: duckdb.DuckDBPyConnection,
    judged: Sequence[JudgedEntity],
    *,
    load_id: str,
    keep: Callable[[pl.DataFrame, DataBlockedError], None],
) -> Iterator[None]:
    """Where the load is blocked within the block, hand on the rows that broke a rule, so that they can be looked at.

    Args:
        connection: the load's database.
        judged: what was judged.
        load_id: the load.
        keep: given the rows, as `judged_rows.QUARANTINE_SCHEMA`, of each source those that break a critical rule first,
            and the reason.
    """
    try:
        yield
    except DataBlockedError as blocked:
        keep(quarantined_rows(connection, judged, load_id=load_id, at_most=KEPT_OF_A_BLOCKED_LOAD), blocked)
        raise


def _refuse_unparsable_dates(
    connection: duckdb.DuckDBPyConnection, judged: JudgedEntity, source: MappedSource, column: str
) -> None:
    share, sample = _broken_share(connection, judged, source, column=column, rule=f"{column}_is_parsable")
    if share > MOST:
        raise DatesUnparsableError(
            source=source.name,
            column=column,
            share=share,
            sample=date_sample(sample),
            column_type=judged.contract.columns[column].type,
        )


def _refuse_unknown_currency(connection: duckdb.DuckDBPyConnection, judged: JudgedEntity, source: MappedSource) -> None:
    share, sample = _broken_share(connection, judged, source, column="currency", rule="currency_is_known")
    if share > MOST:
        raise CurrencyUnknownError(
            source=source.name, share=share, sample=currency_sample(sample), company_currency=source.company_currency
        )


def _broken_share(
    connection: duckdb.DuckDBPyConnection, judged: JudgedEntity, source: MappedSource, *, column: str, rule: str
) -> tuple[float, str]:
    """Share of a source's given values that break a rule and, when it is too large, the first of them as given."""
    flag, given = identifier(rule), f"{identifier(column + '__state')} <> 0"
    share, raw_row = first_row(
        connection,
        f"select count(*) filter (not {flag}) / greatest(count(*) filter ({given}), 1), "  # noqa: S608  # quoted names
        f"min(raw_row) filter (not {flag}) from {identifier(judged.checked.table)} where source = ?",
        [source.name],
    )
    if share <= MOST:
        return share, ""
    sample = f"select ({source.value_sql(column)})::varchar from {source.raw.table} where rowid = ?"  # noqa: S608  # the company's own settings
    return share, str(first_row(connection, sample, [raw_row])[0])

"""When a load as a whole can't be trusted: most values of a column unreadable, a critical rule broken, nothing left.

Belongs here: the decision to block, and the sample that shows why (dates and currency codes only, never a personal
value). Does not: what happens to single rows (`data_contracts/checking.py`).
"""

import duckdb

from data_contracts.checking import refuse_critical
from data_contracts.contracts import ANCHOR_ENTITIES
from data_contracts.redaction import currency_sample, date_sample
from data_contracts.sql import first_row, identifier
from warehouse.errors_ingestion import CurrencyUnknownError, DatesUnparsableError, NothingAcceptedError
from warehouse.judged_rows import JudgedEntity
from warehouse.source_mapping import MappedSource

MOST = 0.5
"""A share of unreadable values above which the mapping is wrong, not the rows."""


def refuse_what_cannot_be_used(connection: duckdb.DuckDBPyConnection, judged: JudgedEntity) -> None:
    """Block the load when this entity can't be used.

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
    if judged.checked.entity in ANCHOR_ENTITIES and not judged.checked.accepted:
        commonest = sorted(judged.checked.rules, key=lambda count: (-count.rows, count.rule))[:3]
        raise NothingAcceptedError(
            entity=judged.checked.entity,
            read=judged.checked.read,
            commonest=[f"{count.rule} {count.rows:,}" for count in commonest],
        )


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

"""When a source is no longer the one it was: gone, new columns, columns of another type, not one row that can be used.

Belongs here: comparing a source's columns with those of the load before, and telling of a source whose rows are all
broken. Does not: columns that are gone: a mapped one blocks while mapping (`sources/mapping.py`); an entity without any
row left (`refusals.py`).
"""

from collections.abc import Collection, Mapping, Sequence

import duckdb

from data_contracts.checking import ACCEPTED
from data_contracts.rule_forms import Severity
from data_contracts.sql import identifier
from data_contracts.table_checking import TableRuleResult, Verdict
from warehouse.core.judged_rows import JudgedEntity
from warehouse.loads.states import SourceState
from warehouse.sources.mapping import MappedSource

SOURCES_RULE = "source_is_in_the_settings"
TYPES_RULE = "source_columns_have_their_types"
COLUMNS_RULE = "source_columns_are_known"
ROWS_RULE = "source_rows_are_fit_for_use"
DRIFT_RULES: Mapping[str, str] = {
    SOURCES_RULE: "sources that brought rows are still there, by name: else what no other source shows is removed",
    TYPES_RULE: "mapped columns have the types they had at the load before",
    COLUMNS_RULE: "the columns are those of the load before",
    ROWS_RULE: "some of the rows that were read are fit for use",
}
"""Rules about the sources themselves, by name what they ask for; the first two block a load unless accepted."""


def drift_results(
    sources: Mapping[str, MappedSource], before: Mapping[str, SourceState], *, accepted: Collection[str]
) -> tuple[TableRuleResult, ...]:
    """Hold the columns of the sources that were read against those they had at the load before.

    Args:
        sources: the sources that were read, by name.
        before: how sources stood after the load before.
        accepted: names of rules (or `entity.rule`) that may be broken for this once.

    Returns:
        A result for each rule and source that has broken it.
    """
    results: list[TableRuleResult] = []
    for name, source in sources.items():
        if name in before:
            known = before[name].columns
            retyped = [
                f"{column} is {kind}, was {known[column]}"
                for column, kind in source.raw.columns.items()
                if column in _mapped(source) and known.get(column, kind) != kind
            ]
            new = [column for column in source.raw.columns if known and column not in known]
            gone = [column for column in known if column not in source.raw.columns]
            entity = source.mapping.entity
            results += _told(name, entity, TYPES_RULE, retyped, Severity.critical, accepted)
            results += _told(
                name,
                entity,
                COLUMNS_RULE,
                [*(f"{column} is new" for column in new), *(f"{column} is gone" for column in gone)],
                Severity.warning,
                accepted,
            )
    return tuple(results)


def departed_results(
    named: Collection[str], before: Mapping[str, SourceState], *, accepted: Collection[str]
) -> tuple[TableRuleResult, ...]:
    """Tell of the sources that have left the settings, or their name: what they brought would be removed.

    Args:
        named: the sources of the settings.
        before: how sources stood after the load before.
        accepted: names of rules (or `entity.rule`) that may be broken for this once.

    Returns:
        A result for each such source.
    """
    return tuple(
        result
        for name, state in before.items()
        if name not in named
        for result in _told(name, state.entity, SOURCES_RULE, ["is no longer there"], Severity.critical, accepted)
    )


def useless_results(
    connection: duckdb.DuckDBPyConnection, judged: Sequence[JudgedEntity], *, accepted: Collection[str]
) -> tuple[TableRuleResult, ...]:
    """Tell of the sources that brought rows of which not one is fit for use.

    Args:
        connection: the load's database.
        judged: the entities that were judged.
        accepted: names of rules (or `entity.rule`) that may be broken for this once.

    Returns:
        A result for each such source.
    """
    results: list[TableRuleResult] = []
    for each in judged:
        rows = f"select source, count(*) from {identifier(each.checked.table)} group by source"  # noqa: S608  # quoted
        broken = dict(connection.execute(f"{rows} having not bool_or({ACCEPTED})").fetchall())
        for source in each.sources:
            found = [f"none of {broken[source.name]:,} rows is fit for use"] if source.name in broken else []
            results += _told(source.name, source.mapping.entity, ROWS_RULE, found, Severity.warning, accepted)
    return tuple(results)


def _mapped(source: MappedSource) -> set[str]:
    """The source's columns that its mapping takes over, or names in an expression."""
    mapping = source.mapping
    named = set(mapping.renames().values())
    written = " ".join(
        [*mapping.expressions.values(), *(rule.expression for rule in mapping.rules), mapping.where or ""]
    )
    return named | {column for column in source.raw.columns if column in written}


def _told(  # noqa: PLR0917  # one line of a table, column by column
    source: str, entity: str, rule: str, found: list[str], severity: Severity, accepted: Collection[str]
) -> list[TableRuleResult]:
    if not found:
        return []
    is_accepted = rule in accepted or f"{entity}.{rule}" in accepted
    return [
        TableRuleResult(
            entity=entity,
            rule=rule,
            severity=severity,
            meaning=DRIFT_RULES[rule],
            verdict=Verdict.accepted if is_accepted else Verdict.broken,
            got=f"source {source}: {'; '.join(found)}",
            expected=DRIFT_RULES[rule],
            value=float(len(found)),
        )
    ]

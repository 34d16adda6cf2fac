"""When a source is no longer the one it was: new columns, columns of another type.

Belongs here: comparing a source's columns with those of the load before. Does not: columns that are gone: a mapped one
blocks while mapping (`source_mapping.py`).
"""

from collections.abc import Collection, Mapping

from data_contracts.rule_forms import Severity
from data_contracts.table_checking import TableRuleResult, Verdict
from warehouse.load_states import SourceState
from warehouse.source_mapping import MappedSource

TYPES_RULE = "source_columns_have_their_types"
COLUMNS_RULE = "source_columns_are_known"
DRIFT_RULES: Mapping[str, str] = {
    TYPES_RULE: "mapped columns have the types they had at the load before",
    COLUMNS_RULE: "the columns are those of the load before",
}
"""Rules about the sources themselves, by name what they ask for; the first blocks a load unless it is accepted."""


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
            results += _told(source, TYPES_RULE, retyped, Severity.critical, accepted)
            results += _told(
                source,
                COLUMNS_RULE,
                [*(f"{column} is new" for column in new), *(f"{column} is gone" for column in gone)],
                Severity.warning,
                accepted,
            )
    return tuple(results)


def _mapped(source: MappedSource) -> set[str]:
    """The source's columns that its mapping takes over, or names in an expression."""
    mapping = source.mapping
    named = set(mapping.renames().values())
    written = " ".join(
        [*mapping.expressions.values(), *(rule.expression for rule in mapping.rules), mapping.where or ""]
    )
    return named | {column for column in source.raw.columns if column in written}


def _told(
    source: MappedSource, rule: str, found: list[str], severity: Severity, accepted: Collection[str]
) -> list[TableRuleResult]:
    if not found:
        return []
    entity = source.mapping.entity
    is_accepted = rule in accepted or f"{entity}.{rule}" in accepted
    return [
        TableRuleResult(
            entity=entity,
            rule=rule,
            severity=severity,
            meaning=DRIFT_RULES[rule],
            verdict=Verdict.accepted if is_accepted else Verdict.broken,
            got=f"source {source.name}: {'; '.join(found)}",
            expected=DRIFT_RULES[rule],
            value=float(len(found)),
        )
    ]

"""A row in quarantine as people may see it: its values, personal ones as their shape, and its rules in words.

Belongs here: which columns of a source a rule looks at, which of its values are nobody's business. Does not: reading
rows (`quarantining.py`), printing them (`quarantine_reporting.py`).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from config.settings import Settings
from data_contracts.mapping import SourceMapping
from data_contracts.rules import BoundRule, bind_rules
from warehouse.loads.ingestion import load_contracts
from warehouse.sources.unreadable_lines import LINE_MEANING, LINE_RULE
from warehouse.sources.values import PersonalColumns, columns_named_in, discreet, origins_of

GONE = "the settings no longer have a rule of this name"


def rule_meanings(settings: Settings, entity: str) -> dict[str, str]:
    """By name, the rules of an entity in words, under the settings in force."""
    return {name: rule.meaning for name, rule in _rules(settings, entity).items()} | {LINE_RULE: LINE_MEANING}


def _rules(settings: Settings, entity: str) -> dict[str, BoundRule]:
    contracts = load_contracts(settings.sources)
    if entity not in contracts:
        return {}
    sources = [source for source in settings.sources.values() if source.entity == entity]
    bound = bind_rules(
        contracts[entity],
        mapped_columns={column for source in sources for column in source.mapped_columns()},
        source_rules=[rule for source in sources for rule in source.all_rules()],
        added_rules=settings.rules,
        loaded=list(contracts),
    )
    return {rule.name: rule for rule in bound}


class View:
    """What may be seen of a source's rows, and which of its columns a rule looks at.

    Args:
        mapping: the source's mapping; None where the settings no longer have it: then nothing is known to be
            harmless, and every value appears as its shape.
        neighbours: the mappings of all sources of the same input: what is personal to one is personal here.
        rules: by name, the rules of the entity.
    """

    def __init__(
        self, mapping: SourceMapping | None, neighbours: Sequence[SourceMapping], rules: Mapping[str, BoundRule]
    ) -> None:
        self.mapping = mapping
        self.neighbours = neighbours
        self.rules = rules

    @classmethod
    def of(cls, settings: Settings, entity: str, source: str) -> "View":
        """The view of a source's rows in the quarantine of an entity."""
        mapping = settings.sources.get(source)
        neighbours = [
            other
            for other in settings.sources.values()
            if mapping is not None and (other.input, other.query) == (mapping.input, mapping.query)
        ]
        return cls(mapping, neighbours, _rules(settings, entity))

    def values(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the row's values that the mapping uses, by source column; personal ones as their shape."""
        personal, used = set(row), set(row)
        if self.mapping is not None:
            personal = {name for each in self.neighbours for name in _personal_columns(each, list(row))}
            used = _used_columns(self.mapping, list(row))
        return {
            name: None if value is None else discreet(_text(value), personal=name in personal)
            for name, value in row.items()
            if name in used
        }

    def concerned(self, rule: str, columns: Sequence[str]) -> list[str]:
        """The source's columns that a rule looks at, through the mapping."""
        if self.mapping is None or rule not in self.rules:
            return []
        declared = {each.name: each.expression for each in self.mapping.rules}
        if rule in declared:
            return list(columns_named_in(declared[rule], columns))
        origins = origins_of(self.mapping, columns)
        bound = self.rules[rule]
        core = [bound.column] if bound.column else columns_named_in(bound.predicate, list(origins))
        return list(dict.fromkeys(column for name in core for column in origins.get(name, ())))


def _personal_columns(mapping: SourceMapping, columns: Sequence[str]) -> frozenset[str]:
    return PersonalColumns.of(mapping.contract(), origins_of(mapping, columns)).raw


def _used_columns(mapping: SourceMapping, columns: Sequence[str]) -> set[str]:
    used = {column for origin in origins_of(mapping, columns).values() for column in origin}
    return used | {column for rule in mapping.rules for column in columns_named_in(rule.expression, columns)}


def shown_row(row: Mapping[str, Any], view: View, *, raw: bool) -> dict[str, Any]:
    """A row of `warehouse.loads.quarantine.read_rows` in plain values.

    Args:
        row: the row.
        view: of its source.
        raw: every value as the source has it, instead of what `View.values` lets through.

    Returns:
        Where it is from, `rules`, `values` by source column, `concerned` (columns that its rules look at), `left_out`
        (how many columns are not shown).
    """
    rules = [name for name in row["rules"].split(", ") if name]
    values: dict[str, Any] = json.loads(row["raw_row"])
    if raw:
        seen = values
    elif LINE_RULE in rules:
        seen = {name: discreet(_text(value), personal=isinstance(value, str)) for name, value in values.items()}
    else:
        seen = view.values(values)
    concerned = {column for rule in rules for column in view.concerned(rule, list(values))}
    return {
        "source": row["source"],
        "source_file": row["source_file"],
        "source_row": row["source_row"],
        "rules": rules,
        "severity": row["severity"],
        "load_id": row["load_id"],
        "loaded_at": row["loaded_at"].isoformat() if row["loaded_at"] else None,
        "load_status": row["load_status"],
        "values": seen,
        "left_out": len(values) - len(seen),
        "concerned": [name for name in seen if name in concerned],
        "source_is_known": view.mapping is not None,
    }


def _text(value: Any) -> str:  # noqa: ANN401 any JSON value
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

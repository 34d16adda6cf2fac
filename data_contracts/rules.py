"""The rules of a load: those that follow from a contract's columns, its declared ones, and the company's own.

Belongs here: what each rule is called, what it says and the predicate that is true for good rows. Does not: running
the predicates (`checking.py`).

A staged table (`row_id`, the contract's columns, typed) carries beside each column `<column>__state`, a `CellState`,
because a value that could not be read is null in the typed column; and `rule__<name>` for each rule that was judged on
the source's own columns.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum

from data_contracts.contracts import Column, ColumnType, Contract, Reference, Rule, Severity, core_contract
from data_contracts.currencies import MINOR_UNIT_DIGITS
from data_contracts.errors_contracts import (
    PartnerColumnUnknownError,
    RuleNamedTwiceError,
    RuleNotLoosenedError,
    RuleWithoutExpressionError,
)
from data_contracts.joins import Partner, accepted_view, partners_of, unknown_fields, where_partners_are
from data_contracts.mapping import RuleSpec
from data_contracts.sql import identifier, text

KEY_RULE = "key_is_unique"
MAXIMUM_IDENTIFIER_BYTES = 255


class CellState(IntEnum):
    """What became of a source's value on its way into the typed column."""

    absent = 0
    good = 1
    unparsable = 2
    not_finite = 3
    out_of_range = 4


_READ_AS: Mapping[ColumnType, str] = {
    "text": "text",
    "integer": "a whole number",
    "number": "a number",
    "money": "an amount of money",
    "date": "a date",
    "timestamp": "a date and time",
    "boolean": "yes or no",
}


@dataclass(frozen=True, kw_only=True)
class BoundRule:
    """A rule ready to be judged on a staged table.

    Attributes:
        name: the name it is counted under.
        severity: what breaking it does.
        meaning: the rule in words.
        predicate: DuckDB SQL, true for good rows; null passes. Empty for the uniqueness of the key.
        column: the contract column it is about, where it is about one.
        present: checked as "values are not null" on `column`.
        allowed: checked as "values are in this set" on `column`, where given.
        declared: written by people (contract file or settings), not derived from the columns: may be made a warning.
        partners: rows of other tables that the predicate names, to be put beside (`joins.beside`).
    """

    name: str
    severity: Severity
    meaning: str
    predicate: str
    column: str = ""
    present: bool = False
    allowed: tuple[str, ...] = field(default=(), repr=False)
    declared: bool = False
    partners: tuple[Partner, ...] = ()


def bind_rules(
    contract: Contract,
    *,
    mapped_columns: Collection[str],
    source_rules: Iterable[Rule] = (),
    added_rules: Sequence[RuleSpec] = (),
    loaded: Collection[str] = (),
) -> tuple[BoundRule, ...]:
    """Every rule that rows of `contract` are judged by in this load, in the order they are reported.

    Args:
        contract: the table's contract.
        mapped_columns: contract columns that any source fills; optional columns that none fills have no rules.
        source_rules: rules over sources' own columns (a rule of several sources has one name and is counted once).
        added_rules: the company's rules and changes of severity; those for other entities are passed over.
        loaded: core entities already loaded, against whose keys references are judged.

    Raises:
        RuleNamedTwiceError: a new rule has the name of an existing one.
        RuleWithoutExpressionError: a change of severity names no existing rule.
        RuleNotLoosenedError: a rule that every later step relies on would become a warning.
        PartnerColumnUnknownError: a rule asks for a column that the table it refers to does not have.
    """
    rules: dict[str, BoundRule] = {rule.name: rule for rule in _built_in(contract, mapped_columns, loaded)}
    for rule in {rule.name: rule for rule in source_rules}.values():
        _add(rules, contract.entity, _declared(rule, identifier(f"rule__{rule.name}")))
    for spec in added_rules:
        if spec.entity != contract.entity:
            continue
        if spec.expression is None:
            _change_severity(rules, contract, spec)
        else:
            rule = Rule(name=spec.name, expression=spec.expression, severity=spec.severity, meaning=spec.meaning)
            for bound in _over_rows(contract, rule, loaded):
                _add(rules, contract.entity, bound)
    return tuple(rules.values())


def _add(rules: dict[str, BoundRule], entity: str, rule: BoundRule) -> None:
    if rule.name in rules:
        raise RuleNamedTwiceError(entity=entity, rule=rule.name)
    rules[rule.name] = rule


def _change_severity(rules: dict[str, BoundRule], contract: Contract, spec: RuleSpec) -> None:
    rule = rules.get(spec.name)
    if rule is not None:
        if not rule.declared and spec.severity is Severity.warning:
            raise RuleNotLoosenedError(entity=contract.entity, rule=rule.name, meaning=rule.meaning)
        rules[spec.name] = replace(rules[spec.name], severity=spec.severity)
    elif spec.name not in {*(each.name for each in contract.references), *(each.name for each in contract.rules)}:
        is_about_the_table = spec.name in {each.name for each in contract.table_rules}
        raise RuleWithoutExpressionError(
            entity=contract.entity, rule=spec.name, known=sorted(rules), is_about_the_table=is_about_the_table
        )


def _declared(rule: Rule, predicate: str) -> BoundRule:
    return BoundRule(name=rule.name, severity=rule.severity, meaning=rule.meaning, predicate=predicate, declared=True)


def _built_in(contract: Contract, mapped_columns: Collection[str], loaded: Collection[str]) -> Iterable[BoundRule]:
    for name, column in contract.columns.items():
        if name in mapped_columns:
            yield from _column_rules(name, column)
    for rule in contract.rules:
        yield from _over_rows(contract, rule, loaded)
    for reference in contract.references:
        if reference.entity in loaded:
            yield _known(reference)
    yield BoundRule(
        name=KEY_RULE,
        severity=Severity.error,
        meaning=f"one row for each {', '.join(contract.key)}: the first in source order that is otherwise good",
        predicate="",
    )


def _over_rows(contract: Contract, rule: Rule, loaded: Collection[str]) -> Iterable[BoundRule]:
    """A declared rule, unless it names a table that is not loaded."""
    partners = partners_of(contract, rule.expression)
    for partner in partners:
        if unknown := unknown_fields(partner):
            raise PartnerColumnUnknownError(
                entity=contract.entity,
                rule=rule.name,
                column=f"{partner.alias}.{unknown[0]}",
                known=list(core_contract(partner.entity).columns),
            )
    if all(partner.entity in loaded for partner in partners):
        yield replace(_declared(rule, where_partners_are(partners, rule.expression)), partners=partners)


def _known(reference: Reference) -> BoundRule:
    (key,) = core_contract(reference.entity).key
    keys = f"(select {identifier(key)} from {identifier(accepted_view(reference.entity))})"  # noqa: S608  # quoted names
    return BoundRule(
        name=reference.name,
        severity=reference.severity,
        meaning=reference.meaning,
        predicate=f"{identifier(reference.column)} in {keys}",
        column=reference.column,
        declared=True,
    )


def _column_rules(name: str, column: Column) -> Iterable[BoundRule]:
    for rule in _rules_of_type(name, column):
        yield replace(rule, severity=Severity.warning, declared=True) if column.kept else rule


def _rules_of_type(name: str, column: Column) -> Iterable[BoundRule]:
    if column.required:
        yield _presence(name, column)
    if column.type != "text":
        yield _state_rule(name, "is_parsable", CellState.unparsable, f"{name} can be read as {_READ_AS[column.type]}")
    if column.type in ("number", "money", "integer"):
        yield _state_rule(name, "is_finite", CellState.not_finite, f"{name} is neither infinite nor 'not a number'")
    if column.type in ("money", "integer"):
        meaning = f"{name} fits the {64 if column.type == 'money' else 32} bits it is kept in"
        yield _state_rule(name, "is_within_range", CellState.out_of_range, meaning)
    if column.identifier:
        yield from _identifier_rules(name)
    if name == "currency":
        yield from _currency_rules(name)


def _presence(name: str, column: Column) -> BoundRule:
    is_text = column.type == "text"
    return BoundRule(
        name=f"{name}_is_present",
        severity=Severity.error,
        meaning=f"every row has it: {column.meaning}",
        predicate=f"{identifier(name)} is not null" if is_text else _state_is_not(name, CellState.absent),
        column=name,
        present=is_text,
    )


def _state_rule(name: str, ending: str, state: CellState, meaning: str) -> BoundRule:
    return BoundRule(
        name=f"{name}_{ending}",
        severity=Severity.error,
        meaning=meaning,
        predicate=_state_is_not(name, state),
        column=name,
    )


def _state_is_not(name: str, state: CellState) -> str:
    return f"{identifier(name + '__state')} <> {int(state)}"


def _identifier_rules(name: str) -> Iterable[BoundRule]:
    yield BoundRule(
        name=f"{name}_has_no_control_characters",
        severity=Severity.error,
        meaning=f"{name} has no line break, tab, NUL or other control character",
        predicate=rf"not regexp_matches({identifier(name)}, '\p{{Cc}}')",
        column=name,
    )
    yield BoundRule(
        name=f"{name}_is_at_most_{MAXIMUM_IDENTIFIER_BYTES}_bytes",
        severity=Severity.error,
        meaning=f"{name} is a name of a thing, not a text",
        predicate=f"strlen({identifier(name)}) <= {MAXIMUM_IDENTIFIER_BYTES}",
        column=name,
    )


def _currency_rules(name: str) -> Iterable[BoundRule]:
    codes = ", ".join(map(text, MINOR_UNIT_DIGITS))
    yield BoundRule(
        name=f"{name}_is_known",
        severity=Severity.error,
        meaning="the currency is a code of ISO 4217",
        predicate=f"{identifier(name)} in ({codes})",
        column=name,
        allowed=tuple(MINOR_UNIT_DIGITS),
    )
    yield BoundRule(
        name=f"{name}_is_the_companys",
        severity=Severity.error,
        meaning="amounts of another (known) currency are never added to the company's; `conversion` converts them",
        predicate=f"{identifier(name)} = getvariable('company_currency') or {identifier(name)} not in ({codes})",
        column=name,
    )

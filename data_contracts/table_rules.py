"""The table rules of a load: those of the contracts, as the company changed them, and its own.

Belongs here: the form of `[[table_rules]]` in `gristmill.toml`, and making it and the contract's rules one list. Does
not: judging them (`table_checking.py`).
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from data_contracts.contracts import Contract
from data_contracts.errors_table_rules import TableRuleUnfitError
from data_contracts.profiles import is_binned, is_listed
from data_contracts.rule_forms import (
    MEASURES_OF_A_COLUMN,
    MEASURES_OF_EVENT_TIME,
    Entity,
    Measure,
    RuleName,
    Severity,
    TableRule,
)


class TableRuleSpec(BaseModel):
    """A table rule that the company adds, or one of the contract's whose bounds or severity it changes.

    Attributes:
        entity: the core table.
        name: a rule of the contract is changed where it has this name, else there is a new rule.
        measure: what is measured (see `rule_forms.TableRule`); needed of a new rule.
        column: the column that is measured, for measures of a column.
        at_least: the least good value.
        at_most: the greatest good value.
        severity: `critical` blocks the load, `warning` is only reported.
        meaning: the rule in words; needed of a new rule.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    entity: Entity
    name: RuleName
    measure: Measure | None = None
    column: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    severity: Literal[Severity.critical, Severity.warning] | None = None
    meaning: str | None = None


def bind_table_rules(contract: Contract, specs: Iterable[TableRuleSpec] = ()) -> tuple[TableRule, ...]:
    """The rules that loads of a table are judged by: the contract's, then the company's.

    Args:
        contract: the table's contract, extra attributes included.
        specs: the company's rules and changes; those for other entities are passed over.

    Raises:
        TableRuleUnfitError: a rule is incomplete, or its column is unknown, personal or of the wrong type.
    """
    rules = {rule.name: rule for rule in contract.table_rules}
    for spec in specs:
        if spec.entity == contract.entity:
            rules[spec.name] = _changed(rules.get(spec.name), spec)
    for rule in rules.values():
        _refuse_unfit(contract, rule)
    return tuple(rules.values())


def _changed(rule: TableRule | None, spec: TableRuleSpec) -> TableRule:
    said: dict[str, Any] = spec.model_dump(exclude={"entity"}, exclude_none=True)
    try:
        return TableRule.model_validate({**(rule.model_dump() if rule else {}), **said})
    except ValidationError as failure:
        faults = [f"{'.'.join(map(str, detail['loc']))} {detail['msg']}".strip() for detail in failure.errors()]
        raise TableRuleUnfitError(
            entity=spec.entity,
            rule=spec.name,
            fault="; ".join(faults),
            expected="the name of a rule of the contract, or a new rule with measure, meaning and at_least or at_most",
        ) from None


def _refuse_unfit(contract: Contract, rule: TableRule) -> None:
    fault, expected = "", ""
    if rule.measure in MEASURES_OF_EVENT_TIME and not contract.event_time:
        fault, expected = rule.measure, "a measure that needs no time of events: this table has none"
    elif rule.measure in MEASURES_OF_A_COLUMN:
        fault, expected = _fault_of_column(contract, rule)
    if fault:
        raise TableRuleUnfitError(entity=contract.entity, rule=rule.name, fault=fault, expected=expected)


def _fault_of_column(contract: Contract, rule: TableRule) -> tuple[str, str]:
    column = contract.columns.get(rule.column)
    if column is None:
        return f'column "{rule.column}"', "one of " + ", ".join(contract.columns)
    if rule.measure == "new_category_share" and not is_listed(column):
        return f"new values of {rule.column}", "one of " + ", ".join(_fitting(contract, is_listed))
    if rule.measure == "distribution_shift" and not (is_binned(column) and rule.column not in contract.key):
        return f"distribution of {rule.column}", "one of " + ", ".join(_fitting(contract, is_binned))
    return "", ""


def _fitting(contract: Contract, fits: Any) -> Sequence[str]:  # noqa: ANN401  # a predicate over columns
    return [name for name, column in contract.columns.items() if fits(column) and name not in contract.key]

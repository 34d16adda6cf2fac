"""Judging whole loads: table rules held against profiles, and what their severity makes of it.

Belongs here: bounds, results, the decision to block, what was accepted for this once. Does not: the measures
(`measures.py`), or how rules are declared (`table_rules.py`, `rule_forms.py`).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from enum import StrEnum

from data_contracts.closed_days import NEVER_CLOSED, ClosedDays
from data_contracts.errors_table_rules import AcceptedRuleUnknownError, TableRuleBrokenError
from data_contracts.measures import Loads, measured
from data_contracts.profiles import Profile
from data_contracts.rule_forms import Measure, Severity, TableRule
from data_contracts.table_rules import TableRuleSpec

LOOK_BACK_LOADS = 5
"""How many of the last loads a load is held against."""

_IN_PERCENT: Mapping[Measure, str] = {
    "null_share": "%",
    "null_share_rise": "percentage points",
    "new_category_share": "%",
}


class Verdict(StrEnum):
    """What became of a table rule in a load."""

    kept = "kept"
    broken = "broken"
    accepted = "accepted"
    not_judged = "not judged"


@dataclass(frozen=True, kw_only=True)
class TableChecks:
    """What table rules need beside the load itself.

    Attributes:
        specs: the company's table rules and changes.
        earlier: by entity, profiles of its earlier loads, newest first.
        accepted: names of rules (or `entity.rule`) that may be broken for this once.
        closed_days: days without business.
        as_of: the date that the load is made for, where it is not the day of the load; how recent rows are is measured
            from it.
    """

    specs: Sequence[TableRuleSpec] = ()
    earlier: Mapping[str, Sequence[Profile]] = field(default_factory=dict)
    accepted: Collection[str] = ()
    closed_days: ClosedDays = NEVER_CLOSED
    as_of: date | None = None

    def may_be_broken(self, entity: str, rule: str) -> bool:
        """Whether a rule was accepted."""
        return rule in self.accepted or f"{entity}.{rule}" in self.accepted


@dataclass(frozen=True, kw_only=True)
class TableRuleResult:
    """A table rule, held against a load; `got` and `expected` are words, `value` the measure where it could be had."""

    entity: str
    rule: str
    severity: Severity
    meaning: str
    verdict: Verdict
    got: str
    expected: str
    value: float | None

    @property
    def blocks(self) -> bool:
        """Whether it blocks the load."""
        return self.severity is Severity.critical and self.verdict is Verdict.broken

    def facts(self) -> dict[str, str]:
        """The result as plain texts, for the ledger and for people."""
        return {
            "entity": self.entity,
            "rule": self.rule,
            "severity": str(self.severity),
            "verdict": str(self.verdict),
            "got": self.got,
            "expected": self.expected,
        }


def judge_table(
    entity: str, profile: Profile, rules: Iterable[TableRule], checks: TableChecks
) -> tuple[TableRuleResult, ...]:
    """Hold a load of one table against its rules.

    Args:
        entity: the table.
        profile: this load.
        rules: the table's rules of this load (`table_rules.bind_table_rules`); those about columns that the load has
            no source for are left out.
        checks: earlier loads, and what is accepted.
    """
    results: list[TableRuleResult] = []
    for rule in rules:
        if rule.column and rule.column not in profile.columns:
            continue
        earlier = _comparable(rule, checks.earlier.get(entity, ()))
        loads = Loads(
            current=profile,
            earlier=earlier,
            column=rule.column,
            accepted_before=bool(earlier) and rule.name in earlier[0].accepted,
            closed_days=checks.closed_days,
            as_of=checks.as_of,
        )
        found = measured(rule.measure, loads)
        results.append(
            TableRuleResult(
                entity=entity,
                rule=rule.name,
                severity=rule.severity,
                meaning=rule.meaning,
                verdict=_verdict(rule, found.value, accepted=checks.may_be_broken(entity, rule.name)),
                got=found.got,
                expected=expected(rule),
                value=found.value,
            )
        )
    return tuple(results)


def refuse_broken(results: Iterable[TableRuleResult]) -> None:
    """Block the load when a critical table rule is broken and not accepted.

    Raises:
        TableRuleBrokenError: with the first such rule, and the names of the others.
    """
    broken = [each for each in results if each.blocks]
    if broken:
        first, *others = broken
        raise TableRuleBrokenError(
            entity=first.entity,
            rule=first.rule,
            meaning=first.meaning,
            got=first.got,
            expected=first.expected,
            others=[each.rule for each in others],
        )


def refuse_unknown_acceptances(
    rules: Mapping[str, Iterable[TableRule]], accepted: Collection[str], *, beside: Collection[str] = ()
) -> None:
    """Refuse to accept a rule that does not exist: the load would be blocked by the one that was meant.

    Args:
        rules: by table, its rules.
        accepted: the names (or `entity.rule`) to be accepted.
        beside: names of rules that every table has.

    Raises:
        AcceptedRuleUnknownError: it is a rule of no table.
    """
    known = {rule.name: f"{entity}.{rule.name}" for entity, of_entity in rules.items() for rule in of_entity}
    known |= {name: name for name in beside}
    everywhere = {f"{entity}.{name}" for entity in rules for name in beside}
    for name in accepted:
        if name not in known and name not in known.values() and name not in everywhere:
            close = get_close_matches(name, list(known), n=1)
            raise AcceptedRuleUnknownError(
                rule=name, hint=f'did you mean "{close[0]}"?' if close else "", known=sorted(known)
            )


def accepted_rules(results: Iterable[TableRuleResult], entity: str) -> tuple[str, ...]:
    """The rules of a table that were broken and accepted: what its profile keeps."""
    return tuple(each.rule for each in results if each.entity == entity and each.verdict is Verdict.accepted)


def expected(rule: TableRule) -> str:
    """A rule's bounds in words."""
    bounds = [("at least", rule.at_least), ("at most", rule.at_most)]
    said = " and ".join(f"{words} {_number(rule.measure, bound)}" for words, bound in bounds if bound is not None)
    return f"{said} {_unit(rule.measure)}".strip()


def _comparable(rule: TableRule, earlier: Sequence[Profile]) -> Sequence[Profile]:
    """The last loads, back to the newest at which the rule was accepted: what was right then is usual now."""
    kept: list[Profile] = []
    for profile in earlier[:LOOK_BACK_LOADS]:
        kept.append(profile)
        if rule.name in profile.accepted:
            break
    return kept


def _verdict(rule: TableRule, value: float | None, *, accepted: bool) -> Verdict:
    if value is None:
        return Verdict.not_judged
    too_little = rule.at_least is not None and value < rule.at_least
    too_much = rule.at_most is not None and value > rule.at_most
    if not (too_little or too_much):
        return Verdict.kept
    return Verdict.accepted if accepted else Verdict.broken


def _number(measure: Measure, bound: float) -> str:
    return f"{bound * 100:g} {_IN_PERCENT[measure]}" if measure in _IN_PERCENT else f"{bound:g}"


def _unit(measure: Measure) -> str:
    return {
        "rows_ratio": "times the usual number of rows",
        "days_since_newest": "days",
        "null_share": "of the rows",
        "null_share_rise": "more than usual",
        "new_category_share": "of the rows",
        "distribution_shift": "as population stability index",
        "missing_days": "days",
        "new_missing_days": "days",
        "new_days_ratio": "times as many rows as usual",
    }[measure]

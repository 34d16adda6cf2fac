"""Table rules of a load: which there are, the profile of each table, what was found.

Belongs here: bringing contracts, settings and the staging database together for them. Does not: the rules' judgement
(`data_contracts/table_checking.py`), or keeping profiles (`profiles.py`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from data_contracts.contracts import Contract
from data_contracts.profiles import Profile, take_profile
from data_contracts.rule_forms import TableRule
from data_contracts.table_checking import (
    TableChecks,
    TableRuleResult,
    accepted_rules,
    judge_table,
    refuse_unknown_acceptances,
)
from data_contracts.table_rules import bind_table_rules


@dataclass(frozen=True, kw_only=True)
class TablesChecked:
    """By entity its profile, which says what was accepted; and every rule's result, in the order of the tables."""

    profiles: dict[str, Profile]
    rules: tuple[TableRuleResult, ...]


def table_rules_of(
    contracts: Mapping[str, Contract], checks: TableChecks, beside: Collection[str] = ()
) -> dict[str, tuple[TableRule, ...]]:
    """By entity, the table rules of a load.

    Args:
        contracts: by entity, the contracts of all tables that have a source, extra attributes included.
        checks: the company's rules, and what is to be accepted.
        beside: names of other rules that may be accepted too.

    Raises:
        TableRuleUnfitError: a rule can't be judged on its table.
        AcceptedRuleUnknownError: a rule is to be accepted that no table has.
    """
    rules = {entity: bind_table_rules(contract, checks.specs) for entity, contract in contracts.items()}
    refuse_unknown_acceptances(rules, checks.accepted, beside=beside)
    return rules


def check_tables(  # the load's tables and what they are held against, each by name
    connection: duckdb.DuckDBPyConnection,
    contracts: Mapping[str, Contract],
    filled: Mapping[str, Collection[str]],
    rules: Mapping[str, Sequence[TableRule]],
    checks: TableChecks,
    *,
    time_zone: str,
    today: date,
) -> TablesChecked:
    """Profile every table's rows in force (its view `joins.accepted_view`), and hold them against its rules.

    Args:
        connection: the load's database.
        contracts: by entity, the contracts of all tables that have a source.
        filled: by entity, the columns that any source fills.
        rules: by entity, its table rules (`table_rules_of`).
        checks: earlier loads to hold this one against, and what is accepted.
        time_zone: the company's, for days of timestamps.
        today: business date of the load.
    """
    profiles: dict[str, Profile] = {}
    results: list[TableRuleResult] = []
    for entity, contract in contracts.items():
        earlier = checks.earlier.get(entity, ())
        profile = take_profile(
            connection,
            contract,
            mapped_columns=[name for name in contract.columns if name in filled[entity]],
            time_zone=time_zone,
            loaded_on=today,
            before=earlier[0] if earlier else None,
        )
        found = judge_table(entity, profile, rules[entity], checks)
        profiles[entity] = profile.model_copy(update={"accepted": accepted_rules(found, entity)})
        results.extend(found)
    return TablesChecked(profiles=profiles, rules=tuple(results))

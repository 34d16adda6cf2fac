"""Table rules of a load: which there are, the profile of each table, what was found.

Belongs here: bringing contracts, settings and the staging database together for them. Does not: the rules' judgement
(`data_contracts/table_checking.py`), or keeping profiles (`load_profiles.py`).
"""

from collections.abc import Mapping, Sequence
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
from warehouse.judged_rows import JudgedEntity


def table_rules_of(contracts: Mapping[str, Contract], checks: TableChecks) -> dict[str, tuple[TableRule, ...]]:
    """By entity, the table rules of a load.

    Args:
        contracts: by entity, the contracts of all tables that have a source, extra attributes included.
        checks: the company's rules, and what is to be accepted.

    Raises:
        TableRuleUnfitError: a rule can't be judged on its table.
        AcceptedRuleUnknownError: a rule is to be accepted that no table has.
    """
    rules = {entity: bind_table_rules(contract, checks.specs) for entity, contract in contracts.items()}
    refuse_unknown_acceptances(rules, checks.accepted)
    return rules


def check_tables(
    connection: duckdb.DuckDBPyConnection,
    judged: Sequence[JudgedEntity],
    rules: Mapping[str, Sequence[TableRule]],
    checks: TableChecks,
    *,
    time_zone: str,
    today: date,
) -> tuple[dict[str, Profile], tuple[TableRuleResult, ...]]:
    """Profile the accepted rows of every table, and hold them against its rules.

    Returns:
        By entity its profile, which says what was accepted; and every rule's result, in the order of the tables.
    """
    profiles: dict[str, Profile] = {}
    results: list[TableRuleResult] = []
    for each in judged:
        entity = each.checked.entity
        earlier = checks.earlier.get(entity, ())
        filled = {column for source in each.sources for column in source.mapping.mapped_columns()}
        profile = take_profile(
            connection,
            each.contract,
            mapped_columns=[name for name in each.contract.columns if name in filled],
            time_zone=time_zone,
            loaded_on=today,
            before=earlier[0] if earlier else None,
        )
        found = judge_table(entity, profile, rules[entity], checks)
        profiles[entity] = profile.model_copy(update={"accepted": accepted_rules(found, entity)})
        results.extend(found)
    return profiles, tuple(results)

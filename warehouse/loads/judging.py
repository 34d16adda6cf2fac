"""Judging one entity of a load: its rules brought together, its staged rows held against them, unreadable lines added.

Belongs here: what `data_contracts.checking` is given for an entity. Does not: the judgement itself, or which entities
are judged and in what order (`steps.py`).
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from data_contracts.checking import check
from data_contracts.contracts import Contract
from data_contracts.mapping import RuleSpec
from data_contracts.rules import bind_rules
from warehouse.core.judged_rows import JudgedEntity
from warehouse.sources.mapping import MappedSource, faults_named, staged_table
from warehouse.sources.unreadable_lines import with_unreadable

if TYPE_CHECKING:
    from data_contracts.great_expectations_on_duckdb import Expectations


def judge_entity(  # what is judged, by what, and what it is called, each by name
    expectations: "Expectations",
    contract: Contract,
    sources: Sequence[MappedSource],
    *,
    rules: Sequence[RuleSpec],
    load_id: str,
    loaded: Sequence[str],
    last_wins: Collection[str],
) -> JudgedEntity:
    """Judge the staged rows of an entity.

    Args:
        expectations: the load's database, with the rows staged (`sources.mapping.stage_entity`).
        contract: the entity's contract, extra attributes included.
        sources: its sources that were read.
        rules: the company's rules.
        load_id: the load, as the pages call it.
        loaded: the entities whose rows references can be looked up in.
        last_wins: the sources of whose rows of one key the last one counts.

    Raises:
        UsageError: a rule or an expression can't mean anything.
        DataBlockedError: a file can't be read after all.
    """
    bound = bind_rules(
        contract,
        mapped_columns={column for source in sources for column in source.mapping.mapped_columns()},
        source_rules=[rule for source in sources for rule in source.mapping.all_rules()],
        added_rules=rules,
        loaded=loaded,
    )
    with faults_named(expectations.connection, sources):
        checked = check(
            expectations,
            contract,
            bound,
            staged=staged_table(contract.entity),
            load_id=load_id,
            last_wins=last_wins,
        )
    unreadable = [source.raw.unreadable for source in sources]
    checked = with_unreadable(expectations.connection, checked, unreadable, note=expectations.note_rows_beside)
    return JudgedEntity(checked=checked, contract=contract, rules=bound, sources=tuple(sources))

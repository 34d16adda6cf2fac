from pathlib import Path

import pytest

from data_contracts.contract_pages import RULES_OF_TYPES, contracts_page
from data_contracts.contracts import CORE_ENTITIES, core_contract
from data_contracts.rules import KEY_RULE, bind_rules

PAGE = contracts_page()


def test_the_page_in_docs_is_current():
    kept = Path(__file__).parents[2] / "docs" / "contracts.md"
    assert kept.read_text(encoding="utf-8") == PAGE, "run: python -m data_contracts.contract_pages > docs/contracts.md"


@pytest.mark.parametrize("entity", CORE_ENTITIES)
def test_every_column_and_every_rule_is_told_with_its_meaning(entity):
    contract = core_contract(entity)
    part = PAGE.split(f"\n## {entity}\n")[1].split("\n## ")[0]
    for name, column in contract.columns.items():
        assert f"| `{name}` | {column.type} |" in part
        assert column.meaning in part
    for rule in (*contract.rules, *contract.references, *contract.table_rules):
        assert f"| `{rule.name}` | {rule.severity} |" in part
        assert rule.meaning in part


@pytest.mark.parametrize("entity", CORE_ENTITIES)
def test_rules_that_follow_from_types_are_told_once(entity):
    contract = core_contract(entity)
    for rule in bind_rules(contract, mapped_columns=contract.columns):
        assert rule.declared or rule.name == KEY_RULE or rule.name.endswith(tuple(RULES_OF_TYPES))

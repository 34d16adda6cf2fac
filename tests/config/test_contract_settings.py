"""What settings may say about contracts: which tables are needed, rules about rows and tables."""

import re
import tomllib
from pathlib import Path

import pytest

from config import load_settings
from config.errors import SettingInvalidError
from data_contracts.contracts import CORE_ENTITIES, core_contract
from data_contracts.mapping import RuleSpec
from data_contracts.own_features import OwnFeature
from data_contracts.rules import bind_rules
from data_contracts.table_rules import TableRuleSpec, bind_table_rules
from features import Additions, catalogue

TEMPLATE = Path(__file__).parents[2] / "config" / "template.toml"
COMPANY = """
[company]
name = "Test"
currency = "GBP"
time_zone = "Europe/London"

[inputs.all]
files = "all.csv"
"""
SUBSCRIPTIONS = """
[sources.subscriptions]
entity = "subscriptions"
input = "all"
money = "major"
constants = { billing_period_months = 1 }
columns = { subscription_id = "s", customer_id = "c", started_on = "f", amount = "a", known_at = "f" }
"""
CUSTOMERS = """
[sources.customers]
entity = "customers"
input = "all"
columns = { customer_id = "c", known_at = "f" }
"""


@pytest.fixture
def loaded(tmp_path):
    def load(*parts):
        (tmp_path / "gristmill.toml").write_text("".join(parts))
        return load_settings(tmp_path / "gristmill.toml", environment={})

    return load


def test_subscriptions_are_enough(loaded):
    assert set(loaded(COMPANY, SUBSCRIPTIONS).sources) == {"subscriptions"}


def test_customers_alone_are_not(loaded):
    with pytest.raises(SettingInvalidError, match="setting") as caught:
        loaded(COMPANY, CUSTOMERS)
    assert "'orders' or 'subscriptions'" in caught.value.got


def test_table_rules_are_settings_that_change_no_result(loaded):
    rule = (
        '[[table_rules]]\nentity = "subscriptions"\nname = "subscription_rows_are_as_many_as_usual"\nat_least = 0.9\n'
    )
    plain, changed = loaded(COMPANY, SUBSCRIPTIONS), loaded(COMPANY, SUBSCRIPTIONS, rule)
    assert changed.table_rules[0].at_least == 0.9
    assert changed.configuration_hash == plain.configuration_hash
    with pytest.raises(SettingInvalidError) as caught:
        loaded(COMPANY, SUBSCRIPTIONS, rule.replace("at_least", "at_leats"))
    assert "table_rules.0.at_leats" in caught.value.got


def test_the_templates_examples_of_rules_are_valid():
    text = TEMPLATE.read_text(encoding="utf-8")
    shown = text[text.index("# [[rules]]") : text.index("[population]")]
    code = [line[2:] for line in shown.splitlines() if re.match(r"# (\[\[|\w+ = )", line)]
    examples = tomllib.loads("\n".join(code))
    rules = [RuleSpec.model_validate(rule) for rule in examples["rules"]]
    table_rules = [TableRuleSpec.model_validate(rule) for rule in examples["table_rules"]]
    assert len(rules) >= 3
    assert len(table_rules) >= 2
    for entity in CORE_ENTITIES:
        contract = core_contract(entity)
        bind_rules(contract, mapped_columns=contract.columns, added_rules=rules, loaded=CORE_ENTITIES)
        bind_table_rules(contract, table_rules)


def test_the_templates_example_of_kept_attributes_is_valid():
    text = TEMPLATE.read_text(encoding="utf-8")
    shown = re.findall(r"(?m)^# (keep = .*)$", text)
    assert len(shown) == 2
    for example in shown:
        assert "loyalty_card" in tomllib.loads(example)["keep"]


def test_the_templates_examples_of_own_features_are_valid():
    text = TEMPLATE.read_text(encoding="utf-8")
    shown = text[text.index("# [[features]]") : text.index("[population]")]
    examples = tomllib.loads("\n".join(line[2:] for line in shown.splitlines() if re.match(r"# (\[\[|\w+ = )", line)))
    specs = tuple(OwnFeature.model_validate(one) for one in examples["features"])
    assert {spec.form for spec in specs} == {"sql", "expression"}
    made = catalogue(["orders"], additions=Additions(own=specs))
    assert [spec.name for spec in made if spec.family == "own"] == [spec.name for spec in specs]

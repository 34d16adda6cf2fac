import pytest

from data_contracts.contracts import Rule, Severity, core_contract
from data_contracts.errors_contracts import RuleNamedTwiceError, RuleNotLoosenedError, RuleWithoutExpressionError
from data_contracts.mapping import RuleSpec
from data_contracts.rules import KEY_RULE, bind_rules

ORDERS = core_contract("orders")
REQUIRED = ORDERS.required_columns()


def bound(**changes):
    return {rule.name: rule for rule in bind_rules(ORDERS, **{"mapped_columns": REQUIRED, **changes})}


def test_every_required_column_has_its_rules_and_the_key_comes_last():
    rules = bound()
    assert {f"{column}_is_present" for column in REQUIRED} <= set(rules)
    assert {"ordered_at_is_parsable", "quantity_is_finite", "amount_is_within_range", "currency_is_known"} <= set(rules)
    assert {"customer_id_has_no_control_characters", "product_id_is_at_most_255_bytes"} <= set(rules)
    assert list(rules)[-1] == KEY_RULE


def test_columns_nobody_maps_have_no_rules():
    assert "cost_amount_is_parsable" not in bound()
    assert "cost_amount_is_parsable" in bound(mapped_columns=[*REQUIRED, "cost_amount"])


def test_references_are_judged_only_against_loaded_tables():
    assert "order_product_is_known" not in bound()
    rules = bound(loaded=["products"])
    assert rules["order_product_is_known"].severity is Severity.warning
    assert "order_customer_is_known" not in rules


@pytest.mark.parametrize("name", ["order_product_is_known", "quantity_is_not_zero", KEY_RULE])
def test_severity_of_a_built_in_rule_can_be_changed(name):
    spec = RuleSpec(entity="orders", name=name, severity=Severity.critical)
    assert bound(added_rules=[spec], loaded=["products"])[name].severity is Severity.critical


def test_changing_a_reference_whose_table_is_absent_changes_nothing():
    spec = RuleSpec(entity="orders", name="order_product_is_known", severity=Severity.error)
    assert bound(added_rules=[spec]) == bound()


@pytest.mark.parametrize("name", [KEY_RULE, "customer_id_is_present", "currency_is_the_companys"])
def test_rules_that_later_steps_rely_on_stay_errors(name):
    with pytest.raises(RuleNotLoosenedError):
        bound(added_rules=[RuleSpec(entity="orders", name=name, severity=Severity.warning)])


def test_a_rule_that_exists_nowhere_needs_an_expression():
    with pytest.raises(RuleWithoutExpressionError):
        bound(added_rules=[RuleSpec(entity="orders", name="no_such_rule", severity=Severity.warning)])


def test_names_are_given_once():
    twice = RuleSpec(entity="orders", name="quantity_is_not_zero", expression="true", meaning="x")
    with pytest.raises(RuleNamedTwiceError):
        bound(added_rules=[twice])


def test_a_rule_of_several_sources_is_counted_once_and_other_entities_rules_are_passed_over():
    rule = Rule(name="is_good", expression="a > 0", meaning="x")
    other = RuleSpec(entity="products", name="is_named", expression="name is not null", meaning="x")
    rules = bound(source_rules=[rule, rule], added_rules=[other])
    assert rules["is_good"].predicate == '"rule__is_good"'
    assert "is_named" not in rules

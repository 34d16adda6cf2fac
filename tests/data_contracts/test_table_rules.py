import pytest
from pydantic import ValidationError

from data_contracts.contracts import Severity, core_contract
from data_contracts.errors_table_rules import TableRuleUnfitError
from data_contracts.table_rules import TableRuleSpec, bind_table_rules

ORDERS = core_contract("orders")
ROWS = "order_rows_are_as_many_as_usual"
NEW = {
    "entity": "orders",
    "name": "channel_is_given",
    "measure": "null_share",
    "column": "channel",
    "at_most": 0.1,
    "meaning": "x",
}


def bound(*specs, contract=ORDERS):
    return {rule.name: rule for rule in bind_table_rules(contract, map(TableRuleSpec.model_validate, specs))}


def test_a_rule_of_the_contract_is_changed_by_its_name():
    changed = bound({"entity": "orders", "name": ROWS, "at_least": 0.9, "severity": "warning"})[ROWS]
    assert (changed.at_least, changed.at_most, changed.severity) == (0.9, 10.0, Severity.warning)
    assert bound()[ROWS].at_least == 0.6


def test_a_new_rule_comes_last_and_other_tables_rules_are_passed_over():
    rules = bound(NEW, {**NEW, "entity": "customers", "name": "other"})
    assert list(rules)[-1] == "channel_is_given"
    assert "other" not in rules


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"measure": None}, "measure"),
        ({"meaning": None}, "meaning"),
        ({"at_most": None}, "bounds nothing"),
        ({"column": None}, "needs a column"),
        ({"measure": "rows_ratio"}, "takes no column"),
        ({"column": "chanel"}, 'column "chanel"'),
        ({"measure": "new_category_share", "column": "customer_id"}, "new values of customer_id"),
        ({"measure": "distribution_shift"}, "distribution of channel"),
        ({"measure": "distribution_shift", "column": "line_number"}, "distribution of line_number"),
        (
            {"entity": "customers", "measure": "distribution_shift", "column": "birth_year"},
            "distribution of birth_year",
        ),
        ({"entity": "customers", "measure": "new_category_share", "column": "email"}, "new values of email"),
        ({"entity": "products", "measure": "days_since_newest", "column": None}, "days_since_newest"),
    ],
)
def test_a_rule_that_can_mean_nothing_is_refused(changes, told):
    spec = {name: value for name, value in {**NEW, **changes}.items() if value is not None}
    with pytest.raises(TableRuleUnfitError) as caught:
        bound(spec, contract=core_contract(spec["entity"]))
    assert told in caught.value.got
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("changes", [{"severity": "error"}, {"at_mots": 1}, {"entity": "order"}])
def test_settings_that_do_not_exist_are_refused(changes):
    with pytest.raises(ValidationError):
        TableRuleSpec.model_validate({**NEW, **changes})

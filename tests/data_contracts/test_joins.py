import pytest

from data_contracts.contracts import core_contract
from data_contracts.errors_contracts import PartnerColumnUnknownError
from data_contracts.joins import beside, partners_of
from data_contracts.mapping import RuleSpec
from data_contracts.rules import bind_rules


@pytest.mark.parametrize(
    ("entity", "expression", "named"),
    [
        ("orders", "amount > 0", {}),
        ("orders", "ordered_at >= customers.created_at", {"customers": ("created_at",)}),
        ("orders", "products.unit_cost < amount and products.active", {"products": ("active", "unit_cost")}),
        ("orders", "channel <> 'customers.created_at'", {}),
        ("orders", "my_customers.created_at is null", {}),
        ("referrals", "referrer.region = referred.region", {"referrer": ("region",), "referred": ("region",)}),
    ],
)
def test_partners_are_found_by_the_name_the_reference_gives_them(entity, expression, named):
    assert {partner.alias: partner.fields for partner in partners_of(core_contract(entity), expression)} == named


def test_a_table_that_several_rules_look_at_is_read_once():
    contract = core_contract("orders")
    partners = [
        *partners_of(contract, "customers.created_at > '2000-01-01'"),
        *partners_of(contract, "customers.region = 'x'"),
    ]
    query = beside("staged_orders", partners)
    assert query.count("left join") == 1
    assert '"created_at" := "created_at", "region" := "region"' in query


def test_a_column_the_other_table_does_not_have_is_named():
    rule = RuleSpec(entity="orders", name="a_rule", expression="customers.colour = 'x'", meaning="x")
    with pytest.raises(PartnerColumnUnknownError, match=r"customers\.colour"):
        bind_rules(core_contract("orders"), mapped_columns=[], added_rules=[rule], loaded=["customers"])

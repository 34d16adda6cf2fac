import pytest
from pydantic import ValidationError

from data_contracts.errors_contracts import KeptTwiceError
from data_contracts.kept import contract_with
from data_contracts.mapping import SourceMapping
from data_contracts.rules import bind_rules


def customers(keep, **changes):
    settings = {"entity": "customers", "input": "c", "columns": {"customer_id": "id", "known_at": "t"}, "keep": keep}
    return SourceMapping.model_validate({**settings, **changes})


@pytest.mark.parametrize(
    ("keep", "columns", "types"),
    [
        (["loyalty_card"], {"loyalty_card": "loyalty_card"}, ["text"]),
        ({"visits": "number"}, {"visits": "visits"}, ["number"]),
        ({"size": {"column": "HouseholdSize", "type": "number"}}, {"size": "HouseholdSize"}, ["number"]),
        ({"size": {"type": "number"}}, {"size": "size"}, ["number"]),
    ],
)
def test_extra_attributes_are_columns_after_the_contracts(keep, columns, types):
    source = customers(keep)
    contract = source.contract()
    assert list(contract.columns)[-len(columns) :] == list(columns)
    assert [contract.columns[name].type for name in columns] == types
    assert all(contract.columns[name].personal for name in columns)
    assert source.mapped_columns() == ("customer_id", "known_at", *columns)
    assert source.renames() == {"customer_id": "id", "known_at": "t", **columns}


@pytest.mark.parametrize(
    ("keep", "told"),
    [
        (["region"], "is a column of customers"),
        (["LoyaltyCard"], 'loyalty_card = { column = "LoyaltyCard" }'),
        (["a__state"], "no plain name"),
        (["source_row"], "is taken"),
        (["card_is_present"], "is taken"),
        ({"card": "money"}, "Input should be"),
        ({"card": {"colunm": "x"}}, "Extra inputs"),
        ("card", "valid dictionary"),
    ],
)
def test_names_that_would_be_mistaken_are_refused(keep, told):
    with pytest.raises(ValidationError, match=told):
        customers(keep)


def test_only_customers_keep_attributes():
    columns = {"product_id": "id", "known_at": "t"}
    with pytest.raises(ValidationError, match="of customers only"):
        customers(["colour"], entity="products", columns=columns)


def test_an_unreadable_extra_number_is_a_warning():
    source = customers({"visits": "number"})
    rules = {rule.name: rule for rule in bind_rules(source.contract(), mapped_columns=source.mapped_columns())}
    assert rules["visits_is_parsable"].severity == "warning"
    assert rules["known_at_is_parsable"].severity == "error"


def test_sources_have_to_agree():
    one, other = customers(["card", "a"]), customers({"card": "number"})
    assert list(contract_with("customers", [one.keep, customers(["b"]).keep]).columns)[-3:] == ["card", "a", "b"]
    with pytest.raises(KeptTwiceError, match="same name"):
        contract_with("customers", [one.keep, other.keep])

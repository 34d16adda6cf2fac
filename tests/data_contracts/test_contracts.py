import pytest

from data_contracts.contracts import CORE_ENTITIES, core_contract
from data_contracts.currencies import MINOR_UNIT_DIGITS

CONVENTION = {
    "orders": "order_id line_number customer_id ordered_at product_id quantity amount discount_amount cost_amount "
    "channel currency known_at",
    "customers": "customer_id customer_type created_at region birth_year acquisition_channel credit_limit email phone "
    "consent_marketing known_at",
    "products": "product_id name category brand list_price unit_cost launched_on active known_at",
}


@pytest.mark.parametrize("entity", CORE_ENTITIES)
def test_core_tables_have_the_agreed_columns_in_order(entity):
    assert " ".join(core_contract(entity).columns) == CONVENTION[entity]


@pytest.mark.parametrize("entity", CORE_ENTITIES)
def test_keys_are_required_and_references_point_backwards(entity):
    contract = core_contract(entity)
    assert set(contract.key) <= set(contract.required_columns())
    assert "known_at" in contract.required_columns()
    for reference in contract.references:
        assert reference.column in contract.columns
        assert CORE_ENTITIES.index(reference.entity) < CORE_ENTITIES.index(entity)


@pytest.mark.parametrize(("code", "digits"), [("GBP", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4)])
def test_minor_units(code, digits):
    assert MINOR_UNIT_DIGITS[code] == digits


@pytest.mark.parametrize("code", ["XXX", "XTS", "XAU", "gbp", ""])
def test_codes_that_are_no_companys_currency(code):
    assert code not in MINOR_UNIT_DIGITS

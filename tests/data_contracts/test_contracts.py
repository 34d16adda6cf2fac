import re

import pytest

from data_contracts.contracts import ANCHOR_ENTITIES, CORE_ENTITIES, core_contract
from data_contracts.currencies import MINOR_UNIT_DIGITS
from data_contracts.rules import bind_rules
from data_contracts.table_rules import bind_table_rules

CONVENTION = {
    "products": "product_id name category brand list_price unit_cost launched_on active known_at",
    "customers": "customer_id customer_type created_at region birth_year acquisition_channel credit_limit email phone "
    "consent_marketing known_at",
    "offers": "offer_id name product_id category discount discount_share cost valid_from valid_to stock eligibility "
    "known_at",
    "campaigns": "campaign_id name starts_on ends_on cost offer_id channel known_at",
    "orders": "order_id line_number customer_id ordered_at product_id quantity amount discount_amount cost_amount "
    "channel currency known_at",
    "payments": "invoice_id customer_id issued_on due_on paid_on amount disputed currency known_at",
    "contacts": "contact_id customer_id campaign_id offer_id sent_at channel cost held_out propensity "
    "offer_propensity opened_at clicked_at responded_at known_at",
    "tickets": "ticket_id customer_id opened_at resolved_at kind channel severity compensation satisfaction known_at",
    "subscriptions": "subscription_id customer_id plan started_on ended_on amount billing_period_months currency "
    "known_at",
    "surveys": "survey_id customer_id answered_at satisfaction nps known_at",
    "events": "event_id customer_id at kind channel product_id known_at",
    "referrals": "referral_id referrer_id referred_id at known_at",
}
FOREIGN_KEYS = {
    "product_id": "products",
    "customer_id": "customers",
    "referrer_id": "customers",
    "referred_id": "customers",
    "campaign_id": "campaigns",
    "offer_id": "offers",
}


def test_there_are_twelve_entities():
    assert set(CORE_ENTITIES) == set(CONVENTION)
    assert set(ANCHOR_ENTITIES) == {"orders", "subscriptions"}


@pytest.mark.parametrize("entity", CORE_ENTITIES)
def test_core_tables_have_the_agreed_columns_in_order(entity):
    assert " ".join(core_contract(entity).columns) == CONVENTION[entity]


@pytest.mark.parametrize("entity", CORE_ENTITIES)
def test_keys_are_required_and_references_point_backwards(entity):
    contract = core_contract(entity)
    assert set(contract.key) <= set(contract.required_columns())
    assert "known_at" not in contract.required_columns()
    for reference in contract.references:
        assert reference.column in contract.columns
        assert CORE_ENTITIES.index(reference.entity) < CORE_ENTITIES.index(entity)
        assert len(core_contract(reference.entity).key) == 1


@pytest.mark.parametrize("entity", CORE_ENTITIES)
def test_every_foreign_key_has_its_rule_about_orphans(entity):
    contract = core_contract(entity)
    told = {reference.column: (reference.entity, reference.name) for reference in contract.references}
    one = entity.removesuffix("s")
    assert told == {
        column: (FOREIGN_KEYS[column], f"{one}_{column.removesuffix('_id')}_is_known")
        for column in contract.columns
        if column in FOREIGN_KEYS and column not in contract.key
    }


@pytest.mark.parametrize("entity", CORE_ENTITIES)
def test_tables_of_a_customer_always_name_the_customer(entity):
    """The lake is cut by customer: a row without one would be in no bucket."""
    columns = core_contract(entity).columns
    assert "customer_id" not in columns or columns["customer_id"].required


@pytest.mark.parametrize("entity", CORE_ENTITIES)
def test_names_are_told_apart_and_times_are_times(entity):
    contract = core_contract(entity)
    if contract.event_time:
        assert contract.columns[contract.event_time].type in ("date", "timestamp")
    rules = bind_rules(contract, mapped_columns=contract.columns, loaded=CORE_ENTITIES)
    assert len({rule.name for rule in rules} | set(contract.columns)) == len(rules) + len(contract.columns)
    assert bind_table_rules(contract) == contract.table_rules


def test_a_table_rules_name_says_which_table_it_is_about():
    named = [rule.name for entity in CORE_ENTITIES for rule in core_contract(entity).table_rules]
    assert len(named) == len(set(named))
    assert all(re.match("|".join(entity.removesuffix("s") for entity in CORE_ENTITIES), name) for name in named)


@pytest.mark.parametrize(("code", "digits"), [("GBP", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4)])
def test_minor_units(code, digits):
    assert MINOR_UNIT_DIGITS[code] == digits


@pytest.mark.parametrize("code", ["XXX", "XTS", "XAU", "gbp", ""])
def test_codes_that_are_no_companys_currency(code):
    assert code not in MINOR_UNIT_DIGITS

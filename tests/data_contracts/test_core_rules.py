"""Every declared rule of every core table, on one good row and one that breaks it and nothing else."""

from datetime import UTC, datetime

import duckdb
import pytest

from data_contracts.checking import judge
from data_contracts.contracts import CORE_ENTITIES, Severity, core_contract
from data_contracts.mapping import RuleSpec
from data_contracts.rules import CellState, bind_rules
from warehouse.sources.columns import DUCKDB_TYPE
from warehouse.sources.reading import prepare_connection

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
GOOD = {
    "products": {"product_id": "P", "category": "toys", "list_price": 500, "unit_cost": 200, "known_at": "2020-01-01"},
    "customers": {
        "customer_id": "C",
        "created_at": "2021-01-01 22:30:00",
        "birth_year": 1980,
        "credit_limit": 0,
        "known_at": "2021-01-01",
    },
    "offers": {
        "offer_id": "O",
        "product_id": "P",
        "category": "toys",
        "discount": 100,
        "discount_share": 0.2,
        "cost": 5,
        "valid_from": "2024-01-01",
        "valid_to": "2024-12-31",
        "stock": 10,
        "known_at": "2023-12-01",
    },
    "campaigns": {
        "campaign_id": "K",
        "starts_on": "2024-03-01",
        "ends_on": "2024-03-31",
        "cost": 100,
        "offer_id": "O",
        "known_at": "2024-02-01",
    },
    "orders": {
        "order_id": "1",
        "line_number": 1,
        "customer_id": "C",
        "ordered_at": "2021-01-01 09:00:00",
        "product_id": "P",
        "quantity": 2,
        "amount": 900,
        "currency": "GBP",
        "known_at": "2021-01-01",
    },
    "payments": {
        "invoice_id": "I",
        "customer_id": "C",
        "issued_on": "2024-05-01",
        "due_on": "2024-05-31",
        "paid_on": "2024-06-01",
        "amount": 900,
        "known_at": "2024-05-01",
    },
    "contacts": {
        "contact_id": "X",
        "customer_id": "C",
        "campaign_id": "K",
        "offer_id": "O",
        "sent_at": "2024-03-31 22:59:00",
        "cost": 2,
        "held_out": False,
        "propensity": 0.9,
        "opened_at": "2024-04-01",
        "clicked_at": "2024-04-02",
        "responded_at": "2024-04-03",
        "known_at": "2024-04-01",
    },
    "tickets": {
        "ticket_id": "T",
        "customer_id": "C",
        "opened_at": "2024-05-01",
        "resolved_at": "2024-05-02",
        "kind": "complaint",
        "severity": 3,
        "compensation": 500,
        "satisfaction": 4,
        "known_at": "2024-05-01",
    },
    "subscriptions": {
        "subscription_id": "S",
        "customer_id": "C",
        "started_on": "2021-01-01",
        "ended_on": "2025-01-01",
        "amount": 999,
        "billing_period_months": 1,
        "known_at": "2024-01-01",
    },
    "surveys": {
        "survey_id": "V",
        "customer_id": "C",
        "answered_at": "2024-05-01",
        "satisfaction": 5,
        "nps": 10,
        "known_at": "2024-05-01",
    },
    "events": {
        "event_id": "E",
        "customer_id": "C",
        "at": "2024-05-01",
        "kind": "visit",
        "product_id": "P",
        "known_at": "2024-05-01",
    },
    "referrals": {
        "referral_id": "R",
        "referrer_id": "C",
        "referred_id": "D",
        "at": "2024-05-01",
        "known_at": "2024-05-01",
    },
}
LATER = "2024-06-01 12:00:01"
BAD = [
    *((entity, "known_at_is_not_in_the_future", {"known_at": LATER}) for entity in CORE_ENTITIES),
    ("products", "list_price_is_not_negative", {"list_price": -1}),
    ("products", "unit_cost_is_not_negative", {"unit_cost": -1}),
    ("customers", "birth_year_is_plausible", {"birth_year": 1899}),
    ("customers", "credit_limit_is_not_negative", {"credit_limit": -1}),
    ("customers", "created_at_is_not_in_the_future", {"created_at": LATER}),
    ("offers", "product_or_category_is_given", {"product_id": None, "category": None}),
    ("offers", "discount_share_is_a_share", {"discount_share": 20}),
    ("offers", "discount_is_not_negative", {"discount": -1}),
    ("offers", "cost_is_not_negative", {"cost": -1}),
    ("offers", "stock_is_not_negative", {"stock": -1}),
    ("offers", "valid_to_is_not_before_valid_from", {"valid_to": "2023-12-31"}),
    ("offers", "offer_category_is_its_products", {"category": "books"}),
    ("offers", "offer_product_is_known", {"product_id": "Q"}),
    ("campaigns", "ends_on_is_not_before_starts_on", {"ends_on": "2024-02-29"}),
    ("campaigns", "cost_is_not_negative", {"cost": -1}),
    ("campaigns", "campaign_offer_is_known", {"offer_id": "Q"}),
    ("orders", "quantity_is_not_zero", {"quantity": 0}),
    ("orders", "ordered_at_is_not_in_the_future", {"ordered_at": LATER}),
    ("orders", "order_is_not_before_its_customer", {"ordered_at": "2020-12-31 22:00:00"}),
    ("orders", "order_customer_is_known", {"customer_id": "Q", "ordered_at": "2020-01-01"}),
    ("orders", "order_product_is_known", {"product_id": "Q"}),
    ("payments", "issued_on_is_not_in_the_future", {"issued_on": "2024-06-02", "due_on": None, "paid_on": None}),
    ("payments", "paid_on_is_not_in_the_future", {"paid_on": "2024-06-02"}),
    ("payments", "payment_is_not_before_its_invoice", {"paid_on": "2024-04-30"}),
    ("payments", "due_on_is_not_before_issued_on", {"due_on": "2024-04-30"}),
    ("payments", "amount_is_not_zero", {"amount": 0}),
    ("payments", "payment_is_not_before_its_customer", {"issued_on": "2020-12-31"}),
    ("payments", "payment_customer_is_known", {"customer_id": "Q"}),
    (
        "contacts",
        "sent_at_is_not_in_the_future",
        {"sent_at": LATER, "campaign_id": None, **dict.fromkeys(("opened_at", "clicked_at", "responded_at"))},
    ),
    ("contacts", "propensity_is_a_probability", {"propensity": 0}),
    ("contacts", "offer_propensity_is_part_of_propensity", {"offer_propensity": 0.95}),
    ("contacts", "opened_at_is_not_before_sent_at", {"opened_at": "2024-03-30"}),
    ("contacts", "clicked_at_is_not_before_sent_at", {"clicked_at": "2024-03-30"}),
    ("contacts", "responded_at_is_not_before_sent_at", {"responded_at": "2024-03-30"}),
    ("contacts", "held_out_contact_is_not_opened", {"held_out": True, "clicked_at": None}),
    ("contacts", "cost_is_not_negative", {"cost": -1}),
    ("contacts", "contact_is_within_its_campaign", {"sent_at": "2024-03-31 23:00:00"}),
    ("contacts", "contact_offer_is_valid", {"sent_at": "2023-12-31 23:59:59", "campaign_id": None}),
    (
        "contacts",
        "contact_is_not_before_its_customer",
        {"sent_at": "2020-12-31", "campaign_id": None, "offer_id": None},
    ),
    ("contacts", "contact_customer_is_known", {"customer_id": "Q"}),
    ("contacts", "contact_campaign_is_known", {"campaign_id": "Q"}),
    ("contacts", "contact_offer_is_known", {"offer_id": "Q"}),
    ("tickets", "opened_at_is_not_in_the_future", {"opened_at": LATER, "resolved_at": None}),
    ("tickets", "resolved_at_is_not_in_the_future", {"resolved_at": LATER}),
    ("tickets", "resolved_at_is_not_before_opened_at", {"resolved_at": "2024-04-30"}),
    ("tickets", "kind_is_complaint_or_enquiry", {"kind": "Reklamation"}),
    ("tickets", "severity_is_between_1_and_5", {"severity": 6}),
    ("tickets", "satisfaction_is_between_1_and_5", {"satisfaction": 0.5}),
    ("tickets", "compensation_is_not_negative", {"compensation": -1}),
    ("tickets", "ticket_is_not_before_its_customer", {"opened_at": "2020-12-31"}),
    ("tickets", "ticket_customer_is_known", {"customer_id": "Q"}),
    ("subscriptions", "ended_on_is_not_before_started_on", {"ended_on": "2020-12-31"}),
    ("subscriptions", "billing_period_is_between_1_and_120_months", {"billing_period_months": 0}),
    ("subscriptions", "amount_is_not_negative", {"amount": -1}),
    ("subscriptions", "subscription_is_not_before_its_customer", {"started_on": "2020-12-31"}),
    ("subscriptions", "subscription_customer_is_known", {"customer_id": "Q"}),
    ("surveys", "answered_at_is_not_in_the_future", {"answered_at": LATER}),
    ("surveys", "nps_is_between_0_and_10", {"nps": -100}),
    ("surveys", "satisfaction_is_between_1_and_5", {"satisfaction": 7}),
    ("surveys", "something_is_answered", {"satisfaction": None, "nps": None}),
    ("surveys", "survey_is_not_before_its_customer", {"answered_at": "2020-12-31"}),
    ("surveys", "survey_customer_is_known", {"customer_id": "Q"}),
    ("events", "at_is_not_in_the_future", {"at": LATER}),
    ("events", "event_is_not_before_its_customer", {"at": "2020-12-31"}),
    ("events", "event_customer_is_known", {"customer_id": "Q"}),
    ("events", "event_product_is_known", {"product_id": "Q"}),
    ("referrals", "at_is_not_in_the_future", {"at": LATER}),
    ("referrals", "referrer_is_not_the_referred", {"referred_id": "C"}),
    ("referrals", "referral_is_not_before_its_referrer", {"at": "2020-12-31"}),
    ("referrals", "referral_referrer_is_known", {"referrer_id": "Q"}),
    ("referrals", "referral_referred_is_known", {"referred_id": "Q"}),
]


def stage(connection, entity, rows):
    """A staged table of such rows; what a row does not say is absent."""
    columns = core_contract(entity).columns
    typed = ", ".join(f'"{name}" {DUCKDB_TYPE[column.type]}' for name, column in columns.items())
    states = ", ".join(f'"{name}__state" utinyint' for name in columns)
    connection.execute(f"create or replace table staged_{entity} (row_id bigint, {typed}, {states})")
    for number, row in enumerate(rows):
        values = [row.get(name) for name in columns]
        found = [int(CellState.absent if value is None else CellState.good) for value in values]
        marks = ", ".join("?" for _ in range(1 + 2 * len(columns)))
        insert = f"insert into staged_{entity} values ({marks})"  # noqa: S608  # names of this test
        connection.execute(insert, [number, *values, *found])


def judged(connection, entity, *rows, loaded=(), added=()):
    stage(connection, entity, rows)
    contract = core_contract(entity)
    rules = bind_rules(contract, mapped_columns=contract.columns, loaded=loaded, added_rules=added)
    return judge(connection, contract, rules, staged=f"staged_{entity}")


def broken(checked):
    return {count.rule: count.rows for count in checked.rules if count.rows}


def prepared(connection):
    prepare_connection(connection, company_currency="GBP", now=NOW, time_zone="Europe/London")
    return connection


@pytest.fixture(scope="module")
def company():
    """A database with the accepted good rows of all that others refer to."""
    connection = prepared(duckdb.connect())
    judged(connection, "products", GOOD["products"])
    judged(connection, "customers", GOOD["customers"], {**GOOD["customers"], "customer_id": "D"})
    judged(connection, "offers", GOOD["offers"])
    judged(connection, "campaigns", GOOD["campaigns"])
    return connection


def against(company, entity, *rows, **settings):
    """Judged in a copy, so that the company's accepted rows stay."""
    copy = prepared(company.cursor())
    copy.execute("begin")
    try:
        return judged(copy, entity, *rows, loaded=CORE_ENTITIES, **settings)
    finally:
        copy.execute("rollback")


@pytest.mark.parametrize("entity", CORE_ENTITIES)
def test_a_good_row_breaks_nothing(company, entity):
    checked = against(company, entity, GOOD[entity])
    assert broken(checked) == {}
    assert checked.accepted == 1


@pytest.mark.parametrize(("entity", "rule", "changes"), BAD)
def test_a_bad_row_breaks_its_rule_and_no_other(company, entity, rule, changes):
    checked = against(company, entity, {**GOOD[entity], **changes})
    assert broken(checked) == {rule: 1}
    severity = next(count.severity for count in checked.rules if count.rule == rule)
    assert checked.accepted == (severity is Severity.warning)


def test_every_declared_rule_is_tried():
    declared = {
        (entity, each.name)
        for entity in CORE_ENTITIES
        for each in (*core_contract(entity).rules, *core_contract(entity).references)
    }
    assert {(entity, rule) for entity, rule, _ in BAD} == declared


def test_a_rule_across_tables_is_left_out_where_the_other_table_is_absent(company):
    checked = judged(prepared(duckdb.connect()), "orders", {**GOOD["orders"], "ordered_at": "2000-01-01"})
    assert broken(checked) == {}
    assert "order_is_not_before_its_customer" not in {count.rule for count in checked.rules}


def test_the_severity_of_a_rule_across_tables_can_be_changed(company):
    rule = RuleSpec(entity="orders", name="order_is_not_before_its_customer", severity=Severity.error)
    assert against(company, "orders", {**GOOD["orders"], "ordered_at": "2000-01-01"}, added=[rule]).accepted == 0


def test_a_rule_of_ones_own_may_look_at_several_tables(company):
    rule = RuleSpec(
        entity="contacts",
        name="is_cheap_enough",
        expression="cost < offers.cost and campaigns.cost > 0 and customers.customer_id = customer_id",
        meaning="x",
    )
    assert against(company, "contacts", GOOD["contacts"], added=[rule]).accepted == 1
    assert broken(against(company, "contacts", {**GOOD["contacts"], "cost": 5}, added=[rule])) == {"is_cheap_enough": 1}

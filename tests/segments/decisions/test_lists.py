"""Whom to save, win back, upgrade, and serve by the standard process only."""

import random
from datetime import date

import polars as pl
import pytest

from segments.control_group import drawn_of
from segments.decisions.lists import ListStamp
from segments.decisions.retention import RetentionRules, retention_contract, retention_list
from segments.decisions.standard import ServiceCosts, standard_contract, standard_service
from segments.decisions.upgrade import LEAST_SHARE, upgrade_contract, upgrade_path
from segments.decisions.winback import WinbackRules, key_customers, winback_contract, winback_list
from segments.money import Currency
from segments.vocabulary import GOLD, PLATINUM

GBP = Currency(code="GBP")
STAMP = ListStamp(as_of=date(2026, 1, 1), run_key="run", currency=GBP)


def test_leavers_worth_an_attempt_are_listed_by_what_saving_brings():
    customers = pl.DataFrame(
        {
            "customer_id": ["big", "small", "safe", "refused", "measured", "subscribes", "both"],
            "churn_probability": [0.8, 0.9, 0.1, 0.9, 0.6, None, 0.5],
            "subscription_churn_probability": [None, None, None, None, None, 0.4, 0.3],
            "margin_365_amount": [100_000, 500, 90_000, 90_000, 20_000, 0, 1_000],
            "subscription_margin_365_amount": [0, 0, 0, 0, 0, 12_000, 10_000],
            "may_be_contacted": [True, True, True, False, True, True, True],
            "next_offer_1": ["Lamp", None, None, None, None, None, None],
            "main_reason": ["silent for 90 days"] * 7,
            "subscription_reason": [None] * 5 + ["complained twice", None],
            "effect": [None, None, None, None, 700.0, None, None],
            "effect_error": [None, None, None, None, 100.0, None, None],
        }
    )
    rules = RetentionRules(from_probability=0.25, save_share=0.1, cost_amount=100)
    listed = retention_list(customers, rules=rules, stamp=STAMP)
    assert listed.schema == retention_contract(GBP).schema
    assert listed.select("customer_id", "rank", "evidence").rows() == [
        ("big", 1, "assumed"),
        ("measured", 2, "randomised"),
        ("subscribes", 3, "assumed"),
        ("both", 4, "assumed"),
    ]
    assert [float(gain) for gain in listed["expected_gain"]] == [79.0, 6.0, 3.8, 2.5]
    assert [float(low) for low in listed["expected_gain_low"]] == pytest.approx([-1.0, 4.04, -1.0, -1.0])
    assert [float(stake) for stake in listed["margin_at_stake"]] == [1_000.0, 200.0, 120.0, 110.0]
    assert listed["reason"].gather([0, 2, 3]).to_list() == [
        "80% likely to leave, £1,000 of yearly margin at stake; silent for 90 days",
        "40% likely to end the subscription, £120 of yearly margin at stake; complained twice",
        "50% likely to leave, 30% to end the subscription, £110 of yearly margin at stake; silent for 90 days",
    ]
    alike = customers.with_columns(effect=pl.lit(700.0), effect_error=pl.lit(100.0))
    listed = retention_list(alike, rules=rules, stamp=STAMP)  # of equal gains first where most is at risk
    assert listed["customer_id"].to_list() == ["big", "measured", "subscribes", "both", "small"]


@pytest.fixture
def lost():
    features = pl.DataFrame(
        {
            "customer_id": ["anna", "bert", "carl", "dora"],
            "net_amount_life": [400_000, 100_000, 90_000, 100],
            "days_between_first_and_last_order": [730, None, 100, 0],
        }
    )
    customers = pl.DataFrame(
        {
            "customer_id": ["anna", "bert", "carl", "dora"],
            "customer_status": ["lapsed", "lapsed", "active", "lapsed"],
            "may_be_contacted": [True] * 4,
        }
    )
    rules = WinbackRules(key_share=0.75, return_share=0.05, cost_amount=100)
    return rules, key_customers(features, customers, rules=rules).with_columns(margin_share=pl.lit(0.4))


def test_lost_key_customers_get_a_plan_each(lost):
    rules, key = lost
    assert key["customer_id"].sort().to_list() == ["anna", "bert"]
    first, last = date(2024, 1, 5), date(2024, 6, 1)
    lines = pl.DataFrame(
        [
            ("anna", first, "Lamp", "Light", 5_000, 50.0),
            ("anna", last, "Lamp", "Light", 6_000, 60.0),
            ("anna", last, "Vase", "Glass", 1_000, 10.0),
            ("bert", last, "Vase", None, 9_000, 90.0),
            ("bert", date(2024, 6, 9), "Vase", None, -9_000, None),
        ],
        schema=["customer_id", "ordered_on", "product_name", "category", "amount", "unit_price"],
        orient="row",
    ).with_columns(is_sold=pl.lit(value=True))
    listed = winback_list(key, lines, None, rules=rules, stamp=STAMP)
    assert listed.schema == winback_contract(GBP).schema
    plans = {row["customer_id"]: row for row in listed.rows(named=True)}
    assert plans["anna"]["used_to_buy"] == "Light, Glass"
    assert plans["anna"]["left_after"] == "Lamp cost 20% more"
    assert plans["anna"]["offer"] == "Lamp"
    assert plans["anna"]["plan"] == "tell them what Lamp costs today, then offer Lamp"
    assert float(plans["anna"]["yearly_margin"]) == 800.0  # 4,000 over two years, 40 %
    assert plans["bert"]["left_after"] == "a return of Vase on 2024-06-09"
    tickets = pl.DataFrame(
        {"customer_id": ["anna"], "opened_on": [last], "kind": ["complaint"], "resolved_on": [None]},
        schema_overrides={"resolved_on": pl.Date},
    )
    told = winback_list(key, lines, tickets, rules=rules, stamp=STAMP).filter(pl.col("customer_id") == "anna")
    assert told["left_after"].item() == "a complaint on 2024-06-01, never settled"
    assert told["plan"].item() == "settle the complaint, then offer Lamp"
    gone = lines.filter(pl.col("ordered_on") != last).with_columns(is_sold=pl.col("product_name") != "Lamp")
    told = winback_list(key, gone, None, rules=rules, stamp=STAMP)
    assert told["left_after"].item() == "Lamp, which they bought most, is no longer sold"
    assert told["plan"].item().endswith("then offer something new: what they bought is no longer sold")


def test_gold_customers_see_what_platinum_ones_like_them_buy():
    platinum = [f"p{number}" for number in range(6)]
    customers = pl.DataFrame(
        {
            "customer_id": ["gold", *platinum],
            "value_tier": ["gold"] + ["platinum"] * 6,
            "expected_value_12m_amount": [40_000, *range(60_000, 66_000, 1_000)],
            "may_be_contacted": [True] * 7,
        }
    )
    spending = pl.DataFrame(
        [
            ("gold", "Light", 100),
            *((one, "Light", 900) for one in platinum),
            *((one, "Glass", 3_000) for one in platinum),
        ],
        schema=["customer_id", "category", "amount"],
        orient="row",
    )
    listed = upgrade_path(customers, spending, margin_share=0.5, stamp=STAMP)
    assert listed.schema == upgrade_contract(GBP).schema
    row = listed.row(0, named=True)
    assert (row["customer_id"], row["lacking_category_1"], row["lacking_category_2"]) == ("gold", "Glass", None)
    assert (float(row["platinum_from"]), float(row["expected_gain"]), row["evidence"]) == (600.0, 15.0, "response")
    nobody = upgrade_path(customers.head(3), spending, margin_share=0.5, stamp=STAMP)
    assert nobody.is_empty()
    assert nobody.schema == listed.schema


def _alike(own, other):
    """Cosine times the customer's own length, to the millionth: what neighbours are ordered by."""
    return round(sum(a * b for a, b in zip(own, other, strict=True)) / sum(b * b for b in other) ** 0.5, 6)


@pytest.mark.parametrize("most", [60, 25])
def test_neighbours_are_the_most_alike_and_of_equals_the_first(monkeypatch, most):
    monkeypatch.setattr("segments.decisions.upgrade.MOST_PLATINUM", most)
    draw = random.Random(7)  # noqa: S311 no secret
    spend = {
        f"{tier[0]}{number:02}": [draw.choice((0, 0, 100, 200)) for _ in range(3)] + [100]
        for tier, count in ((GOLD, 30), (PLATINUM, 60))
        for number in range(count)
    }
    customers = pl.DataFrame(
        {
            "customer_id": list(spend),
            "value_tier": [GOLD if name[0] == "g" else PLATINUM for name in spend],
            "expected_value_12m_amount": 1_000,
            "may_be_contacted": True,
        }
    )
    spending = pl.DataFrame(
        [(name, f"c{place}", amount) for name, row in spend.items() for place, amount in enumerate(row) if amount],
        schema=["customer_id", "category", "amount"],
        orient="row",
    )
    platinum = [name for name in spend if name[0] == "p"]
    platinum = sorted(platinum, key=lambda name: drawn_of("upgrade_path", name))[:most]
    expected = {}
    for name in (name for name in spend if name[0] == "g"):
        near = sorted(sorted(platinum), key=lambda other: -_alike(spend[name], spend[other]))[:20]
        shares = [sum(spend[one][place] > 0 for one in near) / 20 * (not spend[name][place]) for place in range(4)]
        if max(shares) >= LEAST_SHARE:
            expected[name] = (f"c{shares.index(max(shares))}", max(shares))
    listed = upgrade_path(customers.sample(fraction=1, shuffle=True, seed=1), spending, margin_share=0.5, stamp=STAMP)
    found = listed.select("customer_id", "lacking_category_1", "neighbours_who_buy_it").rows()
    assert {name: (category, share) for name, category, share in found} == expected


def test_effort_stops_where_it_does_not_pay():
    customers = pl.DataFrame(
        {
            "customer_id": ["loses", "little", "worth"],
            "value_tier": ["iron", "lead", "lead"],
            "margin_365_amount": [1_000, 300, 9_000],
            "expected_margin_12m_amount": [500, 400, 8_000],
            "contact_cost_amount": [200, 0, 0],
            "compensation_amount": [1_000, 0, 0],
            "tickets": [3, 0, 0],
        }
    )
    listed = standard_service(customers, costs=ServiceCosts(ticket_amount=500, personal_amount=1_000), stamp=STAMP)
    assert listed.schema == standard_contract(GBP).schema
    assert listed.select("customer_id", "decision").rows() == [("loses", "let go"), ("little", "standard service only")]
    assert [float(gain) for gain in listed["expected_gain"]] == [22.0, 6.0]

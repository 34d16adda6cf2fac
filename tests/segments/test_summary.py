import json

import polars as pl
import pytest

from segments.summary import summarise

CUSTOMERS = pl.DataFrame({"customer_id": ["a", "b", "c", "z"]})


@pytest.fixture
def tables(scored, build, make_churn, make_values):
    values = make_values(
        ["a", "b", "c"], expected_value_90d_amount=[100, 50, 1], expected_value_12m_amount=[900, 200, 5]
    )
    return build(scored(churn=make_churn(["a", "b", "c"], [0.9, 0.6, 0.1]), value=values, customers=CUSTOMERS))


def test_figures_of_a_small_night(tables):
    told = summarise(tables.customer, tables.next_best_offer)
    assert told["customers"] == 4
    assert told["customers_by_status"] == {"active": 3, "lapsed": 0, "prospect": 1}
    assert told["customers_by_tier"] == {"platinum": 1, "gold": 0, "iron": 2, "lead": 0, "not scored": 1}
    assert told["customers_by_risk"] == {"critical": 1, "high": 1, "medium": 0, "low": 1, "not scored": 1}
    assert told["tier_by_risk"]["platinum"]["critical"] == 1
    assert told["expected_value"] == {
        "currency": "GBP",
        "next_90_days": 1.51,
        "next_12_months": 11.05,
        "next_12_months_by_tier": {"platinum": 9.0, "gold": 0.0, "iron": 2.05, "lead": 0.0},
    }
    assert (told["customers_with_offers"], told["offers"]) == (3, 3)


def test_the_matrix_counts_everybody_once(tables):
    told = summarise(tables.customer, tables.next_best_offer)
    assert sum(sum(bands.values()) for bands in told["tier_by_risk"].values()) == told["customers"]


def test_top_actions_are_headlines_with_the_most_value_first(tables):
    told = summarise(tables.customer, tables.next_best_offer, top_actions=2)
    assert told["top_actions"] == [
        {"action": "Call this week: platinum customer about to leave", "customers": 1, "expected_value_12m": 9.0},
        {"action": "Automatic reminder", "customers": 1, "expected_value_12m": 2.0},
    ]


def test_it_goes_into_json_even_when_nobody_is_there(scored, build):
    tables = build(scored(ids=[]))
    told = json.loads(json.dumps(summarise(tables.customer, tables.next_best_offer)))
    assert told["customers"] == 0
    assert told["expected_value"]["currency"] is None

from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segments.contracts import NEXT_BEST_BRAND, NEXT_BEST_CATEGORY, customer_contract
from segments.money import Currency
from segments.ranked_offers import NEXT_BEST_OFFER

CUSTOMERS = pl.DataFrame(
    {
        "customer_id": ["d", "c", "b", "a"],
        "consent_marketing": [None, False, True, None],
    }
)


def _by_id(table):
    return {row["customer_id"]: row for row in table.to_dicts()}


def test_one_customer_row_reads_as_a_whole(scored, build, make_values, make_churn):
    night = scored(
        ids=["a"],
        churn=make_churn(["a"], 0.9),
        value=make_values(["a"], expected_value_90d_amount=12_345, expected_value_12m_amount=60_000).with_columns(
            expected_value_12m_low_amount=0,
            typical_value_12m_amount=45_050,
            expected_value_24m_amount=110_000,
            expected_orders_30d=1.5,
        ),
        contributions=pl.DataFrame({"customer_id": ["a"], "net_amount_365_days": [0.7]}),
        products=pl.DataFrame({"product_id": ["P1"], "name": ["TEA CUP"]}),
        next_orders=pl.DataFrame(
            {"customer_id": ["a"], "probability_alive": [0.8], "expected_next_order_on": [date(2011, 9, 20)]}
        ),
        phrases={"net_amount_365_days": "spent {net_amount_365_days} in the last year"},
    )
    assert build(night).customer.to_dicts() == [
        {
            "customer_id": "a",
            "as_of": date(2011, 9, 1),
            "customer_status": "active",
            "churn_probability": 0.9,
            "churn_risk_band": "critical",
            "expected_value_90d": Decimal("123.45"),
            "expected_value_12m": Decimal("600.00"),
            "typical_value_90d": None,
            "expected_value_12m_low": Decimal("0.00"),
            "typical_value_12m": Decimal("450.50"),
            "expected_value_12m_high": None,
            "expected_value_24m": Decimal("1100.00"),
            "expected_orders_30d": 1.5,
            "expected_subscription_value_90d": None,
            "expected_subscription_value_12m": None,
            "currency": "GBP",
            "value_of": "net_sales",
            "value_tier": "platinum",
            "probability_alive": 0.8,
            "expected_next_order_on": date(2011, 9, 20),
            "subscription_churn_probability": None,
            "subscription_end_at_renewal_probability": None,
            "subscription_renews_on": None,
            "subscription_expected_end_on": None,
            "recency_score": 3,
            "frequency_score": 3,
            "monetary_score": 3,
            "days_since_last_order": 30,
            "next_offer_1": "TEA CUP",
            "next_offer_2": None,
            "next_offer_3": None,
            "main_reason": "spent £500 in the last year",
            "recommended_action": ("Call this week: platinum customer about to leave; offer TEA CUP"),
            "lifecycle": None,
            "loyalty_class": None,
            "fate": None,
            "value_score": None,
            "churn_scored_by": "learnt model",
            "value_scored_by": "learnt model",
            "churn_model_version": 1,
            "value_model_version": 2,
            "next_offer_model_version": 3,
            "subscription_churn_model_version": None,
            "run_key": "score-2011-09-01-abc",
            "changed_at": date(2011, 9, 1),
        }
    ]


def test_whoever_subscribes_is_active_and_whoever_did_has_lapsed(scored, build, make_features):
    subscriptions = pl.DataFrame(
        {
            "customer_id": ["a", "x", "y"],
            "subscribes": [True, True, False],
            "subscription_churn_probability": [0.2, 0.3, None],
            "subscription_end_at_renewal_probability": [0.1, 0.1, None],
            "subscription_renews_on": [date(2011, 9, 9), date(2011, 9, 10), None],
            "subscription_expected_end_on": [date(2012, 9, 9), None, None],
        }
    )
    features = make_features(["a", "b"], days_since_last_order=[400, 20])
    told = build(scored(ids=["a", "b"], features=features, subscriptions=subscriptions)).customer
    assert dict(told.select("customer_id", "customer_status").rows()) == {
        "a": "active",
        "b": "active",
        "x": "active",
        "y": "lapsed",
    }
    assert told["subscription_churn_probability"].to_list() == [0.2, None, 0.3, None]
    assert told.filter(customer_id="y")["main_reason"].item() == "no subscription runs any more"


def test_a_subscriber_who_orders_little_beside_is_told_as_a_subscriber(scored, build, make_features):
    subscriptions = pl.DataFrame(
        {
            "customer_id": ["a", "x"],
            "subscribes": [True, True],
            "subscription_churn_probability": [0.6, 0.3],
            "subscription_end_at_renewal_probability": [0.1, 0.1],
            "subscription_renews_on": [None, None],
            "subscription_expected_end_on": [None, None],
        },
        schema_overrides={"subscription_renews_on": pl.Date, "subscription_expected_end_on": pl.Date},
    )
    features = make_features(["a", "b"], days_since_last_order=[400, 20])
    leaning = pl.DataFrame({"customer_id": ["a", "x"], "days_since_first_subscription": [0.1, 0.2]})
    both = {"features": features, "subscriptions": subscriptions}
    for contributions, words in ((leaning, "Keep the subscription"), (None, "Standard service: not scored")):
        told = build(scored(ids=["a", "b"], **both, subscription_contributions=contributions)).customer
        assert told.filter(customer_id="x")["recommended_action"].item().startswith(words)


def test_tiers_are_by_what_orders_and_subscriptions_bring_together(scored, build, make_features):
    subscriptions = pl.DataFrame(
        {
            "customer_id": ["a", "x"],
            "subscribes": [True, True],
            "subscription_churn_probability": [0.1, 0.1],
            "subscription_end_at_renewal_probability": [0.1, 0.1],
            "subscription_renews_on": [date(2011, 9, 9)] * 2,
            "subscription_expected_end_on": [None, None],
            "expected_subscription_value_90d_amount": [100, 5_000_000],
            "expected_subscription_value_12m_amount": [400, 20_000_000],
        },
        schema_overrides={"subscription_expected_end_on": pl.Date},
    )
    features = make_features(["a", "b"], days_since_last_order=[40, 20])
    rows = build(scored(ids=["a", "b"], features=features, subscriptions=subscriptions)).customer
    before = build(scored(ids=["a", "b"], features=features)).customer
    told = {row["customer_id"]: row for row in rows.to_dicts()}
    for row in before.to_dicts():
        part = told[row["customer_id"]]["expected_subscription_value_12m"] or 0
        assert told[row["customer_id"]]["expected_value_12m"] == row["expected_value_12m"] + part
    assert (told["x"]["value_tier"], told["x"]["expected_value_12m"]) == ("platinum", 200_000)


def test_everybody_known_is_there_once_and_sorted(scored, build, make_features):
    features = make_features(["b", "a", "e"], days_since_last_order=[10, 400, 20])
    tables = build(scored(ids=["b", "a", "e"], features=features, customers=CUSTOMERS))
    assert tables.customer.select("customer_id", "customer_status").rows() == [
        ("a", "lapsed"), ("b", "active"), ("c", "prospect"), ("d", "prospect"), ("e", "active"),
    ]  # fmt: skip


def test_lapsed_customers_and_prospects_are_not_scored(scored, build, make_features):
    features = make_features(["a"], days_since_last_order=400)
    rows = _by_id(build(scored(ids=["a"], features=features, customers=CUSTOMERS)).customer)
    for customer in ("a", "d"):
        row = rows[customer]
        assert (row["churn_risk_band"], row["value_tier"]) == ("not scored", "not scored")
        scores = ("churn_probability", "expected_value_90d", "expected_value_12m", "recency_score", "next_offer_1")
        assert [row[name] for name in scores] == [None] * 5
    assert (rows["a"]["days_since_last_order"], rows["d"]["days_since_last_order"]) == (400, None)
    assert rows["a"]["main_reason"] == "no purchase for 400 days"
    assert rows["d"]["main_reason"] == "no purchase yet"


@pytest.mark.parametrize(
    ("allowed", "contacted"), [(True, {"a": True, "b": True, "c": False}), (False, {"a": False, "b": True, "c": False})]
)
def test_consent_decides_about_contact_not_about_offers(scored, build, allowed, contacted):
    tables = build(scored(customers=CUSTOMERS), contact_without_recorded_consent=allowed)
    rows = _by_id(tables.customer)
    refused = {name: rows[name]["recommended_action"].startswith("No marketing consent") for name in contacted}
    assert refused == {name: not may for name, may in contacted.items()}
    assert tables.next_best_offer["customer_id"].to_list() == ["a", "b", "c"]


@pytest.mark.parametrize("customers", [None, pl.DataFrame({"customer_id": ["a", "b", "c"]})])
def test_a_company_that_records_no_consent_may_contact_by_default(scored, build, customers):
    actions = build(scored(customers=customers)).customer["recommended_action"]
    assert not actions.str.starts_with("No marketing consent").any()


def test_a_missing_score_is_not_scored_and_still_has_an_action(scored, build, make_churn, make_values):
    values = make_values(["a", "b", "c"], expected_value_12m_amount=[None, 5, 4])
    night = scored(churn=make_churn(["a", "b"], [0.9, None]), value=values)
    table = build(night).customer
    assert table["churn_risk_band"].to_list() == ["critical", "not scored", "not scored"]
    assert table["value_tier"].to_list() == ["not scored", "platinum", "iron"]
    assert table["recommended_action"].null_count() == 0


def test_a_negative_forecast_is_published_as_zero_and_lead(scored, build, make_values):
    values = make_values(["a", "b", "c"], expected_value_90d_amount=-5, expected_value_12m_amount=[-10, 0, 7])
    table = build(scored(value=values)).customer
    assert table["expected_value_12m"].to_list() == [Decimal("0.00"), Decimal("0.00"), Decimal("0.07")]
    assert table["expected_value_90d"].to_list() == [Decimal("0.00")] * 3
    assert table["value_tier"].to_list() == ["lead", "lead", "platinum"]


@pytest.mark.parametrize(("code", "exponent", "amount"), [("JPY", 0, "400"), ("GBP", 2, "4.00"), ("KWD", 3, "0.400")])
def test_tables_keep_their_contracts_in_any_currency(scored, build, code, exponent, amount):
    currency = Currency(code=code, exponent=exponent)
    tables = build(scored(customers=CUSTOMERS), currency=currency)
    assert tables.customer.schema == customer_contract(currency).schema
    assert tables.next_best_offer.schema == NEXT_BEST_OFFER.schema
    assert str(tables.customer["expected_value_12m"][0]) == amount


def test_no_customers_give_empty_tables_of_the_same_form(scored, build):
    tables = build(scored(ids=[]))
    assert (tables.customer.height, tables.next_best_offer.height) == (0, 0)
    assert tables.customer.schema == customer_contract(Currency(code="GBP")).schema


def test_only_prospects(scored, build):
    table = build(scored(ids=[], customers=CUSTOMERS)).customer
    assert table["customer_status"].to_list() == ["prospect"] * 4


def test_without_an_offer_model_nothing_is_offered(scored, build):
    tables = build(scored(offers=None), next_offer_model_version=None)
    assert tables.next_best_offer.height == 0
    assert tables.customer["next_offer_1"].null_count() == 3
    assert not tables.customer["recommended_action"].str.contains("offer ").any()


def test_without_categories_there_is_no_table_of_them(scored, build):
    assert build(scored(categories=None)).next_best_category is None


def test_categories_of_active_customers_are_published_as_ranked(scored, build, make_features, make_categories):
    ids = ["b", "a", "gone"]
    categories = make_categories(
        ["b", "a", "a", "gone", "stranger"], rank=[1, 2, 1, 1, 1], category=["Tea", "Jam", "Cups", "Tea", "Tea"]
    )
    features = make_features(ids, days_since_last_order=[10, 20, 400])
    table = build(scored(ids=ids, features=features, categories=categories)).next_best_category
    assert table.select("customer_id", "rank", "category").rows() == [
        ("a", 1, "Cups"),
        ("a", 2, "Jam"),
        ("b", 1, "Tea"),
    ]
    assert table.row(0, named=True) == {
        "customer_id": "a",
        "rank": 1,
        "as_of": date(2011, 9, 1),
        "category": "Cups",
        "purchase_probability": 0.3,
        "next_offer_model_version": 3,
        "run_key": "score-2011-09-01-abc",
    }
    assert table.schema == NEXT_BEST_CATEGORY.schema


def test_brands_of_active_customers_are_published_where_there_are_any(scored, build, make_features, make_categories):
    brands = make_categories(["a", "gone"], category=["Own", "Star"]).rename({"category": "brand"})
    features = make_features(["a", "gone"], days_since_last_order=[10, 400])
    table = build(scored(ids=["a", "gone"], features=features, brands=brands)).next_best_brand
    assert table.select("customer_id", "rank", "brand", "purchase_probability").rows() == [("a", 1, "Own", 0.3)]
    assert table.schema == NEXT_BEST_BRAND.schema
    assert build(scored()).next_best_brand is None


def test_no_ranked_categories_give_an_empty_table_of_the_same_form(scored, build, make_categories):
    table = build(scored(categories=make_categories([]))).next_best_category
    assert table.height == 0
    assert table.schema == NEXT_BEST_CATEGORY.schema
    assert NEXT_BEST_CATEGORY.may_be_empty


def test_equal_customers_share_scores(scored, build):
    table = build(scored()).customer
    assert table.select("recency_score", "frequency_score", "monetary_score").unique().rows() == [(3, 3, 3)]


def test_recently_often_and_much_score_high(scored, build, make_features):
    ids = list("abcde")
    features = make_features(
        ids,
        days_since_last_order=[5, 10, 20, 40, 80],
        purchase_count_365_days=[9, 7, 5, 3, 1],
        net_amount_365_days=[1, 2, 3, 4, 5],
    )
    table = build(scored(ids=ids, features=features)).customer
    assert table["recency_score"].to_list() == [5, 4, 3, 2, 1]
    assert table["frequency_score"].to_list() == [5, 4, 3, 2, 1]
    assert table["monetary_score"].to_list() == [1, 2, 3, 4, 5]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6))
def test_the_order_of_input_rows_leaves_no_trace(scored, build, make_features, make_values, make_categories, seed):
    ids = [f"c{index}" for index in range(12)]
    contributions = pl.DataFrame({"customer_id": ids, "x": [0.1, -0.2, 0.3] * 4, "y": [0.1, 0.2, -0.3] * 4})
    phrases = {"x": "{days_since_last_order} days", "y": "{net_amount_365_days} spent"}
    night = {
        "features": make_features(ids, days_since_last_order=[10, 20, 400] * 4),
        "churn": pl.DataFrame({"customer_id": ids, "churn_probability": [0.1, 0.6, 0.9, None] * 3}),
        "value": make_values(ids, expected_value_12m_amount=[5, 5, 9] * 4),
        "contributions": contributions,
        "categories": make_categories(ids, category=["Tea", "Jam", "Cups"] * 4),
    }
    expected = build(scored(ids=ids, phrases=phrases, **night))
    shuffled = {
        name: frame.sample(fraction=1, shuffle=True, seed=seed + place)
        for place, (name, frame) in enumerate(night.items())
    }
    built = build(scored(ids=ids, phrases=phrases, **shuffled))
    assert built.customer.equals(expected.customer)
    assert built.next_best_offer.equals(expected.next_best_offer)
    assert built.next_best_category.equals(expected.next_best_category)


def test_who_stands_at_a_risk_threshold_keeps_yesterdays_band(scored, build, make_churn):
    previous = pl.DataFrame({"customer_id": ["a", "b"], "value_tier": None, "churn_risk_band": ["medium", "high"]})
    night = scored(churn=make_churn(["a", "b", "c"], [0.51, 0.51, 0.51]), previous=previous)
    assert build(night, steady_probability_margin=0.02).customer["churn_risk_band"].to_list() == [
        "medium",
        "high",
        "high",
    ]
    assert build(night).customer["churn_risk_band"].to_list() == ["high"] * 3

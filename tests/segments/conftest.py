"""A valid night by default; a test overrides only what matters."""

from datetime import date

import polars as pl
import pytest

from segments.build import build_segments
from segments.inputs import RunStamp, ScoredCustomers, SegmentRules
from segments.money import Currency

AS_OF = date(2011, 9, 1)
FEATURES = {
    "customer_id": pl.String,
    "snapshot_date": pl.Date,
    "days_since_last_order": pl.Int64,
    "median_days_between_orders": pl.Float64,
    "purchase_count_365_days": pl.Int64,
    "net_amount_365_days": pl.Int64,
}
OFFERS = {
    "customer_id": pl.String,
    "rank": pl.UInt32,
    "product_id": pl.String,
    "category": pl.String,
    "purchase_probability": pl.Float64,
    "source": pl.String,
    "times_bought": pl.Int64,
    "days_since_bought": pl.Int64,
    "neighbour_product_id": pl.String,
}
CATEGORIES = {
    "customer_id": pl.String,
    "rank": pl.Int32,
    "category": pl.String,
    "purchase_probability": pl.Float64,
}
VALUES = {
    "customer_id": pl.String,
    "expected_value_90d_amount": pl.Int64,
    "expected_value_12m_amount": pl.Int64,
}


@pytest.fixture(scope="session")
def make_features():
    """Features of customers by id; keywords override, a scalar for all or a list."""

    def make(ids, **columns):
        defaults = {
            "customer_id": list(ids),
            "snapshot_date": AS_OF,
            "days_since_last_order": 30,
            "median_days_between_orders": 20.0,
            "purchase_count_365_days": 4,
            "net_amount_365_days": 50_000,
        }
        return _frame(defaults | columns, FEATURES)

    return make


@pytest.fixture(scope="session")
def make_churn():
    def make(ids, probability=0.5):
        schema = {"customer_id": pl.String, "churn_probability": pl.Float64}
        return _frame({"customer_id": list(ids), "churn_probability": probability}, schema)

    return make


@pytest.fixture(scope="session")
def make_values():
    def make(ids, **columns):
        defaults = {"customer_id": list(ids), "expected_value_90d_amount": 100, "expected_value_12m_amount": 400}
        return _frame(defaults | columns, VALUES)

    return make


@pytest.fixture(scope="session")
def make_offers():
    def make(ids, **columns):
        defaults = {
            "customer_id": list(ids),
            "rank": 1,
            "product_id": "P1",
            "category": "Tea",
            "purchase_probability": 0.2,
            "source": "popular now",
            "times_bought": None,
            "days_since_bought": None,
            "neighbour_product_id": None,
        }
        return _frame(defaults | columns, OFFERS)

    return make


@pytest.fixture(scope="session")
def make_categories():
    def make(ids, **columns):
        defaults = {"customer_id": list(ids), "rank": 1, "category": "Tea", "purchase_probability": 0.3}
        return _frame(defaults | columns, CATEGORIES)

    return make


@pytest.fixture(scope="session")
def scored(make_features, make_churn, make_values, make_offers, make_categories):
    """The frames of a night for some ids; keywords replace whole parts."""

    def make(ids=("a", "b", "c"), **parts):
        defaults = {
            "features": make_features(ids),
            "churn": make_churn(ids),
            "value": make_values(ids),
            "offers": make_offers(ids),
            "categories": make_categories(ids),
        }
        return ScoredCustomers(**(defaults | parts))

    return make


@pytest.fixture(scope="session")
def build():
    """The tables of a night from its frames."""

    def make(night, currency=None, policy=None, next_offer_model_version=3, **rules):
        stamp = RunStamp(
            as_of=AS_OF,
            run_key="score-2011-09-01-abc",
            churn_model_version=1,
            value_model_version=2,
            next_offer_model_version=next_offer_model_version,
        )
        money = currency or Currency(code="GBP", exponent=2)
        return build_segments(night, stamp=stamp, currency=money, rules=SegmentRules(**rules), policy=policy)

    return make


def _frame(columns, schema):
    rows = len(columns["customer_id"])
    spread = {name: value if isinstance(value, list) else [value] * rows for name, value in columns.items()}
    return pl.DataFrame(spread, schema=schema | {name: None for name in spread if name not in schema})

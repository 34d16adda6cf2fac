"""Factories of small core frames, and features by name."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

import features

MOMENT = pl.Datetime("us", "UTC")
VERSION = {"known_at": MOMENT, "superseded_at": MOMENT}
SCHEMAS = {
    "orders": {
        "order_id": pl.String,
        "line_number": pl.Int32,
        "customer_id": pl.String,
        "ordered_at": MOMENT,
        "product_id": pl.String,
        "quantity": pl.Float64,
        "amount": pl.Int64,
        "discount_amount": pl.Int64,
        "cost_amount": pl.Int64,
        "channel": pl.String,
        "currency": pl.String,
        "load_id": pl.String,
    },
    "customers": {
        "customer_id": pl.String,
        "customer_type": pl.String,
        "created_at": MOMENT,
        "region": pl.String,
        "birth_year": pl.Int32,
        "acquisition_channel": pl.String,
        "credit_limit": pl.Int64,
        "consent_marketing": pl.Boolean,
    },
    "products": {"product_id": pl.String, "category": pl.String, "brand": pl.String, "list_price": pl.Int64},
    "payments": {
        "invoice_id": pl.String,
        "customer_id": pl.String,
        "issued_on": pl.Date,
        "due_on": pl.Date,
        "paid_on": pl.Date,
        "amount": pl.Int64,
        "disputed": pl.Boolean,
    },
    "contacts": {
        "contact_id": pl.String,
        "customer_id": pl.String,
        "campaign_id": pl.String,
        "offer_id": pl.String,
        "sent_at": MOMENT,
        "channel": pl.String,
        "cost": pl.Int64,
        "held_out": pl.Boolean,
        "opened_at": MOMENT,
        "clicked_at": MOMENT,
        "responded_at": MOMENT,
    },
    "offers": {"offer_id": pl.String, "discount": pl.Int64, "discount_share": pl.Float64},
    "tickets": {
        "ticket_id": pl.String,
        "customer_id": pl.String,
        "opened_at": MOMENT,
        "resolved_at": MOMENT,
        "kind": pl.String,
        "channel": pl.String,
        "severity": pl.Int32,
        "compensation": pl.Int64,
        "satisfaction": pl.Float64,
    },
    "surveys": {
        "survey_id": pl.String,
        "customer_id": pl.String,
        "answered_at": MOMENT,
        "satisfaction": pl.Float64,
        "nps": pl.Int32,
    },
    "subscriptions": {
        "subscription_id": pl.String,
        "customer_id": pl.String,
        "plan": pl.String,
        "started_on": pl.Date,
        "ended_on": pl.Date,
        "amount": pl.Int64,
        "billing_period_months": pl.Int32,
    },
    "events": {
        "event_id": pl.String,
        "customer_id": pl.String,
        "at": MOMENT,
        "kind": pl.String,
        "channel": pl.String,
        "product_id": pl.String,
    },
    "referrals": {"referral_id": pl.String, "referrer_id": pl.String, "referred_id": pl.String, "at": MOMENT},
}
USUAL = {"payments": {"amount": 100}, "subscriptions": {"amount": 100, "billing_period_months": 1}}
EVENT_TIMES = {
    "payments": "issued_on",
    "contacts": "sent_at",
    "tickets": "opened_at",
    "surveys": "answered_at",
    "subscriptions": "started_on",
    "events": "at",
    "referrals": "at",
}
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def _moment(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if isinstance(text, str) else text


def _value(text, dtype):
    if isinstance(text, str) and dtype == MOMENT:
        return _moment(text)
    return date.fromisoformat(text) if isinstance(text, str) and dtype == pl.Date else text


def _orders(*rows):
    """Order lines from dicts: `at` ("2024-01-05 10:00", UTC) and whatever matters; known when it happened."""
    made = []
    for number, row in enumerate(rows):
        given = dict(row)
        at = _moment(given.pop("at"))
        known = _moment(given.pop("known", at))
        usual = {
            "order_id": f"o{number}",
            "line_number": number,
            "customer_id": "a",
            "ordered_at": at,
            "product_id": "p",
            "quantity": 1.0,
            "amount": 100,
            "currency": "GBP",
            "known_at": known,
            "superseded_at": _moment(given.pop("superseded", None)),
            "load_id": "load",
        }
        assert not set(given) - set(SCHEMAS["orders"])
        made.append(usual | given)
    return pl.DataFrame(made, schema=SCHEMAS["orders"] | VERSION)


def _rows(entity, *rows):
    """Rows of another entity from dicts; times as text; `known` (else when it happened), `superseded` (else never)."""
    schema = SCHEMAS[entity] | VERSION
    made = []
    for row in rows:
        given = {"customer_id": "a"} if "customer_id" in schema else {}
        given |= USUAL.get(entity, {}) | row
        happened = given.get(EVENT_TIMES.get(entity), LONG_AGO)
        happened = f"{happened} 00:00" if isinstance(happened, str) and len(happened) == len("2024-01-01") else happened
        given["known_at"] = _moment(given.pop("known", given.get("known_at", happened)))
        given["superseded_at"] = _moment(given.pop("superseded", None))
        assert not set(given) - set(schema)
        made.append({name: _value(value, schema[name]) for name, value in given.items()})
    return pl.DataFrame(made, schema=schema)


def _features(orders, *snapshots, time_zone="UTC", absent_columns=(), **others):
    frames = {"orders": orders} | others
    entities = {entity: frame.lazy() for entity, frame in frames.items() if frame is not None}
    dates = [date.fromisoformat(day) if isinstance(day, str) else day for day in snapshots]
    return features.build(entities, snapshots=dates, time_zone=time_zone, absent_columns=absent_columns).collect()


@pytest.fixture(scope="session")
def orders_of():
    return _orders


@pytest.fixture(scope="session")
def rows_of():
    return _rows


@pytest.fixture(scope="session")
def customers_of():
    return lambda *rows: _rows("customers", *rows)


@pytest.fixture(scope="session")
def products_of():
    return lambda *rows: _rows("products", *rows)


@pytest.fixture(scope="session")
def features_of():
    return _features


@pytest.fixture(scope="session")
def one_row():
    """Features of the only customer as of one snapshot, as a dict."""

    def build_one(orders, snapshot, **others):
        return _features(orders, snapshot, **others).row(0, named=True)

    return build_one

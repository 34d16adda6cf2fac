"""Factories of small core frames, and features by name."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

import features

ORDERS = {
    "order_id": pl.String,
    "line_number": pl.Int32,
    "customer_id": pl.String,
    "ordered_at": pl.Datetime("us", "UTC"),
    "product_id": pl.String,
    "quantity": pl.Float64,
    "amount": pl.Int64,
    "discount_amount": pl.Int64,
    "cost_amount": pl.Int64,
    "channel": pl.String,
    "currency": pl.String,
    "known_at": pl.Datetime("us", "UTC"),
    "load_id": pl.String,
}
CUSTOMERS = {
    "customer_id": pl.String,
    "customer_type": pl.String,
    "created_at": pl.Datetime("us", "UTC"),
    "region": pl.String,
    "birth_year": pl.Int32,
    "acquisition_channel": pl.String,
    "credit_limit": pl.Int64,
    "consent_marketing": pl.Boolean,
    "known_at": pl.Datetime("us", "UTC"),
}
PRODUCTS = {"product_id": pl.String, "category": pl.String, "known_at": pl.Datetime("us", "UTC")}
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def _moment(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if isinstance(text, str) else text


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
            "load_id": "load",
        }
        assert not set(given) - set(ORDERS)
        made.append(usual | given)
    return pl.DataFrame(made, schema=ORDERS)


def _customers(*rows):
    return pl.DataFrame([{"customer_id": "a", "known_at": LONG_AGO} | row for row in rows], schema=CUSTOMERS)


def _products(*rows):
    return pl.DataFrame([{"known_at": LONG_AGO} | row for row in rows], schema=PRODUCTS)


def _features(orders, *snapshots, customers=None, products=None, time_zone="UTC", absent_columns=()):
    frames = [None if frame is None else frame.lazy() for frame in (orders, customers, products)]
    dates = [date.fromisoformat(day) if isinstance(day, str) else day for day in snapshots]
    return features.build(*frames, snapshots=dates, time_zone=time_zone, absent_columns=absent_columns).collect()


@pytest.fixture(scope="session")
def orders_of():
    return _orders


@pytest.fixture(scope="session")
def customers_of():
    return _customers


@pytest.fixture(scope="session")
def products_of():
    return _products


@pytest.fixture(scope="session")
def features_of():
    return _features


@pytest.fixture(scope="session")
def one_row():
    """Features of the only customer as of one snapshot, as a dict."""

    def build_one(orders, snapshot, **others):
        return _features(orders, snapshot, **others).row(0, named=True)

    return build_one

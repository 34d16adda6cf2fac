"""A valid shop by default; a test overrides only what matters."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

AS_OF = date(2024, 7, 1)
NOON = datetime(2024, 7, 1, 12, tzinfo=UTC)
ORDERS = {
    "order_id": pl.String,
    "customer_id": pl.String,
    "product_id": pl.String,
    "ordered_at": pl.Datetime("us", "UTC"),
    "known_at": pl.Datetime("us", "UTC"),
    "quantity": pl.Float64,
    "amount": pl.Int64,
}


def _line(customer, product, days_ago, overrides):
    ordered_at = overrides.get("ordered_at", NOON - timedelta(days=days_ago))
    return {
        "order_id": f"{customer}-{days_ago}",
        "customer_id": customer,
        "product_id": product,
        "ordered_at": ordered_at,
        "known_at": ordered_at,
        "quantity": 1.0,
        "amount": 500,
        **overrides,
    }


@pytest.fixture
def make_orders():
    """Rows of (customer, product, days before AS_OF[, overrides]) as core order lines."""

    def make(*rows):
        lines = [_line(row[0], row[1], row[2], row[3] if len(row) > 3 else {}) for row in rows]
        return pl.DataFrame(lines, schema=ORDERS).lazy()

    return make


@pytest.fixture
def make_products():
    """Rows of (product, category, active) as core products, long known."""

    def make(*rows):
        return pl.LazyFrame(
            {
                "product_id": [row[0] for row in rows],
                "category": [row[1] for row in rows],
                "active": [row[2] for row in rows],
                "known_at": [datetime(2020, 1, 1, tzinfo=UTC)] * len(rows),
            },
            schema={
                "product_id": pl.String,
                "category": pl.String,
                "active": pl.Boolean,
                "known_at": pl.Datetime("us", "UTC"),
            },
        )

    return make


@pytest.fixture(scope="session")
def simulated_shop():
    """A year of 120 customers with a rhythm: staples come back on time, and half the customers follow a pair."""
    random = np.random.default_rng(7)
    rows = []
    for number in range(120):
        customer = f"c{number:03d}"
        taste = random.integers(0, 6)
        staples = [f"p{taste * 5 + step:02d}" for step in range(3)]
        for visit, days_ago in enumerate(range(int(random.integers(1, 25)), 330, 24)):
            basket = {staple for place, staple in enumerate(staples) if (visit + place) % 3 == 0}
            basket |= {f"p{product:02d}" for product in random.integers(0, 40, 2)}
            rows += [_line(customer, product, days_ago, {}) for product in sorted(basket)]
    return pl.DataFrame(rows, schema=ORDERS).lazy()

"""A company that sells by order and by subscription, in its first year: what it is told of who does both."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from config import load_settings
from flows.context import Context
from flows.running.progress import Reporter
from simulation.subscribers import simulate_subscribers
from tests.flows.nights.test_subscribing import SETTINGS
from warehouse.databases.duckdb_warehouse import DuckDBWarehouse

pytestmark = pytest.mark.slow
FIRST, AS_OF = date(2025, 2, 1), date(2026, 1, 1)
NOW = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
ORDERS = """
[inputs.orders]
files = "orders.parquet"

[sources.orders]
entity = "orders"
money = "minor"
input = "orders"
constants = { currency = "EUR" }

[sources.orders.columns]
order_id = "order_id"
line_number = "line_number"
customer_id = "customer_id"
ordered_at = "ordered_at"
product_id = "product_id"
quantity = "quantity"
amount = "amount"
"""


def orders_of(customers):
    """Every customer buys every so many days, some of them for a while only."""
    rows = []
    for number, customer in enumerate(customers):
        day, gap, last = FIRST + timedelta(days=number % 60), 8 + number % 50, AS_OF - timedelta(days=7 * (number % 30))
        while day < last:
            moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
            rows.append((f"{customer}:{day}", 1, customer, moment, f"p{number % 7}", 1, 500 + 100 * (number % 9)))
            day += timedelta(days=gap + (day.day % 3))
    names = ["order_id", "line_number", "customer_id", "ordered_at", "product_id", "quantity", "amount"]
    return pl.DataFrame(rows, schema=names, orient="row")


@pytest.fixture(scope="module")
def published(tmp_path_factory, do):
    folder = tmp_path_factory.mktemp("box")
    company = simulate_subscribers(customers=150, first=FIRST, last=AS_OF, seed=5)
    subscriptions = company.subscriptions
    subscribers = subscriptions["customer_id"].unique().sort().to_list()
    subscriptions.write_parquet(folder / "subscriptions.parquet")
    company.tickets.write_parquet(folder / "tickets.parquet")
    orders_of([*subscribers[::2], *(f"shop{number:03}" for number in range(150))]).write_parquet(
        folder / "orders.parquet"
    )
    (folder / "gristmill.toml").write_text(SETTINGS + ORDERS, encoding="utf-8")
    settings = load_settings(folder / "gristmill.toml", environment={})
    context = Context(settings=settings, now=NOW, clock=lambda: NOW, reporter=Reporter(quiet=True), run_by="tests")
    do("run", context, as_of=AS_OF)
    with DuckDBWarehouse(context.settings.warehouse_file) as warehouse:
        names = ("customer", "retention_list", "standard_service")
        tables = {name: warehouse.query(f"select * from segments.{name}") for name in names}  # noqa: S608 our own names
    running = subscriptions.filter(pl.col("ended_on").is_null())["customer_id"].unique().to_list()
    return tables, running


def test_whoever_subscribes_has_a_tier_by_both_and_is_nobody_to_be_let_go(published):
    tables, running = published
    told = tables["customer"].filter(pl.col("customer_id").is_in(running))
    part, whole = told["expected_subscription_value_12m"], told["expected_value_12m"]
    assert part.null_count() == 0
    assert part.min() > Decimal(0)
    assert (whole >= part).all()
    only = told.filter(pl.col("churn_probability").is_null())
    assert only.height > 20
    assert (only["expected_value_12m"] == only["expected_subscription_value_12m"]).all()
    assert "not scored" not in told["value_tier"].to_list()
    assert not told["recommended_action"].str.starts_with("Spend nothing").any()
    others = tables["customer"].filter(~pl.col("customer_id").is_in(running))
    assert others["expected_subscription_value_12m"].null_count() == others.height


def test_whom_to_save_counts_what_either_end_would_cost(published):
    tables, running = published
    listed = tables["retention_list"]
    only = listed.filter(pl.col("churn_probability").is_null())
    assert set(only["customer_id"]) <= set(running)
    assert listed.filter(pl.col("subscription_churn_probability").is_not_null()).height
    assert listed.filter(pl.col("margin_at_stake") <= 0).is_empty()

"""The coming demand as a night publishes it: by category and by customer, the one adding up to the other."""

import polars as pl
import pytest

from models.demand.by_customer import EVERYBODY_ELSE
from models.demand.forecast import TOTAL
from warehouse.databases.duckdb_warehouse import DuckDBWarehouse


def test_what_is_told_of_customers_adds_up_to_the_forecast(trained):
    workspace, _ = trained
    with DuckDBWarehouse(workspace / "warehouse.duckdb", read_only=True) as warehouse:
        forecast = warehouse.query("select * from segments.demand_forecast")
        told = warehouse.query("select * from segments.customer_demand")
        customers = warehouse.query("select * from segments.customer")
    keys = ["period_days", "category"]
    sums = told.group_by(keys).agg(pl.col("expected_orders", "expected_units").sum().name.suffix("_told"))
    both = forecast.filter(pl.col("category") != TOTAL).join(sums, on=keys, how="full", coalesce=True)
    assert both["period_days"].n_unique() == 2
    assert both.height > 4
    for name in ("expected_orders", "expected_units"):
        assert both[f"{name}_told"].to_list() == pytest.approx(both[name].to_list(), abs=1e-3)
    active = customers.filter(pl.col("customer_status") == "active")
    theirs = told.filter(pl.col("customer_id") != EVERYBODY_ELSE)
    assert set(theirs["customer_id"]) <= set(active["customer_id"])
    month = theirs.filter(pl.col("period_days") == 30)
    by_customer = month.group_by("customer_id").agg(pl.col("expected_orders").sum().alias("told"))
    ranked = active.join(by_customer, on="customer_id")
    assert ranked.select(pl.corr("told", "expected_orders_30d", method="spearman")).item() > 0.95
    assert by_customer["told"].sum() > ranked["expected_orders_30d"].sum() / 2

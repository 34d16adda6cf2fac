from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data_contracts.orders import purchase_orders, snapshot_instant
from simulation.errors import SimulationSettingError
from simulation.retailer import simulate

INSTANT = pl.Datetime("us", "UTC")
SCHEMAS = {
    "orders": {
        "order_id": pl.String,
        "line_number": pl.Int32,
        "customer_id": pl.String,
        "ordered_at": INSTANT,
        "product_id": pl.String,
        "quantity": pl.Float64,
        "amount": pl.Int64,
        "discount_amount": pl.Int64,
        "cost_amount": pl.Int64,
        "channel": pl.String,
        "currency": pl.String,
        "known_at": INSTANT,
        "load_id": pl.String,
    },
    "customers": {
        "customer_id": pl.String,
        "customer_type": pl.String,
        "created_at": INSTANT,
        "region": pl.String,
        "birth_year": pl.Int32,
        "acquisition_channel": pl.String,
        "credit_limit": pl.Int64,
        "email": pl.String,
        "phone": pl.String,
        "consent_marketing": pl.Boolean,
        "known_at": INSTANT,
        "load_id": pl.String,
    },
    "products": {
        "product_id": pl.String,
        "name": pl.String,
        "category": pl.String,
        "brand": pl.String,
        "list_price": pl.Int64,
        "unit_cost": pl.Int64,
        "launched_on": pl.Date,
        "active": pl.Boolean,
        "known_at": INSTANT,
        "load_id": pl.String,
    },
}
TABLES = ("customers", "products", "orders", "truth")


@pytest.fixture(scope="module")
def purchases(company):
    return purchase_orders(company.orders.lazy()).filter("is_purchase").collect()


@pytest.mark.parametrize("entity", SCHEMAS)
def test_tables_have_the_core_columns(company, entity):
    assert dict(getattr(company, entity).schema) == SCHEMAS[entity]


@pytest.mark.parametrize(
    ("entity", "key"),
    [("orders", ["order_id", "line_number"]), ("customers", ["customer_id"]), ("products", ["product_id"])],
)
def test_keys_are_unique_and_present(company, entity, key):
    keys = getattr(company, entity).select(key)
    assert keys.is_unique().all()
    assert keys.null_count().row(0) == (0,) * len(key)


def test_line_numbers_count_from_one_in_every_order(company):
    orders = company.orders.group_by("order_id").agg(
        pl.col("line_number").min(), last=pl.col("line_number").max(), n=pl.len()
    )
    assert (orders["line_number"] == 1).all()
    assert (orders["last"] == orders["n"]).all()


def test_an_order_has_one_customer_instant_and_channel(company):
    distinct = company.orders.group_by("order_id").agg(pl.col("customer_id", "ordered_at", "channel").n_unique())
    assert distinct.select(pl.col("customer_id", "ordered_at", "channel").max()).row(0) == (1, 1, 1)


def test_order_ids_run_in_the_order_they_happened(company):
    assert company.orders["order_id"].is_sorted()
    assert company.orders["ordered_at"].is_sorted()


def test_ids_keep_leading_zeros(company):
    assert company.customers["customer_id"].head(2).to_list() == ["00001", "00002"]
    assert company.customers["email"].drop_nulls()[0] == "customer00001@example.com"


def test_nothing_happens_before_joining_after_death_or_after_the_end(company):
    lines = company.orders.join(company.truth, on="customer_id", validate="m:1")
    assert (lines["ordered_at"] > lines["acquired_at"]).all()
    assert (lines["ordered_at"] < lines["died_at"]).all(ignore_nulls=True)
    assert lines["ordered_at"].max() < snapshot_instant(company.end, time_zone=company.time_zone)
    assert lines["ordered_at"].min() >= snapshot_instant(company.start, time_zone=company.time_zone)


def test_products_are_sold_only_while_on_the_shelf(company):
    lines = company.orders.filter(pl.col("amount") > 0).join(company.products, on="product_id", validate="m:1")
    assert lines.height == company.orders.filter(pl.col("amount") > 0).height
    local_date = lines["ordered_at"].dt.convert_time_zone(company.time_zone).dt.date()
    assert (local_date >= lines["launched_on"]).all()
    launched_meanwhile = lines.filter(pl.col("launched_on") > company.start)
    assert 0.02 < launched_meanwhile.height / lines.height < 0.2
    last_sold = lines.filter(~pl.col("active")).group_by("product_id").agg(pl.col("ordered_at").max())
    assert last_sold.height > 0
    assert (last_sold["ordered_at"] < datetime(2025, 12, 31, tzinfo=UTC)).any()


def test_returns_are_orders_of_their_own_and_never_exceed_what_was_bought(company):
    key = ["customer_id", "product_id"]
    orders = company.orders.group_by("order_id").agg(up=(pl.col("amount") > 0).any(), down=(pl.col("amount") < 0).any())
    assert not (orders["up"] & orders["down"]).any()
    running = company.orders.sort("ordered_at", "order_id", "line_number").with_columns(
        pl.col("quantity", "amount", "cost_amount").cum_sum().over(key)
    )
    assert (running["quantity"] >= 0).all()
    assert (running["amount"] >= 0).all()
    assert (running["cost_amount"] >= 0).all()
    assert 0.01 < (company.orders["amount"] < 0).mean() < 0.08


def test_amount_and_discount_add_up_to_the_list_price(company):
    bought = company.orders.filter(pl.col("amount") > 0).join(company.products, on="product_id", validate="m:1")
    assert (bought["amount"] + bought["discount_amount"] == bought["quantity"] * bought["list_price"]).all()
    assert (bought["cost_amount"] == bought["quantity"] * bought["unit_cost"]).all()


def test_it_looks_like_a_shop(company, purchases):
    revenue = company.orders.group_by("customer_id").agg(pl.col("amount").sum())["amount"].sort(descending=True)
    top = revenue.head(company.customers.height // 20).sum() / revenue.sum()
    margin = 1 - company.orders["cost_amount"].sum() / company.orders["amount"].sum()
    assert 8.0 <= purchases.height / company.customers.height <= 11.0
    assert 2.2 <= purchases["line_count"].mean() <= 2.9
    assert 0.25 <= top <= 0.40
    assert 0.3 <= margin <= 0.55
    assert 0.95 <= purchases["customer_id"].n_unique() / company.customers.height < 1.0


def test_the_year_end_is_the_peak(purchases):
    months = purchases.group_by(
        pl.col("ordered_at").dt.year().alias("year"), pl.col("ordered_at").dt.month().alias("month")
    ).len()
    for year in (2024, 2025):
        of_year = months.filter(pl.col("year") == year).sort("len")
        assert of_year["month"][-1] == 12
    in_2025 = months.filter((pl.col("year") == 2025) & pl.col("month").is_between(3, 10))["len"]
    assert months.filter(pl.col("year") == 2025)["len"].max() > 1.3 * in_2025.mean()


def _population(purchases, snapshot_date: date) -> pl.DataFrame:
    """Customers active within a year before the snapshot, what was known of them, and whether they churned."""
    instant = datetime.combine(snapshot_date, datetime.min.time(), tzinfo=UTC)
    past = purchases.filter(pl.col("ordered_at") < instant).with_columns(
        days_ago=(pl.lit(instant) - pl.col("ordered_at")).dt.total_seconds() / 86_400
    )
    later = purchases.filter(pl.col("ordered_at").is_between(instant, instant + timedelta(days=90), closed="left"))
    known = past.group_by("customer_id").agg(
        recency=pl.col("days_ago").min(),
        tenure=pl.col("days_ago").max(),
        orders=pl.len(),
        orders_90=(pl.col("days_ago") < 90).sum(),
        orders_180=(pl.col("days_ago") < 180).sum(),
    )
    active = known.filter(pl.col("recency") <= 365).sort("customer_id")
    return active.with_columns(churned=~pl.col("customer_id").is_in(later["customer_id"].unique().to_list()))


def _area_under_curve(score: np.ndarray, label: np.ndarray) -> float:
    rank = pl.Series(score).rank("average").to_numpy()
    positives = int(label.sum())
    return (rank[label].sum() - positives * (positives + 1) / 2) / (positives * (label.size - positives))


def _design(population: pl.DataFrame) -> np.ndarray:
    gap = (pl.col("tenure") - pl.col("recency") + 30) / pl.col("orders")
    columns = population.select(
        pl.lit(1.0).alias("one"),
        pl.col("recency", "orders_90", "orders_180").log1p(),
        (pl.col("recency") / gap).clip(0, 6).alias("relative"),
        (pl.col("recency") / gap).clip(0, 6).pow(2).alias("relative_squared"),
        gap.log().alias("gap"),
        pl.col("tenure").log1p(),
    )
    return columns.to_numpy()


@pytest.mark.parametrize("snapshot_date", [date(2024, 9, 1), date(2025, 3, 1), date(2025, 10, 2)])
def test_a_believable_share_of_active_customers_churns(purchases, snapshot_date):
    assert 0.30 <= _population(purchases, snapshot_date)["churned"].mean() <= 0.55


def test_recency_alone_predicts_churn_clearly_worse_than_a_rhythm_does(purchases):
    train, test = (_population(purchases, day) for day in (date(2025, 3, 1), date(2025, 10, 2)))
    weights = np.linalg.lstsq(_design(train), train["churned"].to_numpy().astype(float), rcond=None)[0]
    churned = test["churned"].to_numpy()
    recency_only = _area_under_curve(test["recency"].to_numpy(), churned)
    with_rhythm = _area_under_curve(_design(test) @ weights, churned)
    assert 0.70 < recency_only < 0.88
    assert with_rhythm > recency_only + 0.025


def test_what_people_bought_tells_what_they_will_buy(company):
    instant = datetime(2025, 10, 1, tzinfo=UTC)
    bought = company.orders.filter(pl.col("amount") > 0).select("customer_id", "product_id", "ordered_at")
    past = bought.filter(pl.col("ordered_at") < instant)
    later = bought.filter(pl.col("ordered_at").is_between(instant, instant + timedelta(days=30)))
    later = (
        later.select("customer_id", "product_id").unique().join(past.select("customer_id").unique(), on="customer_id")
    )
    popular = (
        past.group_by("product_id").len().sort("len", "product_id", descending=[True, False])["product_id"].head(10)
    )
    counts = past.group_by("customer_id", "product_id").len()
    ranked = counts.sort("customer_id", "len", "product_id", descending=[False, True, False])
    own = ranked.group_by("customer_id", maintain_order=True).head(10)
    found_own = later.join(own, on=["customer_id", "product_id"]).height / later.height
    found_popular = later.filter(pl.col("product_id").is_in(popular.to_list())).height / later.height
    assert found_own > 1.5 * found_popular
    assert 0.3 < found_own < 0.8


def test_price_sensitive_customers_buy_more_on_discount(company):
    bought = company.orders.filter(pl.col("amount") > 0).join(company.truth, on="customer_id", validate="m:1")
    keen, cool = (
        bought.filter(flag)["discount_amount"].gt(0).mean()
        for flag in (pl.col("price_sensitivity") > 0.5, pl.col("price_sensitivity") < 0.2)
    )
    assert keen > 2 * cool


def test_the_same_seed_gives_the_same_company_and_another_seed_another(small_company):
    settings = {
        "customers": 300,
        "start": small_company.start,
        "end": small_company.end,
        "currency": "GBP",
        "time_zone": "Europe/London",
    }
    again, other = simulate(**settings, seed=3), simulate(**settings, seed=4)
    for table in TABLES:
        assert_frame_equal(getattr(again, table), getattr(small_company, table))
        assert not getattr(other, table).equals(getattr(small_company, table))


@pytest.mark.parametrize("customers", [1, 2, 40])
def test_tiny_companies_are_whole(customers):
    company = simulate(customers=customers, start=date(2024, 2, 1), end=date(2024, 3, 2), seed=1, products=24)
    assert company.customers.height == company.truth.height == customers
    assert company.products.height == 24


@pytest.mark.parametrize(
    ("change", "setting"),
    [
        ({"customers": 0}, "customers"),
        ({"end": date(2024, 1, 5)}, "end"),
        ({"seed": -1}, "seed"),
        ({"products": 23}, "products"),
        ({"currency": "eur"}, "currency"),
        ({"currency": "JPY"}, "currency"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
    ],
)
def test_settings_that_mean_nothing_are_refused_by_name(change, setting):
    valid = {"customers": 10, "start": date(2024, 1, 1), "end": date(2024, 6, 1), "seed": 1}
    with pytest.raises(SimulationSettingError) as refused:
        simulate(**(valid | change))
    assert refused.value.where == setting
    assert refused.value.exit_code == 2

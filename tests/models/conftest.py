"""A small company with seasons and leavers, its features and outcomes, and what is trained on them once."""

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from data_contracts.orders import purchase_orders, snapshot_instant
from models.purchases.churn import train_churn
from models.snapshots.labels import monthly_activity, outcomes, population
from models.snapshots.rows import TrainingData
from models.snapshots.splits import plan_splits, plan_value
from models.value.model import train_value

ZONE = "Europe/London"
START, AS_OF = date(2024, 1, 1), date(2026, 1, 1)
FEATURES = (
    "days_since_last_order",
    "purchase_count_90_days",
    "purchase_count_365_days",
    "net_amount_365_days",
    "amount_per_purchase",
    "days_since_first_order",
    "days_per_purchase",
    "purchase_day_count",
    "region",
    "season_sine",
)
HISTORY = ("net_amount_life",)  # what purchase models ask for, beside what may be learnt from


def order_lines(rows):
    """Core order lines from (customer, order, when, amount[, known_at])."""
    filled = [(*row, row[2]) if len(row) == 4 else row for row in rows]
    return pl.LazyFrame(
        {
            "customer_id": [row[0] for row in filled],
            "order_id": [row[1] for row in filled],
            "ordered_at": [row[2] for row in filled],
            "amount": [row[3] for row in filled],
            "known_at": [row[4] for row in filled],
            "quantity": [1.0] * len(filled),
        },
        schema={
            "customer_id": pl.String,
            "order_id": pl.String,
            "ordered_at": pl.Datetime("us", "UTC"),
            "amount": pl.Int64,
            "known_at": pl.Datetime("us", "UTC"),
            "quantity": pl.Float64,
        },
    )


def simulated_orders(*, customers=1200, seed=5):
    """Buyers with rhythms of their own, who join and leave at any time; busier at year's end; 5 % of orders return."""
    random = np.random.default_rng(seed)
    joined, lifetime = random.uniform(-300, 700, customers), random.exponential(900, customers)
    rhythm = np.exp(random.normal(4.3, 0.9, customers))
    spend = np.exp(random.normal(8, 0.7, customers))
    days = np.arange(-300, (AS_OF - START).days + 1)
    pace = np.where(((days % 365) > 270) & ((days % 365) < 350), 1.8, 0.8)
    paced = np.concatenate([[0.0], np.cumsum(pace)])[:-1]
    gaps = rhythm[:, None] * random.gamma(3, 1 / 3, (customers, 150))
    gaps[:, 0] = 0
    times = np.interp(np.interp(joined, days, paced)[:, None] + np.cumsum(gaps, axis=1), paced, days, right=np.inf)
    who, place = np.nonzero((times >= 0) & (times < np.minimum(joined + lifetime, days[-1])[:, None]))
    when = times[who, place].astype(int)
    amount = np.maximum(spend[who] * np.exp(random.normal(0, 0.4, len(who))), 1).astype(int)
    base = np.datetime64(START, "us")
    bought = base + when.astype("timedelta64[D]") + np.timedelta64(12, "h")
    back = random.random(len(who)) < 0.05
    both = np.concatenate
    stamps = pl.Series(both([bought, bought[back] + np.timedelta64(5, "D")])).dt.replace_time_zone("UTC")
    return pl.DataFrame(
        {
            "customer_id": [f"c{one:05d}" for one in both([who, who[back]])],
            "order_id": [f"o{one}" for one in range(len(who))] + [f"r{one}" for one in np.flatnonzero(back)],
            "ordered_at": stamps,
            "amount": both([amount, -amount[back]]),
            "known_at": stamps,
            "quantity": 1.0,
        }
    ).filter(pl.col("ordered_at") < datetime(AS_OF.year, AS_OF.month, AS_OF.day, tzinfo=UTC))


def simple_features(orders, snapshots):
    """A handful of features, the slow and obvious way, for the population."""
    return pl.concat([_features_at(orders, day) for day in snapshots])


def _features_at(orders, day):
    instant = snapshot_instant(day, time_zone=ZONE)
    known = orders.filter(pl.col("ordered_at") < instant)
    made = purchase_orders(known.lazy()).collect()
    made = made.with_columns(age=(pl.lit(instant) - pl.col("ordered_at")).dt.total_days())
    bought = pl.col("is_purchase")
    rows = made.group_by("customer_id").agg(
        days_since_last_order=pl.col("age").filter(bought).min().cast(pl.Float64),
        purchase_count_90_days=(bought & (pl.col("age") < 90)).sum().cast(pl.Int64),
        purchase_count_365_days=(bought & (pl.col("age") < 365)).sum().cast(pl.Int64),
        net_amount_365_days=pl.col("amount").filter(pl.col("age") < 365).sum(),
        amount_per_purchase=pl.col("amount").filter(bought).mean(),
        days_since_first_order=pl.col("age").filter(bought).max().cast(pl.Float64),
        purchases=bought.sum(),
        purchase_day_count=pl.col("age").filter(bought).n_unique().cast(pl.Int64),
        net_amount_life=pl.col("amount").sum(),
    )
    rhythm = (pl.col("days_since_first_order") - pl.col("days_since_last_order")) / (pl.col("purchases") - 1)
    rows = rows.with_columns(days_per_purchase=pl.when(pl.col("purchases") > 1).then(rhythm))
    active = population(orders.lazy(), snapshots=[day], time_zone=ZONE).collect()
    region = pl.col("customer_id").str.slice(-1).replace_strict({"0": "north", "1": None}, default="south")
    return (
        rows.join(active, on="customer_id", how="inner", validate="1:1")
        .with_columns(region=region, season_sine=pl.lit(float(day.month)))
        .select("customer_id", "snapshot_date", *FEATURES, *HISTORY)
        .sort("customer_id")
    )


@pytest.fixture(scope="session")
def orders():
    return simulated_orders()


@pytest.fixture(scope="session")
def churn_plan():
    return plan_splits(first_event=START, as_of=AS_OF, horizon_days=90)


@pytest.fixture(scope="session")
def value_plan():
    return plan_value(first_event=START, as_of=AS_OF)


@pytest.fixture(scope="session")
def data(orders, churn_plan, value_plan):
    snapshots = sorted({*churn_plan.all_snapshots, *value_plan.all_snapshots, *value_plan.year_snapshots, AS_OF})
    return TrainingData(
        features=simple_features(orders, snapshots),
        feature_names=FEATURES,
        activity=monthly_activity(orders.lazy(), as_of=AS_OF, time_zone=ZONE).collect(),
        first_event=START,
        as_of=AS_OF,
    )


@pytest.fixture(scope="session")
def happened(orders, value_plan):
    return {
        days: outcomes(orders.lazy(), snapshots=snapshots, horizon_days=days, time_zone=ZONE).collect()
        for days, snapshots in value_plan.outcome_windows().items()
    }


@pytest.fixture(scope="session")
def churn_bundle(data, happened, churn_plan):
    return train_churn(data, happened[90], churn_plan)


@pytest.fixture(scope="session")
def value_bundle(data, happened, value_plan):
    return train_value(data, happened, value_plan)


@pytest.fixture(scope="session")
def tonight(data):
    """Features of the day to be scored."""
    return data.features.filter(pl.col("snapshot_date") == AS_OF)

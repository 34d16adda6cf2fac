"""Silences, whether a customer is one still, and when they order next."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from models.errors import FeaturesMismatchError
from models.purchases.next_order import fit_next_order, next_order_from
from models.snapshots.labels import population
from simulation.retailer import simulate

AS_OF = date(2025, 1, 1)


def _facts(lines, as_of):
    day = pl.col("ordered_at").dt.date()
    known = lines.filter(day < as_of, pl.col("amount") > 0).group_by("customer_id")
    first, last = (pl.lit(as_of) - day.min()).dt.total_days(), (pl.lit(as_of) - day.max()).dt.total_days()
    facts = known.agg(
        day.n_unique().alias("purchase_day_count"),
        first.alias("days_since_first_order"),
        last.alias("days_since_last_order"),
    )
    return facts.sort("customer_id").with_columns(pl.lit(as_of).alias("snapshot_date"))


@pytest.fixture(scope="module")
def told():
    company = simulate(
        customers=1500,
        start=date(2023, 1, 1),
        end=date(2026, 1, 1),
        seed=7,
        products=40,
        currency="GBP",
        time_zone="UTC",
    )
    lines = company.orders
    model = fit_next_order(lines.lazy(), as_of=AS_OF, time_zone="UTC")
    active = population(lines.lazy(), snapshots=[AS_OF], time_zone="UTC").collect()
    facts = _facts(lines, AS_OF).join(active, on="customer_id", how="semi")
    later = lines.filter(pl.col("ordered_at").dt.date() >= AS_OF, pl.col("amount") > 0)
    came = later.group_by("customer_id").agg(pl.col("ordered_at").min().dt.date().alias("came_on"))
    truth = company.truth.select("customer_id", "died_at")
    rows = model.forecast(facts).join(facts, on="customer_id").join(came, on="customer_id", how="left")
    return model, facts, rows.join(truth, on="customer_id", how="left")


def test_it_is_as_likely_as_it_says_that_they_are_customers_still(told):
    rows = told[2].with_columns((pl.col("died_at").is_null() | (pl.col("died_at").dt.date() >= AS_OF)).alias("alive"))
    groups = rows.group_by((pl.col("probability_alive") * 4).floor().clip(0, 3)).agg(
        pl.len(), pl.col("probability_alive").mean().alias("said"), pl.col("alive").mean()
    )
    for row in groups.filter(pl.col("len") >= 60).iter_rows(named=True):
        assert abs(row["said"] - row["alive"]) < 0.15


def test_half_of_those_who_come_have_come_by_the_day(told):
    rows = told[2].filter(pl.col("expected_next_order_on").is_not_null() & pl.col("came_on").is_not_null())
    assert 0.42 < (rows["came_on"] <= rows["expected_next_order_on"]).mean() < 0.58
    often = rows.filter(pl.col("purchase_day_count") >= 5)
    missed = (often["came_on"] - often["expected_next_order_on"]).dt.total_days().abs().median()
    everybody = (often["came_on"] - often["came_on"].median()).dt.total_days().abs().median()
    assert missed <= everybody


def test_the_longer_the_silence_the_less_likely_and_no_date_for_who_has_left(told):
    model = told[0]
    silent = [1, 30, 90, 200, 360]
    asked = pl.DataFrame(
        {
            "customer_id": [str(days) for days in silent],
            "snapshot_date": AS_OF,
            "purchase_day_count": 6,
            "days_since_first_order": [days + 100 for days in silent],
            "days_since_last_order": silent,
        },
        schema_overrides={"snapshot_date": pl.Date},
    )
    answer = model.forecast(asked)
    alive = answer["probability_alive"].to_numpy()
    assert (np.diff(alive) <= 0).all()
    assert answer["expected_next_order_on"][0] - AS_OF < timedelta(days=40)
    assert answer["expected_next_order_on"][-1] is None
    never = model.forecast(asked.with_columns(pl.lit(None, pl.Int64).alias("days_since_last_order")))
    assert never["probability_alive"].null_count() == never.height
    assert next_order_from(model.file()) == model
    with pytest.raises(FeaturesMismatchError, match="purchase_day_count"):
        model.forecast(asked.drop("purchase_day_count"))


def test_a_company_of_single_orders_says_nothing_of_the_next():
    at = [datetime(2024, 1, day, tzinfo=UTC) for day in range(1, 21)]
    lines = pl.DataFrame(
        {
            "customer_id": [f"c{day}" for day in range(20)],
            "order_id": [f"o{day}" for day in range(20)],
            "ordered_at": at,
            "known_at": at,
            "amount": 100,
            "quantity": 1.0,
        }
    )
    model = fit_next_order(lines.lazy(), as_of=AS_OF, time_zone="UTC")
    answer = model.forecast(_facts(lines, AS_OF))
    assert answer["probability_alive"].null_count() == 20
    assert answer["expected_next_order_on"].null_count() == 20

"""Subscribers: who they are, when they left, what the life table counts, and a model beside a known truth."""

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

import features
from models.bundle import open_bundle
from models.contractual.facts import (
    KEYS,
    billed_amounts,
    former_subscribers,
    leaving_days,
    subscriber_facts,
    subscription_counts,
)
from models.contractual.hazard import Hazard
from models.contractual.life_table import fit_life_table, life_table_from
from models.contractual.plan import plan_contracts
from models.contractual.steps import (
    STEP_FEATURES,
    median_days,
    moved_on,
    steps_at_risk,
    subscribed_days,
    survival,
)
from models.contractual.training import (
    ContractData,
    explain_subscriptions,
    predict_subscriptions,
    train_subscription_churn,
)
from models.judging.calibration import Calibrator
from models.learners.encoding import Encoder
from simulation.subscribers import leaving_probability, simulate_subscribers

JANUARY, JUNE = date(2025, 1, 1), date(2025, 6, 1)


def subscriptions(*rows):
    """(customer, plan, first day, last day, amount, months) of each."""
    names = ["customer_id", "plan", "started_on", "ended_on", "amount", "billing_period_months"]
    types = {"ended_on": pl.Date, "amount": pl.Int64, "billing_period_months": pl.Int32}
    frame = pl.DataFrame(list(rows), schema=names, orient="row", schema_overrides=types)
    numbered = frame.with_row_index("subscription_id").with_columns(pl.col("subscription_id").cast(pl.String))
    return numbered.with_columns(pl.col("started_on").cast(pl.Datetime("us", "UTC")).alias("known_at")).lazy()


CHANGED = (
    ("a", "small", date(2024, 3, 10), date(2025, 2, 9), 1000, 1),
    ("a", "large", date(2025, 2, 14), None, 2400, 12),
)


def test_facts_are_those_of_the_day_and_a_change_of_plan_is_no_leave():
    rows = subscriptions(*CHANGED, ("b", "small", date(2024, 12, 31), date(2025, 1, 20), 1000, 1))
    facts = subscriber_facts(rows, snapshots=[JANUARY, JUNE], time_zone="UTC")
    assert facts.select("customer_id", "snapshot_date", "contract_plan").rows() == [
        ("a", JANUARY, "small"),
        ("a", JUNE, "large"),
        ("b", JANUARY, "small"),
    ]
    told = facts.filter(customer_id="a").to_dicts()
    assert [row["contract_age_days"] for row in told] == [297, 448]
    assert [row["contract_days_to_renewal"] for row in told] == [9, (date(2026, 2, 14) - JUNE).days]
    assert [row["contract_monthly_amount"] for row in told] == [1000, 200]
    ends = leaving_days(rows, facts, known_by=datetime(2025, 7, 1, tzinfo=UTC), until=date(2025, 7, 1))
    assert ends["days_until_end"].to_list() == [None, None, 19]


def test_an_end_of_the_last_days_may_be_a_change_of_plan_and_is_not_settled():
    july = date(2025, 7, 1)
    settled = ("b", "small", date(2024, 3, 10), date(2025, 6, 22), 1000, 1)
    for last_day, known in ((date(2025, 6, 23), None), (date(2025, 6, 22), 21), (date(2025, 6, 30), None)):
        rows = subscriptions(("a", "small", date(2024, 3, 10), last_day, 1000, 1), settled)
        facts = subscriber_facts(rows, snapshots=[JUNE], time_zone="UTC")
        ends = leaving_days(rows, facts, known_by=datetime(2025, 7, 1, tzinfo=UTC), until=july)
        assert ends["days_until_end"].to_list() == [known, 21]
    plan = plan_contracts(first_start=date(2024, 1, 1), as_of=july, horizon_days=30)
    assert plan.settled == date(2025, 6, 23)
    assert plan.test == plan.grid[-1] <= date(2025, 5, 24)


def test_subscriptions_are_counted_as_known_on_a_day():
    rows = subscriptions(
        ("a", "small", date(2024, 3, 10), date(2025, 3, 9), 1000, 1), ("b", "small", date(2025, 4, 1), None, 1000, 1)
    )
    days = (date(2024, 1, 1), JANUARY, date(2025, 3, 10), JUNE)
    assert [subscription_counts(rows, as_of=day, time_zone="UTC") for day in days] == [(0, 0), (1, 0), (1, 1), (2, 1)]


def test_an_end_that_lies_ahead_and_a_later_return_are_told_apart():
    rows = subscriptions(
        ("a", "small", date(2024, 3, 10), date(2025, 8, 9), 1000, 1),
        ("b", "small", date(2024, 3, 10), date(2025, 1, 9), 1000, 1),
        ("b", "small", date(2025, 2, 10), None, 1000, 1),
    )
    facts = subscriber_facts(rows, snapshots=[JANUARY, JUNE], time_zone="UTC")
    assert facts.filter(snapshot_date=JUNE)["contract_earlier_spells"].to_list() == [0, 1]
    ends = leaving_days(rows, facts, known_by=datetime(2025, 7, 1, tzinfo=UTC), until=date(2025, 7, 1))
    assert ends["days_until_end"].to_list() == [None, None, 8, None]
    assert former_subscribers(rows, as_of=date(2025, 7, 1), time_zone="UTC")["last_day"].to_list() == [None, None]


def test_what_ran_in_a_window_is_billed_by_the_day_at_each_plans_own_price():
    rows = subscriptions(
        *CHANGED,
        ("b", "small", date(2024, 12, 31), date(2024, 12, 31), 1000, 1),
        ("c", "small", date(2025, 4, 2), None, 1000, 1),  # begun after the window: nobody's yet
        ("d", "small", date(2025, 3, 31), date(2025, 8, 1), 1000, 1),
    )
    billed = billed_amounts(rows, first=JANUARY, end=date(2025, 4, 1), known_by=datetime(2025, 7, 1, tzinfo=UTC))
    a = 40 / 30.4375 * 1000 + 46 / 30.4375 * 200  # to 9 February, and from the 14th
    assert billed.rows() == [("a", round(a)), ("b", 0), ("d", round(1000 / 30.4375))]


def test_a_step_counts_only_where_it_was_entered_and_watched_to_its_end():
    facts = subscriber_facts(subscriptions(*CHANGED), snapshots=[JANUARY], time_zone="UTC")
    for left, expected in ((None, [0, 0, 0]), (29, [1]), (30, [0, 1])):
        asked = facts.with_columns(pl.lit(left, pl.Int64).alias("days_until_end"))
        rows = steps_at_risk(asked, steps=range(12), until=date(2025, 4, 1))
        assert rows["ends"].to_list() == expected
    assert moved_on(facts, 1)["contract_days_to_renewal"].item() in range(5, 12)


def test_survival_is_that_of_the_hazards():
    hazards = np.array([[0.5, 0.0, 0.5, 0.9], [0.1, 0.1, 0.1, 0.1]])
    np.testing.assert_allclose(survival(hazards, 30.0), [0.5, 0.9])
    np.testing.assert_allclose(survival(hazards, np.array([15.0, 1000.0])), [0.5**0.5, 0.9**4])
    np.testing.assert_allclose(median_days(hazards), [30.0, np.nan])
    np.testing.assert_allclose(subscribed_days(hazards, 30), [22.5, 28.5])


def test_the_life_table_counts_and_draws_thin_cells_to_the_whole():
    rows = subscriber_facts(subscriptions(*CHANGED), snapshots=[JANUARY], time_zone="UTC")
    step = moved_on(rows, 0)
    empty = fit_life_table(step.with_columns(pl.lit(0, pl.Int8).alias("ends")).clear())
    assert set(np.round(empty.cells, 6)) == {0.02}
    many = pl.concat([step.with_columns(pl.lit(int(one < 300), pl.Int8).alias("ends")) for one in range(1000)])
    table = fit_life_table(many)
    assert abs(1 / (1 + np.exp(-table.log_odds(step)))[0] - 0.3) < 0.01
    assert life_table_from(table.described()) == table


@pytest.fixture(scope="module")
def world():
    company = simulate_subscribers(customers=1800, first=date(2024, 7, 1), last=date(2026, 1, 1), seed=3)
    rows, as_of = company.subscriptions.lazy(), company.last
    plan = plan_contracts(first_start=company.first, as_of=as_of, horizon_days=90)
    days = [*plan.grid, as_of]
    facts = subscriber_facts(rows, snapshots=days, time_zone="UTC")
    ends = leaving_days(rows, facts, known_by=datetime(2026, 1, 1, tzinfo=UTC), until=as_of)
    entities = {"subscriptions": rows, "tickets": company.tickets.lazy()}
    built = features.build(entities, snapshots=days, time_zone="UTC").collect()
    names = tuple(spec.name for spec in features.catalogue(entities))
    table = facts.join(ends, on=KEYS, validate="1:1").join(built, on=KEYS, how="left", validate="1:1")
    data = ContractData(rows=table.filter(pl.col("snapshot_date") < as_of), feature_names=names, as_of=as_of)
    return company, table.filter(snapshot_date=as_of), data, plan


@pytest.fixture(scope="module")
def bundle(world):
    return train_subscription_churn(world[2], world[3])


def test_what_it_says_is_near_the_truth(world, bundle):
    company, tonight, _, _ = world
    told = predict_subscriptions(bundle, tonight)
    truth = leaving_probability(company, tonight, horizon_days=90)
    ours = told["subscription_churn_probability"].to_numpy()
    evidence = bundle.parameters["card"]
    assert len(evidence["reliability"]) == 10
    assert {one["kind"] for one in evidence["segments"]} == {"plan", "time as a subscriber", "billing period"}
    assert abs(ours.mean() - truth.mean()) < 0.03
    assert np.corrcoef(ours, truth)[0, 1] > 0.8
    assert (told["expected_value_12m_amount"] >= told["expected_value_90d_amount"]).all()
    assert (told["expected_value_12m_amount"] <= tonight["contract_monthly_amount"] * 12).all()
    assert (
        open_bundle(bundle.files | {"manifest.json": bundle.manifest()}, digest=bundle.digest()).files == bundle.files
    )


def test_reasons_add_up_to_the_score(world, bundle):
    _, tonight, data, plan = world
    assert plan.test < data.as_of
    flat = fit_life_table(moved_on(tonight, 0).with_columns(pl.lit(0, pl.Int8).alias("ends")))
    encoder = Encoder(features=STEP_FEATURES, categories={})
    model = Hazard(
        table=flat, encoder=encoder, trees=None, smooth=None, horizon_days=30, calibrator=Calibrator(kind="none")
    )
    parts, base = model.contributions(tonight, threads=1)
    np.testing.assert_allclose(parts.sum(axis=1) + base, flat.log_odds(moved_on(tonight, 0)))
    assert explain_subscriptions(bundle, tonight).height == tonight.height


def test_a_bucket_without_subscribers_has_no_rows(world, bundle):
    nobody = world[1].clear()
    assert predict_subscriptions(bundle, nobody).schema == predict_subscriptions(bundle, world[1]).schema
    assert explain_subscriptions(bundle, nobody).is_empty()


def test_a_company_too_young_or_too_loyal_gets_the_life_table_and_the_reason(world):
    _, tonight, data, _ = world
    young = plan_contracts(first_start=date(2025, 11, 20), as_of=date(2026, 1, 1), horizon_days=90)
    told = train_subscription_churn(ContractData(rows=data.rows.clear(), feature_names=(), as_of=data.as_of), young)
    assert told.method == "baseline"
    assert "too short a time" in told.reasons[0]
    loyal = data.rows.with_columns(pl.lit(None, pl.Int64).alias("days_until_end"))
    kept = train_subscription_churn(
        ContractData(rows=loyal, feature_names=data.feature_names, as_of=data.as_of),
        plan_contracts(first_start=date(2024, 1, 1), as_of=data.as_of, horizon_days=90),
    )
    assert "too few customers who left" in kept.reasons[0]
    assert predict_subscriptions(kept, tonight)["subscription_churn_probability"].max() < 0.05

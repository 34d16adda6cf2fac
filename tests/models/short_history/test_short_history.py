"""Purchase models of a company's first months, on the small company of `tests/models/conftest.py`."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from models.bundle import MANIFEST, open_bundle
from models.comparing import horizon_days
from models.errors import TooFewOutcomesError, TooLittleHistoryError
from models.judging.evaluation import auc, spearman
from models.judging.grading import FITTED_WITHOUT_OUTCOMES, grade_bundle
from models.purchases.churn import explain_churn, predict_churn
from models.short_history.checking import METHOD, plan_check
from models.short_history.churn import churn_from_purchases, still_customers, tells_by_purchases
from models.short_history.value import value_from_purchases
from models.snapshots.horizon import Horizon
from models.snapshots.labels import outcomes, population
from models.snapshots.rows import TrainingData
from models.value.model import explain_value, predict_value
from tests.models.conftest import FEATURES, START, ZONE, simple_features

NOW = START + timedelta(days=150)
HORIZON = Horizon(days=90, basis="90 days, as set")
WHY = "122 days are missing"


@pytest.fixture(scope="module")
def plan():
    return plan_check(first_event=START, as_of=NOW, horizon=HORIZON, why=WHY)


@pytest.fixture(scope="module")
def early(orders, plan):
    """Features of the company's first 150 days and what came of the day of the check, as known on the 150th."""
    known = orders.filter(pl.col("known_at") < pl.lit(NOW).cast(pl.Datetime("us", "UTC")))
    data = TrainingData(
        features=simple_features(known, [plan.check, NOW]),
        feature_names=FEATURES,
        activity=pl.DataFrame(),
        first_event=START,
        as_of=NOW,
    )
    after = outcomes(known.lazy(), snapshots=[plan.check], horizon_days=plan.check_days, time_zone=ZONE).collect()
    return data, after


@pytest.fixture(scope="module")
def later(orders):
    """What those customers did in the 90 days after, and whether they bought within a year."""
    soon, year = (
        outcomes(orders.lazy(), snapshots=[NOW], horizon_days=days, time_zone=ZONE).collect() for days in (90, 365)
    )
    asked = population(orders.lazy(), snapshots=[NOW], time_zone=ZONE).collect()
    both = asked.join(soon, on=["customer_id", "snapshot_date"]).join(
        year.select("customer_id", pl.col("churned").alias("gone")), on="customer_id"
    )
    return both.sort("customer_id")


def reopened(bundle):
    """The bundle as the registry gives it back."""
    return open_bundle({MANIFEST: bundle.manifest(), **bundle.files}, digest=bundle.digest())


@pytest.mark.parametrize(("days", "back"), [(30, 10), (150, 50), (269, 89), (400, 90)])
def test_a_third_of_the_history_checks_ninety_days_at_most(days, back):
    plan = plan_check(first_event=START, as_of=START + timedelta(days=days), horizon=HORIZON, why=WHY)
    assert plan.check_days == back
    assert set(plan.windows().all_snapshots) == {plan.check, plan.as_of}


def test_a_month_is_the_least():
    with pytest.raises(TooLittleHistoryError) as caught:
        plan_check(first_event=START, as_of=START + timedelta(days=29), horizon=HORIZON, why=WHY)
    assert caught.value.missing_days == 1


def test_churn_of_the_first_months_orders_customers_and_means_what_it_says(early, plan, later):
    bundle = reopened(churn_from_purchases(*early, plan))
    now = early[0].features.filter(pl.col("snapshot_date") == NOW)
    said = predict_churn(bundle, now)
    happened = later["churned"].to_numpy().astype(float)
    assert auc(said["churn_probability"].to_numpy(), happened) > 0.65
    assert said["churn_probability"].mean() == pytest.approx(happened.mean(), abs=0.1)
    parts = explain_churn(bundle, now).select(pl.sum_horizontal(bundle.features)).to_series().to_numpy()
    odds = np.log(said["churn_probability"] / (1 - said["churn_probability"])).to_numpy()
    assert np.ptp(parts - odds) < 1e-3  # but for a constant, and the rounding of probabilities, reasons add up
    assert (bundle.method, horizon_days(bundle)) == (METHOD, 90)


def test_still_a_customer_is_who_buys_again_within_a_year(early, plan, later):
    bundle = churn_from_purchases(*early, plan)
    told = still_customers(bundle, early[0].features.filter(pl.col("snapshot_date") == NOW)).sort("customer_id")
    came = 1 - later["gone"].to_numpy()
    assert tells_by_purchases(bundle)
    assert told["probability_alive"].mean() == pytest.approx(came.mean(), abs=0.12)
    assert auc(told["probability_alive"].to_numpy(), came) > 0.6
    dated = told.filter(pl.col("expected_next_order_on").is_not_null())
    assert (dated["probability_alive"] >= 0.5).all()
    assert dated["expected_next_order_on"].is_between(NOW, NOW + timedelta(days=365)).all()
    assert (
        told.filter(pl.col("probability_alive") < 0.5)["expected_next_order_on"].null_count()
        == told.filter(pl.col("probability_alive") < 0.5).height
    )


def test_value_of_the_first_months_is_near_in_total_and_in_order(early, plan, later):
    bundle = reopened(value_from_purchases(*early, plan))
    now = early[0].features.filter(pl.col("snapshot_date") == NOW)
    said = predict_value(bundle, now)
    actual = later["value_amount"].to_numpy().astype(float)
    assert 0.7 < said["expected_value_90d_amount"].sum() / actual.sum() < 1.4
    assert spearman(said["expected_value_90d_amount"].to_numpy().astype(float), actual) > 0.35
    low, typical, high = (
        said[f"{name}_amount"] for name in ("expected_value_12m_low", "typical_value_12m", "expected_value_12m_high")
    )
    assert ((low <= typical) & (typical <= high)).all()
    assert (said["expected_value_12m_amount"] > 2 * said["expected_value_90d_amount"]).mean() > 0.9
    assert explain_value(bundle, now).height == now.height
    assert 0.6 < bundle.metrics["check_coverage_all"] <= 1


def test_what_needs_no_outcomes_is_not_graded_and_says_so(early, plan):
    for bundle in (churn_from_purchases(*early, plan), value_from_purchases(*early, plan)):
        grade = grade_bundle(bundle)
        assert (grade.letter, bundle.beats_baseline, grade.may_be_promoted) == ("C", False, False)
        assert "not graded yet" in grade.words
        assert WHY in bundle.reasons[0]
        assert bundle.metrics[FITTED_WITHOUT_OUTCOMES] == 1
        assert not {"auc", "value_90d_mae"} & bundle.metrics.keys()  # a check of 50 days promises nothing of 90


def test_hardly_anybody_is_refused(early, plan):
    data, after = early
    few = after["customer_id"].head(19)
    fewer = TrainingData(
        features=data.features.filter(pl.col("customer_id").is_in(few.to_list())),
        feature_names=data.feature_names,
        activity=data.activity,
        first_event=data.first_event,
        as_of=data.as_of,
    )
    with pytest.raises(TooFewOutcomesError, match="purchase model"):
        churn_from_purchases(fewer, after, plan)

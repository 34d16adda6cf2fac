"""Receipts of hand-made nights: what is counted, and when a model is said to have broken its promise."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from segments.receipts.contract import (
    ALL,
    BROKEN,
    CHURN,
    DECILE,
    KEPT,
    LEAVING,
    NO_PROMISE,
    OFFER,
    RANK,
    TOO_FEW,
    VALUE_90D,
    Promise,
    Subject,
    promise_of,
)
from segments.receipts.making import list_receipt, ranking_of, receipt


def subject(score=CHURN, promise=None):
    return Subject(
        scored_as_of=date(2026, 1, 1),
        score=score,
        horizon_days=90,
        model="churn",
        model_version=3,
        model_digest="d",
        load_id="l",
        features_hash="f",
        promise=promise or Promise(ranking=0.75, customers=2000, level_error=0.01),
    )


def scored(predicted, *, low=None, high=None):
    count = len(predicted)
    return pl.DataFrame(
        {
            "customer_id": [f"c{number:05}" for number in range(count)],
            "value_tier": ["gold" if number % 2 else "lead" for number in range(count)],
            "predicted": pl.Series(predicted, dtype=pl.Float64),
            "low": pl.Series([low] * count, dtype=pl.Float64),
            "high": pl.Series([high] * count, dtype=pl.Float64),
        }
    )


def happened(values):
    ids = pl.Series([f"c{number:05}" for number in range(len(values))], dtype=pl.String)
    return pl.DataFrame({"customer_id": ids, "actual": pl.Series(values, dtype=pl.Float64)})


def whole(frame):
    return frame.row(by_predicate=pl.col("slice") == ALL, named=True)


def drawn(count, *, seed=1):
    """Probabilities and outcomes that follow them."""
    random = np.random.default_rng(seed)
    probabilities = random.beta(1.2, 1.8, count)
    return probabilities, (random.random(count) < probabilities).astype(float)


def test_means_tenths_and_those_nobody_knows_any_more():
    made = receipt(scored([0.9, 0.7, 0.3, 0.1]), happened([1, 1, 0]), subject())
    told = whole(made)
    assert (told["customers"], told["customers_without_outcome"]) == (3, 1)
    assert told["predicted"] == pytest.approx((0.9 + 0.7 + 0.3) / 3)
    assert told["actual"] == pytest.approx(2 / 3)
    assert (told["ranking"], told["verdict"], told["window_end"]) == (1.0, TOO_FEW, date(2026, 4, 1))
    by_tier = made.filter(pl.col("slice") == "tier").sort("part")
    assert by_tier["customers"].to_list() == [1, 2]
    assert by_tier["verdict"].null_count() == 2
    assert made.filter(pl.col("slice") == DECILE)["customers"].sum() == 3


def test_a_model_that_is_right_keeps_its_promise_and_one_that_is_not_breaks_it():
    probabilities, outcomes = drawn(3000)
    honest = Promise(ranking=ranking_of(pl.Series(probabilities), pl.Series(outcomes), score=CHURN), customers=3000)
    table = {
        "right": (probabilities, outcomes, KEPT),
        "ranks no better than a coin": (probabilities, drawn(3000, seed=9)[1], BROKEN),
        "twice as many leave": (probabilities / 2, outcomes, BROKEN),
    }
    for case, (predicted, actual, verdict) in table.items():
        told = whole(receipt(scored(predicted), happened(actual), subject(promise=honest)))
        assert told["verdict"] == verdict, (case, told["why"])
        assert (told["why"] is None) == (verdict == KEPT), case
    right = whole(receipt(scored(probabilities), happened(outcomes), subject(promise=honest)))
    assert right["calibration_error"] < 0.04
    assert right["lift"] > 1.8
    assert right["actual_low"] < right["predicted"] < right["actual_high"]


def test_chance_alone_seldom_breaks_a_promise():
    promise = Promise(ranking=whole_ranking(), customers=2000)
    verdicts = []
    for seed in range(40):
        probabilities, outcomes = drawn(400, seed=100 + seed)
        verdicts.append(whole(receipt(scored(probabilities), happened(outcomes), subject(promise=promise)))["verdict"])
    assert verdicts.count(BROKEN) <= 2


def whole_ranking():
    probabilities, outcomes = drawn(20_000, seed=5)
    return ranking_of(pl.Series(probabilities), pl.Series(outcomes), score=CHURN)


def test_amounts_have_coverage_and_a_verdict_of_their_own():
    random = np.random.default_rng(3)
    expected = random.gamma(2, 50, 1000)
    came = expected * random.lognormal(0, 0.3, 1000)
    good = Promise(ranking=0.85, customers=1000, level_error=0.05)
    told = whole(receipt(scored(expected, low=0, high=100), happened(came), subject(VALUE_90D, good)))
    assert told["verdict"] == KEPT
    assert told["coverage"] == pytest.approx((came <= 100).mean())
    assert whole(receipt(scored(expected * 2), happened(came), subject(VALUE_90D, good)))["verdict"] == BROKEN
    assert whole(receipt(scored(expected), happened(came), subject(VALUE_90D, Promise())))["verdict"] == NO_PROMISE


@pytest.mark.parametrize("score", [CHURN, VALUE_90D])
@pytest.mark.parametrize("actual", [[0.0, 0.0], [1.0, 1.0], []])
def test_outcomes_all_alike_or_none_at_all(score, actual):
    told = whole(receipt(scored([0.2, 0.2]), happened(actual), subject(score)))
    assert (told["customers"], told["verdict"]) == (len(actual), TOO_FEW)
    assert told["ranking"] is None


def test_what_a_test_promises():
    metrics = {"auc": 0.8, "test_rows": 500.0, "calibration_error": 0.02, "value_90d_spearman": 0.4}
    assert promise_of(CHURN, metrics) == Promise(ranking=0.8, customers=500, level_error=0.02)
    assert promise_of(VALUE_90D, metrics).ranking == 0.4
    assert promise_of("expected_value_12m", metrics) == Promise()
    failed = metrics | {"baseline_auc": 0.72, "baseline_calibration_error": 0.05}
    for score in (CHURN, LEAVING):  # the baseline scores: nobody promised what the model that failed was able to do
        assert promise_of(score, failed, by_baseline=True) == Promise(ranking=0.72, customers=500, level_error=0.05)
    assert promise_of(OFFER, {"ndcg_at_10": 0.3, "probability_predicted_per_actual": 0.9}).level_error == pytest.approx(
        0.1
    )


def test_lists_are_counted_by_row_and_doubted_by_customer():
    """Two customers who buy everything or nothing tell no more than two customers do."""
    random = np.random.default_rng(4)
    listed = pl.DataFrame(
        {
            "customer_id": [f"c{number // 5:04}" for number in range(2000)],
            "value_tier": ["gold"] * 2000,
            "rank": pl.Series([number % 5 + 1 for number in range(2000)], dtype=pl.Int32),
            "predicted": [0.5 - 0.08 * (number % 5) for number in range(2000)],
        }
    )
    by_customer = np.repeat(random.random(400) < 0.34, 5).astype(float)  # all of the list or nothing of it
    grades = pl.DataFrame({"customer_id": listed["customer_id"].unique().sort(), "ndcg": random.random(400)})
    promise = Promise(ranking=0.5, customers=400)
    made = list_receipt(
        listed.with_columns(pl.Series("actual", by_customer)).with_columns(
            pl.when(pl.col("customer_id") != "c0000").then("actual").alias("actual")  # erased
        ),
        grades,
        subject(OFFER, promise),
    )
    told = whole(made)
    assert (told["customers"], told["customers_without_outcome"]) == (399, 1)
    assert told["actual_high"] - told["actual_low"] == pytest.approx(2 * 1.96 * (0.34 * 0.66 / 399) ** 0.5, rel=0.05)
    assert told["verdict"] == KEPT
    places = made.filter(pl.col("slice") == RANK).sort("part")
    assert places["part"].to_list() == ["01", "02", "03", "04", "05"]
    assert places["predicted"].to_list() == pytest.approx([0.5, 0.42, 0.34, 0.26, 0.18])
    worse = list_receipt(listed.with_columns(pl.Series("actual", by_customer * 0)), grades, subject(OFFER, promise))
    assert "level is off" in whole(worse)["why"]
    assert whole(worse)["actual_high"] > 0

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.bundle import MANIFEST, open_bundle
from models.errors import FeaturesMismatchError, TooFewOutcomesError
from models.purchases.churn import explain_churn, predict_churn, train_churn, unseen_category_shares


def test_it_beats_the_recency_rule_and_says_so(churn_bundle):
    metrics = churn_bundle.metrics
    assert churn_bundle.method == "lightgbm"
    assert churn_bundle.beats_baseline
    assert metrics["auc"] > metrics["baseline_auc"]
    assert metrics["log_loss"] < metrics["baseline_log_loss"]
    assert metrics["calibration_error"] < 0.08
    assert all(reason.startswith("yes: ") for reason in churn_bundle.reasons)


def test_scores_are_probabilities_in_the_order_of_the_rows(churn_bundle, tonight):
    scores = predict_churn(churn_bundle, tonight)
    assert scores.columns == ["customer_id", "snapshot_date", "churn_probability"]
    assert scores["customer_id"].equals(tonight["customer_id"])
    assert scores["churn_probability"].is_between(0, 1).all()
    assert scores["churn_probability"].n_unique() > 100


def test_scores_survive_reordered_columns_and_rows(churn_bundle, tonight):
    expected = predict_churn(churn_bundle, tonight)
    shuffled = tonight.select(reversed(tonight.columns)).sample(fraction=1.0, shuffle=True, seed=1)
    assert predict_churn(churn_bundle, shuffled).sort("customer_id").equals(expected.sort("customer_id"))


def test_scores_survive_storage(churn_bundle, tonight):
    stored = {**churn_bundle.files, MANIFEST: churn_bundle.manifest()}
    opened = open_bundle(stored, digest=churn_bundle.digest())
    assert predict_churn(opened, tonight).equals(predict_churn(churn_bundle, tonight))


def test_training_is_repeatable_whatever_the_row_order_and_threads(churn_bundle, data, happened, churn_plan):
    shuffled = replace(data, features=data.features.sample(fraction=1.0, shuffle=True, seed=7))
    again = train_churn(shuffled, happened[90].reverse(), churn_plan, threads=2)
    assert again.digest() == churn_bundle.digest()


def test_nothing_after_the_test_snapshot_reaches_the_graded_model(churn_bundle, data, happened, churn_plan):
    """Features after the test snapshot may be anything: the figures stay; only the kept model would notice."""
    later = pl.col("snapshot_date") > churn_plan.test
    garbled = data.features.with_columns(
        pl.when(later).then(0.0).otherwise("days_since_last_order").alias("days_since_last_order")
    )
    again = train_churn(replace(data, features=garbled), happened[90], churn_plan)
    assert again.metrics == churn_bundle.metrics


def test_contributions_add_up_to_the_order_of_the_scores(churn_bundle, tonight):
    parts = explain_churn(churn_bundle, tonight)
    assert parts.columns == ["customer_id", "snapshot_date", *churn_bundle.features]
    total = parts.select(pl.sum_horizontal(churn_bundle.features)).to_series().to_numpy()
    scores = predict_churn(churn_bundle, tonight)["churn_probability"].to_numpy()
    order = np.argsort(total, kind="stable")
    assert (np.diff(scores[order]) > -1e-6).all()


def test_the_calendar_is_left_out_and_told(churn_bundle):
    assert "season_sine" not in churn_bundle.features
    assert "calendar" in churn_bundle.parameters["features_left_out"]["season_sine"]


def test_other_features_are_refused(churn_bundle, tonight):
    with pytest.raises(FeaturesMismatchError, match="nothing was scored"):
        predict_churn(churn_bundle, tonight.drop("region"))


def test_unseen_texts_are_scored_as_missing_and_counted(churn_bundle, tonight):
    moved = tonight.with_columns(region=pl.lit("atlantis"))
    assert unseen_category_shares(churn_bundle, moved) == {"region": 1.0}
    nowhere = tonight.with_columns(region=pl.lit(None, dtype=pl.String))
    assert predict_churn(churn_bundle, moved).equals(predict_churn(churn_bundle, nowhere))


def test_a_model_without_signal_gives_way_to_the_rule(data, happened, churn_plan, tonight):
    recency_only = replace(data, feature_names=("days_since_last_order",))
    bundle = train_churn(recency_only, happened[90], churn_plan)
    assert bundle.method == "baseline"
    assert not bundle.beats_baseline
    assert any(reason.startswith("no: ") for reason in bundle.reasons)
    scores = predict_churn(bundle, tonight)["churn_probability"]
    assert scores.is_between(0, 1).all()
    assert explain_churn(bundle, tonight).columns == ["customer_id", "snapshot_date", "days_since_last_order"]


def test_a_copy_of_the_label_is_caught(data, happened, churn_plan):
    leak = happened[90].select("customer_id", "snapshot_date", left=pl.col("churned").cast(pl.Float64))
    leaking = data.features.join(leak, on=["customer_id", "snapshot_date"], how="left", validate="1:1")
    bundle = train_churn(
        replace(data, features=leaking, feature_names=(*data.feature_names, "left")), happened[90], churn_plan
    )
    assert bundle.method == "baseline"
    assert any("too good to be true" in reason and "left" in reason for reason in bundle.reasons)


def test_one_sided_outcomes_are_refused(data, happened, churn_plan):
    with pytest.raises(TooFewOutcomesError, match="leavers"):
        train_churn(data, happened[90].with_columns(churned=pl.lit(0, dtype=pl.Int8)), churn_plan)


def test_without_a_season_the_level_of_the_test_window_is_nobodys_merit(data, happened, churn_plan):
    bundle = train_churn(replace(data, activity=data.activity.clear()), happened[90], churn_plan)
    assert bundle.parameters["season_weight"] == 0.0
    assert "the season is not known yet" in bundle.reasons[-1]
    assert f"{bundle.metrics['predicted_rate']:.3f} were expected" in bundle.reasons[-1]

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.bundle import MANIFEST, open_bundle
from models.comparing import as_it_stood, baseline_predictions, baselines, compare
from models.errors import FeaturesMismatchError, OutcomesMissingError
from models.judging.baselines import RunRate
from models.judging.evaluation import mae, spearman
from models.judging.grading import grade_bundle
from models.snapshots.labels import KEYS
from models.snapshots.rows import training_frame
from models.value.head import purchase_head, value_head_from
from models.value.model import HEADS_FILE, explain_value, predict_value, train_value

NEAR, YEAR = "expected_value_90d_amount", "expected_value_12m_amount"


def test_both_horizons_are_graded_beside_both_baselines(value_bundle):
    metrics = value_bundle.metrics
    assert value_bundle.beats_baseline
    assert metrics["value_90d_held_against_purchase_model"] == 1.0
    assert metrics["value_90d_normalised_gini"] > metrics["value_90d_baseline_normalised_gini"]
    for head in ("value_90d_", "value_long_"):
        held_against = "purchase_model" if metrics[f"{head}held_against_purchase_model"] else "run_rate"
        for figure in ("mae", "rmse", "spearman", "top_20_percent_capture", "predicted_to_actual"):
            assert metrics[f"{head}baseline_{figure}"] == metrics[f"{head}baseline_{held_against}_{figure}"]
            assert {f"{head}{figure}", f"{head}baseline_run_rate_{figure}"} <= metrics.keys()
    assert 0.5 < metrics["value_90d_predicted_to_actual"] < 2


def test_both_baselines_can_be_asked_again(value_bundle, data, happened, value_plan):
    test = training_frame(data.features, happened[90], snapshots=[value_plan.near.test], model="value")
    actual = test["value_amount"].cast(pl.Float64).to_numpy()
    said = baselines(value_bundle.graded, test)
    for name in ("run rate", "purchase model"):
        told = value_bundle.metrics[f"value_90d_baseline_{name.replace(' ', '_')}_mae"]
        assert mae(said[name], actual) == pytest.approx(told, abs=0.5)
    assert (baseline_predictions(value_bundle.graded, test) == said["purchase model"]).all()


def test_money_is_whole_minor_units_and_a_year_is_worth_at_least_a_quarter(value_bundle, tonight):
    scores = predict_value(value_bundle, tonight)
    assert scores.schema[NEAR] == scores.schema[YEAR] == pl.Int64
    assert scores["customer_id"].equals(tonight["customer_id"])
    assert (scores[NEAR] >= 0).all()
    assert (scores[YEAR] >= scores[NEAR]).all()
    assert scores[YEAR].sum() > 2 * scores[NEAR].sum()


def test_what_is_typical_and_what_may_come_stand_beside_what_is_expected(value_bundle, tonight):
    scores = predict_value(value_bundle, tonight)
    low, typical, high = (
        scores[f"{name}_amount"] for name in ("expected_value_12m_low", "typical_value_12m", "expected_value_12m_high")
    )
    assert ((low <= typical) & (typical <= high)).all()
    assert typical.sum() < scores[YEAR].sum() < high.sum()
    assert 0 < scores["typical_value_90d_amount"].sum() < scores[NEAR].sum()
    assert value_bundle.metrics["value_90d_typical_mae"] < value_bundle.metrics["value_90d_mae"]
    assert 0.7 < value_bundle.metrics["value_90d_coverage_all"] < 0.95
    two_years = scores["expected_value_24m_amount"].sum() / scores[YEAR].sum()
    assert 1 < two_years < 1.1**-0.5 + 1.1**-1.5
    assert (scores["expected_orders_30d"] < scores["expected_orders_90d"]).all()


def test_a_higher_discount_rate_makes_the_second_year_worth_less(value_bundle, tonight):
    heads = json.loads(value_bundle.files[HEADS_FILE]) | {"discount_rate_per_year": 0.5}
    dearer = replace(value_bundle, files=value_bundle.files | {HEADS_FILE: json.dumps(heads).encode()})
    before, after = (predict_value(one, tonight)["expected_value_24m_amount"].sum() for one in (value_bundle, dearer))
    assert after < 0.85 * before


def test_reasons_add_up_to_how_customers_differ(value_bundle, tonight):
    parts = explain_value(value_bundle, tonight)
    assert {"customer_id", "snapshot_date", "net_amount_365_days"} <= set(parts.columns)
    told = parts.select(pl.sum_horizontal(pl.exclude("customer_id", "snapshot_date"))).to_series()
    scores = predict_value(value_bundle, tonight)[NEAR]
    assert spearman(told.to_numpy(), scores.to_numpy().astype(float)) > 0.9


def test_without_trees_the_purchase_models_stand_alone(value_bundle, data, happened, value_plan):
    rows = training_frame(data.features, happened[90], snapshots=value_plan.near.final_train, model="value")
    run_rate = RunRate(feature=data.spend_feature, first_event=data.first_event)
    bare = value_head_from(value_bundle.files, "value_90d", run_rate).without_trees(rows)
    assert not any(name.endswith(".txt") for name in bare.files("value_90d"))
    assert value_head_from(bare.files("value_90d"), "value_90d", run_rate) == bare
    levels = rows["snapshot_date"].replace_strict(dict(bare.amount_levels.by_day), return_dtype=pl.Float64).to_numpy()
    said = bare.relative_amounts(rows, threads=1) * levels
    assert said.sum() == pytest.approx(rows["value_amount"].sum(), rel=1e-6)


def test_how_twelve_months_are_known_is_said(value_bundle):
    heads = json.loads(value_bundle.files[HEADS_FILE])
    assert f"{heads['far']['horizon_days']} days learnt and tested" in value_bundle.parameters["value_12m_basis"]
    assert heads["extension_factor"] > 1


def test_scores_survive_storage_and_reordered_columns(value_bundle, tonight):
    stored = {**value_bundle.files, MANIFEST: value_bundle.manifest()}
    opened = open_bundle(stored, digest=value_bundle.digest())
    expected = predict_value(value_bundle, tonight)
    assert predict_value(opened, tonight.select(reversed(tonight.columns))).equals(expected)


def test_training_is_repeatable_whatever_the_row_order_and_threads(value_bundle, data, happened, value_plan):
    shuffled = replace(data, features=data.features.sample(fraction=1.0, shuffle=True, seed=7))
    again = train_value(shuffled, happened, value_plan, threads=2)
    assert again.digest() == value_bundle.digest()


def test_the_largest_customers_keep_their_size(value_bundle, tonight):
    """Trees alone could not tell a customer ten times any other from the largest they have seen."""
    largest = tonight.sort("net_amount_365_days", descending=True).head(1)
    giant = largest.with_columns(pl.col("net_amount_365_days", "amount_per_purchase", "net_amount_life") * 10)
    before, after = (predict_value(value_bundle, one)[NEAR][0] for one in (largest, giant))
    assert after > 4 * before


def test_without_signal_the_run_rate_stands_in(data, happened, value_plan, tonight):
    random = pl.col("customer_id").hash(1) % 1000
    blind = replace(data, features=data.features.with_columns(noise=random.cast(pl.Float64)), feature_names=("noise",))
    worthless = {
        days: frame.with_columns(value_amount=_run_rate_as_outcome(frame, data, days))
        for days, frame in happened.items()
    }
    bundle = train_value(blind, worthless, value_plan)
    assert bundle.method == "baseline"
    assert bundle.features == ()
    scores = predict_value(bundle, tonight)
    expected = (tonight["net_amount_365_days"].clip(0) * 90 / 365).round()
    assert ((scores[NEAR] - expected).abs() <= 1).all()
    test = training_frame(blind.features, worthless[90], snapshots=[value_plan.near.test], model="value")
    stood = as_it_stood(bundle, 1, value_plan.near.test)
    assert stood.bundle.method == "lightgbm"  # what was graded, and what a person may insist on
    figures = compare([stood], test, snapshot=value_plan.near.test, seed=1).figures[1]
    assert figures["mae"] == pytest.approx(bundle.metrics["value_90d_baseline_mae"], rel=1e-3)


def _run_rate_as_outcome(frame, data, days):
    """A world in which some customers stop at random and the others spend exactly at their run rate."""
    spent = frame.join(
        data.features.select("customer_id", "snapshot_date", "net_amount_365_days"),
        on=["customer_id", "snapshot_date"],
        how="left",
        validate="1:1",
        maintain_order="left",
    )["net_amount_365_days"]
    stays = frame["customer_id"].hash(5) % 6 > 0
    return (spent.fill_null(0) * days // 365 * stays.cast(pl.Int64)).alias("value_amount")


def test_trees_that_add_nothing_give_way_to_the_purchase_model(data, happened, value_plan, tonight):
    """A world in which everybody spends what the purchase model expects, give or take."""
    run_rate = RunRate(feature=data.spend_feature, first_event=data.first_event)
    head = purchase_head(tonight, run_rate=run_rate, horizon_days=90)
    rows = data.features.join(happened[90].select(*KEYS, "order_count"), on=KEYS, how="inner", maintain_order="left")
    spent = head.amounts(rows, threads=1) * np.random.default_rng(3).gamma(0.3, 1 / 0.3, rows.height)
    random = pl.col("customer_id").hash(1) % 1000
    blind = replace(data, features=data.features.with_columns(noise=random.cast(pl.Float64)), feature_names=("noise",))
    outcomes = {90: rows.select(*KEYS, "order_count", value_amount=pl.Series(spent).cast(pl.Int64))}
    bundle = train_value(blind, outcomes, replace(value_plan, far=value_plan.near, year_snapshots=()))
    assert (bundle.method, bundle.beats_baseline) == ("buy_till_you_die", True)
    assert grade_bundle(bundle).words.startswith("B: the purchase model by itself, surely better than carrying")
    assert any(reason.startswith("trees gave way: no: 90 days: ") for reason in bundle.reasons)
    assert predict_value(bundle, tonight)[NEAR].sum() == pytest.approx(head.amounts(tonight, threads=1).sum(), rel=0.25)


def test_missing_windows_and_features_are_refused(data, happened, value_plan, value_bundle, tonight):
    with pytest.raises(OutcomesMissingError):
        train_value(data, happened | {90: happened[90].head(100)}, value_plan)
    with pytest.raises(FeaturesMismatchError, match="nothing was scored"):
        predict_value(value_bundle, tonight.drop("net_amount_365_days"))

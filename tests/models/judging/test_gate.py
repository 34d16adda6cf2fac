import numpy as np
import polars as pl
import pytest

from models.judging.evaluation import Gain
from models.judging.gate import judge_probabilities, judge_value, suspicious_features
from models.learners.encoding import fit_encoder

CHURN = {"auc": 0.80, "log_loss": 0.50, "calibration_error": 0.03}
RULE = {"auc": 0.72, "log_loss": 0.58, "calibration_error": 0.05}
VALUE = {"normalised_gini": 0.83, "mae": 90.0, "rmse": 200.0, "predicted_to_actual": 1.0}
PACE = {"normalised_gini": 0.81, "mae": 100.0, "rmse": 210.0}


def gain(mean, low, high):
    return Gain(mean=mean, low=low, high=high)


BETTER, UNSURE = gain(0.08, 0.05, 0.11), gain(0.01, -0.01, 0.03)


@pytest.mark.parametrize(
    ("figures", "rule", "order", "loss", "passed"),
    [
        ({}, {}, BETTER, UNSURE, True),
        ({}, {}, UNSURE, BETTER, True),
        ({}, {}, UNSURE, UNSURE, False),
        ({}, {}, gain(0.01, 0.0, 0.03), UNSURE, False),
        ({"log_loss": 0.59}, {}, BETTER, UNSURE, False),
        ({"auc": 0.71}, {}, UNSURE, BETTER, False),
        ({"calibration_error": 0.12}, {}, BETTER, BETTER, False),
        ({"calibration_error": 0.12}, {"calibration_error": 0.13}, BETTER, BETTER, True),
        ({"auc": 0.995}, {}, gain(0.27, 0.25, 0.29), BETTER, False),
    ],
)
def test_churn(figures, rule, order, loss, passed):
    gains = {"auc": order, "log_loss": loss}
    verdict = judge_probabilities(CHURN | figures, RULE | rule, gains, {}, rival="the recency rule")
    assert verdict.passed is passed
    assert verdict.passed is all(reason.startswith("yes: ") for reason in verdict.reasons)


def test_too_good_names_the_feature_that_knows():
    gains, leaks = {"auc": gain(0.2, 0.1, 0.3), "log_loss": BETTER}, {"cancelled_on": 1.0}
    verdict = judge_probabilities(CHURN | {"auc": 0.999}, RULE, gains, leaks, rival="the recency rule")
    assert any("too good to be true" in reason and "cancelled_on" in reason for reason in verdict.reasons)


@pytest.mark.parametrize(
    ("figures", "gini", "mae", "rmse", "passed"),
    [
        ({}, gain(0.02, 0.01, 0.03), gain(10, -1, 21), gain(10, -50, 60), True),
        ({}, gain(0.00, -0.01, 0.01), gain(10, 5, 15), gain(10, -50, 60), True),
        ({}, gain(0.00, -0.01, 0.01), gain(1, -5, 7), gain(10, 5, 60), False),
        ({}, gain(0.02, 0.01, 0.03), gain(-5, -8, -2), gain(10, -50, 60), False),
        ({}, gain(0.02, 0.01, 0.03), gain(-1, -1.5, -0.5), gain(10, -50, 60), True),  # sure, and of no account
        ({}, gain(0.02, 0.01, 0.03), gain(10, 5, 15), gain(-3, -4, -2), True),
        ({}, gain(0.02, 0.01, 0.03), gain(10, 5, 15), gain(-60, -90, -10), False),
        ({}, gain(0.02, 0.01, 0.03), gain(-4, -9, 1), gain(10, -50, 60), False),
        ({}, gain(-0.03, -0.07, 0.01), gain(10, 5, 15), gain(10, -50, 60), False),
        ({"predicted_to_actual": 2.5}, gain(0.02, 0.01, 0.03), gain(10, 5, 15), gain(10, 5, 60), False),
        ({"predicted_to_actual": 0.3}, gain(0.02, 0.01, 0.03), gain(10, 5, 15), gain(10, 5, 60), False),
    ],
)
def test_value(figures, gini, mae, rmse, passed):
    gains = {"normalised_gini": gini, "mae": mae, "rmse": rmse}
    assert judge_value(VALUE | figures, gains, PACE, "90 days", rival="the run rate").passed is passed


def test_copies_of_the_label_are_found_either_way_round_and_as_gaps():
    random = np.random.default_rng(1)
    happened = (random.random(500) < 0.4).astype(float)
    frame = pl.DataFrame(
        {
            "copy": happened + random.normal(0, 0.1, 500),
            "upside_down": -happened,
            "only_when": np.where(happened > 0, random.normal(size=500), np.nan),
            "honest": happened + random.normal(0, 2, 500),
        }
    )
    encoder = fit_encoder(frame, frame.columns, model="churn")
    found = suspicious_features(encoder.matrix(frame, model="churn"), encoder, happened)
    assert set(found) == {"copy", "upside_down", "only_when"}


def test_errors_of_value_are_told_as_shares_of_the_rivals():
    gains = {"normalised_gini": gain(0.02, 0.01, 0.03), "mae": gain(10, 5, 15), "rmse": gain(10, -50, 60)}
    first = judge_value(VALUE, gains, PACE, "90 days", rival="the purchase model").reasons[0]
    assert "MAE 90.0% of that of the purchase model, gain +10.0% [+5.0%, +15.0%]" in first

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.judging.evaluation import (
    auc,
    brier,
    calibration_error,
    figures_beside,
    lift,
    mae,
    normalised_gini,
    paired_gain,
    ratio_of_totals,
    rmse,
    spearman,
    top_capture,
)


def array(*values):
    return np.array(values, dtype=float)


@pytest.mark.parametrize(
    ("metric", "predicted", "actual", "expected"),
    [
        (auc, array(0.1, 0.4, 0.35, 0.8), array(0, 0, 1, 1), 0.75),
        (auc, array(1, 1, 1, 1), array(0, 0, 1, 1), 0.5),
        (auc, array(1, 2), array(1, 1), 0.5),
        (brier, array(0.5, 1.0), array(0, 1), 0.125),
        (mae, array(1, 2), array(2, 4), 1.5),
        (rmse, array(0, 0), array(3, 4), 12.5**0.5),
        (spearman, array(1, 2, 3), array(10, 20, 15), 0.5),
        (spearman, array(1, 1, 1), array(1, 2, 3), 0.0),
        (normalised_gini, array(3, 2, 1), array(30, 20, 10), 1.0),
        (normalised_gini, array(1, 2, 3), array(30, 20, 10), -1.0),
        (normalised_gini, array(5, 5, 5), array(30, 20, 10), 0.0),
        (ratio_of_totals, array(1, 2), array(2, 4), 0.5),
        (calibration_error, array(0.2, 0.2, 0.8, 0.8), array(0, 1, 1, 1), 0.25),
        (lift, array(*range(10)), array(*[0] * 9, 1), 10.0),
        (top_capture, array(*range(10)), array(*[1] * 8, 4, 8), 0.6),
    ],
)
def test_figures(metric, predicted, actual, expected):
    kwargs = {"bins": 2} if metric is calibration_error else {}
    assert metric(predicted, actual, **kwargs) == pytest.approx(expected)


@pytest.mark.parametrize("metric", [auc, spearman, normalised_gini, lift, top_capture, calibration_error])
@given(rows=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1)), min_size=5, max_size=40), seed=st.integers(0, 9))
def test_no_figure_depends_on_the_order_of_rows(metric, rows, seed):
    predicted, actual = np.array(rows, dtype=float).T
    predicted = predicted / 5
    order = np.random.default_rng(seed).permutation(len(rows))
    assert metric(predicted[order], actual[order]) == pytest.approx(metric(predicted, actual), abs=1e-12)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=4, max_size=60))
def test_auc_agrees_with_counting_pairs(rows):
    scores = np.array([score for score, _ in rows])
    happened = np.array([float(yes) for _, yes in rows])
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[happened > 0] for b in scores[happened == 0]]
    assert auc(scores, happened) == pytest.approx(np.mean(pairs) if pairs else 0.5)


def test_a_real_gain_is_told_from_none():
    random = np.random.default_rng(0)
    actual = (random.random(800) < 0.4).astype(float)
    good, poor = actual + random.normal(0, 1, 800), actual + random.normal(0, 3, 800)
    gain = paired_gain(auc, good, poor, actual, seed=1, higher_is_better=True)
    assert 0 < gain.low < gain.mean < gain.high
    assert paired_gain(auc, good, good, actual, seed=1, higher_is_better=True).low == 0
    worse = paired_gain(mae, good, actual, actual, seed=1, higher_is_better=False)
    assert worse.high < 0


def test_figures_are_told_beside_each_other():
    gain = paired_gain(mae, array(1, 2), array(2, 3), array(1, 2), seed=1, higher_is_better=False)
    told = figures_beside({"mae": 0.0}, {"mae": 1.0}, {"mae": gain}, rows=2, prefix="value_90d_")
    assert told["value_90d_baseline_mae"] == told["value_90d_mae_gain"] == 1.0
    assert told["value_90d_test_rows"] == 2.0

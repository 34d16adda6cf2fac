import numpy as np
import polars as pl
import pytest

from models.next_offer.probability import (
    RHYTHM,
    calibration_error,
    calibration_from_json,
    fit_calibration,
    purchase_probabilities,
)


@pytest.fixture(scope="module")
def asked():
    random = np.random.default_rng(3)
    rows = 20_000
    frame = pl.DataFrame({name: random.gamma(2.0, 3.0, rows) for name in RHYTHM})
    scores = random.normal(0, 1, rows)
    true = 1 / (1 + np.exp(-(scores - 3 + 0.8 * np.log1p(frame["customer_orders_90d"].to_numpy()))))
    return frame, scores, (random.random(rows) < true).astype(float), true


def test_probabilities_are_near_the_truth(asked):
    frame, scores, bought, true = asked
    predicted = purchase_probabilities(fit_calibration(frame, scores, bought), frame, scores)
    assert np.abs(predicted - true).mean() < 0.02
    assert calibration_error(predicted, bought) < 0.01


def test_within_a_customer_a_better_score_is_never_less_probable(asked):
    frame, scores, bought, _ = asked
    calibration = fit_calibration(frame, scores, bought)
    one = frame[:1].select(pl.all().repeat_by(50).explode())
    assert (np.diff(purchase_probabilities(calibration, one, np.linspace(-4, 4, 50))) >= 0).all()


def test_a_score_that_points_the_wrong_way_is_not_turned_round(asked):
    frame, scores, bought, _ = asked
    calibration = fit_calibration(frame, -scores, bought)
    assert calibration.weights[0] == 0.0


def test_json_keeps_it_whole(asked):
    frame, scores, bought, _ = asked
    calibration = fit_calibration(frame, scores, bought)
    assert calibration_from_json(calibration.to_json()) == calibration


def test_a_few_rows_make_no_certainty():
    frame = pl.DataFrame({name: [1.0] * 103 for name in RHYTHM})
    scores, bought = np.append(np.zeros(100), [5.0, 5.0, 5.0]), np.append(np.zeros(100), [1.0, 1.0, 1.0])
    predicted = purchase_probabilities(fit_calibration(frame, scores, bought), frame, scores)
    assert predicted[-1] == pytest.approx(3.5 / 4)
    assert predicted[0] == pytest.approx(0.5 / 101)


def test_calibration_error_of_a_constant():
    assert calibration_error(np.full(10, 0.3), np.zeros(10)) == pytest.approx(0.3)

import numpy as np
import pytest

from models.learners.smooth import fit_smooth, smooth_from


@pytest.fixture
def fitted():
    random = np.random.default_rng(2)
    days = random.exponential(60, 2000)
    noise = random.normal(size=2000)
    nothing = np.full(2000, np.nan)
    matrix = np.column_stack([days, noise, nothing])
    target = (random.random(2000) < 1 / (1 + np.exp(np.log1p(days) - 3))).astype(float)
    return matrix, fit_smooth(matrix, target, places=[0, 1, 2], offset=np.zeros(2000))


def test_it_follows_the_feature_that_matters(fitted):
    _, curve = fitted
    assert curve.places == (0, 1)
    assert curve.weights[0] < -0.5 < curve.weights[1] < 0.2
    few, many = curve.scores(np.array([[1.0, 0.0, np.nan], [300.0, 0.0, np.nan]]))
    assert few > many


def test_contributions_and_intercept_add_up_to_the_scores(fitted):
    matrix, curve = fitted
    parts = curve.contributions(matrix)
    assert parts.shape == matrix.shape
    assert (parts[:, 2] == 0).all()
    assert parts.sum(axis=1) + curve.intercept == pytest.approx(curve.scores(matrix))


def test_a_missing_value_counts_as_the_mean(fitted):
    _, curve = fitted
    assert curve.scores(np.full((1, 3), np.nan))[0] == pytest.approx(curve.intercept)


def test_json_round_trip(fitted):
    assert smooth_from(fitted[1].described()) == fitted[1]

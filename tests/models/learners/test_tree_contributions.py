"""The fast contributions are LightGBM's own, for every kind of split."""

import lightgbm
import numpy as np
import pytest

from models.learners import tree_contributions
from models.learners.tree_contributions import fast_contributions

ROWS = 4_000


@pytest.fixture(scope="module")
def matrix():
    """Ten features: with missing values in training, with missing values only when asked, a category, a constant."""
    random = np.random.default_rng(4)
    columns = random.normal(size=(ROWS, 10)).round(1)
    columns[random.random(columns.shape) < 0.1] = np.nan
    columns[:, 5:] = np.nan_to_num(columns[:, 5:])
    columns[:, 3] = random.integers(0, 12, ROWS)
    columns[:, 9] = 1.0
    return columns


def _trained(matrix, leaves):
    known = np.nan_to_num(matrix)
    target = known[:, 0] * known[:, 5] + np.sin(known[:, 3]) + np.isnan(matrix[:, 1]) + known[:, 6] ** 2
    data = lightgbm.Dataset(matrix, target, categorical_feature=[3])
    settings = {"objective": "regression", "num_leaves": leaves, "verbose": -1, "num_threads": 1, "min_data_in_leaf": 5}
    return lightgbm.train(settings, data, 12)


@pytest.mark.parametrize("leaves", [2, 7, 40])
def test_they_are_lightgbms_own(matrix, leaves):
    booster = _trained(matrix, leaves)
    asked = matrix.copy()
    asked[:50, 6] = np.nan  # never missing in training
    asked[50:90, 3] = 99  # an unknown category
    expected = booster.predict(asked, pred_contrib=True, num_threads=1)
    found = fast_contributions(booster.model_to_string().encode(), asked)
    np.testing.assert_allclose(found, expected[:, :-1], atol=1e-9)
    whole = booster.predict(asked, raw_score=True, num_threads=1)
    np.testing.assert_allclose(found.sum(axis=1) + expected[:, -1], whole, atol=1e-9)


def test_few_rows_and_deep_trees_are_left_to_lightgbm(matrix, monkeypatch):
    text = _trained(matrix, 7).model_to_string().encode()
    assert fast_contributions(text, matrix[:100]) is None
    monkeypatch.setattr(tree_contributions, "MOST_FEATURES", 1)
    tree_contributions._parts_of.cache_clear()
    assert fast_contributions(text, matrix) is None
    tree_contributions._parts_of.cache_clear()


def test_rows_are_explained_alike_whatever_stands_beside_them(matrix):
    text = _trained(matrix, 7).model_to_string().encode()
    whole = fast_contributions(text, matrix)
    assert np.array_equal(fast_contributions(text, matrix[500:]), whole[500:])


def test_a_night_reads_each_of_its_boosters_once(matrix):
    texts = [_trained(matrix, leaves).model_to_string().encode() for leaves in (3, 4, 5)]
    tree_contributions._parts_of.cache_clear()
    for _ in range(2):
        for text in texts:
            fast_contributions(text, matrix)
    assert tree_contributions._parts_of.cache_info().misses == len(texts)

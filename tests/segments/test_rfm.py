from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.rfm import quintile_score


def _scores(values, **options):
    return pl.DataFrame({"v": values}, schema={"v": pl.Int64}).select(quintile_score(pl.col("v"), **options))["v"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]),
        (list(range(10)), [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]),
        ([7, 7, 7, 7], [3, 3, 3, 3]),
        ([9], [3]),
        ([], []),
        ([None, 1, 2], [None, 2, 4]),
        ([1, 1, 1, 1, 1, 1, 8, 9, 10, 11], [2, 2, 2, 2, 2, 2, 4, 4, 5, 5]),
    ],
)
def test_scores_are_quintiles_with_shared_ties(values, expected):
    scores = _scores(values)
    assert scores.dtype == pl.Int8
    assert scores.to_list() == expected


def test_low_can_be_best():
    assert _scores([1, 2, 3, 4, 5], high_is_good=False).to_list() == [5, 4, 3, 2, 1]


@given(st.lists(st.integers(-100, 100), min_size=1, max_size=60))
def test_more_never_scores_less_and_mirrors_when_turned_round(values):
    scores = _scores(values).to_list()
    pairs = sorted(zip(values, scores, strict=True))
    assert all(first[1] <= second[1] for first, second in pairwise(pairs))
    assert len({(value, score) for value, score in pairs}) == len(set(values))
    assert set(scores) <= {1, 2, 3, 4, 5}
    assert _scores([-value for value in values], high_is_good=False).to_list() == scores

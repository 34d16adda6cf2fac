from datetime import date

import numpy as np
import polars as pl
import pytest

from models.snapshots.levels import USUAL_WEIGHT, intercept, season_weight, window_levels, window_offsets
from models.snapshots.season import Season

KNOWN = date(2025, 10, 1)
MONTHS = [date(2024, 10, 1), *(date(2025, month, 1) for month in range(1, 10))]
SWINGS = Season(known_at=KNOWN, purchases=(2.0, 2.0, 2.0, *([0.7] * 9)), baskets=(1.0,) * 12)


def test_a_windows_level_makes_the_expected_number_right():
    days = pl.Series([MONTHS[0]] * 400 + [MONTHS[1]] * 400)
    random = np.random.default_rng(1)
    scores = random.normal(size=800)
    chance = 1 / (1 + np.exp(-scores - np.repeat([1.0, -0.5], 400)))
    found = window_levels(days, scores, chance)
    assert found[MONTHS[0]] == pytest.approx(1.0, abs=0.02)
    assert found[MONTHS[1]] == pytest.approx(-0.5, abs=0.02)


@pytest.mark.parametrize("happened", [0.0, 1.0])
def test_a_window_where_all_or_none_did_stays_finite(happened):
    assert abs(intercept(np.zeros(50), np.full(50, happened))) < 6
    assert np.isfinite(window_offsets(pl.Series([KNOWN] * 50), np.full(50, happened))).all()


@pytest.mark.parametrize(
    ("truth", "low", "high"), [(1.5, 1.4, 1.6), (2.5, 2.0, 2.5), (0.0, 0.0, 0.6), (-3.0, 0.0, 0.0)]
)
def test_the_seasons_weight_is_read_from_levels_with_a_pull(truth, low, high):
    levels = {day: 0.3 + truth * SWINGS.log_index(day, horizon_days=90) for day in MONTHS}
    assert low <= season_weight(levels, SWINGS, horizon_days=90) <= high


def test_without_levels_it_is_the_usual_weight_and_without_a_season_none():
    assert season_weight({}, SWINGS, horizon_days=90) == USUAL_WEIGHT
    assert season_weight({MONTHS[0]: 1.0}, Season(known_at=KNOWN), horizon_days=90) == 0.0

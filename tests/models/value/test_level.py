"""How high a coming window is, read from past ones."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from models.snapshots.splits import months_before
from models.value.level import Levels, levels_from, measured_levels

AS_OF = date(2026, 1, 1)


def _levels(of_month, *, months=24, horizon=90, steady_from=date(2000, 1, 1)):
    days = [months_before(AS_OF, back) for back in range(1, months + 1)]
    return Levels(horizon_days=horizon, by_day={day: of_month(day) for day in days}, steady_from=steady_from)


def _busy_at_years_end(day):
    return 1.6 if day.month in (9, 10) else 0.9


@pytest.mark.parametrize(
    ("levels", "day", "expected"),
    [
        (Levels(horizon_days=90, by_day={}), AS_OF, 1.0),
        (_levels(lambda _: 0.7), AS_OF, 0.7),
        (_levels(lambda _: 0.7, months=5), AS_OF, 0.7),
        (_levels(_busy_at_years_end, months=26), date(2026, 9, 1), 1.6),
        (_levels(_busy_at_years_end, months=26), date(2026, 3, 1), 0.9),
    ],
)
def test_a_steady_level_is_carried_on_and_a_season_comes_back(levels, day, expected):
    assert levels.expected(day) == pytest.approx(expected, rel=0.12)


def test_half_of_this_years_departure_from_last_year_is_carried_on():
    growing = _levels(lambda day: 1.0 if day < date(2025, 1, 1) else 1.3, months=26)
    assert growing.expected(AS_OF) == pytest.approx(1.3**1.5, rel=0.1)  # a year before it was 1.3 already


def test_only_windows_that_had_ended_are_looked_at():
    levels = _levels(lambda day: 1.0 if day + timedelta(days=90) <= date(2025, 6, 1) else 9.0)
    assert levels.expected(date(2025, 6, 1)) == pytest.approx(1.0)


def test_a_companys_first_months_are_not_held_against_the_year_after():
    first_months = date(2025, 1, 15)
    warm = _levels(lambda day: 4.0 if day < first_months else 1.0, months=12, steady_from=first_months)
    cold = _levels(lambda day: 4.0 if day < first_months else 1.0, months=12)
    assert warm.expected(AS_OF) < 1.5 < cold.expected(AS_OF)


def test_a_level_is_the_total_that_came_over_the_one_that_was_said_and_survives_storage():
    days = pl.Series([date(2025, 1, 1)] * 2 + [date(2025, 2, 1)])
    measured = measured_levels(
        days, np.array([3.0, -1.0, 4.0]), np.array([1.0, 3.0, 1.0]), horizon_days=90, first_event=date(2024, 1, 1)
    )
    assert measured.by_day == {date(2025, 1, 1): 0.5, date(2025, 2, 1): 4.0}
    assert levels_from(measured.described(), horizon_days=90) == measured
    assert measured.usual_over_expected(date(2025, 6, 1)) == pytest.approx(1.0)

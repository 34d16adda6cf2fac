from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import TooLittleHistoryError
from models.snapshots.splits import longest_horizon, months_before, plan_splits, plan_value, snapshot_grid


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 3, 31), 1, date(2026, 2, 28)),
        (date(2024, 3, 31), 1, date(2024, 2, 29)),
        (date(2026, 1, 15), 1, date(2025, 12, 15)),
        (date(2024, 2, 29), 12, date(2023, 2, 28)),
        (date(2026, 5, 5), 0, date(2026, 5, 5)),
    ],
)
def test_months_before(day, months, expected):
    assert months_before(day, months) == expected


def test_the_grid_goes_back_as_far_as_history_reaches():
    grid = snapshot_grid(first_event=date(2025, 1, 1), as_of=date(2025, 7, 31), history_days=90)
    assert grid == (date(2025, 4, 30), date(2025, 5, 31), date(2025, 6, 30))


def test_two_years_of_a_retailer():
    plan = plan_splits(first_event=date(2009, 12, 1), as_of=date(2011, 9, 1), horizon_days=90)
    assert plan.test == date(2011, 6, 1)
    assert plan.calibrate == (date(2011, 1, 1), date(2011, 2, 1), date(2011, 3, 1))
    assert (plan.train[0], plan.train[-1]) == (date(2010, 3, 1), date(2010, 10, 1))
    assert plan.final_calibrate[-1] == plan.test
    assert plan.final_train[-1] == date(2011, 1, 1)


@given(
    as_of=st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    history=st.integers(200, 1500),
    horizon_days=st.integers(20, 200),
    calibration=st.integers(0, 4),
)
def test_no_outcome_window_reaches_into_what_comes_after(as_of, history, horizon_days, calibration):
    first_event, horizon = as_of - timedelta(days=history), timedelta(days=horizon_days)
    try:
        plan = plan_splits(
            first_event=first_event, as_of=as_of, horizon_days=horizon_days, calibration_snapshots=calibration
        )
    except TooLittleHistoryError:
        return
    assert max(plan.train) + horizon <= min(plan.calibrate, default=plan.test)
    assert max(plan.calibrate, default=plan.train[-1]) + horizon <= plan.test
    assert plan.test + horizon <= as_of
    assert max(plan.final_train) + horizon <= min(plan.final_calibrate, default=as_of)
    assert max(plan.all_snapshots) + horizon <= as_of
    assert min(plan.all_snapshots) >= first_event + timedelta(days=90)
    assert not plan.calibrate or calibration
    assert set(plan.train) | set(plan.calibrate) <= set(plan.complete)
    assert max(plan.complete) + horizon <= plan.test


@pytest.mark.parametrize("as_of", [date(2026, 6, 15), date(2026, 3, 31), date(2024, 3, 1)])
def test_too_little_history_says_what_is_missing_and_no_more(as_of):
    with pytest.raises(TooLittleHistoryError) as caught:
        plan_splits(first_event=as_of - timedelta(days=200), as_of=as_of, horizon_days=90)
    error = caught.value
    assert error.has_days == 200
    assert error.missing_days == error.needs_days - 200
    assert str(error.missing_days) in error.action
    plan_splits(first_event=as_of - timedelta(days=error.needs_days), as_of=as_of, horizon_days=90)
    with pytest.raises(TooLittleHistoryError):
        plan_splits(first_event=as_of - timedelta(days=error.needs_days - 1), as_of=as_of, horizon_days=90)


def test_a_short_history_goes_without_calibration():
    plan = plan_splits(first_event=date(2025, 9, 1), as_of=date(2026, 6, 15), horizon_days=90)
    assert (plan.train, plan.calibrate, plan.test) == ((date(2025, 12, 15),), (), date(2026, 3, 15))


@pytest.mark.parametrize(("days", "expected"), [(400, 90), (639, 180), (731, 270), (1000, 365)])
def test_the_far_horizon_grows_with_history(days, expected):
    as_of = date(2011, 9, 1)
    assert longest_horizon(first_event=as_of - timedelta(days=days), as_of=as_of) == expected


def test_the_value_plan_asks_for_every_window_it_needs():
    plan = plan_value(first_event=date(2009, 12, 1), as_of=date(2011, 9, 1))
    windows = plan.outcome_windows()
    assert set(windows) == {90, 180, 365}
    assert set(windows[365]) == set(plan.year_snapshots) <= set(windows[180])
    assert all(day + timedelta(days=365) <= date(2011, 9, 1) for day in plan.year_snapshots)
    assert plan.far.calibrate == ()

from datetime import UTC, date, datetime

import numpy as np
import pytest

from simulation.calendar import FORWARD_DAYS, SEASON_PEAKS, WEEKDAY_FACTORS, Calendar


@pytest.mark.parametrize("season", range(len(SEASON_PEAKS)))
@pytest.mark.parametrize("weekday", range(len(WEEKDAY_FACTORS)))
def test_a_year_holds_a_year_of_demand(season, weekday):
    calendar = Calendar(start=date(2023, 5, 1), end=date(2023, 7, 1), time_zone="UTC")
    demand = calendar.cumulative_demand(season, weekday)
    assert demand.shape == (calendar.day_count + FORWARD_DAYS + 1,)
    assert demand[365] == pytest.approx(365 / 365.25)
    assert (np.diff(demand) > 0).all()


@pytest.mark.parametrize(
    ("day", "second", "expected"),
    [
        (0, 6 * 3600, datetime(2024, 3, 30, 5, tzinfo=UTC)),
        (1, 6 * 3600, datetime(2024, 3, 31, 4, tzinfo=UTC)),  # the clock went forward that night
        (211, 6 * 3600, datetime(2024, 10, 27, 5, tzinfo=UTC)),  # and back
    ],
)
def test_local_times_become_instants_across_clock_changes(day, second, expected):
    calendar = Calendar(start=date(2024, 3, 30), end=date(2025, 3, 30), time_zone="Europe/Berlin")
    assert calendar.instants(np.asarray([day]), np.asarray([second])).to_list() == [expected]


def test_sale_days_are_those_of_the_sale_weeks():
    calendar = Calendar(start=date(2024, 1, 1), end=date(2025, 1, 1), time_zone="UTC")
    on_sale = calendar.sale_days()
    days = {date(2024, 1, 1): False, date(2024, 1, 2): True, date(2024, 1, 21): False, date(2024, 12, 1): True}
    assert {day: bool(on_sale[(day - calendar.start).days]) for day in days} == days

from datetime import date, timedelta

import pytest

from data_contracts.closed_days import ClosedDays
from data_contracts.missing_days import missing_days, new_days_against_usual, new_missing_days
from data_contracts.profiles import Profile

MONDAY = date(2024, 1, 1)
WEEK = [50, 50, 50, 50, 50, 0, 20]  # closed on Saturdays, short on Sundays


def profile(days, *, loaded_on=None, first_day=MONDAY):
    newest = first_day + timedelta(days=len(days) - 1)
    return Profile(
        rows=sum(days), loaded_on=loaded_on or newest + timedelta(days=1), first_day=first_day, rows_by_day=tuple(days)
    )


def weeks(number, **changes):
    """So many weeks of the usual days; `d10=0` changes the tenth day (from 0)."""
    days = WEEK * number
    for day, rows in changes.items():
        days[int(day[1:])] = rows
    return days


@pytest.mark.parametrize(
    ("days", "missing"),
    [
        (weeks(10), []),
        (weeks(10, d64=0), [64]),  # a Tuesday
        (weeks(10, d64=0, d65=0), [64, 65]),
        (weeks(10, d64=1), []),  # quiet, not missing
        (weeks(10, d15=0), []),  # too early to know what is usual
        ([5] * 70, []),
        ([5] * 64 + [0] + [5] * 5, []),  # so few rows that a day without any is chance
        (weeks(11, d48=0, d55=0, d62=0, d69=0, d76=0), [48, 55, 62]),  # Sundays: closed for good, not missing
        ([], []),
    ],
)
def test_a_missing_day_is_told_from_a_quiet_one_by_its_weekday(days, missing):
    found = missing_days(profile(days)) if days else missing_days(Profile(rows=0, loaded_on=MONDAY))
    assert found == [MONDAY + timedelta(days=day) for day in missing]


def told(days, *earlier, loaded_on):
    found = new_missing_days(profile(days, loaded_on=loaded_on), earlier, loaded_on=loaded_on)
    return [(day - MONDAY).days for day in found]


def day(number):
    return MONDAY + timedelta(days=number)


@pytest.mark.parametrize(
    ("days", "loaded_on", "missing"),
    [
        (weeks(10)[:66], 66, []),
        (weeks(10)[:65], 66, [65]),  # the newest day has not come
        ([*weeks(10)[:64], 0, 50], 66, [64]),  # a day in between has not come
        (weeks(10, d63=0)[:66], 66, [63]),  # a day of the last load has lost its rows
        (weeks(10, d39=0)[:66], 66, [39]),
        (weeks(10)[:68], 69, []),  # a Saturday has no rows, and none are missed
    ],
)
def test_days_since_the_last_load_are_expected_as_promptly_as_before(days, loaded_on, missing):
    last = profile(weeks(10)[:64], loaded_on=day(64))
    assert told(days, last, loaded_on=day(loaded_on)) == missing


def test_a_source_that_always_comes_two_days_late_is_not_missing_a_day():
    last = profile(weeks(10)[:64], loaded_on=day(65))
    assert told(weeks(10)[:65], last, loaded_on=day(66)) == []
    assert told(weeks(10)[:64], last, loaded_on=day(66)) == [64]


def test_todays_rows_are_not_waited_for():
    last = profile(weeks(10)[:64], loaded_on=day(63))  # loaded at noon, with rows of the same day
    assert told(weeks(10)[:64], last, loaded_on=day(64)) == []


@pytest.mark.parametrize(
    ("first_day", "closed", "missing"),
    [
        (date(2023, 10, 2), [date(2023, 12, 26), date(2024, 12, 26)], [date(2023, 12, 26)]),  # the same date
        (date(2024, 2, 5), [date(2024, 5, 6), date(2025, 5, 5)], [date(2024, 5, 6)]),  # the first Monday of May
        (date(2024, 2, 5), [date(2024, 5, 6), date(2025, 6, 2)], [date(2024, 5, 6), date(2025, 6, 2)]),
    ],
)
def test_a_day_that_was_closed_a_year_before_is_a_holiday(first_day, closed, missing):
    days = WEEK * 90
    for each in closed:
        days[(each - first_day).days] = 0
    assert missing_days(profile(days, first_day=first_day)) == missing


def test_the_29th_of_february_has_a_year_before():
    first_day = date(2023, 1, 2)
    days = WEEK * 70
    days[(date(2024, 2, 29) - first_day).days] = 0
    assert missing_days(profile(days, first_day=first_day)) == [date(2024, 2, 29)]


def test_an_accepted_day_is_not_asked_for_again_but_the_next_is():
    last = profile(weeks(10)[:64], loaded_on=day(65))  # day 64 was missing and accepted
    before = profile(weeks(10)[:63], loaded_on=day(63))

    def told_after(days, loaded_on, *, accepted_before):
        now = profile(days, loaded_on=loaded_on)
        found = new_missing_days(now, [last, before], loaded_on=loaded_on, accepted_before=accepted_before)
        return [(each - MONDAY).days for each in found]

    assert told_after([*weeks(10)[:64], 0, 50], day(66), accepted_before=False) == [64]
    assert told_after([*weeks(10)[:64], 0, 50], day(66), accepted_before=True) == []
    assert told_after([*weeks(10)[:64], 0, 0, 50], day(67), accepted_before=True) == [65]


def test_an_archive_is_not_expected_to_go_on():
    last = profile(weeks(10)[:64], loaded_on=day(4000))
    assert told(weeks(10)[:64], last, loaded_on=day(4007)) == []


def test_an_export_that_reaches_back_a_fixed_time_has_not_lost_its_first_days():
    last = profile(weeks(10)[:64], loaded_on=day(64))
    later = profile(weeks(10)[7:65], loaded_on=day(65), first_day=day(7))
    assert new_missing_days(later, [last], loaded_on=day(65)) == []


def test_a_first_load_has_no_new_days():
    assert new_missing_days(profile(weeks(10, d64=0)), [], loaded_on=day(70)) == []


@pytest.mark.parametrize("closed", [[day(64)], ["03-05"]])
def test_a_day_without_business_is_no_missing_day(closed):
    days = weeks(10, d64=0, d65=0)
    assert missing_days(profile(days), closed_days=ClosedDays(tuple(closed))) == [day(65)]


@pytest.mark.parametrize(
    ("days", "loaded_on", "found"),
    [
        (weeks(10), 70, (20, 20.0, 1)),  # a Sunday
        (weeks(10, d69=5), 70, (5, 20.0, 1)),
        ([*weeks(10)[:69], 20, 3], 70, (20, 20.0, 1)),  # the day of the load is not over
        (weeks(12), 84, (270, 270.0, 7)),  # of fifteen new days the newest seven
        (weeks(10)[:69], 70, None),  # nothing new
    ],
)
def test_new_days_are_held_against_the_same_weekdays(days, loaded_on, found):
    assert new_days_against_usual(profile(days, loaded_on=day(loaded_on)), day(68)) == found


def test_a_season_that_is_low_every_year_is_expected_to_be_low():
    days = [100] * 364 + [100] * 60 + [50] * 3
    low_then = [rows * (0.5 if 60 <= number < 63 else 1) for number, rows in enumerate(days)]
    told = profile([int(rows) for rows in low_then])
    assert new_days_against_usual(told, day(423)) == (150, 150.0, 3)

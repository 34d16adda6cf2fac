"""Telling a missing day from a quiet one, by what the same weekday usually brings.

Belongs here: that judgement, on counts of rows by day. Does not: counting (`profiles.py`), or what follows from it
(`table_checking.py`).

A day without rows is missing when the same weekday had rows in at least three of every four of the eight weeks before,
and ten or more of them in the middle week: were rows to come at random at such a rate, an empty day would be a matter
of 1 in 20,000. A shop that is closed on Saturdays has no missing Saturday; one that closes for good on a weekday has
at most three missing ones, then quiet ones. A day that was empty a year before too (on the same date, or on the same
weekday of the same week) is a holiday.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from statistics import median

from data_contracts.profiles import Profile

WEEKS = 8
LEAST_WEEKS = 4
REGULAR_SHARE = 0.75
LEAST_USUAL_ROWS = 10
LONGEST_LAG_DAYS = 31
_WEEK = 7
_YEAR_OF_WEEKS = 52 * _WEEK


def missing_days(profile: Profile, *, after: date | None = None, until: date | None = None) -> list[date]:
    """Days without rows that by their weekday should have some.

    Args:
        profile: the load.
        after: only days after this one; by default all that the profile reaches.
        until: up to this day, also beyond the newest row; by default up to the newest row.
    """
    if profile.first_day is None or profile.newest_day is None:
        return []
    last = max(until or profile.newest_day, profile.newest_day)
    first = max(profile.first_day, after + timedelta(days=1) if after else profile.first_day)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [
        day
        for day in days
        if not profile.rows_of(day) and _should_have_rows(profile, day) and not _is_a_holiday(profile, day)
    ]


def new_missing_days(
    profile: Profile, earlier: Sequence[Profile], *, loaded_on: date, accepted_before: bool = False
) -> list[date]:
    """Missing days since the last load, and days whose rows that load had and this one has not.

    Args:
        profile: this load.
        earlier: earlier loads of the table, newest first; none: nothing is new.
        loaded_on: business date of this load.
        accepted_before: the days missing at the last load were accepted: those before it are not asked for again.
    """
    last = earlier[0] if earlier else None
    if last is None or last.newest_day is None or last.first_day is None or profile.newest_day is None:
        return []
    settled = last.loaded_on - timedelta(days=1) if accepted_before else last.newest_day
    new = missing_days(
        profile,
        after=max(last.newest_day, settled),
        until=_expected_until(profile.newest_day, earlier, loaded_on=loaded_on),
    )
    return sorted({*new, *_emptied_days(profile, last)})


def _should_have_rows(profile: Profile, day: date) -> bool:
    usual = [
        rows
        for week in range(1, WEEKS + 1)
        if (rows := profile.rows_of(day - timedelta(days=_WEEK * week))) is not None
    ]
    regular = sum(rows > 0 for rows in usual) >= REGULAR_SHARE * len(usual)
    return len(usual) >= LEAST_WEEKS and regular and median(usual) >= LEAST_USUAL_ROWS


def _is_a_holiday(profile: Profile, day: date) -> bool:
    same_date = day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)
    return any(profile.rows_of(before) == 0 for before in (same_date, day - timedelta(days=_YEAR_OF_WEEKS)))


def _expected_until(newest: date, earlier: Sequence[Profile], *, loaded_on: date) -> date:
    """The day that rows should reach to: as close to the load as in earlier loads, at most the day before it.

    Rows that end weeks before the load are an archive, of which nothing more is expected.
    """
    if (loaded_on - newest).days > LONGEST_LAG_DAYS:
        return newest
    lags = [(each.loaded_on - each.newest_day).days for each in earlier if each.newest_day is not None]
    return loaded_on - timedelta(days=max([1, *lags]))


def _emptied_days(profile: Profile, last: Profile) -> list[date]:
    """Days of many rows that are empty now. Not those before the first: an export may reach back a fixed time only."""
    if profile.first_day is None or last.first_day is None:
        return []
    days = (last.first_day + timedelta(days=number) for number in range(len(last.rows_by_day)))
    return [
        day
        for day in days
        if day >= profile.first_day and (last.rows_of(day) or 0) >= LEAST_USUAL_ROWS and not profile.rows_of(day)
    ]

"""Telling a missing day from a quiet one, by what the same weekday usually brings.

Belongs here: that judgement, on counts of rows by day. Does not: counting (`profiles.py`), or what follows from it
(`table_checking.py`).

A day without rows is missing when the same weekday had rows in at least three of every four of the eight weeks before,
and ten or more of them in the middle week: were rows to come at random at such a rate, an empty day would be a matter
of 1 in 20,000. A shop that is closed on Saturdays has no missing Saturday; one that closes for good on a weekday has
at most three missing ones, then quiet ones. A day that was empty a year before too (on the same date, or on the same
weekday of the same week) is a holiday, and so is every day that the company says it is closed on.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from statistics import median

from data_contracts.closed_days import NEVER_CLOSED, ClosedDays
from data_contracts.profiles import Profile

WEEKS = 8
LEAST_WEEKS = 4
REGULAR_SHARE = 0.75
LEAST_USUAL_ROWS = 10
LONGEST_LAG_DAYS = 31
MOST_NEW_DAYS = 7
_WEEK = 7
_YEAR_OF_WEEKS = 52 * _WEEK


def missing_days(
    profile: Profile,
    *,
    after: date | None = None,
    until: date | None = None,
    closed_days: ClosedDays = NEVER_CLOSED,
) -> list[date]:
    """Days without rows that by their weekday should have some.

    Args:
        profile: the load.
        after: only days after this one; by default all that the profile reaches.
        until: up to this day, also beyond the newest row; by default up to the newest row.
        closed_days: days without business, which are never missing.
    """
    if profile.first_day is None or profile.newest_day is None:
        return []
    last = max(until or profile.newest_day, profile.newest_day)
    first = max(profile.first_day, after + timedelta(days=1) if after else profile.first_day)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [
        day
        for day in days
        if not profile.rows_of(day)
        and day not in closed_days
        and _should_have_rows(profile, day)
        and not _is_a_holiday(profile, day)
    ]


def new_missing_days(
    profile: Profile,
    earlier: Sequence[Profile],
    *,
    loaded_on: date,
    accepted_before: bool = False,
    closed_days: ClosedDays = NEVER_CLOSED,
) -> list[date]:
    """Missing days since the last load, and days whose rows that load had and this one has not.

    Args:
        profile: this load.
        earlier: earlier loads of the table, newest first; none: nothing is new.
        loaded_on: business date of this load.
        accepted_before: the days missing at the last load were accepted: those before it are not asked for again.
        closed_days: days without business, which are never missing.
    """
    last = earlier[0] if earlier else None
    if last is None or last.newest_day is None or last.first_day is None or profile.newest_day is None:
        return []
    settled = last.loaded_on - timedelta(days=1) if accepted_before else last.newest_day
    new = missing_days(
        profile,
        after=max(last.newest_day, settled),
        until=_expected_until(profile.newest_day, earlier, loaded_on=loaded_on),
        closed_days=closed_days,
    )
    return sorted({*new, *_emptied_days(profile, last)})


def new_days_against_usual(
    profile: Profile, newest_before: date, *, closed_days: ClosedDays = NEVER_CLOSED
) -> tuple[int, float, int] | None:
    """Rows of the days that are new since the last load, beside what the same weekdays usually bring.

    The newest day of the load's own business date is not over and does not count; of many new days the newest seven do.
    What is usual is the median of the same weekday over the eight weeks before; where the year before saw fewer rows at
    this time of year than in the weeks before it, so much less is expected.

    Args:
        profile: this load.
        newest_before: the newest day of the load before.
        closed_days: days without business, which are left out.

    Returns:
        Rows, usual rows, number of days; None where there is no new day with at least four weeks before it.
    """
    if profile.newest_day is None:
        return None
    newest = min(profile.newest_day, profile.loaded_on - timedelta(days=1))
    first = max(newest_before + timedelta(days=1), newest - timedelta(days=MOST_NEW_DAYS - 1))
    days = [first + timedelta(days=number) for number in range((newest - first).days + 1)]
    judged = [
        (profile.rows_of(day) or 0, usual)
        for day in days
        if day not in closed_days and (usual := _usual_rows(profile, day)) is not None
    ]
    if not judged:
        return None
    rows, usual = sum(rows for rows, _ in judged), sum(usual for _, usual in judged)
    return rows, usual * min(1.0, _season(profile, days)), len(judged)


def _usual_rows(profile: Profile, day: date) -> float | None:
    """The median rows of the same weekday in the weeks before; None where too few of them are known."""
    weeks = [profile.rows_of(day - timedelta(days=_WEEK * week)) for week in range(1, WEEKS + 1)]
    known = [rows for rows in weeks if rows is not None]
    return median(known) if len(known) >= LEAST_WEEKS else None


def _season(profile: Profile, days: Sequence[date]) -> float:
    """What the same days a year ago brought, in parts of what was usual then; 1 where that is not known."""
    ago = [day - timedelta(days=_YEAR_OF_WEEKS) for day in days]
    usual = [_usual_rows(profile, day) for day in ago]
    if not all(usual):
        return 1.0
    return sum(profile.rows_of(day) or 0 for day in ago) / sum(rows for rows in usual if rows is not None)


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

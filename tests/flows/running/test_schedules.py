"""Cron lines against the calendar: what was due, what is missed, whose clock is changed in between."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from flows.running.schedules import due, missed_nights, moment_of_night, overdue

LONDON, AUCKLAND = "Europe/London", "Pacific/Auckland"
AT_TWO = "0 2 * * *"
SUNDAY_EVENING = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)


def november(*days):
    return [date(2026, 11, day) for day in days]


@pytest.mark.parametrize(
    ("cron", "now", "zone", "last", "following"),
    [
        (AT_TWO, SUNDAY_EVENING, LONDON, "2026-11-22T02:00:00+00:00", "2026-11-23T02:00:00+00:00"),
        (AT_TWO, SUNDAY_EVENING, AUCKLAND, "2026-11-23T02:00:00+13:00", "2026-11-24T02:00:00+13:00"),
        ("0 2 * * 1-5", SUNDAY_EVENING, LONDON, "2026-11-20T02:00:00+00:00", "2026-11-23T02:00:00+00:00"),
        ("0 6 1 1,4,7,10 *", SUNDAY_EVENING, LONDON, "2026-10-01T06:00:00+01:00", "2027-01-01T06:00:00+00:00"),
        # exactly when it is due, it is due
        (
            AT_TWO,
            datetime(2026, 11, 22, 2, tzinfo=UTC),
            LONDON,
            "2026-11-22T02:00:00+00:00",
            "2026-11-23T02:00:00+00:00",
        ),
        # half past one does not exist on the day the clocks go forward: the night is not lost
        (
            "30 1 * * *",
            datetime(2026, 3, 29, 12, tzinfo=UTC),
            LONDON,
            "2026-03-29T02:00:00+01:00",
            "2026-03-30T01:30:00+01:00",
        ),
    ],
)
def test_when_something_is_due(cron, now, zone, last, following):
    moments = due(cron, now=now, zone=zone)
    assert (moments.last.isoformat(), moments.next.isoformat()) == (last, following)


def test_what_is_never_scheduled_is_never_due():
    moments = due("", now=SUNDAY_EVENING, zone=LONDON)
    assert (moments.last, moments.next) == (None, None)
    assert overdue("", now=SUNDAY_EVENING, zone=LONDON, last_done=None, usual_seconds=0) is None


@pytest.mark.parametrize(
    ("published", "kept_since", "missed"),
    [
        (november(*range(17, 23)), november(17)[0], []),
        (november(*range(17, 22)), november(17)[0], november(22)),
        (november(17, 18, 21), november(17)[0], november(19, 20, 22)),
        (november(17), None, []),  # dates of the past were scored: no schedule is kept yet
    ],
)
def test_missed_nights(published, kept_since, missed):
    found = missed_nights(
        AT_TWO, now=SUNDAY_EVENING, zone=LONDON, published=published, kept_since=kept_since, usual_seconds=600
    )
    assert list(found.missed if found else ()) == missed
    if found:
        assert found.seconds == 17.5 * 3600


@pytest.mark.parametrize(("minutes", "is_late"), [(5, False), (24, False), (26, True), (240, True)])
def test_a_night_is_late_only_when_it_should_be_over(minutes, is_late):
    now = datetime(2026, 11, 22, 2, tzinfo=UTC) + timedelta(minutes=minutes)
    found = missed_nights(
        AT_TWO, now=now, zone=LONDON, published=november(20, 21), kept_since=november(20)[0], usual_seconds=600
    )
    assert (found is not None) == is_late


@pytest.mark.parametrize(
    ("days_ago", "is_late"),
    [(0.1, False), (3, True), (None, True)],
)
def test_training_is_late_when_it_was_due_and_has_not_been_done_since(days_ago, is_late):
    done = None if days_ago is None else SUNDAY_EVENING - timedelta(days=days_ago)
    found = overdue("0 4 * * 0", now=SUNDAY_EVENING, zone=LONDON, last_done=done, usual_seconds=600)
    assert (found is not None) == is_late


def test_the_moment_of_a_night():
    zone = ZoneInfo(AUCKLAND)
    assert moment_of_night(AT_TWO, date(2026, 1, 5), zone=AUCKLAND) == datetime(2026, 1, 5, 2, tzinfo=zone)
    end = datetime(2026, 1, 6, tzinfo=zone)
    assert moment_of_night("0 2 * * 0", date(2026, 1, 5), zone=AUCKLAND) == end  # a Monday
    assert moment_of_night("", date(2026, 1, 5), zone=AUCKLAND) == end

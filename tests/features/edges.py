"""Moments at which time itself is odd, in two time zones, and dates from which they are looked at.

Belongs here: moments and dates. Does not: whose orders they are of (`histories`, `order_histories`).
"""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

ZONES = ["Europe/London", "America/New_York"]
TICK = timedelta(microseconds=1)

CLOCKS_BACK = [datetime(2023, 10, 29, 1, tzinfo=UTC), datetime(2023, 11, 5, 6, tzinfo=UTC)]
"""First moments at which the local hour comes a second time, by zone."""
CLOCKS_FORWARD = [datetime(2024, 3, 31, 1, tzinfo=UTC), datetime(2024, 3, 10, 7, tzinfo=UTC)]
"""First moments after the local hour that is left out, by zone."""
LEAP_DAY = date(2024, 2, 29)


def _midnights(day):
    """The first moments of a day in each zone."""
    return [datetime.combine(day, datetime.min.time(), tzinfo=ZoneInfo(zone)).astimezone(UTC) for zone in ZONES]


MOMENTS = sorted(
    {
        *(moment + shift for moment in (*CLOCKS_BACK, *CLOCKS_FORWARD)
          for shift in (timedelta(minutes=-90), timedelta(minutes=-30), -TICK, timedelta(0), timedelta(minutes=30))),
        *(moment + shift for day in (LEAP_DAY, date(2024, 3, 1), date(2024, 3, 31), date(2023, 10, 29))
          for moment in _midnights(day) for shift in (-TICK, timedelta(0))),
        datetime(2024, 2, 29, 12, tzinfo=UTC),
    }
)  # fmt: skip
SNAPSHOTS = [date(2023, 10, 29), date(2023, 11, 6), LEAP_DAY, date(2024, 3, 11), date(2024, 4, 1), date(2024, 10, 28)]
"""Days on which clocks go back, days after that, after they went forward, the leap day, and one much later."""

assert all(earlier < later for earlier, later in pairwise(SNAPSHOTS))
assert [moment.astimezone(ZoneInfo(zone)).fold for moment, zone in zip(CLOCKS_BACK, ZONES, strict=True)] == [1, 1]

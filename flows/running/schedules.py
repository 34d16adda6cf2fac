"""What the schedule asks for: when something was due last, when it is next, which nights were missed.

Belongs here: cron lines in the company's time zone against what the ledger says, as pure functions. Does not: asking
the ledger or the clock (`status/ledger_facts.py`), keeping the schedule (`serving.py`).

A night is of the business date on which it was due. The schedule is taken for kept only since a night was published
on its own day: whoever scores dates of the past, or has yet to begin, is late for nothing.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

LOOKS_BACK_NIGHTS = 400  # of missed nights; more are counted as so many
GRACE_SECONDS = 900.0  # for what takes no time worth speaking of


@dataclass(frozen=True, kw_only=True)
class Due:
    """A cron line at a moment.

    Attributes:
        last: when it was due last (in the company's time zone); None where it never was.
        next: when it is due next; None where it never is.
    """

    last: datetime | None
    next: datetime | None


@dataclass(frozen=True, kw_only=True)
class Lateness:
    """What should be there and is not.

    Attributes:
        seconds: since it was due.
        missed: business dates of nights that were due and are not published, oldest first; without tonight's while it
            still may come in time.
    """

    seconds: float
    missed: tuple[date, ...] = ()


def due(cron: str, *, now: datetime, zone: str) -> Due:
    """When a cron line was due last, and when it is next; both None for an empty line.

    Args:
        cron: five fields, checked by the settings.
        now: the moment, aware.
        zone: IANA name of the company's time zone.
    """
    return Due(last=next(_moments(cron, now, zone, back=True), None), next=next(_moments(cron, now, zone), None))


def missed_nights(
    cron: str, *, now: datetime, zone: str, published: Collection[date], kept_since: date | None, usual_seconds: float
) -> Lateness | None:
    """Nights that were due and are not published; None where there is none.

    Args:
        cron: of nightly scoring; empty: none is ever due.
        now: the moment, aware.
        zone: IANA name of the company's time zone.
        published: business dates that stand published.
        kept_since: the first date that was published on its own day; None: the schedule is not kept yet.
        usual_seconds: how long a night takes: so long after it was due it is not late.
    """
    if kept_since is None:
        return None
    latest = now - timedelta(seconds=usual_seconds + GRACE_SECONDS)
    moments = islice(_moments(cron, latest, zone, back=True), LOOKS_BACK_NIGHTS)
    missed = [at for at in moments if at.date() > kept_since and at.date() not in published]
    if not missed:
        return None
    days = tuple(sorted({at.date() for at in missed}))
    return Lateness(seconds=(now - max(missed)).total_seconds(), missed=days)


def overdue(
    cron: str, *, now: datetime, zone: str, last_done: datetime | None, usual_seconds: float
) -> Lateness | None:
    """Whether something that has no date of its own, such as training, was due and has not been done since.

    Args:
        cron: its line; empty: it is never due.
        now: the moment, aware.
        zone: IANA name of the company's time zone.
        last_done: when it was last begun and went well.
        usual_seconds: how long it takes.
    """
    latest = now - timedelta(seconds=usual_seconds + GRACE_SECONDS)
    was_due = next(_moments(cron, latest, zone, back=True), None)
    if was_due is None or (last_done is not None and last_done >= was_due):
        return None
    return Lateness(seconds=(now - was_due).total_seconds())


def moment_of_night(cron: str, day: date, *, zone: str) -> datetime:
    """When the night of a business date was due; the end of that day, where the schedule has none on it.

    Args:
        cron: of nightly scoring; may be empty.
        day: the business date.
        zone: IANA name of the company's time zone.
    """
    begins, ends = (datetime.combine(one, time(), ZoneInfo(zone)) for one in (day, day + timedelta(days=1)))
    was_due = next(_moments(cron, begins - timedelta(seconds=1), zone), ends)
    return min(was_due, ends)


def _moments(cron: str, start: datetime, zone: str, *, back: bool = False) -> Iterator[datetime]:
    """The moments of a cron line after `start`, or from it backwards; changes of the clock are heeded."""
    if not cron:
        return
    from cronsim import CronSim  # noqa: PLC0415 only who looks at a schedule needs it

    local = start.astimezone(ZoneInfo(zone)) + (timedelta(seconds=1) if back else timedelta())
    yield from CronSim(cron, local, reverse=back)

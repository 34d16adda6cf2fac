"""What runs now and how long it usually takes; what the schedule asked for, and what of it is late; as plain values.

Belongs here: from the ledger's rows to the questions of `schedules.py`. Does not: reading the ledger
(`ledger_facts.py`).
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from flows.context import Context
from flows.running.schedules import LOOKS_BACK_NIGHTS, Lateness, due, missed_nights, overdue
from warehouse.databases.locking import LockHolder
from warehouse.ledger import Run
from warehouse.publishing.publications import Publication

RECENT = 10
_PARTS: Mapping[str, tuple[str, ...]] = {"run": ("ingest", "score")}
"""What a verb writes down in the ledger, where it is not its own name; training inside of a run is the exception."""


def running_now(holder: LockHolder | None, runs: Sequence[Run], *, now: datetime) -> dict[str, Any] | None:
    """Who holds the warehouse's lock, since when, where, doing what, and how long that usually takes.

    Args:
        holder: of the lock; None where nothing runs.
        runs: of the ledger, newest first.
        now: the moment, aware.
    """
    if holder is None:
        return None
    under_way = next((run for run in runs if run.status == "running"), None)
    since = _moment(holder.started_at)
    return {
        "what": holder.run_key,
        "process": holder.pid,
        "machine": holder.host,
        "since": holder.started_at,
        "seconds": (now - since).total_seconds() if since else None,
        "usual_seconds": usual_seconds(holder.run_key.split(" ")[0], runs),
        "run_key": under_way.run_key if under_way else None,
        "attempt": under_way.attempt if under_way else None,
        "doing": under_way.kind if under_way else None,
    }


def usual_seconds(verb: str, runs: Sequence[Run]) -> float | None:
    """How long a verb usually takes: the median of its last runs that went well; None where none did.

    Args:
        verb: `run`, or a kind of run of the ledger.
        runs: of the ledger, newest first.
    """
    parts = [_median_seconds(kind, runs) for kind in _PARTS.get(verb, (verb,))]
    known = [part for part in parts if part is not None]
    return round(sum(known), 1) if known else None


def schedule(context: Context, runs: Sequence[Run], published: Sequence[Publication]) -> dict[str, Any]:
    """Of every scheduled verb when it was and will be due; what is late, in words too.

    Args:
        context: the surroundings: cron lines, time zone, now.
        runs: of the ledger, newest first.
        published: publications, whatever became of them.
    """
    wanted, zone, now = context.settings.orchestration, context.settings.company.time_zone, context.now
    kept_since = _kept_since(published, zone)
    lines = {
        "nightly scoring": wanted.nightly_scoring,
        "weekly training": wanted.weekly_training,
        "quarterly review": wanted.quarterly_review,
    }
    late = []
    missed = missed_nights(
        wanted.nightly_scoring,
        now=now,
        zone=zone,
        published={one.as_of for one in published},
        kept_since=kept_since,
        usual_seconds=usual_seconds("run", runs) or 0.0,
    )
    if missed is not None:
        late.append(_late("nightly scoring", missed, runs))
    trained = _last_training(runs) or (runs[-1].started_at if runs else None)  # else it was before all that is known
    if kept_since is not None and trained is not None:
        behind = overdue(
            wanted.weekly_training,
            now=now,
            zone=zone,
            last_done=trained,
            usual_seconds=usual_seconds("train", runs) or 0.0,
        )
        if behind is not None:
            late.append(_late("weekly training", behind, runs))
    return {
        "time_zone": zone,
        "kept_since": kept_since.isoformat() if kept_since else None,
        "lines": [{"what": what, **_line(cron, now, zone)} for what, cron in lines.items()],
        "late": late,
    }


def _kept_since(published: Sequence[Publication], zone: str) -> date | None:
    """The first date that was published on its own day, or early on the next."""
    own = [
        one.as_of
        for one in published
        if 0 <= (one.published_at.astimezone(ZoneInfo(zone)).date() - one.as_of).days <= 1
    ]
    return min(own, default=None)


def _last_training(runs: Sequence[Run]) -> datetime | None:
    return next((run.started_at for run in runs if run.kind == "train" and run.status == "done"), None)


def _late(which: str, lateness: Lateness, runs: Sequence[Run]) -> dict[str, Any]:
    days = lateness.missed
    how_late = in_words(lateness.seconds)
    if not days:
        what = f"{which} was due {how_late} ago and has not gone well since"
    elif len(days) == 1:
        what = f"the night of {days[0]} is late: it was due {how_late} ago and is not published"
    else:
        number = f"{len(days)}" if len(days) < LOOKS_BACK_NIGHTS else f"{LOOKS_BACK_NIGHTS} or more"
        what = (
            f"{number} nights are not published, from {days[0]} to {days[-1]}; the last of them was due {how_late} ago"
        )
    why = _why(runs, days[-1]) if days else None
    return {
        "schedule": which,
        "what": what + (f" ({why})" if why else ""),
        "seconds": round(lateness.seconds),
        "missed": [day.isoformat() for day in days],
        "why": why,
    }


def _why(runs: Sequence[Run], day: date) -> str | None:
    """What stopped the last attempt at that date, in the ledger's words; None where there was no attempt."""
    tried = next((run for run in runs if run.as_of == day and run.kind in {"score", "ingest"}), None)
    if tried is None or tried.error is None:
        return None
    return f"{tried.status}: {tried.error.get('what') or tried.error.get('error')}"


def _line(cron: str, now: datetime, zone: str) -> dict[str, Any]:
    moments = due(cron, now=now, zone=zone)
    return {
        "cron": cron,
        "last_due": moments.last.isoformat() if moments.last else None,
        "next_due": moments.next.isoformat() if moments.next else None,
    }


def in_words(seconds: float) -> str:
    """A length of time in its two largest units: `2 days 3 hours`."""
    total_minutes = round(seconds / 60)
    if total_minutes == 0:
        return f"{seconds:.0f} seconds"
    days, rest = divmod(total_minutes, 1440)
    hours, minutes = divmod(rest, 60)
    parts = [(days, "day"), (hours, "hour"), (minutes, "minute")]
    told = [f"{number} {unit}{'' if number == 1 else 's'}" for number, unit in parts if number]
    return " ".join(told[:2])


def _median_seconds(kind: str, runs: Sequence[Run]) -> float | None:
    took = [
        (run.finished_at - run.started_at).total_seconds()
        for run in runs
        if run.kind == kind and run.status == "done" and run.finished_at is not None
    ]
    return median(took[:RECENT]) if took else None


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # a holder that could not be read
        return None

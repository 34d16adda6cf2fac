"""Nights of the past, published as they would have been.

Belongs here: which dates, what happens when one of them can't be scored, and what is told of them all. Does not: a
night (`pipelines`). Every date is scored on what was known before it, with champions that had seen nothing later: those
that stand today, or those that were champions when the date's own night was scored. Readers stay with the latest
date. Other runs may come in between two dates: each takes the lock for itself.
"""

import calendar
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from data_contracts.errors import DataBlockedError
from flows import pipelines
from flows.context import Context
from flows.errors_backfilling import BackfillRangeError, ChampionsOfTheDayError
from flows.learning.champions import find_champions
from flows.running.schedules import moment_of_night
from flows.steps import Result, Step
from warehouse.ledger import Run, runs_of

Every = Literal["day", "week", "month"]
TrainWhen = Literal["missing", "always", "never"]
ChampionsOf = Literal["today", "of-the-day"]
LOCK_WAIT_SECONDS = 1800.0  # for another run to end, between two dates


def backfill_days(first: date, last: date, *, every: Every) -> list[date]:
    """The dates from `first` to `last`, both included where the step meets them.

    Steps of a month keep the day of the month of `first`, or the last day of a month that is too short.

    Raises:
        BackfillRangeError: the range is empty.
    """
    if first > last:
        raise BackfillRangeError(first=first, last=last)
    return list(_days(first, last, every))


def backfill(  # noqa: PLR0913 the options of the command, by name
    step: Step,
    *,
    context: Context,
    first: date,
    last: date,
    every: Every = "day",
    train: TrainWhen = "missing",
    champions: ChampionsOf = "today",
    force: bool = False,
    **allowances: bool,
) -> Result:
    """Publish a range of past dates on the last load; dates that are published already are left alone.

    Args:
        step: carries out a step.
        context: the surroundings.
        first: the first date.
        last: the last date, today at the latest.
        every: how far apart the dates are.
        train: `missing` trains where no champion that had seen nothing later is there, `always` before every date,
            `never` leaves such dates blocked.
        champions: `today` scores with those that stand today, `of-the-day` with those that stood when the date's own
            night was scored, or was due where it was not; nothing is trained then.
        force: publish dates again that are published.
        allowances: as for `pipelines.score`.

    Returns:
        Plain values; `nights` has one entry a date. A date that is blocked is told with its reason, and the next one
        is tried; anything else that goes wrong ends the backfill (the dates done so far are published).

    Raises:
        BackfillRangeError: the range is empty.
        AsOfInTheFutureError: it ends in the future.
        ChampionsOfTheDayError: they are to be trained now.
    """
    if champions == "of-the-day":
        if train == "always":
            raise ChampionsOfTheDayError(train=train)
        train = "never"
    days = backfill_days(first, context.resolve_as_of(last), every=every)
    patient = replace(context, lock_wait_seconds=LOCK_WAIT_SECONDS)
    nights = []
    for number, day in enumerate(days, start=1):
        context.reporter.say(f"{day} ({number} of {len(days)})")
        then = patient if champions == "today" else as_it_was(patient, day)
        nights.append(_night(step, then, day, train=train, force=force, allowances=allowances))
    blocked = [night for night in nights if night["status"] == "blocked"]
    return {
        "verb": "backfill",
        "status": "incomplete" if blocked else "done",
        "message": f"{len(nights) - len(blocked)} of {len(nights)} dates are published"
        + (f"; blocked: {', '.join(night['as_of'] for night in blocked)}" if blocked else ""),
        "nights": nights,
        "steps": context.reporter.costs(),
    }


def as_it_was(context: Context, day: date) -> Context:
    """The context in which later decisions about champions are not made yet.

    That is from the moment its own night was first scored and went well; where there was none, from when it was due.
    """
    zone = context.settings.company.time_zone
    runs: list[Run] = []
    if context.warehouse().exists():
        with context.warehouse() as warehouse:
            runs = runs_of(warehouse, "score", day)
    on_its_day = [run for run in runs if run.started_at.astimezone(ZoneInfo(zone)).date() == day]
    done = [run.started_at for run in on_its_day if run.status == "done"]
    was_due = moment_of_night(context.settings.orchestration.nightly_scoring, day, zone=zone)
    return replace(context, champions_decided_before=min(done, default=was_due).astimezone(UTC))


def _night(
    step: Step, context: Context, day: date, *, train: TrainWhen, force: bool, allowances: dict[str, bool]
) -> Result:
    """One date, in plain values."""
    try:
        trained = train == "always" or (train == "missing" and find_champions(context, day) is None)
        if trained:
            pipelines.train(step, context=context, as_of=day)
        result = pipelines.score(step, context=context, as_of=day, force=force, **allowances)
    except DataBlockedError as error:
        return {"as_of": day.isoformat(), "status": "blocked", **error.facts()}
    told = {"as_of": day.isoformat(), "trained": trained, **_told(result)}
    if context.champions_decided_before is not None and result["status"] == "unchanged":
        told |= _scored_by_others(context, day, result["model_versions"])
    return told


def _told(result: Result) -> dict[str, Any]:
    told = {name: result[name] for name in ("status", "outcome", "version", "content_hash", "rows") if name in result}
    versions = {name: facts["version"] for name, facts in result.get("champions", {}).items()}
    return told | {"model_versions": versions or result.get("model_versions", {})}


def _scored_by_others(context: Context, day: date, versions: dict[str, int]) -> dict[str, str]:
    """What to say of a date that is published already, where other models than its champions scored it."""
    wanted = find_champions(context, day)
    if wanted is None or all(versions.get(name) == one.version for name, one in wanted.items()):
        return {}
    others = ", ".join(f"{name} {one.version}" for name, one in wanted.items() if versions.get(name) != one.version)
    return {"what": f"published already, not by the champions of the day ({others}): --force publishes it again"}


def _days(first: date, last: date, every: Every) -> Iterator[date]:
    day, months = first, 0
    while day <= last:
        yield day
        if every == "month":
            months += 1
            day = _months_after(first, months)
        else:
            day += timedelta(days=7 if every == "week" else 1)


def _months_after(first: date, months: int) -> date:
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, min(first.day, calendar.monthrange(year, month + 1)[1]))

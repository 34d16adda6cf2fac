"""The verbs as wiring: which steps, in which order. The same wiring runs in this process and through Prefect.

Belongs here: sequences of steps, each a plain function of the context. Does not: what a step does, or who carries it
out: that is `step`, which either calls the function at once or makes a Prefect task of it.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from data_contracts.currencies import MINOR_UNIT_DIGITS
from data_contracts.errors import DataBlockedError
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.learning import champions, standing_in, training
from flows.loading import ingesting
from flows.loading.erasing import erasures_applied
from flows.loading.load_counts import changes_in_words
from flows.night_steps import score_night
from flows.nights import receipting
from flows.published import reviewing
from flows.running.notifying import notified, tell_of_drift
from flows.running.recording import alone, recorded
from flows.running.serving_copy import keep_serving_copy
from flows.steps import Result, Step
from flows.training_steps import register_kept, register_kept_if_it_can_be, train_models
from warehouse.publishing.publications import current_publication


def run(
    step: Step,
    *,
    context: Context,
    as_of: date | None = None,
    retrain: bool = False,
    force: bool = False,
    accept: Sequence[str] = (),
    catch_up_nights: int = 0,
    **allowances: bool,
) -> Result:
    """Load, train where no champion can score the date (or when asked to), score, publish.

    `accept` names table rules that the load may break for this once; `allow_empty` holds for the load too. Of the dates
    since the last published one, the last `catch_up_nights` are published first, with what was known before each.
    """
    day = context.resolve_as_of(as_of)
    with notified(context, "run"), alone(context, f"run {day}"), erasures_applied(context):
        allow_empty = allowances.get("allow_empty", False)
        result = _ingest(step, context, day, force=False, accept=accept, allow_empty=allow_empty, as_of=as_of)
        core = CoreTables.latest(context)
        result |= register_kept_if_it_can_be(step, context)
        retrain = retrain or receipting.retraining_due(context, day) or bool(standing_in.due_anew(context, day))
        if retrain or champions.find_champions(context, day) is None:
            result |= train_models(step, context, core, day)
        result |= _catch_up(step, context, core, missed_nights(context, day, at_most=catch_up_nights), allowances)
        result |= score_night(step, context, core, day, force=force or retrain, allowances=allowances)
        tell_of_drift(context, "run", result.get("drift", {}).get("new_alarms", ()))
        keep_serving_copy(context)
        reviewing.keep_night_page(context)
    return _told(context, "run", result)


def ingest(
    step: Step, *, context: Context, force: bool = False, accept: Sequence[str] = (), allow_empty: bool = False
) -> Result:
    """Load the sources; `accept` names table rules that may be broken, `allow_empty` lets inputs be empty, for once."""
    with notified(context, "ingest"), alone(context, "ingest"), erasures_applied(context):
        result = _ingest(step, context, context.today, force=force, accept=accept, allow_empty=allow_empty)
    return _told(context, "ingest", result)


def train(
    step: Step,
    *,
    context: Context,
    as_of: date | None = None,
    resume: bool = False,
    **wishes: Any,  # noqa: ANN401 of `TrainingWishes`
) -> Result:
    """Train, grade and promote on the last load; `wishes` are those of `training.TrainingWishes`.

    With `resume` nothing is trained: what was trained while the registry did not answer is registered.
    """
    day = context.resolve_as_of(as_of)
    with notified(context, "train"), alone(context, f"train {day}"), erasures_applied(context):
        if resume:
            nothing = {"status": "unchanged", "message": "nothing that was trained waits to be registered"}
            return _told(context, "train", register_kept(step, context) or nothing)
        result = train_models(step, context, CoreTables.latest(context), day, training.TrainingWishes(**wishes))
    return _told(context, "train", result)


def score(
    step: Step, *, context: Context, as_of: date | None = None, force: bool = False, **allowances: bool
) -> Result:
    """Score everybody with the champions, on the last load, and publish."""
    day = context.resolve_as_of(as_of)
    with notified(context, "score"), alone(context, f"score {day}"), erasures_applied(context):
        result = score_night(step, context, CoreTables.latest(context), day, force=force, allowances=allowances)
        tell_of_drift(context, "score", result.get("drift", {}).get("new_alarms", ()))
        keep_serving_copy(context)
        reviewing.keep_night_page(context)
    return _told(context, "score", result)


def missed_nights(context: Context, day: date, *, at_most: int) -> list[date]:
    """The last dates between the newest published one and `day`, oldest first; none where nothing is published."""
    with context.warehouse() as warehouse:
        current = current_publication(warehouse)
    if current is None or at_most == 0:
        return []
    missing = max(0, (day - current.as_of).days - 1)
    return [day - timedelta(days=back) for back in range(min(missing, at_most), 0, -1)]


def _catch_up(
    step: Step, context: Context, core: CoreTables, days: Sequence[date], allowances: dict[str, bool]
) -> Result:
    """Publish missed dates; one that is blocked is told and left out: tonight matters more."""
    told: dict[str, str] = {}
    for day in days:
        try:
            result = score_night(step, context, core, day, force=False, allowances=allowances)
            tell_of_drift(context, "run", result.get("drift", {}).get("new_alarms", ()))
            told[day.isoformat()] = str(result["message"])
        except DataBlockedError as error:
            told[day.isoformat()] = f"blocked: {error.what}"
    return {"caught_up": told} if told else {}


def _told(context: Context, verb: str, result: Result) -> Result:
    """A result with what every verb tells: which it was, the unit of its money, what each step cost."""
    return {
        "verb": verb,
        **result,
        "minor_units_per_major": 10 ** MINOR_UNIT_DIGITS[context.settings.company.currency],
        "steps": context.reporter.costs(),
    }


def _ingest(
    step: Step,
    context: Context,
    day: date,
    *,
    force: bool,
    accept: Sequence[str],
    allow_empty: bool,
    as_of: date | None = None,
) -> Result:
    with recorded(context, "ingest", day) as recording:
        loaded = step(
            "load and check the sources",
            ingesting.ingest_sources,
            context=context,
            parts=3,
            force=force,
            accept=accept,
            allow_empty=allow_empty,
            as_of=as_of,
        )
        recording.load_id, recording.counts = loaded.load_id, loaded.summary["entities"]
    message = "the sources have not changed since the last load"
    if loaded.status == "loaded":
        message = f"the sources are loaded: {changes_in_words(loaded.summary)}"
    return {"status": loaded.status, "message": message, "load": loaded.summary}

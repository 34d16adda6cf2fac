"""The verbs as wiring: which steps, in which order. The same wiring runs in this process and through Prefect.

Belongs here: sequences of steps, each a plain function of the context. Does not: what a step does, or who carries it
out: that is `step`, which either calls the function at once or makes a Prefect task of it.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any, Protocol

from data_contracts.currencies import MINOR_UNIT_DIGITS
from data_contracts.errors import DataBlockedError
from flows import champions, ingesting, night, scoring, segmenting, training, training_tables
from flows.champions import MODELS
from flows.context import Context
from flows.core_tables import CoreTables
from flows.erasing import erasures_applied
from flows.load_counts import changes_in_words
from flows.notifying import notified
from flows.recording import alone, recorded
from flows.serving_copy import keep_serving_copy
from warehouse.publications import current_publication

Result = dict[str, Any]


class Step(Protocol):
    """Carries out one named step: calls `function(context, …)`, directly or as a task."""

    def __call__(  # noqa: D102 said above
        self,
        name: str,
        function: Callable[..., Any],
        *,
        context: Context,
        parts: int | None = None,
        **arguments: Any,  # noqa: ANN401 whatever the function takes
    ) -> Any: ...  # noqa: ANN401 a step returns what its function returns


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
        if retrain or champions.find_champions(context, day) is None:
            result |= _train(step, context, core, day)
        result |= _catch_up(step, context, core, missed_nights(context, day, at_most=catch_up_nights), allowances)
        result |= _score(step, context, core, day, force=force or retrain, allowances=allowances)
        keep_serving_copy(context)
    return _told(context, "run", result)


def ingest(
    step: Step, *, context: Context, force: bool = False, accept: Sequence[str] = (), allow_empty: bool = False
) -> Result:
    """Load the sources; `accept` names table rules that may be broken, `allow_empty` lets inputs be empty, for once."""
    with notified(context, "ingest"), alone(context, "ingest"), erasures_applied(context):
        result = _ingest(step, context, context.today, force=force, accept=accept, allow_empty=allow_empty)
    return _told(context, "ingest", result)


def train(step: Step, *, context: Context, as_of: date | None = None) -> Result:
    """Train, grade and promote on the last load."""
    day = context.resolve_as_of(as_of)
    with notified(context, "train"), alone(context, f"train {day}"), erasures_applied(context):
        result = _train(step, context, CoreTables.latest(context), day)
    return _told(context, "train", result)


def score(
    step: Step, *, context: Context, as_of: date | None = None, force: bool = False, **allowances: bool
) -> Result:
    """Score everybody with the champions, on the last load, and publish."""
    day = context.resolve_as_of(as_of)
    with notified(context, "score"), alone(context, f"score {day}"), erasures_applied(context):
        result = _score(step, context, CoreTables.latest(context), day, force=force, allowances=allowances)
        keep_serving_copy(context)
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
            result = _score(step, context, core, day, force=False, allowances=allowances)
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


def _train(step: Step, context: Context, core: CoreTables, day: date) -> Result:
    buckets = len(list(core.buckets()))
    with recorded(context, "train", day) as recording:
        recording.load_id = core.load.load_id
        core.check_fresh(day, stale_after_days=context.settings.gates.stale_after_days)
        plan = step("plan the training", training.plan_training, context=context, core=core, as_of=day)
        tables = step(
            "features and outcomes",
            training_tables.build_training_tables,
            context=context,
            parts=buckets,
            core=core,
            plan=plan,
        )
        churn = step("train churn", training.train_churn_model, context=context, tables=tables, plan=plan)
        value = step("train lifetime value", training.train_value_model, context=context, tables=tables, plan=plan)
        offer = step("train next offer", training.train_next_offer_model, context=context, core=core, as_of=day)
        trained = step(
            "register and promote",
            training.register_and_promote,
            context=context,
            parts=len(MODELS),
            bundles=[churn, value, offer],
        )
        recording.model_versions = {name: facts["version"] for name, facts in trained.items()}
        recording.counts = {"snapshots": len(plan.snapshots), "rows": tables.data.features.height}
    left_out = core.features_left_out()
    return {
        "status": "trained",
        "message": f"trained as of {day}; {sum(facts['promoted'] for facts in trained.values())} of 3 promoted",
        "trained": trained,
        "features_left_out": {gone.name: gone.reason for gone in left_out},
    }


def _score(
    step: Step, context: Context, core: CoreTables, day: date, *, force: bool, allowances: dict[str, bool]
) -> Result:
    standing = None if force else night.standing_publication(context, day)
    if standing is not None:
        newer = "" if standing["load_id"] == core.load.load_id else " (from an older load; --force publishes it again)"
        return {"status": "unchanged", "message": f"{day} is published already{newer}; nothing to do", **standing}
    buckets = len(list(core.buckets()))
    with recorded(context, "score", day) as recording:
        recording.load_id = core.load.load_id
        core.check_fresh(day, stale_after_days=context.settings.gates.stale_after_days)
        opened = step("verify the champions", champions.open_champions, context=context, parts=len(MODELS), as_of=day)
        recording.model_versions = {name: champion.promotion.version for name, champion in opened.items()}
        paths = step("features", scoring.build_night_features, context=context, parts=buckets, core=core, as_of=day)
        scores = step(
            "scores, reasons, offers",
            scoring.score_customers,
            context=context,
            parts=buckets,
            core=core,
            as_of=day,
            champions=opened,
            paths=paths,
        )
        tables = step(
            "segments",
            night.make_segments,
            context=context,
            core=core,
            as_of=day,
            scores=scores,
            champions=opened,
            run_key=recording.run.run_key,
        )
        tables = step(
            "value, loyalty, stages, moves",
            segmenting.more_tables,
            context=context,
            parts=buckets,
            core=core,
            as_of=day,
            scores=scores,
            tables=tables,
            run_key=recording.run.run_key,
        )
        published = step(
            "publish",
            night.publish_night,
            context=context,
            run=recording.run,
            tables=tables,
            with_offers=scores.offers is not None,
            force=force,
            allowances=allowances,
        )
        recording.counts = dict(published.publication.tables)
    status = "published" if published.outcome != "kept" else "kept"
    words = {
        "published": f"{day} is published",
        "restated": f"{day} is published again",
        "kept": f"{day} is kept in the history; readers still see the later date",
        "unchanged": f"{day} is published already",
    }
    return {
        "status": status,
        "message": words[published.outcome],
        **night.night_summary(tables, opened, published),
    }

"""The verbs as wiring: which steps, in which order. The same wiring runs in this process and through Prefect.

Belongs here: sequences of steps, each a plain function of the context. Does not: what a step does, or who carries it
out: that is `step`, which either calls the function at once or makes a Prefect task of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import date, timedelta
from typing import Any, Protocol

from data_contracts.currencies import MINOR_UNIT_DIGITS
from data_contracts.errors import DataBlockedError
from flows import (
    champions,
    deciding,
    graduating,
    ingesting,
    night,
    night_features,
    ordering_rhythms,
    readying,
    receipting,
    reviewing,
    scoring,
    segmenting,
    shadowing,
    subscribing,
    training,
    training_tables,
)
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
        retrain = retrain or receipting.retraining_due(context, day)
        if retrain or champions.find_champions(context, day) is None:
            result |= _train(step, context, core, day)
        result |= _catch_up(step, context, core, missed_nights(context, day, at_most=catch_up_nights), allowances)
        result |= _score(step, context, core, day, force=force or retrain, allowances=allowances)
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


def train(step: Step, *, context: Context, as_of: date | None = None, **wishes: Any) -> Result:  # noqa: ANN401 of `TrainingWishes`
    """Train, grade and promote on the last load; `wishes` are those of `training.TrainingWishes`."""
    day = context.resolve_as_of(as_of)
    with notified(context, "train"), alone(context, f"train {day}"), erasures_applied(context):
        result = _train(step, context, CoreTables.latest(context), day, training.TrainingWishes(**wishes))
    return _told(context, "train", result)


def score(
    step: Step, *, context: Context, as_of: date | None = None, force: bool = False, **allowances: bool
) -> Result:
    """Score everybody with the champions, on the last load, and publish."""
    day = context.resolve_as_of(as_of)
    with notified(context, "score"), alone(context, f"score {day}"), erasures_applied(context):
        result = _score(step, context, CoreTables.latest(context), day, force=force, allowances=allowances)
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


def _train(
    step: Step, context: Context, core: CoreTables, day: date, wishes: training.TrainingWishes | None = None
) -> Result:
    asked = wishes or training.TrainingWishes()
    buckets = len(list(core.buckets()))
    with recorded(context, "train", day) as recording:
        recording.load_id = core.load.load_id
        core.check_fresh(day, stale_after_days=context.settings.gates.stale_after_days)
        ready = step("is there enough to learn from", readying.check_readiness, context=context, core=core, as_of=day)
        bundles: list[Any] = []
        learnt: training.Learnt | None = None
        if "orders" in core.entities:
            bundles, learnt = _train_on_purchases(step, context, core, day, asked)
            recording.counts = {
                "snapshots": len(learnt.plan.snapshots),
                "rows": learnt.tables.data.features.height,
            }
        if "subscriptions" in core.entities:
            bundles.append(
                step(
                    "train subscription churn",
                    subscribing.train_subscription_model,
                    context=context,
                    parts=buckets,
                    core=core,
                    as_of=day,
                )
            )
        trained = step(
            "register and promote",
            graduating.register_and_promote,
            context=context,
            parts=len(bundles),
            bundles=bundles,
            core=core,
            learnt=learnt,
            wishes=asked,
        )
        recording.model_versions = {name: facts["version"] for name, facts in trained.items()}
    left_out = core.features_left_out()
    promoted = sum(facts["promoted"] for facts in trained.values())
    return {
        "status": "trained",
        "message": f"trained as of {day}; {promoted} of {len(trained)} promoted",
        "trained": trained,
        "readiness": ready,
        **({"tuned": asdict(learnt.tuned)} if learnt and learnt.tuned else {}),
        "features_left_out": {gone.name: gone.reason for gone in left_out},
    }


def _train_on_purchases(
    step: Step, context: Context, core: CoreTables, day: date, asked: training.TrainingWishes
) -> tuple[list[Any], training.Learnt]:
    """The models of purchases, and what they learnt from."""
    plan = step("plan the training", training.plan_training, context=context, core=core, as_of=day)
    tables = step(
        "features and outcomes",
        training_tables.build_training_tables,
        context=context,
        parts=len(list(core.buckets())),
        core=core,
        plan=plan,
    )
    learnt = step("check the labels", training.check_labels, context=context, core=core, tables=tables, plan=plan)
    tables = learnt.tables
    if asked.tune:
        tuned = step(
            "tune churn",
            training.tune_churn_model,
            context=context,
            parts=asked.trials,
            tables=tables,
            plan=plan,
            wishes=asked,
        )
        learnt = replace(learnt, tuned=tuned)
    churn = step(
        "train churn", training.train_churn_model, context=context, tables=tables, plan=plan, tuned=learnt.tuned
    )
    churn = step(
        "rhythms of ordering", ordering_rhythms.learn_rhythms, context=context, core=core, bundle=churn, as_of=day
    )
    value = step("train lifetime value", training.train_value_model, context=context, tables=tables, plan=plan)
    offer = step("train next offer", training.train_next_offer_model, context=context, core=core, as_of=day)
    if asked.rolling:
        learnt = step(
            "the same on earlier dates",
            training.rolling_origins,
            context=context,
            parts=asked.rolling,
            learnt=learnt,
            origins=asked.rolling,
        )
    return [churn, value, offer], learnt


def _scores(
    step: Step,
    context: Context,
    core: CoreTables,
    day: date,
    *,
    opened: dict[str, champions.Champion],
    paths: list[str],
) -> scoring.Scores:
    """Scores of whoever buys, and of whoever subscribes; a company may have one or both."""
    subscribers = None
    if subscribing.MODEL in opened:
        subscribers = step(
            "subscribers",
            subscribing.score_subscribers,
            context=context,
            parts=len(paths),
            core=core,
            as_of=day,
            champion=opened[subscribing.MODEL],
            paths=paths,
        )
        if "orders" not in core.entities:
            return subscribing.scores_without_orders(core, subscribers, as_of=day, paths=paths)
    scores: scoring.Scores = step(
        "scores, reasons, offers",
        scoring.score_customers,
        context=context,
        parts=len(paths),
        core=core,
        as_of=day,
        champions=opened,
        paths=paths,
    )
    return replace(scores, subscribers=subscribers)


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
        parts = len(champions.models_of(context))
        opened = step("verify the champions", champions.open_champions, context=context, parts=parts, as_of=day)
        recording.model_versions = {name: champion.promotion.version for name, champion in opened.items()}
        paths = step(
            "features", night_features.build_night_features, context=context, parts=buckets, core=core, as_of=day
        )
        scores = _scores(step, context, core, day, opened=opened, paths=paths)
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
        tables = step(
            "receipts",
            receipting.with_receipts,
            context=context,
            core=core,
            scored=receipting.ScoredNight(scores=scores, champions=opened, paths=paths),
            tables=tables,
            run=recording.run,
        )
        decided = step(
            "decisions",
            deciding.decide_night,
            context=context,
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
            decided=decided,
            force=force,
            allowances=allowances,
        )
        recording.counts = dict(published.publication.tables)
        in_shadow = _in_shadow(step, context, day, scores=scores, opened=opened, paths=paths)
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
        **night.night_summary(tables, opened, published, decided),
        **({"shadow": in_shadow} if in_shadow else {}),
    }


def _in_shadow(
    step: Step,
    context: Context,
    day: date,
    *,
    scores: scoring.Scores,
    opened: dict[str, champions.Champion],
    paths: list[str],
) -> dict[str, str]:
    """Challengers that score beside their champions, where there are any; after publishing, which they can't delay."""
    waiting = shadowing.shadows_of(context, opened, day)
    if not waiting:
        return {}
    told: dict[str, str] = step(
        "scores in the shadow",
        shadowing.score_shadows,
        context=context,
        parts=len(waiting),
        as_of=day,
        scores=scores,
        champions=opened,
        shadows=waiting,
        paths=paths,
    )
    return told

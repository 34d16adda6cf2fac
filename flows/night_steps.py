"""A night as wiring: from the champions to published tables, step by step.

Belongs here: the sequence of a night. Does not: what a step does, the lock and the other verbs (`pipelines.py`).
"""

from dataclasses import replace
from datetime import date
from functools import partial

from flows import night
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.decisions import deciding
from flows.decisions.facts import Decided
from flows.featuring import night_features
from flows.learning import champions
from flows.nights import campaigning, drifting, receipting, scoring, segmenting, shadowing, subscribing
from flows.running.recording import recorded
from flows.steps import Result, Step
from segments.build import SegmentTables
from warehouse.ledger import Run


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
    of_the_day = partial(step, context=context, core=core, as_of=day, parts=len(paths), paths=paths)
    subscribers = None
    if subscribing.MODEL in opened:
        subscribers = of_the_day("subscribers", subscribing.score_subscribers, champion=opened[subscribing.MODEL])
        if "orders" not in core.entities:
            return subscribing.scores_without_orders(core, subscribers, as_of=day, paths=paths)
    scores: scoring.Scores = of_the_day("scores, reasons, offers", scoring.score_customers, champions=opened)
    return replace(scores, subscribers=subscribers)


def _decided(
    step: Step,
    context: Context,
    core: CoreTables,
    run: Run,
    *,
    opened: dict[str, champions.Champion],
    paths: list[str],
) -> tuple[scoring.Scores, SegmentTables, Decided]:
    """Everything that is published; of the scores what those of challengers are held against.

    What a later step has no need of is let go: with many customers a night is as large as what it holds.
    """
    buckets = len(list(core.buckets()))
    scores = _scores(step, context, core, run.as_of, opened=opened, paths=paths)
    of_the_run = partial(step, context=context, core=core, as_of=run.as_of, run_key=run.run_key)
    tables = of_the_run("segments", night.make_segments, scores=scores, champions=opened)
    scores = scores.told()
    tables = of_the_run(
        "value, loyalty, stages, moves", segmenting.more_tables, parts=buckets, scores=scores, tables=tables
    )
    tables = of_the_run("campaigns", campaigning.with_campaigns, parts=2 * buckets, tables=tables)
    scored = receipting.ScoredNight(scores=scores, champions=opened, paths=paths)
    told_of = partial(step, context=context, core=core, scored=scored, run=run)
    tables = told_of("receipts", receipting.with_receipts, tables=tables)
    tables = told_of("drift", drifting.with_drift, parts=2, tables=tables)
    decided = of_the_run("decisions", deciding.decide_night, scores=scores, tables=tables)
    return scores.without(["features"]), decided.in_place_of(tables), decided


def score_night(
    step: Step, context: Context, core: CoreTables, day: date, *, force: bool, allowances: dict[str, bool]
) -> Result:
    """Score a date and publish it, unless it is published already; the caller holds the lock."""
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
        of_the_day = partial(step, context=context, core=core, as_of=day)
        paths = of_the_day("features", night_features.build_night_features, parts=buckets)
        scores, tables, decided = _decided(step, context, core, recording.run, opened=opened, paths=paths)
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
        "drift": drifting.drift_facts(tables),
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

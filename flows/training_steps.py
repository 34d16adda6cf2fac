"""Training as wiring: which steps, in which order, for whatever kinds of data a company has.

Belongs here: the sequence of a training. Does not: what a step does, the lock and the other verbs (`pipelines.py`).
"""

from dataclasses import asdict, replace
from datetime import date
from typing import Any

from data_contracts.errors import DataBlockedError, DependencyDownError
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.learning import (
    drift_references,
    graduating,
    ordering_rhythms,
    readying,
    standing_in,
    training,
    training_tables,
    tuning_models,
)
from flows.learning.kept_training import KeptTraining
from flows.nights import subscribing
from flows.running.recording import recorded
from flows.steps import Result, Step


def train_models(
    step: Step, context: Context, core: CoreTables, day: date, wishes: training.TrainingWishes | None = None
) -> Result:
    """Train every model that the company's data call for, on the last load; the caller holds the lock."""
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
            if learnt is not None:
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
        **({"share_of_customers_learnt_from": learnt.tables.customer_share} if learnt else {}),
        **({"tuned": asdict(learnt.tuned)} if learnt and learnt.tuned else {}),
        **({"tuned_value": asdict(learnt.tuned_value)} if learnt and learnt.tuned_value else {}),
        "features_left_out": {gone.name: gone.reason for gone in left_out},
    }


def register_kept(step: Step, context: Context) -> Result | None:
    """Register what was trained while the registry did not answer; None where nothing waits for it.

    Raises:
        TrainingKeptError: it still does not answer.
        BundleCorruptError: what was kept is not what it was.
    """
    kept = KeptTraining(context.settings.workspace).open()
    if kept is None:
        return None
    with recorded(context, "train", kept.as_of) as recording:
        recording.load_id = kept.load_id
        registered = step(
            "register what was kept",
            graduating.register_trained,
            context=context,
            parts=len(kept.candidates),
            trained=kept,
        )
        recording.model_versions = {name: facts["version"] for name, facts in registered.items()}
    promoted = sum(facts["promoted"] for facts in registered.values())
    return {
        "status": "trained",
        "message": f"registered what was trained as of {kept.as_of}; {promoted} of {len(registered)} promoted",
        "trained": registered,
    }


def register_kept_if_it_can_be(step: Step, context: Context) -> Result:
    """The same before a night, which waits for nobody: why it can't be is said."""
    try:
        return register_kept(step, context) or {}
    except (DependencyDownError, DataBlockedError) as error:
        context.reporter.say(f"what was trained before is not registered yet: {error.what}")
        return {}


def _train_on_purchases(
    step: Step, context: Context, core: CoreTables, day: date, asked: training.TrainingWishes
) -> tuple[list[Any], training.Learnt | None]:
    """The models of purchases, and what they learnt from; None where the history is too short to learn from."""
    plan = step("plan the training", standing_in.plan_or_reason, context=context, core=core, as_of=day)
    if isinstance(plan, str):
        return _stand_ins(step, context, core, day, why=plan), None
    tables = step(
        "features and outcomes",
        training_tables.build_training_tables,
        context=context,
        parts=len(list(core.buckets())),
        core=core,
        plan=plan,
    )
    learnt = step("check the labels", training.check_labels, context=context, core=core, tables=tables, plan=plan)
    learnt = _tuned(step, context, learnt, asked)
    churn = step("train churn", standing_in.churn_or_stand_in, context=context, core=core, learnt=learnt)
    churn = step(
        "rhythms of ordering", ordering_rhythms.learn_rhythms, context=context, core=core, bundle=churn, as_of=day
    )
    value = step("train lifetime value", standing_in.value_or_stand_in, context=context, core=core, learnt=learnt)
    offer = step("train next offer", standing_in.offers_or_stand_in, context=context, core=core, as_of=day)
    if asked.rolling:
        learnt = step(
            "the same on earlier dates",
            training.rolling_origins,
            context=context,
            parts=asked.rolling,
            learnt=learnt,
            origins=asked.rolling,
        )
    bundles = step(
        "count who was learnt from",
        drift_references.keep_references,
        context=context,
        learnt=learnt,
        bundles=[churn, value, offer],
    )
    return bundles, learnt


def _stand_ins(step: Step, context: Context, core: CoreTables, day: date, *, why: str) -> list[Any]:
    """What scores where the history is too short for a training."""
    checked = step(
        "a short history: purchase models",
        standing_in.check_tables,
        context=context,
        parts=len(list(core.buckets())),
        core=core,
        as_of=day,
        why=why,
    )
    churn = step("churn by purchases", standing_in.stand_in_churn, context=context, checked=checked)
    value = step("lifetime value by purchases", standing_in.stand_in_value, context=context, checked=checked)
    offer = step("train next offer", standing_in.offers_or_stand_in, context=context, core=core, as_of=day)
    return [churn, value, offer]


def _tuned(step: Step, context: Context, learnt: training.Learnt, asked: training.TrainingWishes) -> training.Learnt:
    """The same with settings that were searched for, where that was asked for."""
    if not asked.tune:
        return learnt
    given = {"tables": learnt.tables, "plan": learnt.plan, "wishes": asked}
    churn = step("tune churn", tuning_models.tune_churn_model, context=context, parts=asked.trials, **given)
    value = step("tune lifetime value", tuning_models.tune_value_model, context=context, parts=asked.trials, **given)
    return replace(learnt, tuned=churn, tuned_value=value)

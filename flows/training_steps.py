"""Training as wiring: which steps, in which order, for whatever kinds of data a company has.

Belongs here: the sequence of a training. Does not: what a step does, the lock and the other verbs (`pipelines.py`).
"""

from dataclasses import asdict, replace
from datetime import date
from typing import Any

from flows import graduating, ordering_rhythms, readying, subscribing, training, training_tables
from flows.context import Context
from flows.core_tables import CoreTables
from flows.recording import recorded
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

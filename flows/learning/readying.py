"""Before training: is there enough to learn from? The facts of a load, and the answers for every model.

Belongs here: gathering the facts, bucket by bucket; the learning curve on demand. Does not: the requirements
(`models.readiness`).
"""

from collections.abc import Callable
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import polars as pl

from data_contracts.orders import known_before, purchase_orders, snapshot_instant
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.learning.training import check_labels, plan_training
from flows.learning.training_tables import build_training_tables
from flows.running.recording import alone
from models.contractual.facts import subscription_counts
from models.readiness import History, curve_in_words, learning_curve, readiness, subscription_readiness
from models.snapshots.horizon import USUAL_DAYS
from models.snapshots.rows import at, training_frame

Tick = Callable[[], None]


def check_readiness(context: Context, *, core: CoreTables, as_of: date, tick: Tick) -> list[dict[str, Any]]:
    """The answers for all models in plain values: model, ready, there, missing, more, meanwhile."""
    tick()
    settings = context.settings.training
    history = gather_history(context, core, as_of)
    if history is None:
        return [asdict(subscription_readiness(*_subscription_counts(core, as_of)))]
    answers = readiness(
        history,
        churn_horizon_days=plan_horizon(context, core, as_of) or settings.churn_horizon_days or USUAL_DAYS,
        history_days=settings.history_days,
        window_days=settings.next_offer_window_days,
    )
    return [asdict(answer) for answer in answers]


def readiness_report(context: Context, *, as_of: date | None, with_curve: bool) -> dict[str, Any]:
    """What `gristmill models readiness` tells.

    Args:
        context: the surroundings.
        as_of: the date asked about; None: today.
        with_curve: also learn on parts of the data and tell what more would bring (makes the training tables).

    Raises:
        NothingLoadedError: nothing has been loaded yet.
        WarehouseBusyError: another run is under way (with the curve only).
    """
    day = context.resolve_as_of(as_of)
    core = CoreTables.latest(context)
    answers = check_readiness(context, core=core, as_of=day, tick=_silent)
    told: dict[str, Any] = {"as_of": day.isoformat(), "models": answers}
    churn = next((answer for answer in answers if answer["model"] == "churn"), None)
    if with_curve and churn is not None and churn["ready"]:
        with alone(context, "readiness"):  # its tables lie where a night's do
            told |= _curve(context, core, day)
    return told


def gather_history(context: Context, core: CoreTables, as_of: date) -> History | None:
    """The facts of a load as known before a date; None where it holds no orders."""
    if "orders" not in core.entities:
        return None
    settings, zone = context.settings, core.time_zone
    instant = snapshot_instant(as_of, time_zone=zone)
    active_from = snapshot_instant(as_of - timedelta(days=settings.population.active_within_days), time_zone=zone)
    lately_from = snapshot_instant(as_of - timedelta(days=settings.training.next_offer_window_days), time_zone=zone)
    counted = pl.concat([_bucket_facts(core, bucket, instant, active_from, lately_from) for bucket in core.buckets()])
    products = known_before(core.orders(), instant)
    product_count = 0
    if "product_id" in products.collect_schema().names():
        product_count = products.select(pl.col("product_id").n_unique()).collect().item()
    rows, ended = _subscription_counts(core, as_of)
    first, last = core.span
    customers, active, lately = counted.sum().row(0)
    return History(
        first_event=first,
        last_event=last,
        as_of=as_of,
        customers=customers,
        active=active,
        products=product_count,
        buyers_lately=lately,
        subscriptions=rows,
        cancellations=ended,
        entities=core.entities,
        absent_columns=core.empty_columns,
    )


def plan_horizon(context: Context, core: CoreTables, as_of: date) -> int | None:
    """The churn horizon that a training would plan with; None where it can plan none."""
    from models.errors import TooLittleHistoryError  # noqa: PLC0415 beside its only use

    try:
        return plan_training(context, core=core, as_of=as_of, tick=_silent).churn.horizon_days
    except TooLittleHistoryError:
        return None


def _subscription_counts(core: CoreTables, as_of: date) -> tuple[int, int]:
    """Subscriptions, and how many of them ended, as known before a date."""
    subscriptions = core.scan("subscriptions")
    if subscriptions is None:
        return 0, 0
    return subscription_counts(subscriptions, as_of=as_of, time_zone=core.time_zone)


def _bucket_facts(core: CoreTables, bucket: int, instant: Any, active_from: Any, lately_from: Any) -> pl.DataFrame:  # noqa: ANN401 instants
    """One row: customers who ever bought, are active, bought lately."""
    bought = purchase_orders(known_before(core.orders(bucket), instant)).filter("is_purchase")
    last = bought.group_by("customer_id").agg(pl.col("ordered_at").max().alias("last"))
    return last.select(
        pl.len().cast(pl.Int64).alias("customers"),
        (pl.col("last") >= active_from).sum().cast(pl.Int64).alias("active"),
        (pl.col("last") >= lately_from).sum().cast(pl.Int64).alias("lately"),
    ).collect()


def _curve(context: Context, core: CoreTables, day: date) -> dict[str, Any]:
    plan = plan_training(context, core=core, as_of=day, tick=_silent)
    tables = build_training_tables(context, core=core, plan=plan, tick=_silent)
    learnt = check_labels(context, core=core, tables=tables, plan=plan, tick=_silent)
    data = learnt.tables.data
    rows = training_frame(data.features, tables.churn_outcomes, snapshots=plan.churn.all_snapshots, model="churn")
    points = learning_curve(
        at(rows, plan.churn.train), at(rows, [plan.churn.test]), data.feature_names, "churned", model="churn"
    )
    return {
        "learning_curve": [asdict(point) for point in points],
        "words": curve_in_words(points),
        "findings": [one.words for findings in learnt.findings.values() for one in findings],
    }


def _silent() -> None:
    """Nobody watches the parts of this."""

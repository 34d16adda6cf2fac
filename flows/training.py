"""Training as of a date: snapshots, features and outcomes, three models, registration, promotion.

Belongs here: the steps and what is handed from one to the next. Does not: the tables that are learned from
(`training_tables.py`), how a model learns (`models`).
"""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from flows.context import Context
from flows.core_tables import CoreTables
from flows.model_facts import model_facts
from flows.training_tables import TrainingPlan, TrainingTables
from models.splits import plan_splits, plan_value
from warehouse.ledger import Promotion, champion_for, record_promotion

if TYPE_CHECKING:
    from models.bundle import Bundle

Tick = Callable[[], None]


def plan_training(context: Context, *, core: CoreTables, as_of: date, tick: Tick) -> TrainingPlan:
    """Choose the snapshots.

    Raises:
        TooLittleHistoryError: says how many days are missing.
    """
    settings, first = context.settings.training, core.span[0]
    tick()
    churn = plan_splits(
        model="churn",
        first_event=first,
        as_of=as_of,
        horizon_days=settings.churn_horizon_days,
        history_days=settings.history_days,
    )
    value = plan_value(
        first_event=first,
        as_of=as_of,
        history_days=settings.history_days,
    )
    return TrainingPlan(as_of, churn, value)


def train_churn_model(context: Context, *, tables: TrainingTables, plan: TrainingPlan, tick: Tick) -> "Bundle":
    """Churn, trained and graded."""
    from models.churn import train_churn  # noqa: PLC0415 imports LightGBM

    tick()
    settings = context.settings
    return train_churn(
        tables.data,
        tables.churn_outcomes,
        plan.churn,
        threads=settings.compute.threads,
        seed=settings.training.seed,
    )


def train_value_model(context: Context, *, tables: TrainingTables, plan: TrainingPlan, tick: Tick) -> "Bundle":
    """Lifetime value, trained and graded."""
    from models.value import train_value  # noqa: PLC0415 imports LightGBM

    tick()
    settings = context.settings
    return train_value(
        tables.data,
        tables.value_outcomes,
        plan.value,
        threads=settings.compute.threads,
        seed=settings.training.seed,
    )


def train_next_offer_model(context: Context, *, core: CoreTables, as_of: date, tick: Tick) -> "Bundle":
    """Next offer, trained and graded."""
    from models.next_offer import train_next_offer  # noqa: PLC0415 imports LightGBM

    tick()
    settings = context.settings
    return train_next_offer(
        core.orders(),
        core.scan("products"),
        as_of=as_of,
        time_zone=core.time_zone,
        window_days=settings.training.next_offer_window_days,
        active_within_days=settings.population.active_within_days,
        threads=settings.compute.threads,
        seed=settings.training.seed,
    )


def register_and_promote(context: Context, *, bundles: list["Bundle"], tick: Tick) -> dict[str, dict[str, Any]]:
    """Register every model; promote those that beat their baseline, and a baseline where there is no champion at all.

    A baseline stands in only where nothing better is there, so that scoring always works and says what it scores with.

    Returns:
        By model: version, method, test figures, reasons, and whether it was promoted.
    """
    told = {}
    for bundle in bundles:
        version = context.registry.register(
            bundle, run_name=f"{bundle.name} {bundle.trained_as_of}", tags={"trained_as_of": str(bundle.trained_as_of)}
        )
        promoted = bundle.beats_baseline or _has_no_champion(context, bundle)
        if promoted:
            _promote(context, bundle, version)
        told[bundle.name] = model_facts(bundle, version) | {"promoted": promoted}
        tick()
    return told


def _has_no_champion(context: Context, bundle: "Bundle") -> bool:
    with context.warehouse() as warehouse:
        return champion_for(warehouse, bundle.name, bundle.trained_as_of) is None


def _promote(context: Context, bundle: "Bundle", version: int) -> None:
    """The ledger's row first: it is what scoring goes by; then the alias that people see."""
    promotion = Promotion(
        name=bundle.name,
        version=version,
        digest=bundle.digest(),
        trained_as_of=bundle.trained_as_of,
        promoted_at=context.clock(),
        beats_baseline=bundle.beats_baseline,
        metrics=bundle.metrics,
    )
    before = context.registry.champion(bundle.name)
    with context.warehouse() as warehouse:
        record_promotion(warehouse, promotion)
        newest = champion_for(warehouse, bundle.name, context.today)
    if newest is not None and newest.version == version:  # a backfilled training of an old date leaves the alias alone
        context.registry.promote(bundle.name, version, expected_current=before[0] if before else None)

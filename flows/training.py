"""Training as of a date: snapshots, features and outcomes, three models, registration, promotion.

Belongs here: the steps and what is handed from one to the next. Does not: how a model learns (`models`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

import features
from data_contracts.orders import snapshot_instant
from flows.context import Context
from flows.core_tables import CoreTables
from flows.model_facts import model_facts
from models import labels
from models.splits import SplitPlan, ValuePlan, plan_splits, plan_value
from models.training import TrainingData
from warehouse.ledger import Promotion, champion_for, record_promotion

if TYPE_CHECKING:
    from models.bundle import Bundle

Tick = Callable[[], None]


@dataclass(frozen=True)
class TrainingPlan:
    """Which snapshots each model needs."""

    as_of: date
    churn: SplitPlan
    value: ValuePlan

    @property
    def snapshots(self) -> tuple[date, ...]:
        """All dates that features are needed of."""
        return tuple(sorted({*self.churn.all_snapshots, *self.value.all_snapshots, *self.value.year_snapshots}))


@dataclass(frozen=True)
class TrainingTables:
    """What churn and value learn from: features of the population, and what happened after each snapshot."""

    data: TrainingData
    churn_outcomes: pl.DataFrame
    value_outcomes: Mapping[int, pl.DataFrame]


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


def build_training_tables(context: Context, *, core: CoreTables, plan: TrainingPlan, tick: Tick) -> TrainingTables:
    """Features and outcomes of every snapshot, bucket by bucket."""
    parts = []
    for bucket in core.buckets():
        parts.append(_bucket_tables(context, core, plan, bucket))
        tick()
    bands = ["month_start", "recency_band", "frequency_band"]
    activity = pl.concat([part["activity"] for part in parts]).group_by(bands).sum().sort(bands)
    specs = features.catalogue(core.entities, absent_columns=core.absent_columns)
    data = TrainingData(
        features=pl.concat([part["features"] for part in parts]),
        feature_names=tuple(spec.name for spec in specs),
        activity=activity,
        first_event=core.span[0],
        as_of=plan.as_of,
    )
    horizons = plan.value.outcome_windows()
    return TrainingTables(
        data,
        pl.concat([part["churn"] for part in parts]),
        {horizon: pl.concat([part[f"value {horizon}"] for part in parts]) for horizon in horizons},
    )


def _bucket_tables(context: Context, core: CoreTables, plan: TrainingPlan, bucket: int) -> dict[str, pl.DataFrame]:
    """One bucket's features of the population, outcomes and busy days; nothing of `as_of` or later is read."""
    zone, orders = core.time_zone, core.orders(bucket)
    end = snapshot_instant(plan.as_of, time_zone=zone)
    asked = labels.population(
        orders,
        snapshots=plan.snapshots,
        active_within_days=context.settings.population.active_within_days,
        time_zone=zone,
    )
    built = features.build(
        core.made_features_of(bucket),
        snapshots=plan.snapshots,
        time_zone=zone,
        absent_columns=core.absent_columns,
    )
    wanted = {
        "features": built.join(asked, on=labels.KEYS, how="semi").sort(labels.KEYS),
        "activity": labels.monthly_activity(orders, as_of=plan.as_of, time_zone=zone),
        "churn": labels.outcomes(
            orders,
            snapshots=plan.churn.all_snapshots,
            horizon_days=plan.churn.horizon_days,
            time_zone=zone,
            known_by=end,
        ),
    } | {
        f"value {horizon}": labels.outcomes(
            orders, snapshots=snapshots, horizon_days=horizon, time_zone=zone, known_by=end
        )
        for horizon, snapshots in plan.value.outcome_windows().items()
    }
    return dict(zip(wanted, pl.collect_all(list(wanted.values())), strict=True))


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

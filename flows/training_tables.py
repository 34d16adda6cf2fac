"""What the models of a training learn from: features and outcomes of every snapshot, bucket by bucket.

Belongs here: which snapshots are asked for, and the tables made of them. Does not: how a model learns (`models`), the
steps of a training (`training.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from data_contracts.orders import snapshot_instant
from flows.context import Context
from flows.core_tables import CoreTables
from models import labels
from models.splits import SplitPlan, ValuePlan
from models.training import TrainingData

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


def build_training_tables(context: Context, *, core: CoreTables, plan: TrainingPlan, tick: Tick) -> TrainingTables:
    """Features and outcomes of every snapshot, bucket by bucket."""
    parts = []
    for bucket in core.buckets():
        parts.append(_bucket_tables(context, core, plan, bucket))
        tick()
    bands = ["month_start", "recency_band", "frequency_band"]
    activity = pl.concat([part["activity"] for part in parts]).group_by(bands).sum().sort(bands)
    data = TrainingData(
        features=pl.concat([part["features"] for part in parts]),
        feature_names=tuple(core.feature_names()),
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
    built = core.build_features(bucket, plan.snapshots)
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

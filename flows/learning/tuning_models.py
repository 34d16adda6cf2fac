"""Searching for better settings of the trees of churn and value: where a search is remembered, what it is asked.

Belongs here: these steps of a training. Does not: the search itself (`models.purchases.tuning`, `models.value.tuning`).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl

from flows.context import Context, short_hash
from flows.learning.provenance import tables_digest
from flows.learning.training import TrainingWishes
from flows.learning.training_tables import TrainingPlan, TrainingTables

if TYPE_CHECKING:
    from models.purchases.tuning import Budget, Tuned

Tick = Callable[[], None]


def tune_churn_model(
    context: Context, *, tables: TrainingTables, plan: TrainingPlan, wishes: TrainingWishes, tick: Tick
) -> "Tuned":
    """Better settings of churn's trees, searched for without a look at the test period; a stopped search goes on.

    Raises:
        TuningNotInstalledError: Optuna is not installed.
        TuningNotPossibleError: there are no calibration snapshots.
    """
    from models.purchases.tuning import tune_churn  # noqa: PLC0415 imports LightGBM

    return tune_churn(
        tables.data,
        tables.churn_outcomes,
        plan.churn,
        budget=_budget(context, tables, tables.churn_outcomes, wishes, study=f"churn-{plan.as_of}"),
        threads=context.settings.compute.threads,
        seed=context.settings.training.seed,
        tick=tick,
    )


def tune_value_model(
    context: Context, *, tables: TrainingTables, plan: TrainingPlan, wishes: TrainingWishes, tick: Tick
) -> "Tuned":
    """The same for the near horizon's trees of value.

    Raises:
        TuningNotInstalledError: Optuna is not installed.
        TuningNotPossibleError: there are no calibration snapshots.
    """
    from models.value.tuning import tune_value  # noqa: PLC0415 imports LightGBM

    near = plan.value.near
    outcomes = tables.value_outcomes[near.horizon_days]
    return tune_value(
        tables.data,
        outcomes,
        near,
        budget=_budget(context, tables, outcomes, wishes, study=f"value-{plan.as_of}"),
        threads=context.settings.compute.threads,
        seed=context.settings.training.seed,
        tick=tick,
    )


def _budget(
    context: Context, tables: TrainingTables, outcomes: pl.DataFrame, wishes: TrainingWishes, *, study: str
) -> "Budget":
    """What may be tried; the same data, date and seed find the same study again."""
    from models.purchases.tuning import Budget  # noqa: PLC0415 imports LightGBM

    folder = context.settings.workspace / "tuning"
    folder.mkdir(parents=True, exist_ok=True)
    about = tables_digest([tables.data.features, outcomes])
    seed = str(context.settings.training.seed)
    return Budget(
        trials=wishes.trials,
        minutes=wishes.minutes,
        storage=f"sqlite:///{folder / 'studies.db'}",
        study=f"{study}-{short_hash(about, seed, *tables.data.feature_names)}",
    )

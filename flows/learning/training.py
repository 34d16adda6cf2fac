"""Training as of a date: snapshots, the labels checked, the models, the same on other dates.

Belongs here: the steps and what is handed from one to the next. Does not: the tables that are learned from
(`training_tables.py`), how a model learns (`models`), what becomes of a trained model (`graduating.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.learning.errors import LabelsUnusableError
from flows.learning.training_tables import TrainingPlan, TrainingTables, lines_learnt_from
from models.errors import TooFewOutcomesError, TooLittleHistoryError
from models.snapshots.horizon import Horizon, choose_horizon
from models.snapshots.labels import KEYS, purchase_gaps
from models.snapshots.linting import Finding, lint_features, lint_outcomes, lint_windows
from models.snapshots.rows import training_frame
from models.snapshots.splits import months_before, plan_splits, plan_value

if TYPE_CHECKING:
    from models.bundle import Bundle
    from models.purchases.tuning import Tuned

Tick = Callable[[], None]
ROLLING_FIGURES = {
    "churn": ("auc", "log_loss", "calibration_error"),
    "value": ("value_90d_normalised_gini", "value_90d_mae"),
}


@dataclass(frozen=True, kw_only=True)
class TrainingWishes:
    """What a training was asked for besides its date.

    Attributes:
        promote_anyway: somebody's reason to promote what the gate would not; empty: nobody insists.
        rolling: how many earlier origins the models are graded on as well.
        tune: whether the trees' settings are searched for.
        trials: how many settings are tried at most, over all sittings.
        minutes: how long at most, in this sitting, per model.
    """

    promote_anyway: str = ""
    rolling: int = 0
    tune: bool = False
    trials: int = 30
    minutes: float = 10.0


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """What the models of purchases were learnt from, for those who judge them.

    Attributes:
        tables: features and outcomes.
        plan: the snapshots.
        findings: of the linter, by model.
        rolling: by model, its figures on earlier test snapshots.
        tuned: what a search for better settings of churn's trees came to; None where none was asked for.
        tuned_value: the same of the near horizon's trees of value.
    """

    tables: TrainingTables
    plan: TrainingPlan
    findings: dict[str, list[Finding]] = field(default_factory=dict)
    rolling: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    tuned: "Tuned | None" = None
    tuned_value: "Tuned | None" = None


def plan_training(context: Context, *, core: CoreTables, as_of: date, tick: Tick) -> TrainingPlan:
    """Choose the snapshots.

    Raises:
        TooLittleHistoryError: says how many days are missing.
    """
    settings, first = context.settings.training, core.span[0]
    tick()
    horizon = churn_horizon(context, core=core, as_of=as_of)
    churn = plan_splits(
        model="churn",
        first_event=first,
        as_of=as_of,
        horizon_days=horizon.days,
        history_days=settings.history_days,
    )
    churn = replace(churn, horizon_basis=horizon.basis)
    value = plan_value(
        first_event=first,
        as_of=as_of,
        history_days=settings.history_days,
    )
    return TrainingPlan(as_of, churn, value)


def churn_horizon(context: Context, *, core: CoreTables, as_of: date) -> Horizon:
    """The horizon of the settings; where they are silent, the one that the company's own rhythm suggests."""
    settings = context.settings.training
    if settings.churn_horizon_days is not None:
        return Horizon(days=settings.churn_horizon_days, basis=f"{settings.churn_horizon_days} days, as set")
    gaps = gaps_between_purchases(core, as_of)

    def can_be_learnt(days: int) -> bool:
        try:
            plan_splits(first_event=core.span[0], as_of=as_of, horizon_days=days, history_days=settings.history_days)
        except TooLittleHistoryError:
            return False
        return True

    return choose_horizon(gaps, can_be_learnt=can_be_learnt)


def gaps_between_purchases(core: CoreTables, as_of: date) -> pl.DataFrame:
    """How long customers take to buy again, see `labels.purchase_gaps`; a row a bucket and length."""
    return pl.concat(
        purchase_gaps(core.orders(bucket), as_of=as_of, time_zone=core.time_zone).collect() for bucket in core.buckets()
    )


def train_churn_model(
    context: Context,
    *,
    tables: TrainingTables,
    plan: TrainingPlan,
    tuned: "Tuned | None" = None,
    tick: Tick,
) -> "Bundle":
    """Churn, trained and graded."""
    from models.purchases.churn import train_churn  # noqa: PLC0415 imports LightGBM

    tick()
    settings = context.settings
    return train_churn(
        tables.data,
        tables.churn_outcomes,
        plan.churn,
        threads=settings.compute.threads,
        seed=settings.training.seed,
        tuned=tuned.settings if tuned else None,
    )


def train_value_model(
    context: Context,
    *,
    tables: TrainingTables,
    plan: TrainingPlan,
    tuned: "Tuned | None" = None,
    tick: Tick,
) -> "Bundle":
    """Lifetime value, trained and graded."""
    from models.value.model import train_value  # noqa: PLC0415 imports LightGBM

    tick()
    settings = context.settings
    return train_value(
        tables.data,
        tables.value_outcomes,
        plan.value,
        threads=settings.compute.threads,
        seed=settings.training.seed,
        discount_rate_per_year=settings.training.discount_rate_per_year,
        tuned=tuned.settings if tuned else None,
    )


def train_next_offer_model(context: Context, *, core: CoreTables, as_of: date, tick: Tick) -> "Bundle":
    """Next offer, trained and graded."""
    from models.next_offer import train_next_offer  # noqa: PLC0415 imports LightGBM

    tick()
    settings = context.settings
    return train_next_offer(
        lines_learnt_from(core, as_of=as_of, tell=context.reporter.say),
        core.scan("products"),
        as_of=as_of,
        time_zone=core.time_zone,
        window_days=settings.training.next_offer_window_days,
        active_within_days=settings.population.active_within_days,
        threads=settings.compute.threads,
        seed=settings.training.seed,
    )


def check_labels(
    context: Context,  # noqa: ARG001 every step is handed one
    *,
    core: CoreTables,
    tables: TrainingTables,
    plan: TrainingPlan,
    tick: Tick,
) -> Learnt:
    """Hold windows and outcomes against what labels must be; a feature that knows the outcome is left out, and told.

    Raises:
        LabelsUnusableError: a window is not over, or not a window.
    """
    tick()
    last = core.span[1]
    split = plan.churn
    found = {
        "churn": lint_windows(split, as_of=plan.as_of, last_event=last),
        "value": lint_windows(plan.value.near, as_of=plan.as_of, last_event=last),
    }
    for model, findings in found.items():
        if any(one.blocks for one in findings):
            raise LabelsUnusableError(model=model, findings=[one.words for one in findings if one.blocks])
    features, outcomes = tables.data.features, tables.churn_outcomes
    rows = training_frame(features.select(KEYS), outcomes, snapshots=split.all_snapshots, model="churn")
    found["churn"] += lint_outcomes(rows, "churned", names=("leavers", "stayers"))
    names = tables.data.feature_names
    test = training_frame(features, outcomes, snapshots=[split.test], model="churn")
    copies = lint_features(test, names, "churned", model="churn")
    found["churn"] += copies
    gone = {one.feature for one in copies}
    data = replace(tables.data, feature_names=tuple(name for name in names if name not in gone))
    return Learnt(tables=replace(tables, data=data), plan=plan, findings=found)


def rolling_origins(context: Context, *, learnt: Learnt, origins: int, tick: Tick) -> Learnt:
    """Train and grade as of 1, 2, … months earlier as well, as far as the history allows: does the method hold?

    Outcomes are those known today: a return that came in later is in them.
    """
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in ROLLING_FIGURES}
    for back in range(1, origins + 1):
        tick()
        as_of = months_before(learnt.plan.as_of, back)
        try:
            plan = replan(learnt.plan, context, first=learnt.tables.data.first_event, as_of=as_of)
            tables = replace(learnt.tables, data=replace(learnt.tables.data, as_of=as_of))
            bundles = (
                train_churn_model(context, tables=tables, plan=plan, tuned=learnt.tuned, tick=lambda: None),
                train_value_model(context, tables=tables, plan=plan, tuned=learnt.tuned_value, tick=lambda: None),
            )
        except (TooLittleHistoryError, TooFewOutcomesError):
            break
        for bundle in bundles:
            found[bundle.name].append(_origin(bundle, plan))
    return replace(learnt, rolling={name: told for name, told in found.items() if told})


def replan(plan: TrainingPlan, context: Context, *, first: date, as_of: date) -> TrainingPlan:
    """The plan of an earlier date with the same horizons."""
    history_days = context.settings.training.history_days
    churn = plan_splits(
        model="churn",
        first_event=first,
        as_of=as_of,
        horizon_days=plan.churn.horizon_days,
        history_days=history_days,
    )
    return TrainingPlan(as_of, churn, plan_value(first_event=first, as_of=as_of, history_days=history_days))


def _origin(bundle: "Bundle", plan: TrainingPlan) -> dict[str, Any]:
    test = plan.churn.test if bundle.name == "churn" else plan.value.near.test
    figures = {}
    for name in ROLLING_FIGURES[bundle.name]:
        prefix = "value_90d_" if name.startswith("value_90d_") else ""
        baseline = f"{prefix}baseline_{name.removeprefix(prefix)}"
        figures[name] = (bundle.metrics[name], bundle.metrics[baseline])
    return {"as_of": bundle.trained_as_of.isoformat(), "test": test.isoformat(), "figures": figures}

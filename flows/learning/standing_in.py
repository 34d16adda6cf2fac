"""What scores where a company has too little for a training: purchase models and rules that learn from no outcome.

Belongs here: when they are called for, the tables they are made of, and when they are due to be made again. Does not:
the stand-ins themselves (`models.short_history`, `models.next_offer.short_history`), their promotion (`graduating.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from data_contracts.errors import GristmillError
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.learning.champions import models_of
from flows.learning.training import (
    Learnt,
    churn_horizon,
    gaps_between_purchases,
    plan_training,
    train_churn_model,
    train_next_offer_model,
    train_value_model,
)
from flows.learning.training_tables import TrainingPlan, TrainingTables, build_training_tables, lines_learnt_from
from models.errors import TooFewOutcomesError, TooLittleHistoryError
from models.judging.grading import FITTED_WITHOUT_OUTCOMES
from models.snapshots.horizon import short_history_horizon
from models.snapshots.splits import ValuePlan
from warehouse.ledger_schema import ledger_rows
from warehouse.promotions import champion_for

if TYPE_CHECKING:
    from models.bundle import Bundle
    from models.short_history.checking import CheckPlan

Tick = Callable[[], None]
ANEW_EVERY_DAYS = 28


@dataclass(frozen=True)
class Checked:
    """What stand-ins are made of: both dates' customers, and what became of the earlier ones."""

    plan: "CheckPlan"
    tables: TrainingTables


def plan_or_reason(context: Context, *, core: CoreTables, as_of: date, tick: Tick) -> TrainingPlan | str:
    """The plan of a training; where the history is too short for one, why, in words."""
    try:
        return plan_training(context, core=core, as_of=as_of, tick=tick)
    except TooLittleHistoryError as error:
        return said(error)


def said(error: GristmillError) -> str:
    """A refusal in a line."""
    return f"{error.what} ({error.where}: {error.got}, {error.expected} needed)"


def check_tables(context: Context, *, core: CoreTables, as_of: date, why: str, tick: Tick) -> Checked:
    """Customers as of the date and as of a day before it, with what came in between.

    Raises:
        TooLittleHistoryError: there are fewer than 30 days of orders.
    """
    from models.short_history.checking import plan_check  # noqa: PLC0415 imports LightGBM

    first, horizon = core.span[0], churn_horizon(context, core=core, as_of=as_of)
    if context.settings.training.churn_horizon_days is None:
        gaps = gaps_between_purchases(core, as_of)
        horizon = short_history_horizon(horizon, gaps, history_days=(as_of - first).days)
    plan = plan_check(first_event=first, as_of=as_of, horizon=horizon, why=why)
    windows = plan.windows()
    both = TrainingPlan(as_of, windows, ValuePlan(near=windows, far=windows, year_snapshots=()))
    return Checked(plan, build_training_tables(context, core=core, plan=both, tick=tick))


def stand_in_churn(context: Context, *, checked: Checked, tick: Tick) -> "Bundle":  # noqa: ARG001 every step is handed one
    """Churn by the purchase model alone.

    Raises:
        TooFewOutcomesError: there is hardly anybody.
    """
    from models.short_history.churn import churn_from_purchases  # noqa: PLC0415 imports LightGBM

    tick()
    return churn_from_purchases(checked.tables.data, checked.tables.churn_outcomes, checked.plan)


def stand_in_value(context: Context, *, checked: Checked, tick: Tick) -> "Bundle":
    """Value by the purchase models alone.

    Raises:
        TooFewOutcomesError: there is hardly anybody.
    """
    from models.short_history.value import value_from_purchases  # noqa: PLC0415 imports LightGBM

    tick()
    return value_from_purchases(
        checked.tables.data,
        checked.tables.value_outcomes[checked.plan.check_days],
        checked.plan,
        discount_rate_per_year=context.settings.training.discount_rate_per_year,
    )


def churn_or_stand_in(context: Context, *, core: CoreTables, learnt: Learnt, tick: Tick) -> "Bundle":
    """Churn, trained and graded; with too few customers who left, or who stayed, the purchase model alone.

    Raises:
        TooFewOutcomesError: there are too few for that one too.
    """

    def train() -> "Bundle":
        return train_churn_model(context, tables=learnt.tables, plan=learnt.plan, tuned=learnt.tuned, tick=tick)

    return _or_stand_in(context, core, learnt, train, stand_in_churn)


def value_or_stand_in(context: Context, *, core: CoreTables, learnt: Learnt, tick: Tick) -> "Bundle":
    """Lifetime value, trained and graded; with too few who spent, or who didn't, the purchase models alone.

    Raises:
        TooFewOutcomesError: there are too few for those too.
    """

    def train() -> "Bundle":
        return train_value_model(context, tables=learnt.tables, plan=learnt.plan, tuned=learnt.tuned_value, tick=tick)

    return _or_stand_in(context, core, learnt, train, stand_in_value)


def offers_or_stand_in(context: Context, *, core: CoreTables, as_of: date, tick: Tick) -> "Bundle":
    """Next offers, trained and graded; with too few windows or buyers, what was bought most, then what is popular."""
    from models.next_offer import TooLittleOfferHistoryError  # noqa: PLC0415 heavy
    from models.next_offer.short_history import stand_in_offers  # noqa: PLC0415 heavy

    try:
        return train_next_offer_model(context, core=core, as_of=as_of, tick=tick)
    except TooLittleOfferHistoryError as error:
        return stand_in_offers(
            lines_learnt_from(core, as_of=as_of, tell=context.reporter.say),
            core.scan("products"),
            as_of=as_of,
            time_zone=core.time_zone,
            window_days=context.settings.training.next_offer_window_days,
            active_within_days=context.settings.population.active_within_days,
            why=said(error),
        )


def due_anew(context: Context, as_of: date) -> list[str]:
    """Models whose champion of a date is such a stand-in, made four weeks before it or earlier.

    There is more to learn from by then: a training is tried again, and at the least the stand-in is fitted anew.
    """
    if not context.warehouse().exists():
        return []
    earliest = as_of - timedelta(days=ANEW_EVERY_DAYS)
    with context.warehouse(read_only=True) as warehouse:
        champions = [champion_for(warehouse, name, as_of) for name in models_of(context)]
        lately = "WHERE kind = 'train' AND as_of > ? AND as_of <= ? LIMIT 1"
        if ledger_rows(warehouse, "runs", lately, [earliest, as_of]):
            return []
    return [
        one.name
        for one in champions
        if one is not None and FITTED_WITHOUT_OUTCOMES in one.metrics and one.trained_as_of <= earliest
    ]


def _or_stand_in(
    context: Context,
    core: CoreTables,
    learnt: Learnt,
    train: Callable[[], "Bundle"],
    stand_in: Callable[..., "Bundle"],
) -> "Bundle":
    try:
        return train()
    except TooFewOutcomesError as error:
        checked = check_tables(context, core=core, as_of=learnt.plan.as_of, why=said(error), tick=_silent)
        return stand_in(context, checked=checked, tick=_silent)


def _silent() -> None:
    """Nobody watches the parts of this."""

"""Where outcomes can't teach anything yet: what purchase models are fitted on, and a day they are checked on.

Purchase models (BG/NBD for purchases, Gamma-Gamma for the amount of one; Fader, Hardie and Lee 2005) need no outcomes.
They are fitted as of the date, and asked once about a day inside the history, of which it is known what came next: that
check is told, and gives the amounts their intervals, but it is no grade. Belongs here: dates and customers. Does not:
the models of churn and value, or when they are called for (the flows).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl

from models.errors import TooFewOutcomesError, TooLittleHistoryError
from models.judging.grading import UNGRADED_WORDS
from models.snapshots.horizon import Horizon
from models.snapshots.labels import KEYS
from models.snapshots.rows import TrainingData, at, training_frame
from models.snapshots.splits import SplitPlan
from models.value.grading import PARAMETRIC

METHOD: Final = PARAMETRIC
CHECKED: Final = "check"
FEWEST_DAYS = 30
FEWEST_CUSTOMERS = 20  # with a purchase before the day of the check
LONGEST_CHECK_DAYS = 90


@dataclass(frozen=True, kw_only=True)
class CheckPlan:
    """Two dates: the one that is asked about, and one inside the history on which the model is checked.

    Attributes:
        as_of: the date.
        check: a third of the history before it, 90 days at most.
        horizon: of churn.
        why: nothing was learnt from outcomes, in words.
    """

    as_of: date
    check: date
    horizon: Horizon
    why: str

    @property
    def check_days(self) -> int:
        """Days from the check to the date: what came in them is known."""
        return (self.as_of - self.check).days

    def windows(self) -> SplitPlan:
        """Both dates as snapshots whose features are needed, with windows as long as the check's.

        The window that begins on `as_of` is not over; nobody looks at it.
        """
        return SplitPlan(
            horizon_days=self.check_days,
            train=(),
            calibrate=(),
            test=self.check,
            final_train=(self.as_of,),
            final_calibrate=(),
            complete=(),
            final_complete=(self.as_of,),
        )

    def described(self) -> dict[str, object]:
        """As JSON-able facts."""
        return {
            "horizon_days": self.horizon.days,
            "horizon_basis": self.horizon.basis,
            "fitted_on": str(self.as_of),
            "checked_on": str(self.check),
            "checked_over_days": self.check_days,
        }


def plan_check(*, first_event: date, as_of: date, horizon: Horizon, why: str) -> CheckPlan:
    """The dates.

    Args:
        first_event: the first business date with orders.
        as_of: the date; orders reach up to it.
        horizon: of churn.
        why: nothing was learnt from outcomes, in words.

    Raises:
        TooLittleHistoryError: fewer than 30 days, which are not enough for purchase models either.
    """
    days = (as_of - first_event).days
    if days < FEWEST_DAYS:
        raise TooLittleHistoryError(
            model="purchase", first_event=first_event, as_of=as_of, has_days=days, needs_days=FEWEST_DAYS
        )
    check = as_of - timedelta(days=min(days // 3, LONGEST_CHECK_DAYS))
    return CheckPlan(as_of=as_of, check=check, horizon=horizon, why=why)


def checked_rows(data: TrainingData, outcomes: pl.DataFrame, plan: CheckPlan, *, model: str) -> pl.DataFrame:
    """The population of the day of the check with what it did since; refused where that is hardly anybody."""
    there = at(data.features, [plan.check])
    if there.height < FEWEST_CUSTOMERS:
        raise TooFewOutcomesError(
            model=model,
            what="customers with a purchase, for a purchase model too",
            where=f"orders before {plan.check}",
            got=there.height,
            needs=FEWEST_CUSTOMERS,
        )
    return training_frame(data.features, outcomes, snapshots=[plan.check], model=model)


def customers_now(data: TrainingData, plan: CheckPlan) -> pl.DataFrame:
    """The population of the date."""
    return at(data.features, [plan.as_of]).sort(KEYS)


def opening_reasons(plan: CheckPlan) -> tuple[str, ...]:
    """What such a model says of itself first."""
    return (
        f"{UNGRADED_WORDS}: {plan.why}",
        f"purchase models (BG/NBD, Gamma-Gamma) fitted on purchases up to {plan.as_of} stand in; they know no season",
    )


def in_order(data: TrainingData, names: tuple[str, ...]) -> tuple[str, ...]:
    """Names in the catalogue's order."""
    known = [name for name in data.feature_names if name in names]
    return (*known, *(name for name in names if name not in known))

"""Which snapshots train, calibrate and test a model, so that nothing of the future leaks into what is graded.

Belongs here: dates only. All models share one grid, `as_of` minus whole months, so that features are made once, and a
model is asked about the same day of the month that it learnt from. Does not: reading data.

    train  ──horizon──▶  calibrate  ──horizon──▶  test  ──horizon──▶  as_of

Every window of outcomes ends before the next part begins. The model that is kept is fitted again on the same parts
shifted
forward: the test snapshots have told what they had to tell.
"""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count

from models.errors import TooLittleHistoryError

NEAR_DAYS = 90  # the value model's near horizon
YEAR_DAYS = 365


@dataclass(frozen=True, kw_only=True)
class SplitPlan:
    """Snapshots (business dates, ascending) of one model with one horizon.

    Attributes:
        horizon_days: length of the outcome windows.
        train: snapshots the graded model learns from.
        calibrate: later ones its probabilities are calibrated on; may be empty when none were asked for.
        test: the one it is graded on.
        final_train: what the kept model learns from.
        final_calibrate: what the kept model is calibrated on: the latest with complete outcomes.
        complete: every snapshot whose outcomes were complete at the test snapshot: train, calibrate and those between,
            which a model may be fitted on once its choices are made.
        final_complete: the same of the kept model.
        horizon_basis: where the length of the windows comes from, in words.
    """

    horizon_days: int
    train: tuple[date, ...]
    calibrate: tuple[date, ...]
    test: date
    final_train: tuple[date, ...]
    final_calibrate: tuple[date, ...]
    complete: tuple[date, ...]
    final_complete: tuple[date, ...]
    horizon_basis: str = ""

    @property
    def all_snapshots(self) -> tuple[date, ...]:
        """Every snapshot that needs features and outcomes."""
        return tuple(sorted({*self.complete, self.test, *self.final_complete}))

    def described(self) -> dict[str, object]:
        """The plan as JSON-able facts, for the model's parameters."""
        return {
            "horizon_days": self.horizon_days,
            "horizon_basis": self.horizon_basis,
            "train": [str(day) for day in self.train],
            "calibrate": [str(day) for day in self.calibrate],
            "test": str(self.test),
            "final_train": [str(day) for day in self.final_train],
            "final_calibrate": [str(day) for day in self.final_calibrate],
        }


@dataclass(frozen=True, kw_only=True)
class ValuePlan:
    """Snapshots of the value model: a near horizon, the longest that can be learnt, and a year where it was seen whole.

    Attributes:
        near: the plan of the near horizon (90 days).
        far: the plan of the far horizon.
        year_snapshots: snapshots with a whole year observed after them, on which the far horizon is extended to 12
            months; empty when there are none, or when the far horizon is a year.
    """

    near: SplitPlan
    far: SplitPlan
    year_snapshots: tuple[date, ...]

    @property
    def all_snapshots(self) -> tuple[date, ...]:
        """Every snapshot that needs features."""
        return tuple(sorted({*self.near.all_snapshots, *self.far.all_snapshots}))

    def outcome_windows(self) -> dict[int, tuple[date, ...]]:
        """Horizon in days → the snapshots whose outcomes over it are needed."""
        windows: dict[int, set[date]] = {}
        far_too = {*self.far.all_snapshots, *self.year_snapshots}
        for days, snapshots in (
            (self.near.horizon_days, self.near.all_snapshots),
            (self.far.horizon_days, far_too),
            (YEAR_DAYS, self.year_snapshots),
        ):
            windows.setdefault(days, set()).update(snapshots)
        return {days: tuple(sorted(snapshots)) for days, snapshots in windows.items() if snapshots}


def months_before(day: date, months: int) -> date:
    """The same day of the month, `months` earlier (the month's last day where it is shorter)."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def snapshot_grid(*, first_event: date, as_of: date, history_days: int = 90) -> tuple[date, ...]:
    """`as_of` minus 1, 2, 3 … months, as far back as `history_days` of data lie before; ascending."""
    earliest = first_event + timedelta(days=history_days)
    grid: list[date] = []
    while (day := months_before(as_of, len(grid) + 1)) >= earliest:
        grid.append(day)
    return tuple(reversed(grid))


def plan_splits(
    *,
    model: str = "churn",
    first_event: date,
    as_of: date,
    horizon_days: int,
    history_days: int = 90,
    calibration_snapshots: int = 3,
    minimum_train_snapshots: int = 1,
) -> SplitPlan:
    """Plan the training of one model as of a date.

    Args:
        model: its name, for messages.
        first_event: the first business date with orders.
        as_of: nothing at or after this date may be known; outcome windows end by it.
        horizon_days: length of an outcome window.
        history_days: how much history the earliest snapshot must have behind it.
        calibration_snapshots: how many snapshots, at most, calibrate; fewer, or none, where history is short.
        minimum_train_snapshots: how many the graded model must learn from.

    Raises:
        TooLittleHistoryError: the grid has no room for it; says how many days are missing.
    """

    def planned(first: date) -> SplitPlan | None:
        grid = snapshot_grid(first_event=first, as_of=as_of, history_days=history_days)
        plan = _plan(grid, as_of, horizon_days, calibration_snapshots)
        return plan if plan is not None and len(plan.train) >= minimum_train_snapshots else None

    plan = planned(first_event)
    if plan is None:
        has_days = (as_of - first_event).days
        raise TooLittleHistoryError(
            model=model,
            first_event=first_event,
            as_of=as_of,
            has_days=has_days,
            needs_days=next(days for days in count(has_days + 1) if planned(as_of - timedelta(days=days))),
        )
    return plan


def plan_value(*, first_event: date, as_of: date, history_days: int = 90) -> ValuePlan:
    """Plan both horizons of the value model.

    The far horizon goes without a separate calibration period, which would cost it another window: it is corrected by
    its own training fit only, and graded at its test snapshot like any other.

    Raises:
        TooLittleHistoryError: not even the near horizon can be trained and tested.
    """
    near = plan_splits(
        model="value", first_event=first_event, as_of=as_of, horizon_days=NEAR_DAYS, history_days=history_days
    )
    far_days = longest_horizon(first_event=first_event, as_of=as_of, history_days=history_days)
    far = near
    if far_days != NEAR_DAYS:
        far = _far_plan(first_event=first_event, as_of=as_of, horizon_days=far_days, history_days=history_days)
    grid = snapshot_grid(first_event=first_event, as_of=as_of, history_days=history_days)
    year = _ended_by(grid, as_of, YEAR_DAYS) if far_days < YEAR_DAYS else ()
    return ValuePlan(near=near, far=far, year_snapshots=year)


def longest_horizon(
    *,
    first_event: date,
    as_of: date,
    history_days: int = 90,
    candidates: Sequence[int] = (365, 270, 180),
) -> int:
    """The longest of `candidates` (days, descending) with at least three training snapshots and a test; else 90."""
    for days in candidates:
        try:
            _far_plan(first_event=first_event, as_of=as_of, horizon_days=days, history_days=history_days)
        except TooLittleHistoryError:
            continue
        return days
    return NEAR_DAYS


def _far_plan(*, first_event: date, as_of: date, horizon_days: int, history_days: int) -> SplitPlan:
    return plan_splits(
        model="value",
        first_event=first_event,
        as_of=as_of,
        horizon_days=horizon_days,
        history_days=history_days,
        calibration_snapshots=0,
        minimum_train_snapshots=3,
    )


def _ended_by(grid: Sequence[date], day: date, horizon_days: int) -> tuple[date, ...]:
    return tuple(snapshot for snapshot in grid if snapshot + timedelta(days=horizon_days) <= day)


def _plan(grid: Sequence[date], as_of: date, horizon_days: int, calibration_snapshots: int) -> SplitPlan | None:
    final_complete = _ended_by(grid, as_of, horizon_days)
    if not final_complete:
        return None
    test = final_complete[-1]
    complete = _ended_by(grid, test, horizon_days)
    train, calibrate = _train_and_calibrate(complete, horizon_days, calibration_snapshots)
    final_train, final_calibrate = _train_and_calibrate(final_complete, horizon_days, calibration_snapshots)
    return SplitPlan(
        horizon_days=horizon_days,
        train=train,
        calibrate=calibrate,
        test=test,
        final_train=final_train,
        final_calibrate=final_calibrate,
        complete=complete,
        final_complete=final_complete,
    )


def _train_and_calibrate(
    grid: Sequence[date], horizon_days: int, calibration_snapshots: int
) -> tuple[tuple[date, ...], tuple[date, ...]]:
    """The latest snapshots calibrate (fewer where history is short), those whose windows end before them train."""
    for number in range(min(calibration_snapshots, len(grid)), 0, -1):
        calibrate = tuple(grid[-number:])
        train = _ended_by(grid, calibrate[0], horizon_days)
        if train:
            return train, calibrate
    return tuple(grid), ()

"""Which snapshots the subscription model learns from, is calibrated on, and is graded on.

A hazard needs only the next thirty days to be over, so that more recent snapshots can teach it than a model of the
whole horizon. Belongs here: dates. Does not: rows.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from models.contractual.facts import settled_day
from models.contractual.steps import STEP_DAYS
from models.snapshots.splits import snapshot_grid

LONGEST_MONTHS = 30  # snapshots farther back say little about today
CALIBRATION_SNAPSHOTS = 3
HISTORY_DAYS = 30  # of subscriptions before the first snapshot


@dataclass(frozen=True, kw_only=True)
class ContractPlan:
    """Snapshots in time.

    Attributes:
        horizon_days: the window asked about.
        as_of: nothing of this day or later is known.
        grid: all snapshots with a whole step after them whose ends are settled, ascending; may be empty.
        calibrate: snapshots whose windows are over by `test`; may be empty.
        test: the newest snapshot whose window is over; None: the history is too short to grade anything.
    """

    horizon_days: int
    as_of: date
    grid: tuple[date, ...]
    calibrate: tuple[date, ...]
    test: date | None

    @property
    def settled(self) -> date:
        """Outcomes are watched to this day: later ends may still turn out to be changes of plan."""
        return settled_day(self.as_of)

    @property
    def learnt_until(self) -> date:
        """What the graded model learns from is over by this day."""
        return self.calibrate[0] if self.calibrate else self.test or self.settled

    def described(self) -> dict[str, Any]:
        """As JSON-able values."""
        return {
            "horizon_days": self.horizon_days,
            "snapshots": [str(day) for day in self.grid],
            "calibrate": [str(day) for day in self.calibrate],
            "test": str(self.test) if self.test else None,
        }


def plan_contracts(*, first_start: date, as_of: date, horizon_days: int) -> ContractPlan:
    """Plan the training as of a date.

    Args:
        first_start: the first day of the first subscription.
        as_of: see `ContractPlan`.
        horizon_days: see `ContractPlan`.
    """
    grid = snapshot_grid(first_event=first_start, as_of=as_of, history_days=HISTORY_DAYS)[-LONGEST_MONTHS:]
    settled = settled_day(as_of)
    grid = tuple(day for day in grid if day + timedelta(days=STEP_DAYS) <= settled)
    over = [day for day in grid if day + timedelta(days=horizon_days) <= settled]
    test = over[-1] if over else None
    calibrate: tuple[date, ...] = ()
    if test is not None:
        before = [day for day in over if day + timedelta(days=horizon_days) <= test]
        for count in range(min(CALIBRATION_SNAPSHOTS, len(before)), 0, -1):
            first = before[-count]
            if grid[0] + timedelta(days=2 * STEP_DAYS) <= first:
                calibrate = tuple(before[-count:])
                break
        if not calibrate and grid[0] + timedelta(days=STEP_DAYS) > test:
            test = None
    return ContractPlan(horizon_days=horizon_days, as_of=as_of, grid=grid, calibrate=calibrate, test=test)

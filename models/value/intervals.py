"""How far an expected amount may be off: 80 % intervals and typical (median) amounts.

Split-conformal calibration on outcomes over expectations, in groups of equal count by expected amount, learnt where the
expectation was made without knowing the outcome (Lei et al. 2018; groups: Vovk's Mondrian predictors, 2003). Where at
least one customer in ten of a group spends nothing, the interval begins at 0 and all that may be missed lies above it.
Belongs here: the groups' quantiles, and coverage. Does not: expectations.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.learners.encoding import Floats

COVERED = 0.8
MOST_GROUPS = 12
ROWS_A_GROUP = 100
TIERS = (("lead", 0.0, 0.25), ("iron", 0.25, 0.75), ("gold", 0.75, 0.95), ("platinum", 0.95, 1.0))  # usual shares


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """Outcomes over expectations by expected amount.

    Attributes:
        from_amount: least expected amount of each group, ascending; the first also serves what lies below.
        low: the ratio that the 80 % interval begins at, by group.
        middle: the median ratio.
        high: the ratio it ends at.
    """

    from_amount: tuple[float, ...]
    low: tuple[float, ...]
    middle: tuple[float, ...]
    high: tuple[float, ...]

    def around(self, expected: Floats) -> tuple[Floats, Floats, Floats]:
        """Lower end, median and upper end (minor units, at least 0), shape (rows,) each."""
        group = np.clip(np.searchsorted(self.from_amount, expected, side="right") - 1, 0, None)
        low, middle, high = (np.array(ratios)[group] * expected for ratios in (self.low, self.middle, self.high))
        return low, middle, high

    def described(self) -> dict[str, Any]:
        """As JSON-able values."""
        columns = {"from_amount": self.from_amount, "low": self.low, "middle": self.middle, "high": self.high}
        return {name: list(values) for name, values in columns.items()}


def intervals_from(content: dict[str, Any]) -> Intervals:
    """The inverse of `Intervals.described`."""
    return Intervals(**{name: tuple(values) for name, values in content.items()})


def fit_intervals(expected: Floats, actual: Floats) -> Intervals:
    """Learn from expectations and what came of them, shape (rows,) each, at least one row."""
    order = np.lexsort((actual, expected))
    groups = int(min(max(len(expected) // ROWS_A_GROUP, 1), MOST_GROUPS))
    columns: list[list[float]] = [[], [], [], []]
    for part in np.array_split(order, groups):
        ratios = np.maximum(actual[part], 0.0) / np.maximum(expected[part], 1.0)
        for column, value in zip(columns, (expected[part].min(), *_quantiles(ratios)), strict=True):
            column.append(float(f"{value:.9g}"))
    starts, low, middle, high = map(tuple, columns)
    return Intervals(from_amount=starts, low=low, middle=middle, high=high)


def coverage(intervals: Intervals, expected: Floats, actual: Floats) -> dict[str, float]:
    """The share of outcomes within the 80 % interval, of all and by tier of expected amount.

    Args:
        intervals: learnt on other outcomes.
        expected: shape (rows,).
        actual: what came; below 0 counts as 0.
    """
    low, _, high = intervals.around(expected)
    came = np.maximum(actual, 0.0)
    inside = (low <= came) & (came <= high)
    told = {"all": float(inside.mean())}
    ranked = inside[np.argsort(expected, kind="stable")]
    for name, start, end in TIERS:
        part = ranked[round(start * len(ranked)) : round(end * len(ranked))]
        if len(part):
            told[name] = float(part.mean())
    return {name: round(share, 6) for name, share in told.items()}


def _quantiles(ratios: Floats) -> tuple[float, float, float]:
    """Ends and middle; the rank of an end counts one row more than there is, as the next customer is one more."""
    ranked = np.sort(ratios)
    outside = (1 - COVERED) / 2
    begins = float(ranked[max(int(np.floor(outside * (len(ranked) + 1))) - 1, 0)])
    reach = COVERED if begins <= 0 else 1 - outside
    place = min(int(np.ceil(reach * (len(ranked) + 1))) - 1, len(ranked) - 1)
    return begins, float(np.median(ranked)), float(ranked[place])

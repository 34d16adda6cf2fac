"""How long a silence has to be before it means something: the churn horizon of a company, from its own rhythm.

Belongs here: the choice, and how it is told. Does not: reading orders (`labels.purchase_gaps`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

HORIZONS_DAYS = (30, 60, 90, 180, 365)
USUAL_DAYS = 90
BACK_BY_THEN = 0.8
GAPS_IN_A_HISTORY = 8  # a gap that fits in so often is cut off by the history's end seldom
FEWEST_GAPS = 200  # below, the rhythm is a handful of customers'


@dataclass(frozen=True, kw_only=True)
class Horizon:
    """A churn horizon.

    Attributes:
        days: its length.
        basis: where it comes from, in words.
    """

    days: int
    basis: str


def short_history_horizon(rhythm: Horizon, gaps: pl.DataFrame, *, history_days: int) -> Horizon:
    """The rhythm's horizon, but 90 days at least where the history is too short to have seen the longer gaps.

    Args:
        rhythm: of `choose_horizon`.
        gaps: see there.
        history_days: days of orders; gaps up to an eighth of them are seen nearly all.
    """
    within, _ = _within(gaps)
    if rhythm.days >= USUAL_DAYS or (within is not None and within * GAPS_IN_A_HISTORY <= history_days):
        return rhythm
    basis = (
        f"{USUAL_DAYS} days: {history_days} days of orders are too few to have seen the longer gaps between purchases"
    )
    return Horizon(days=USUAL_DAYS, basis=f"{basis} (set training.churn_horizon_days for another)")


def choose_horizon(gaps: pl.DataFrame, *, can_be_learnt: Callable[[int], bool]) -> Horizon:
    """The span of 30, 60, 90, 180 or 365 days nearest (in ratio) to the gap that four of five gaps stay within.

    A shorter span is taken where the history is too short to learn and test that one.

    Args:
        gaps: `gap_days`, `gap_count`: days between a customer's successive days with a purchase.
        can_be_learnt: whether the history is long enough for a span.
    """
    within, count = _within(gaps)
    wanted = USUAL_DAYS if within is None else min(HORIZONS_DAYS, key=lambda days: abs(np.log(days / max(within, 1))))
    days = next((days for days in reversed(HORIZONS_DAYS) if days <= wanted and can_be_learnt(days)), wanted)
    if within is None:
        basis = f"{days} days: only {count:,} gaps between purchases are known, too few for a rhythm"
    else:
        basis = f"{days} days: four times in five, a customer who bought again did so within {within} days"
    if days != wanted:
        basis += f"; {wanted} days would fit better, but the history is too short to learn and test them"
    return Horizon(days=days, basis=f"{basis} (set training.churn_horizon_days for another)")


def _within(gaps: pl.DataFrame) -> tuple[int | None, int]:
    """The days that four of five gaps stay within (None: too few gaps), and how many gaps there are."""
    counted = gaps.group_by("gap_days").agg(pl.col("gap_count").sum()).sort("gap_days")
    total = int(counted["gap_count"].sum())
    if total < FEWEST_GAPS:
        return None, total
    reached = counted.filter(pl.col("gap_count").cum_sum() >= BACK_BY_THEN * total)
    return int(reached["gap_days"][0]), total

"""Time cut into steps of thirty days: who is at risk in which, and what is different from step to step.

Belongs here: turning a row a customer and snapshot into rows a step (Singer and Willett 1993, "It's about time",
J. Educational Statistics 18), with censoring: a step counts only where it was watched to its end. Does not: hazards.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from models.learners.encoding import Floats

STEP_DAYS = 30
DAYS_A_MONTH = 30.4375
LAST_STEP = 60  # five years; beyond, nothing is said
KNOTS = (0, 1, 2, 5, 8, 12)  # steps the model is trained on and asked about; in between, its departure is interpolated
YEAR_STEPS = tuple(range(13))  # those of whoever renews seldom: a renewal may fall into any
STEP, AGE, RENEWAL, EVENT = "contract_step", "contract_age_days", "contract_days_to_renewal", "ends"
STEP_FEATURES = (STEP, AGE, RENEWAL, "renews_in_step")


def steps_at_risk(frame: pl.DataFrame, *, steps: Sequence[int], until: date) -> pl.DataFrame:
    """One row a customer, snapshot and step that they entered as subscribers and that was over by `until`.

    Args:
        frame: facts of `facts.subscriber_facts` (and features), and `days_until_end`.
        steps: the steps wanted; step k covers days [30 k, 30 k + 30) after the snapshot.
        until: nothing of this day or later is looked at.

    Returns:
        The columns of `frame` moved on to the step (see `moved_on`), and `ends` (Int8: the last day lies in the step).
    """
    watched = (pl.lit(until) - pl.col("snapshot_date")).dt.total_days()
    left = pl.col("days_until_end")
    parts = []
    for step in steps:
        entered = left.is_null() | (left >= step * STEP_DAYS)
        parts.append(moved_on(frame.filter(entered & (watched >= (step + 1) * STEP_DAYS)), step))
    ends = (left < (pl.col(STEP) + 1) * STEP_DAYS).fill_null(value=False).cast(pl.Int8)
    return pl.concat(parts).with_columns(ends.alias(EVENT)).sort("snapshot_date", STEP, "customer_id")


def moved_on(frame: pl.DataFrame, step: int) -> pl.DataFrame:
    """The frame as it stands at the beginning of a step: older, nearer to a renewal, and which step it is."""
    days = step * STEP_DAYS
    period = pl.col("contract_period_months") * DAYS_A_MONTH
    passed = ((days - pl.col(RENEWAL)) / period).floor().cast(pl.Int64) + 1
    renewal = (
        pl.when(pl.col(RENEWAL) > days)
        .then(pl.col(RENEWAL) - days)
        .otherwise((pl.col(RENEWAL) + passed * period - days).ceil().cast(pl.Int64).clip(1))
    )
    return frame.with_columns(
        pl.lit(step, pl.Int64).alias(STEP), (pl.col(AGE) + days).alias(AGE), renewal.alias(RENEWAL)
    ).with_columns((pl.col(RENEWAL) <= STEP_DAYS).cast(pl.Int64).alias("renews_in_step"))


def survival(hazards: Floats, days: Floats | float) -> Floats:
    """P(still subscribed after so many days), shape (rows,).

    Args:
        hazards: shape (rows, steps): P(end in the step | entered it).
        days: one number, or one a row; within a step the hazard is even.
    """
    kept = np.concatenate([np.zeros((len(hazards), 1)), np.cumsum(np.log1p(-hazards), axis=1)], axis=1)
    of_each = np.broadcast_to(np.asarray(days, dtype=np.float64), (len(hazards),))
    place = np.minimum(of_each / STEP_DAYS, hazards.shape[1])
    low = np.minimum(place.astype(np.int64), hazards.shape[1] - 1)
    rows = np.arange(len(hazards))
    logs = kept[rows, low] + (place - low) * (kept[rows, low + 1] - kept[rows, low])
    survived: Floats = np.exp(logs)
    return survived


def median_days(hazards: Floats) -> Floats:
    """The day by which half of such customers have left, shape (rows,); NaN where that is beyond the last step."""
    kept = np.cumsum(np.log1p(-hazards), axis=1)
    half = np.log(0.5)
    reached = kept <= half
    step = reached.argmax(axis=1)
    rows = np.arange(len(hazards))
    before = np.where(step > 0, kept[rows, np.maximum(step - 1, 0)], 0.0)
    share = (half - before) / np.minimum(kept[rows, step] - before, -1e-12)
    return np.where(reached.any(axis=1), (step + np.clip(share, 0, 1)) * STEP_DAYS, np.nan)


def subscribed_days(hazards: Floats, horizon_days: int) -> Floats:
    """Expected days subscribed within the horizon, shape (rows,): the area under the survival curve (trapezoids)."""
    edges = [*range(0, horizon_days, STEP_DAYS), horizon_days]
    curve = np.stack([survival(hazards, float(edge)) for edge in edges], axis=1)
    area: Floats = (np.diff(edges) * (curve[:, :-1] + curve[:, 1:]) / 2).sum(axis=1)
    return area

"""Training one horizon of the value model: fitted as it could have been earlier, graded, and fitted on everything.

    windows ended by the first calibration day → early model ─ asked about the calibration days ─▶ intervals
    windows ended by the test day → graded model ─ asked about the test day ─▶ figures, coverage, intervals to keep
    windows ended by `as_of` → the model that is kept

Belongs here: the three fits of one horizon, and its intervals. Does not: its grade and which method stands
(`grading`), putting horizons together (`model`), how a head is fitted (`head`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from models.judging.baselines import RunRate
from models.judging.evaluation import mae
from models.judging.gate import Verdict
from models.learners.encoding import Floats, usable_features
from models.snapshots.rows import TrainingData, at, refuse_too_few, training_frame
from models.snapshots.splits import SplitPlan
from models.value.grading import BASELINE, PARAMETRIC, TREES, GradedHead, amounts_by, grade_head
from models.value.head import MODEL, HeadRecipe, ValueHead, fit_value_head
from models.value.intervals import Intervals, coverage, fit_intervals

SPENT = "spent"


@dataclass(frozen=True, kw_only=True)
class TrainedHead:
    """One horizon, graded and fitted again.

    Attributes:
        head: the one to keep, of the method that stands.
        purchases: the purchase model, fitted again; None where features don't tell histories.
        graded: as it was graded.
        method: `lightgbm`, `buy_till_you_die` or `baseline`: what stands.
        figures: test figures beside the better baseline's (money in minor units), coverage of the intervals.
        intervals: learnt on the latest outcomes that the model had not seen.
        rows: features and outcomes of all snapshots of the plan.
    """

    head: ValueHead
    purchases: ValueHead | None
    graded: GradedHead
    method: str
    figures: dict[str, float]
    intervals: Intervals
    rows: pl.DataFrame

    @property
    def horizon_days(self) -> int:
        """The window."""
        return self.head.horizon_days

    @property
    def verdict(self) -> Verdict:
        """The gate's."""
        return self.graded.verdict

    def amounts(self, frame: pl.DataFrame, *, threads: int = 1) -> Floats:
        """Expected net amounts by the method that stands (minor units), shape (rows,)."""
        return amounts_by(self.method, self.head, frame, threads=threads)

    def by(self, method: str) -> "TrainedHead":
        """The same with one of the baselines standing: what the other horizon stands by."""
        head = self.purchases if method == PARAMETRIC and self.purchases is not None else self.head
        return replace(self, method=method, head=head)


def train_head(
    data: TrainingData,
    outcomes: pl.DataFrame,
    plan: SplitPlan,
    prefix: str,
    *,
    threads: int,
    seed: int,
    tuned: Mapping[str, float] | None = None,
) -> TrainedHead:
    """Train and grade one horizon: see `value.train_value`. The figures' names begin with `prefix`."""
    days = plan.horizon_days
    rows = training_frame(data.features, outcomes, snapshots=plan.all_snapshots, model=MODEL).with_columns(
        (pl.col("value_amount") > 0).cast(pl.Int8).alias(SPENT)
    )
    for part, snapshots in (("training", plan.train), ("calibration", plan.calibrate), ("test", (plan.test,))):
        if snapshots:
            names = ("customers who spent", "customers who didn't")
            refuse_too_few(at(rows, snapshots), SPENT, model=f"{days}-day value", part=part, names=names)
    kept, _ = usable_features(ended_by(rows, plan.test, days), data.feature_names)
    run_rate = RunRate(feature=data.spend_feature, first_event=data.first_event)
    recipe = HeadRecipe(
        features=kept, horizon_days=days, run_rate=run_rate, threads=threads, seed=seed, tuned=tuned or {}
    )
    known = ended_by(rows, plan.test, days)
    graded = grade_head(fit_value_head(known, recipe), known, at(rows, [plan.test]), prefix=prefix, recipe=recipe)
    kept_rows = ended_by(rows, data.as_of, days)
    final = fit_value_head(kept_rows, recipe)
    intervals, told = _intervals(rows, plan, recipe, graded)
    return TrainedHead(
        head=_standing(final, graded.method, kept_rows),
        purchases=None if graded.purchases is None else final.without_trees(kept_rows),
        graded=graded,
        method=graded.method,
        figures=graded.figures | {f"{prefix}_{name}": share for name, share in told.items()},
        intervals=intervals,
        rows=rows,
    )


def ended_by(rows: pl.DataFrame, day: date, horizon_days: int) -> pl.DataFrame:
    """The rows whose windows had ended by a day."""
    return rows.filter(pl.col("snapshot_date") <= day - timedelta(days=horizon_days))


def _standing(head: ValueHead, method: str, rows: pl.DataFrame) -> ValueHead:
    """A head with trees, or the baseline that stands for it."""
    return head if method == TREES else head.without_trees(rows, run_rate_share=float(method == BASELINE))


def _intervals(
    rows: pl.DataFrame, plan: SplitPlan, recipe: HeadRecipe, graded: GradedHead
) -> tuple[Intervals, dict[str, float]]:
    """The intervals to keep, and how well those learnt before the test day did on it: coverage, typical amounts.

    Without calibration days, half of the test's customers say what covers the other half.
    """

    def said(head: ValueHead, asked: pl.DataFrame) -> pl.DataFrame:
        expected = amounts_by(graded.method, head, asked, threads=recipe.threads)
        return asked.select("snapshot_date", "value_amount", pl.Series("expected", expected))

    test = said(graded.standing, at(rows, [plan.test]))
    if plan.calibrate:
        before = ended_by(rows, plan.calibrate[0], plan.horizon_days)
        early = _standing(fit_value_head(before, recipe), graded.method, before)
        calibrated = said(early, at(rows, plan.calibrate))
        return intervals_of(pl.concat([calibrated, test])), _covered(intervals_of(calibrated), test)
    return intervals_of(test), _covered(intervals_of(test.gather_every(2)), test.gather_every(2, offset=1))


def intervals_of(said: pl.DataFrame) -> Intervals:
    """Intervals learnt from `expected` and `value_amount` of `snapshot_date`s.

    Every window's total is taken to have been known: how customers depart from what is expected of them is learnt, not
    by how much a window or two were off altogether.
    """
    total = pl.col("value_amount").sum().clip(1) / pl.col("expected").sum().clip(1)
    expected = said.select(pl.col("expected") * total.over("snapshot_date").clip(0.2, 5))["expected"].to_numpy()
    return fit_intervals(expected, said["value_amount"].to_numpy().astype(np.float64))


def _covered(intervals: Intervals, test: pl.DataFrame) -> dict[str, float]:
    """Coverage by tier, and the mean absolute error of the typical amounts."""
    expected, actual = (test[name].to_numpy().astype(np.float64) for name in ("expected", "value_amount"))
    shares = {f"coverage_{name}": share for name, share in coverage(intervals, expected, actual).items()}
    return shares | {"typical_mae": round(mae(intervals.around(expected)[1], actual), 9)}

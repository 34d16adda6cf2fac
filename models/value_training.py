"""Training one horizon of the value model: fitted as it could have been earlier, graded, and fitted on everything.

    windows ended by the first calibration day → early model ─ asked about the calibration days ─▶ intervals
    windows ended by the test day → graded model ─ asked about the test day ─▶ figures, coverage, intervals to keep
    windows ended by `as_of` → the model that is kept

Belongs here: the three fits of one horizon, its grade, and which method stands: trees, the purchase models alone where
trees did not pass the gate, else the run rate. Does not: putting horizons together (`value`), how a head is fitted
(`value_head`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from models.baselines import RunRate
from models.encoding import Floats, usable_features
from models.evaluation import (
    amount_figures,
    figures_beside,
    mae,
    normalised_gini,
    paired_gain,
    rmse,
)
from models.gate import Verdict, judge_value
from models.splits import SplitPlan
from models.training import TrainingData, at, refuse_too_few, training_frame
from models.value_head import MODEL, HeadRecipe, ValueHead, fit_value_head
from models.value_intervals import Intervals, coverage, fit_intervals

TREES, PARAMETRIC, BASELINE = "lightgbm", "buy_till_you_die", "baseline"
SPENT = "spent"


@dataclass(frozen=True, kw_only=True)
class TrainedHead:
    """One horizon, graded and fitted again.

    Attributes:
        head: the one to keep.
        graded: as it was graded.
        method: `lightgbm`, `buy_till_you_die` or `baseline`: what stands.
        figures: test figures beside the run rate's (money in minor units), coverage of the intervals.
        verdict: the gate's, of what stands.
        intervals: learnt on the latest outcomes that the model had not seen.
        rows: features and outcomes of all snapshots of the plan.
    """

    head: ValueHead
    graded: ValueHead
    method: str
    figures: dict[str, float]
    verdict: Verdict
    intervals: Intervals
    rows: pl.DataFrame

    @property
    def horizon_days(self) -> int:
        """The window."""
        return self.head.horizon_days

    def amounts(self, frame: pl.DataFrame, *, threads: int = 1) -> Floats:
        """Expected net amounts by the method that stands (minor units), shape (rows,)."""
        return amounts_by(self.method, self.head, frame, threads=threads)


def amounts_by(method: str, head: ValueHead, frame: pl.DataFrame, *, threads: int) -> Floats:
    """Expected net amounts of a head, or of its run rate, shape (rows,)."""
    if method == BASELINE:
        return head.anchor.run_rate.amounts(frame, horizon_days=head.horizon_days)
    return head.amounts(frame, threads=threads)


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
    graded = fit_value_head(ended_by(rows, plan.test, days), recipe)
    test = at(rows, [plan.test])
    method, figures, verdict, graded = _grade(graded, rows, test, prefix, recipe)
    kept_rows = ended_by(rows, data.as_of, days)
    final = fit_value_head(kept_rows, recipe)
    if method != TREES:
        final = final.without_trees(kept_rows)
    intervals, told = _intervals(rows, plan, recipe, graded, method)
    figures |= {f"{prefix}_{name}": share for name, share in told.items()}
    return TrainedHead(
        head=final,
        graded=graded,
        method=method,
        figures=figures,
        verdict=verdict,
        intervals=intervals,
        rows=rows,
    )


def ended_by(rows: pl.DataFrame, day: date, horizon_days: int) -> pl.DataFrame:
    """The rows whose windows had ended by a day."""
    return rows.filter(pl.col("snapshot_date") <= day - timedelta(days=horizon_days))


def _grade(
    graded: ValueHead, rows: pl.DataFrame, test: pl.DataFrame, prefix: str, recipe: HeadRecipe
) -> tuple[str, dict[str, float], Verdict, ValueHead]:
    """What stands, its figures beside the run rate's, the gate's verdict, and the head as it was graded."""
    figures, verdict = _graded(graded, test, prefix, recipe)
    if verdict.passed:
        return TREES, figures, verdict, graded
    bare = graded.without_trees(ended_by(rows, test["snapshot_date"][0], recipe.horizon_days))
    bare_figures, bare_verdict = _graded(bare, test, prefix, recipe)
    if graded.anchor.purchases is not None and bare_verdict.passed:
        return PARAMETRIC, bare_figures, bare_verdict, bare
    return BASELINE, figures, verdict, bare


def _graded(head: ValueHead, test: pl.DataFrame, prefix: str, recipe: HeadRecipe) -> tuple[dict[str, float], Verdict]:
    """Test figures (money in minor units) beside the run rate's, and the gate's verdict."""
    actual = test["value_amount"].to_numpy().astype(np.float64)
    ours = head.amounts(test, threads=recipe.threads)
    theirs = recipe.run_rate.amounts(test, horizon_days=head.horizon_days)
    gains = {
        "normalised_gini": paired_gain(normalised_gini, ours, theirs, actual, seed=recipe.seed, higher_is_better=True),
        "mae": paired_gain(mae, ours, theirs, actual, seed=recipe.seed, higher_is_better=False),
        "rmse": paired_gain(rmse, ours, theirs, actual, seed=recipe.seed, higher_is_better=False),
    }
    figures, baseline = amount_figures(ours, actual), amount_figures(theirs, actual)
    told = figures_beside(figures, baseline, gains, rows=test.height, prefix=f"{prefix}_")
    return told, judge_value(figures, gains, baseline, f"{head.horizon_days} days")


def _intervals(
    rows: pl.DataFrame, plan: SplitPlan, recipe: HeadRecipe, graded: ValueHead, method: str
) -> tuple[Intervals, dict[str, float]]:
    """The intervals to keep, and how well those learnt before the test day did on it: coverage, typical amounts.

    Without calibration days, half of the test's customers say what covers the other half.
    """

    def said(head: ValueHead, asked: pl.DataFrame) -> pl.DataFrame:
        expected = amounts_by(method, head, asked, threads=recipe.threads)
        return asked.select("snapshot_date", "value_amount", pl.Series("expected", expected))

    test = said(graded, at(rows, [plan.test]))
    if plan.calibrate:
        before = ended_by(rows, plan.calibrate[0], plan.horizon_days)
        early = fit_value_head(before, recipe)
        calibrated = said(early if method == TREES else early.without_trees(before), at(rows, plan.calibrate))
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

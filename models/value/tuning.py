"""Searching for better settings of the near horizon's trees for value, without a look at the test snapshot.

Belongs here: how a setting is judged. Does not: the search itself (`tuning`), where the study is kept (the flows).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from models.errors import TuningNotPossibleError
from models.judging.baselines import RunRate
from models.learners.boosting import mean_settings
from models.learners.encoding import Floats, usable_features
from models.purchases.tuning import Budget, Search, Tuned, optuna_there, search_settings
from models.snapshots.rows import TrainingData, at, training_frame
from models.snapshots.splits import SplitPlan
from models.snapshots.value_basis import outcomes_of
from models.value.head import MODEL, HeadRecipe, fit_value_head
from models.value.training import ended_by

WORTH_IT = 0.005  # share of the loss that a setting must gain before it replaces ours


def tune_value(
    data: TrainingData,
    outcomes: pl.DataFrame,
    plan: SplitPlan,
    *,
    budget: Budget,
    threads: int,
    seed: int,
    tick: Callable[[], None],
) -> Tuned:
    """Search, our own settings first.

    A setting is fitted on the windows that ended before the calibration snapshots and judged on those by the Tweedie
    deviance (power 1.5; Jørgensen 1987), which is least for the true means, with every window's total set right: how
    high a window is, is not the trees' business.

    Args:
        data: features of the plan's snapshots.
        outcomes: `labels.outcomes` of the same over the near horizon.
        plan: of the near horizon; only `train`, `calibrate` and the complete ones before them are read.
        budget: how much may be tried, and where it is remembered.
        threads: for LightGBM.
        seed: of LightGBM and the sampler.
        tick: called after each trial.

    Raises:
        TuningNotInstalledError: Optuna is not installed.
        TuningNotPossibleError: the plan has no calibration snapshots.
    """
    optuna_there()
    if not plan.calibrate:
        raise TuningNotPossibleError(model=MODEL)
    snapshots = sorted({*plan.train, *plan.calibrate})
    rows = training_frame(data.features, outcomes_of(outcomes, data.value_of), snapshots=snapshots, model=MODEL)
    train = ended_by(rows, plan.calibrate[0], plan.horizon_days)
    recipe = HeadRecipe(
        features=usable_features(train, data.feature_names)[0],
        horizon_days=plan.horizon_days,
        run_rate=RunRate(feature=data.spend_feature, first_event=data.first_event),
        threads=threads,
        seed=seed,
    )
    judge = _judge(train, at(rows, plan.calibrate), recipe)
    ours = mean_settings(train.height)
    search = Search(ours=ours, judge=judge, figure="deviance, as a share of that with our settings,", worth_it=WORTH_IT)
    return search_settings(search, budget=budget, seed=seed, tick=tick)


def tweedie_deviance(expected: Floats, actual: Floats) -> float:
    """Mean deviance of power 1.5; `expected` above 0, `actual` at least 0, shape (rows,) each."""
    root = np.sqrt(expected)
    return float(np.mean(4 * (np.sqrt(actual) - root) ** 2 / root))


def _judge(train: pl.DataFrame, calibrate: pl.DataFrame, recipe: HeadRecipe) -> Callable[[Mapping[str, float]], float]:
    """From settings to their loss over that of ours."""
    windows = calibrate.partition_by("snapshot_date", maintain_order=True)

    def loss(settings: Mapping[str, float]) -> float:
        head = fit_value_head(train, replace(recipe, tuned=settings))
        found = []
        for rows in windows:
            actual = np.maximum(rows["value_amount"].to_numpy().astype(np.float64), 0.0)
            said = np.maximum(head.relative_amounts(rows, threads=recipe.threads), 1.0)
            found.append(tweedie_deviance(said * actual.sum() / said.sum(), actual) / max(np.sqrt(actual.mean()), 1.0))
        return float(np.mean(found))

    ours = loss({})
    return lambda settings: loss(settings) / ours

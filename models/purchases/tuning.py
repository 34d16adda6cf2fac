"""Searching for better settings of the trees, inside the training and calibration parts of the plan.

Belongs here: the search, and what counts as better for churn. Does not: value's side of it (`value.tuning`), where the
study is kept (the flows). The test snapshot is never looked at: a setting is fitted on the training snapshots and
judged on the calibration ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from models.errors import TuningNotInstalledError, TuningNotPossibleError
from models.judging.calibration import cross_validated, log_loss, sigmoid
from models.learners.encoding import fit_encoder, usable_features
from models.purchases.churn import BOUGHT
from models.purchases.propensity_fitting import Recipe, fit_members, tree_settings
from models.snapshots.rows import TrainingData, at, training_frame
from models.snapshots.splits import SplitPlan

WORTH_IT = 0.0005  # log loss a setting must gain on the calibration snapshots before it replaces ours
MODEL = "churn"


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much may be tried.

    Attributes:
        trials: settings, over all sittings of the study.
        minutes: of this sitting.
        storage: SQLAlchemy address of the study's database.
        study: its name; the same data and date have the same, so that a search that was stopped goes on.
    """

    trials: int
    minutes: float
    storage: str
    study: str


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """What a search came to.

    Attributes:
        settings: the best ones; empty where ours were as good.
        loss: theirs on the calibration snapshots.
        default_loss: that of ours.
        trials: how many settings were tried, over all sittings.
        words: the same in a sentence.
    """

    settings: dict[str, float]
    loss: float
    default_loss: float
    trials: int
    words: str


def tune_churn(
    data: TrainingData,
    outcomes: pl.DataFrame,
    plan: SplitPlan,
    *,
    budget: Budget,
    threads: int,
    seed: int,
    tick: Callable[[], None],
) -> Tuned:
    """Search with Optuna's TPE sampler (Bergstra et al. 2011), seeded, our own settings first.

    Args:
        data: features of the plan's snapshots.
        outcomes: `labels.outcomes` of the same.
        plan: see `splits.plan_splits`; only `train` and `calibrate` are read.
        budget: how much may be tried, and where it is remembered.
        threads: for LightGBM.
        seed: of LightGBM and the sampler.
        tick: called after each trial.

    Raises:
        TuningNotInstalledError: Optuna is not installed.
        TuningNotPossibleError: the plan has no calibration snapshots.
    """
    if not plan.calibrate:
        optuna_there()
        raise TuningNotPossibleError(model=MODEL)
    ours, judge = _judge(data, outcomes, plan, threads=threads, seed=seed)
    search = Search(ours=ours, judge=judge, figure="log loss", worth_it=WORTH_IT)
    return search_settings(search, budget=budget, seed=seed, tick=tick)


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is searched for.

    Attributes:
        ours: the settings that have to be beaten.
        judge: from settings to a loss on the calibration snapshots.
        figure: what the loss is called.
        worth_it: what must be gained.
    """

    ours: Mapping[str, float]
    judge: Callable[[dict[str, float]], float]
    figure: str
    worth_it: float


def search_settings(search: Search, *, budget: Budget, seed: int, tick: Callable[[], None]) -> Tuned:
    """Try settings until the budget is used up, our own first; go on where a search of the same name stopped.

    Raises:
        TuningNotInstalledError: Optuna is not installed.
    """
    optuna = optuna_there()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(study_name=budget.study, storage=budget.storage, load_if_exists=True)
    done = _complete(study, optuna)
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(done))
    if not done:
        study.enqueue_trial(dict(search.ours))
    left = budget.trials - len(done)
    if left > 0:
        study.optimize(
            lambda trial: search.judge(_suggested(trial)),
            n_trials=left,
            timeout=budget.minutes * 60,
            callbacks=[lambda *_: tick()],
        )
    return _came_to(_complete(study, optuna), search)


def _came_to(done: list[Any], search: Search) -> Tuned:
    default = done[0]
    best = min(done, key=lambda trial: (trial.value, trial.number))
    worth_it = default.value - best.value > search.worth_it
    told = (
        f"{len(done)} settings tried: {search.figure} on the calibration snapshots {best.value:.4f} at best, "
        f"{default.value:.4f} with ours; {'the best are taken' if worth_it else 'ours are kept'}"
    )
    return Tuned(
        settings=dict(best.params) if worth_it else {},
        loss=float(best.value),
        default_loss=float(default.value),
        trials=len(done),
        words=told,
    )


def _judge(
    data: TrainingData, outcomes: pl.DataFrame, plan: SplitPlan, *, threads: int, seed: int
) -> tuple[dict[str, float], Callable[[dict[str, float]], float]]:
    """Our own settings; and from settings to the loss: log loss on the calibration snapshots, curve cross-validated."""
    snapshots = (*plan.train, *plan.calibrate)
    rows = training_frame(data.features, outcomes, snapshots=snapshots, model=MODEL).with_columns(
        (1 - pl.col("churned")).cast(pl.Int8).alias(BOUGHT)
    )
    train, calibrate = at(rows, plan.train), at(rows, plan.calibrate)
    kept, _ = usable_features(train, data.feature_names)
    recipe = Recipe(
        model=MODEL,
        target=BOUGHT,
        encoder=fit_encoder(train, kept, model=MODEL),
        horizon_days=plan.horizon_days,
        threads=threads,
        seed=seed,
    )
    season = data.season(plan.calibrate[0])
    happened = calibrate[BOUGHT].to_numpy().astype(np.float64)
    groups = calibrate["snapshot_date"].to_physical().to_numpy().astype(np.float64)

    def judge(settings: dict[str, float]) -> float:
        fitted = fit_members(train, replace(recipe, tuned=settings), season)
        scores = fitted.log_odds(calibrate, model=MODEL, threads=threads)
        if len(np.unique(groups)) > 1:
            return float(cross_validated("platt", scores, happened, groups))
        return log_loss(sigmoid(scores), happened)

    return tree_settings(train.height, len(recipe.encoder.features)), judge


def _suggested(trial: Any) -> dict[str, float]:  # noqa: ANN401 - Optuna is imported when used
    return {
        "rounds": trial.suggest_int("rounds", 50, 600, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.15, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 3, 48, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 10, 300, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.2, 0.9),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.5, 200.0, log=True),
    }


def _complete(study: Any, optuna: Any) -> list[Any]:  # noqa: ANN401 - Optuna is imported when used
    """Trials that ended; one that a killed process left running is none."""
    trials: list[Any] = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    return sorted(trials, key=lambda trial: trial.number)


def optuna_there() -> Any:  # noqa: ANN401 - imported when used
    """The library.

    Raises:
        TuningNotInstalledError: it is an extra that is not installed.
    """
    try:
        import optuna  # noqa: PLC0415 - an extra, heavy
    except ImportError as error:
        raise TuningNotInstalledError from error
    return optuna

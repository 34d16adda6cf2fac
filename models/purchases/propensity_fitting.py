"""Fitting a propensity forward in time: members on early windows, choices on later ones, then everything once more.

1. Trees and the curve learn from the early windows, each window at a level of its own (`snapshots.levels`); the
   purchase model needs no outcomes.
2. The calibration windows, which began after the early ones had ended, say what each member counts (with a pull to
   equal shares), how high windows are now, how much the season weighs, and which calibration curve serves best.
3. Where later windows are complete too, trees and curve are fitted again on all of them: the newest customers and
   habits are worth more than the purity of a part held back. The curve of step 2 stays, which has seen models asked
   about what they did not know; only the level is measured anew.

Belongs here: these steps. Does not: which windows (`splits`), the fitted thing (`propensity`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from models.buy_till_you_die.from_features import (
    NEEDED,
    PurchaseOdds,
    can_tell_histories,
    fit_purchase_odds,
)
from models.judging.calibration import Calibrator, choose_calibrator, fit_calibrator
from models.learners import boosting
from models.learners.encoding import Encoder, Floats
from models.learners.logistic import fit_logistic
from models.learners.smooth import fit_smooth
from models.purchases.propensity import Propensity, Shares
from models.snapshots.levels import season_weight, window_levels, window_offsets
from models.snapshots.season import Season

FEATURES_A_TREE = 10
LARGE = 200_000  # rows from which trees may be larger
PULL_TO_EQUAL = 300.0  # rows' worth of pull of the shares towards equal ones
LATEST = 3  # windows that the level is read from where none calibrate
FARTHEST = 12.0


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to fit.

    Attributes:
        model: its name, for messages.
        target: the column to predict, 0 or 1.
        encoder: the features.
        horizon_days: the window.
        threads: for LightGBM.
        seed: for LightGBM.
        tuned: settings of the trees that were searched for (`tuning`), in place of ours.
    """

    model: str
    target: str
    encoder: Encoder
    horizon_days: int
    threads: int
    seed: int
    tuned: Mapping[str, float] = field(default_factory=dict)


def fit_propensity(
    train: pl.DataFrame,
    calibrate: pl.DataFrame | None,
    recipe: Recipe,
    season: Season,
    *,
    everything: pl.DataFrame | None = None,
) -> Propensity:
    """Fit.

    Args:
        train: features, `snapshot_date` and the target (0/1) of early windows, rows in a stable order.
        calibrate: the same of later windows; None: equal shares, no calibration.
        recipe: what to fit.
        season: as known on the first day the model is asked about.
        everything: the same of all windows that are complete; None: the model of the early windows is kept.
    """
    fitted = fit_members(train, recipe, season)
    if calibrate is None:
        days = train["snapshot_date"].unique().sort()[-LATEST:]
        return _levelled(_with_season(fitted, train, recipe), train.filter(_on(days)), recipe)
    what_happened = _target(calibrate, recipe)
    members = fitted.members(calibrate, model=recipe.model, threads=recipe.threads)
    fitted = replace(fitted, shares=_shares(fitted, members, what_happened, calibrate["snapshot_date"]))
    fitted = _with_season(fitted, pl.concat([train, calibrate]), recipe)
    fitted = _levelled(fitted, calibrate, recipe)
    scores = fitted.log_odds(calibrate, model=recipe.model, threads=recipe.threads)
    groups = calibrate["snapshot_date"].to_physical().to_numpy().astype(np.float64)
    kind, _ = choose_calibrator(scores, what_happened, groups)
    fitted = replace(
        fitted,
        calibrator=fit_calibrator(kind, scores, what_happened),
        calibrated_at=float(f"{fitted.season_offset(calibrate).mean():.9g}"),
    )
    if everything is None:
        return fitted
    newest = fit_members(everything, recipe, season)
    fitted = replace(fitted, trees=newest.trees, smooth=newest.smooth, purchases=newest.purchases)
    return _levelled(fitted, calibrate, recipe)


def fit_members(rows: pl.DataFrame, recipe: Recipe, season: Season) -> Propensity:
    """Trees, curve and purchase model, with equal shares; neither level nor season nor calibration.

    Args:
        rows: as `train` of `fit_propensity`.
        recipe: what to fit.
        season: as known on the first day the model is asked about.
    """
    matrix = recipe.encoder.matrix(rows, model=recipe.model)
    what_happened = _target(rows, recipe)
    offset = window_offsets(rows["snapshot_date"], what_happened)
    trees = boosting.train_booster(
        matrix,
        what_happened,
        encoder=recipe.encoder,
        objective="binary",
        offset=offset,
        threads=recipe.threads,
        seed=recipe.seed,
        tuned={**tree_settings(*matrix.shape), **recipe.tuned},
    )
    smooth = fit_smooth(matrix, what_happened, places=recipe.encoder.numeric, offset=offset)
    latest = rows.filter(pl.col("snapshot_date") == rows["snapshot_date"].max())
    purchases = _purchases(latest, recipe)
    equal = 1 / 3 if purchases else 1 / 2
    shares = Shares(trees=equal, smooth=equal, purchases=equal if purchases else 0.0)
    return replace(_blank(recipe, season, purchases), trees=trees, smooth=smooth, shares=shares)


def tree_settings(rows: int, features: int) -> dict[str, float]:
    """Small, slow trees that look at few features each: members of a blend, for targets that are half noise."""
    return {
        "rounds": 300,
        "learning_rate": 0.02,
        "num_leaves": 8 if rows < LARGE else 24,
        "min_data_in_leaf": int(min(max(rows // 150, 10), 300)),
        "feature_fraction": min(max(FEATURES_A_TREE / features, 0.2), 0.7),
        "lambda_l2": 50.0,
    }


def _blank(recipe: Recipe, season: Season, purchases: PurchaseOdds | None) -> Propensity:
    return Propensity(
        encoder=recipe.encoder,
        trees=b"",
        smooth=None,
        purchases=purchases,
        shares=Shares(trees=0.0, smooth=0.0, purchases=1.0),
        season=season,
        season_weight=0.0,
        level=0.0,
        horizon_days=recipe.horizon_days,
        calibrator=Calibrator(kind="none"),
    )


def _purchases(latest: pl.DataFrame, recipe: Recipe) -> PurchaseOdds | None:
    if not can_tell_histories(latest.columns) or not set(NEEDED) <= set(recipe.encoder.features):
        return None
    return fit_purchase_odds(latest, horizon_days=recipe.horizon_days)


def _shares(fitted: Propensity, members: Floats, what_happened: Floats, days: pl.Series) -> Shares:
    """What each member should count: a logistic regression with an intercept a window, pulled to equal shares."""
    there = np.flatnonzero(fitted.weights)
    windows = days.to_physical().to_numpy()[:, None] == days.unique().sort().to_physical().to_numpy()[None, :]
    design = np.column_stack([members[:, there], windows.astype(np.float64)])
    start = np.concatenate([fitted.weights[there], np.zeros(windows.shape[1])])
    penalty = np.concatenate([np.full(len(there), PULL_TO_EQUAL), np.full(windows.shape[1], 1e-3)])
    found = fit_logistic(design, what_happened, penalty=penalty, start=start)[: len(there)]
    counted = np.maximum(found, 0.0)
    weights = np.zeros(3)
    weights[there] = counted if counted.sum() > 0 else fitted.weights[there]
    plain = [float(f"{weight:.6g}") for weight in weights]
    return Shares(trees=plain[0], smooth=plain[1], purchases=plain[2])


def _with_season(fitted: Propensity, rows: pl.DataFrame, recipe: Recipe) -> Propensity:
    """The same with the season's weight read from the levels of windows."""
    scores = fitted.log_odds(rows, model=recipe.model, threads=recipe.threads)
    levels = window_levels(rows["snapshot_date"], scores, _target(rows, recipe))
    weight = season_weight(levels, fitted.season, horizon_days=fitted.horizon_days)
    return replace(fitted, season_weight=weight)


def _levelled(fitted: Propensity, rows: pl.DataFrame, recipe: Recipe) -> Propensity:
    """The same with the level at which as many are expected in these windows as there were (halving)."""
    scores = replace(fitted, level=0.0).log_odds(rows, model=recipe.model, threads=recipe.threads)
    wanted = _target(rows, recipe).mean()
    low, high = -FARTHEST, FARTHEST
    while high - low > 1e-6:  # noqa: PLR2004 - log-odds nobody could tell apart
        middle = (low + high) / 2
        below = fitted.calibrated(scores + middle, rows).mean() < wanted
        low, high = (middle, high) if below else (low, middle)
    return replace(fitted, level=float(f"{(low + high) / 2:.6g}"))


def _target(frame: pl.DataFrame, recipe: Recipe) -> Floats:
    return frame[recipe.target].to_numpy().astype(np.float64)


def _on(days: pl.Series) -> pl.Expr:
    return pl.col("snapshot_date").is_in(days.to_list())

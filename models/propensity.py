"""The probability that a customer buys (or spends on balance) in a horizon: trees, a curve, season, calibration.

log-odds = half trees + half smooth curve + season weight * ln(season index), then a calibration curve learnt on a
later period. Belongs here: what churn and value have in common. Does not: baselines, grading, bundles.

Season weight: with purchases at an expected number L, P(any) = 1 - exp(-L) and
d log-odds / d ln L = L / (1 - exp(-L)): 1.0 for the rarest buyers, 1.4 at P = .5, 2.6 at P = .9. One weight, 1.5,
serves all. Three calibration snapshots in a row see little of the year, so they can't choose the weight; they can only
show that the season misleads (a company that changed), and then it is given up.
"""

import json
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from models import boosting
from models.calibration import (
    SAFE,
    Calibrator,
    calibrator_from,
    choose_calibrator,
    cross_validated,
    fit_calibrator,
    sigmoid,
)
from models.encoding import Encoder, Floats, encoder_from
from models.season import Season, season_from
from models.smooth import SmoothCurve, fit_smooth, smooth_from

SEASON_WEIGHT = 1.5
SEASON_COST = 0.01  # log loss the season may cost on the calibration snapshots before it is given up
TREES = 0.5  # the trees' share of the log-odds; the smooth curve has the rest


@dataclass(frozen=True, kw_only=True)
class Propensity:
    """A fitted propensity.

    Attributes:
        encoder: features in, matrix out.
        trees: the booster, LightGBM text.
        smooth: the other half.
        season: how busy windows are.
        season_weight: log-odds per ln(season index); 0: the season is not used.
        horizon_days: the window asked about.
        calibrator: log-odds to probability.
        calibrated_at: the season's log-odds of the calibration period. An isotonic curve is flat beyond its knots,
            so it is asked as if it were that season, and the difference is added to what it says.
    """

    encoder: Encoder
    trees: bytes
    smooth: SmoothCurve
    season: Season
    season_weight: float
    horizon_days: int
    calibrator: Calibrator
    calibrated_at: float = 0.0

    def log_odds(self, frame: pl.DataFrame, *, model: str, threads: int) -> Floats:
        """Uncalibrated log-odds of `frame`'s rows (features and `snapshot_date`), shape (rows,)."""
        matrix = self.encoder.matrix(frame, model=model)
        halves = TREES * boosting.raw_scores(self.trees, matrix, threads=threads) + (1 - TREES) * self.smooth.scores(
            matrix
        )
        return halves + season_offset(frame, self.season, self.season_weight, self.horizon_days)

    def probabilities(self, frame: pl.DataFrame, *, model: str, threads: int) -> Floats:
        """Calibrated probabilities, shape (rows,)."""
        scores = self.log_odds(frame, model=model, threads=threads)
        if self.calibrator.kind != "isotonic":
            return self.calibrator.probabilities(scores)
        other_season = season_offset(frame, self.season, self.season_weight, self.horizon_days) - self.calibrated_at
        said = self.calibrator.probabilities(scores - other_season)
        return np.clip(sigmoid(np.log(said / (1 - said)) + other_season), SAFE, 1 - SAFE)

    def contributions(self, frame: pl.DataFrame, *, model: str, threads: int) -> Floats:
        """What each feature adds to the uncalibrated log-odds, shape (rows, features)."""
        matrix = self.encoder.matrix(frame, model=model)
        from_trees = boosting.contributions(self.trees, matrix, threads=threads)
        return TREES * from_trees + (1 - TREES) * self.smooth.contributions(matrix)

    def files(self, prefix: str) -> dict[str, bytes]:
        """As files of a bundle: `<prefix>_trees.txt` and `<prefix>.json`."""
        content = {
            "encoder": self.encoder.described(),
            "smooth": self.smooth.described(),
            "season": self.season.described(),
            "season_weight": self.season_weight,
            "horizon_days": self.horizon_days,
            "calibrator": self.calibrator.described(),
            "calibrated_at": self.calibrated_at,
        }
        return {f"{prefix}_trees.txt": self.trees, f"{prefix}.json": json.dumps(content, sort_keys=True).encode()}


def propensity_from(files: dict[str, bytes], prefix: str) -> Propensity:
    """The inverse of `Propensity.files`."""
    content = json.loads(files[f"{prefix}.json"])
    return Propensity(
        encoder=encoder_from(content["encoder"]),
        trees=files[f"{prefix}_trees.txt"],
        smooth=smooth_from(content["smooth"]),
        season=season_from(content["season"]),
        season_weight=content["season_weight"],
        horizon_days=content["horizon_days"],
        calibrator=calibrator_from(content["calibrator"]),
        calibrated_at=content["calibrated_at"],
    )


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to fit: what stays the same between the graded model and the kept one.

    Attributes:
        model: its name, for messages.
        encoder: the features.
        horizon_days: the window.
        threads: for LightGBM.
        seed: for LightGBM.
    """

    model: str
    encoder: Encoder
    horizon_days: int
    threads: int
    seed: int


def fit_propensity(
    train: pl.DataFrame, calibrate: pl.DataFrame | None, target: str, recipe: Recipe, season: Season
) -> Propensity:
    """Fit, and see on the calibration snapshots whether the season misleads and which calibration curve serves best.

    Args:
        train: features, `snapshot_date` and the target (0/1), rows in a stable order.
        calibrate: the same for a later period; None: no calibration, and the season at its full weight.
        target: the column to predict.
        recipe: what to fit.
        season: as known on the first day the model is asked about.
    """
    weights = [SEASON_WEIGHT, 0.0] if season.is_known and calibrate is not None else [SEASON_WEIGHT * season.is_known]
    fitted = [fit_scores(train, target, recipe, season, weight) for weight in weights]
    if calibrate is None:
        return fitted[0]
    what_happened = calibrate[target].to_numpy().astype(np.float64)
    groups = calibrate["snapshot_date"].to_physical().to_numpy().astype(np.float64)
    scores = [one.log_odds(calibrate, model=recipe.model, threads=recipe.threads) for one in fitted]
    best = 0
    if len(np.unique(groups)) > 1:
        losses = [cross_validated("platt", score, what_happened, groups) for score in scores]
        best = int(len(losses) > 1 and losses[0] > losses[1] + SEASON_COST)
    kind, _ = choose_calibrator(scores[best], what_happened, groups)
    return calibrated(fitted[best], kind, calibrate, scores[best], what_happened)


def refit_propensity(
    like: Propensity,
    train: pl.DataFrame,
    calibrate: pl.DataFrame | None,
    target: str,
    *,
    recipe: Recipe,
    season: Season,
) -> Propensity:
    """Fit once more on later snapshots, with the choices that were graded."""
    fitted = fit_scores(train, target, recipe, season, like.season_weight)
    if calibrate is None:
        return fitted
    scores = fitted.log_odds(calibrate, model=recipe.model, threads=recipe.threads)
    what_happened = calibrate[target].to_numpy().astype(np.float64)
    return calibrated(fitted, like.calibrator.kind, calibrate, scores, what_happened)


def calibrated(
    fitted: Propensity, kind: str, calibrate: pl.DataFrame, scores: Floats, what_happened: Floats
) -> Propensity:
    """The same propensity with a curve of one kind, and the season the curve was learnt in."""
    offset = season_offset(calibrate, fitted.season, fitted.season_weight, fitted.horizon_days)
    calibrator = fit_calibrator(kind, scores, what_happened)
    return replace(fitted, calibrator=calibrator, calibrated_at=float(f"{offset.mean():.9g}"))


def fit_scores(train: pl.DataFrame, target: str, recipe: Recipe, season: Season, season_weight: float) -> Propensity:
    """Fit both halves with the season as an offset; not calibrated."""
    matrix = recipe.encoder.matrix(train, model=recipe.model)
    what_happened = train[target].to_numpy().astype(np.float64)
    offset = season_offset(train, season, season_weight, recipe.horizon_days)
    trees = boosting.train_booster(
        matrix,
        what_happened,
        encoder=recipe.encoder,
        objective="binary",
        offset=offset,
        threads=recipe.threads,
        seed=recipe.seed,
    )
    return Propensity(
        encoder=recipe.encoder,
        trees=trees,
        smooth=fit_smooth(matrix, what_happened, places=recipe.encoder.numeric, offset=offset),
        season=season,
        season_weight=season_weight,
        horizon_days=recipe.horizon_days,
        calibrator=Calibrator(kind="none"),
    )


def season_offset(frame: pl.DataFrame, season: Season, weight: float, horizon_days: int) -> Floats:
    """Log-odds the season adds, shape (rows,)."""
    return weight * season.column(frame["snapshot_date"], horizon_days=horizon_days)

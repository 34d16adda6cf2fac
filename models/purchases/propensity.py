"""The probability that a customer buys in a horizon: trees, a curve, a purchase model, a season, calibration.

    log-odds = shares of (trees, smooth curve, BG/NBD) + level + season weight * ln(season index), then calibrated

Belongs here: the fitted thing, how it is asked and kept. Does not: fitting (`propensity_fitting`), baselines, grading,
bundles.
"""

import json
from dataclasses import dataclass

import numpy as np
import polars as pl

from models.buy_till_you_die.from_features import PurchaseOdds, purchase_odds_from
from models.judging.calibration import SAFE, Calibrator, calibrator_from, sigmoid
from models.learners import boosting
from models.learners.encoding import Encoder, Floats, encoder_from
from models.learners.smooth import SmoothCurve, smooth_from
from models.snapshots.season import Season, season_from


@dataclass(frozen=True, kw_only=True)
class Shares:
    """What each member counts; those that are missing 0."""

    trees: float
    smooth: float
    purchases: float


@dataclass(frozen=True, kw_only=True)
class Propensity:
    """A fitted propensity.

    Attributes:
        encoder: features in, matrix out.
        trees: the booster, LightGBM text; empty where there was nothing to learn from.
        smooth: the curve; None where there was nothing to learn from.
        purchases: the purchase model; None where the features don't tell histories.
        shares: what each of them counts.
        season: how busy windows are.
        season_weight: log-odds per ln(season index); 0: the season is not used.
        level: log-odds of the latest windows as a whole, without their season.
        horizon_days: the window asked about.
        calibrator: log-odds to probability.
        calibrated_at: the season's log-odds of the calibration period. An isotonic curve is flat beyond its knots,
            so it is asked as if it were that season, and the difference is added to what it says.
    """

    encoder: Encoder
    trees: bytes
    smooth: SmoothCurve | None
    purchases: PurchaseOdds | None
    shares: Shares
    season: Season
    season_weight: float
    level: float
    horizon_days: int
    calibrator: Calibrator
    calibrated_at: float = 0.0

    def members(self, frame: pl.DataFrame, *, model: str, threads: int) -> Floats:
        """Log-odds by each member, without level and season, shape (rows, 3): trees, curve, purchase model."""
        scores = np.zeros((frame.height, 3))
        if self.smooth is not None:
            matrix = self.encoder.matrix(frame, model=model)
            scores[:, 0] = boosting.raw_scores(self.trees, matrix, threads=threads)
            scores[:, 1] = self.smooth.scores(matrix)
        if self.purchases is not None:
            scores[:, 2] = self.purchases.log_odds(frame)
        return scores

    def log_odds(self, frame: pl.DataFrame, *, model: str, threads: int) -> Floats:
        """Uncalibrated log-odds of `frame`'s rows (features and `snapshot_date`), shape (rows,)."""
        blended = self.members(frame, model=model, threads=threads) @ self.weights
        scores: Floats = blended + self.level + self.season_offset(frame)
        return scores

    def calibrated(self, scores: Floats, frame: pl.DataFrame) -> Floats:
        """Probabilities of uncalibrated log-odds of `frame`'s rows, shape (rows,)."""
        if self.calibrator.kind != "isotonic":
            return self.calibrator.probabilities(scores)
        other_season = self.season_offset(frame) - self.calibrated_at
        said = self.calibrator.probabilities(scores - other_season)
        return np.clip(sigmoid(np.log(said / (1 - said)) + other_season), SAFE, 1 - SAFE)

    def probabilities(self, frame: pl.DataFrame, *, model: str, threads: int) -> Floats:
        """Calibrated probabilities, shape (rows,)."""
        return self.calibrated(self.log_odds(frame, model=model, threads=threads), frame)

    def season_offset(self, frame: pl.DataFrame) -> Floats:
        """Log-odds the season adds, shape (rows,)."""
        return self.season_weight * self.season.column(frame["snapshot_date"], horizon_days=self.horizon_days)

    @property
    def weights(self) -> Floats:
        """The shares as an array, in the order of `members`."""
        return np.array([self.shares.trees, self.shares.smooth, self.shares.purchases])

    def contributions(self, frame: pl.DataFrame, *, model: str, threads: int) -> Floats:
        """What each feature adds to the uncalibrated log-odds, shape (rows, features)."""
        parts = np.zeros((frame.height, len(self.encoder.features)))
        if self.smooth is not None:
            matrix = self.encoder.matrix(frame, model=model)
            parts += self.shares.trees * boosting.contributions(self.trees, matrix, threads=threads)
            parts += self.shares.smooth * self.smooth.contributions(matrix)
        if self.purchases is not None:
            for name, added in self.purchases.contributions(frame).items():
                parts[:, self.encoder.features.index(name)] += self.shares.purchases * added
        return parts

    def files(self, prefix: str) -> dict[str, bytes]:
        """As files of a bundle: `<prefix>.json`, and `<prefix>_trees.txt` where there are trees."""
        content = {
            "encoder": self.encoder.described(),
            "smooth": self.smooth.described() if self.smooth else None,
            "purchases": self.purchases.described() if self.purchases else None,
            "shares": {"trees": self.shares.trees, "smooth": self.shares.smooth, "purchases": self.shares.purchases},
            "season": self.season.described(),
            "season_weight": self.season_weight,
            "level": self.level,
            "horizon_days": self.horizon_days,
            "calibrator": self.calibrator.described(),
            "calibrated_at": self.calibrated_at,
        }
        files = {f"{prefix}.json": json.dumps(content, sort_keys=True).encode()}
        return files | ({f"{prefix}_trees.txt": self.trees} if self.trees else {})


def propensity_from(files: dict[str, bytes], prefix: str) -> Propensity:
    """The inverse of `Propensity.files`."""
    content = json.loads(files[f"{prefix}.json"])
    smooth, purchases = content["smooth"], content["purchases"]
    return Propensity(
        encoder=encoder_from(content["encoder"]),
        trees=files.get(f"{prefix}_trees.txt", b""),
        smooth=smooth_from(smooth) if smooth else None,
        purchases=purchase_odds_from(purchases) if purchases else None,
        shares=Shares(**content["shares"]),
        season=season_from(content["season"]),
        season_weight=content["season_weight"],
        level=content["level"],
        horizon_days=content["horizon_days"],
        calibrator=calibrator_from(content["calibrator"]),
        calibrated_at=content["calibrated_at"],
    )

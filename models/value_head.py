"""The expected net spend over one horizon: a hurdle, anchored in the customer's own run rate.

    amount = factor · ( .7 · P(net spend > 0) · E[amount | > 0]  +  .3 · run rate · season · min(1, P / typical P) )

E[amount | > 0] = scale · exp(trees + offset), offset = ln(run rate + small) + season: boosted trees with a gamma mean
(log link), so the mean is modelled directly and needs no back-transform. They learn by how much customers depart from
their run rate, so the largest customers, whom trees alone would pull into the crowd, keep their size. Single outcomes
more than the 99.5 % quantile above their offset are capped in training, and the whole is rescaled to the total. Part
of the plain run rate is mixed in (equal information from two forecasts is better than from one; Bates and Granger
1969), but only as far as the customer is likely to come at all: one who has surely left is worth nothing, whatever
was spent last year. The factor holds totals on the calibration period, taken half way (square root): its own noise is
as large as what it corrects.

Belongs here: one horizon. Does not: the 12-month extension, baselines' verdicts (`value`).
"""

import json
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from models import boosting
from models.baselines import RunRate
from models.encoding import Floats, fit_encoder
from models.propensity import Propensity, Recipe, fit_propensity, propensity_from, refit_propensity
from models.season import Season

SPENT = "spent"
HURDLE = 0.7
CAP_QUANTILE = 0.995
MODEL = "value"


@dataclass(frozen=True, kw_only=True)
class ValueHead:
    """A fitted hurdle for one horizon.

    Attributes:
        propensity: P(net spend > 0).
        trees: ln(amount | > 0) - offset, LightGBM text.
        run_rate: the anchor.
        small: added to the run rate before the logarithm (minor units).
        scale: makes the training total right.
        typical_probability: the share of customers who spent, in training; the run rate counts in full from there on.
        season_share: the part of the purchases' season that P already carries.
        factor: makes the calibration total (half) right.
    """

    propensity: Propensity
    trees: bytes
    run_rate: RunRate
    small: float
    scale: float
    season_share: float
    typical_probability: float
    factor: float = 1.0

    @property
    def horizon_days(self) -> int:
        """The window asked about."""
        return self.propensity.horizon_days

    def amounts(self, frame: pl.DataFrame, *, threads: int) -> Floats:
        """Expected net amounts (minor units, at least 0), shape (rows,)."""
        probability = self.propensity.probabilities(frame, model=MODEL, threads=threads)
        hurdle = probability * self.amounts_if_any(frame, threads=threads)
        steady = self.run_rate.amounts(frame, horizon_days=self.horizon_days) * np.exp(self._season(frame, "amounts"))
        likely = np.minimum(1.0, probability / self.typical_probability)
        return self.factor * (HURDLE * hurdle + (1 - HURDLE) * steady * likely)

    def amounts_if_any(self, frame: pl.DataFrame, *, threads: int) -> Floats:
        """Expected net amount of those who spend at all (minor units), shape (rows,)."""
        matrix = self.propensity.encoder.matrix(frame, model=MODEL)
        raw = boosting.raw_scores(self.trees, matrix, threads=threads) + self.offset(frame)
        return self.scale * np.exp(np.clip(raw, -50, 50))

    def offset(self, frame: pl.DataFrame) -> Floats:
        """ln(run rate + small) and the season of amounts that P doesn't carry, shape (rows,)."""
        steady = self.run_rate.amounts(frame, horizon_days=self.horizon_days)
        season = self._season(frame, "amounts") - self.season_share * self._season(frame, "purchases")
        return np.log(steady + self.small) + season

    def files(self, prefix: str) -> dict[str, bytes]:
        """As files of a bundle."""
        content = {
            "spend_feature": self.run_rate.feature,
            "first_event": str(self.run_rate.first_event),
            "small": self.small,
            "scale": self.scale,
            "season_share": self.season_share,
            "typical_probability": self.typical_probability,
            "factor": self.factor,
        }
        return {
            **self.propensity.files(f"{prefix}_any"),
            f"{prefix}_amount_trees.txt": self.trees,
            f"{prefix}_amount.json": json.dumps(content, sort_keys=True).encode(),
        }

    def _season(self, frame: pl.DataFrame, of: str) -> Floats:
        if not self.propensity.season_weight:
            return np.zeros(frame.height)
        return self.propensity.season.column(frame["snapshot_date"], horizon_days=self.horizon_days, of=of)


def value_head_from(files: dict[str, bytes], prefix: str, run_rate: RunRate) -> ValueHead:
    """The inverse of `ValueHead.files`."""
    content = json.loads(files[f"{prefix}_amount.json"])
    return ValueHead(
        propensity=propensity_from(files, f"{prefix}_any"),
        trees=files[f"{prefix}_amount_trees.txt"],
        run_rate=run_rate,
        small=content["small"],
        scale=content["scale"],
        season_share=content["season_share"],
        typical_probability=content["typical_probability"],
        factor=content["factor"],
    )


def fit_value_head(
    train: pl.DataFrame,
    calibrate: pl.DataFrame | None,
    recipe: Recipe,
    *,
    season: Season,
    run_rate: RunRate,
    like: ValueHead | None = None,
) -> ValueHead:
    """Fit one horizon.

    Args:
        train: features, `snapshot_date`, `value_amount` and `spent` (0/1), rows in a stable order.
        calibrate: the same for a later period, or None.
        recipe: what to fit.
        season: as known on the first day the model is asked about.
        run_rate: the anchor.
        like: a graded head whose choices (season, calibration curve) are kept; None: choose.
    """
    recipe = replace(recipe, encoder=fit_encoder(train, recipe.encoder.features, model=MODEL))
    if like is None:
        propensity = fit_propensity(train, calibrate, SPENT, recipe, season)
    else:
        propensity = refit_propensity(like.propensity, train, calibrate, SPENT, recipe=recipe, season=season)
    spenders = train.filter(pl.col(SPENT) == 1)
    actual = spenders["value_amount"].to_numpy().astype(np.float64)
    typical = float(f"{spenders.height / train.height:.6g}")
    untrained = ValueHead(
        propensity=propensity,
        trees=b"",
        run_rate=run_rate,
        small=float(f"{0.05 * actual.mean():.6g}"),
        scale=1.0,
        season_share=float(f"{propensity.season_weight * (1 - typical):.6g}"),
        typical_probability=typical,
    )
    fitted = replace(untrained, trees=_amount_trees(spenders, actual, untrained, recipe))
    scale = actual.sum() / fitted.amounts_if_any(spenders, threads=recipe.threads).sum()
    fitted = replace(fitted, scale=float(f"{scale:.9g}"))
    if calibrate is None:
        return fitted
    predicted = fitted.amounts(calibrate, threads=recipe.threads).sum()
    ratio = max(float(calibrate["value_amount"].sum()), 0.0) / predicted
    return replace(fitted, factor=float(f"{min(max(ratio, 0.25), 4.0) ** 0.5:.9g}"))


def _amount_trees(spenders: pl.DataFrame, actual: Floats, head: ValueHead, recipe: Recipe) -> bytes:
    """Gamma trees on the spenders' amounts, capped relative to the offset."""
    offset = head.offset(spenders)
    departure = actual / np.exp(offset)
    capped = np.minimum(departure, np.quantile(departure, CAP_QUANTILE))
    return boosting.train_booster(
        recipe.encoder.matrix(spenders, model=MODEL),
        capped * np.exp(offset),
        encoder=recipe.encoder,
        objective="gamma",
        offset=offset,
        threads=recipe.threads,
        seed=recipe.seed,
    )

"""Purchase histories as the nightly features tell them, and the odds of a purchase that follow from them alone.

Belongs here: from features to the buy-till-you-die models and back. Does not: the models themselves, amounts of money.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from models.buy_till_you_die.beta_geometric import BetaGeometric, fit_beta_geometric
from models.buy_till_you_die.customer_facts import DAYS_A_WEEK
from models.buy_till_you_die.histories import histories
from models.learners.encoding import Floats

COUNT, FIRST, LAST = "purchase_day_count", "days_since_first_order", "days_since_last_order"
NEEDED = (COUNT, FIRST, LAST)
SAFE = 1e-6
DAYS_A_YEAR = 365


@dataclass(frozen=True, kw_only=True)
class PurchaseOdds:
    """ln odds of at least one purchase in a horizon, by a BG/NBD model.

    Attributes:
        model: fitted with weeks as unit.
        typical_silence_days: what contributions are counted from (median of the customers it was fitted on).
        mean_log_odds: over the same customers.
        horizon_days: the window asked about.
    """

    model: BetaGeometric
    typical_silence_days: float
    mean_log_odds: float
    horizon_days: int

    def log_odds(self, frame: pl.DataFrame) -> Floats:
        """Of customers by their features, shape (rows,)."""
        return self._of(*_histories(frame))

    def contributions(self, frame: pl.DataFrame) -> dict[str, Floats]:
        """Log-odds by feature: what the silence adds against the usual one, and what the purchases before it do."""
        repeats, last_age, age = _histories(frame)
        usual_silence = np.minimum(self.typical_silence_days / DAYS_A_WEEK, age)
        usual = self._of(repeats, np.where(repeats > 0, age - usual_silence, 0.0), age)
        return {LAST: self._of(repeats, last_age, age) - usual, COUNT: usual - self.mean_log_odds}

    def within_a_year(self, frame: pl.DataFrame) -> tuple[Floats, Floats]:
        """P(any purchase in 365 days), and by when half of those who make one have (days); shape (rows,) each."""
        repeats, last_age, age = _histories(frame)
        chance = self.model.probability_any(repeats, last_age, age, horizon=DAYS_A_YEAR / DAYS_A_WEEK)
        exponent = self.model.r + repeats
        scale = self.model.alpha + age
        comes = -np.expm1(-exponent * np.log1p(DAYS_A_YEAR / DAYS_A_WEEK / scale))  # of who is a customer still
        wait = scale * np.expm1(-np.log1p(-comes / 2) / exponent) * DAYS_A_WEEK
        return chance, wait

    def described(self) -> dict[str, Any]:
        """As JSON-able values."""
        return asdict(self)

    def _of(self, repeats: Floats, last_age: Floats, age: Floats) -> Floats:
        chance = self.model.probability_any(repeats, last_age, age, horizon=self.horizon_days / DAYS_A_WEEK)
        safe = np.clip(chance, SAFE, 1 - SAFE)
        odds: Floats = np.log(safe / (1 - safe))
        return odds


def purchase_odds_from(content: dict[str, Any]) -> PurchaseOdds:
    """The inverse of `PurchaseOdds.described`."""
    return PurchaseOdds(**content | {"model": BetaGeometric(**content["model"])})


def can_tell_histories(columns: Collection[str]) -> bool:
    """Whether the features that histories are read from are there."""
    return set(NEEDED) <= set(columns)


def fit_purchase_odds(frame: pl.DataFrame, *, horizon_days: int) -> PurchaseOdds:
    """Fit on the customers of one snapshot, a row a customer; no outcomes are needed."""
    seen = _histories(frame)
    blank = PurchaseOdds(
        model=fit_beta_geometric(histories(*seen)),
        typical_silence_days=float(np.median(frame[LAST].cast(pl.Float64).fill_null(0.0).to_numpy())),
        mean_log_odds=0.0,
        horizon_days=horizon_days,
    )
    mean = float(f"{blank.log_odds(frame).mean():.9g}")
    return PurchaseOdds(
        model=blank.model,
        typical_silence_days=blank.typical_silence_days,
        mean_log_odds=mean,
        horizon_days=horizon_days,
    )


def _histories(frame: pl.DataFrame) -> tuple[Floats, Floats, Floats]:
    """Repeats, age at the last purchase and age (weeks), shape (rows,) each; histories that can't be are mended."""
    days, first, last = (frame[name].cast(pl.Float64).fill_null(0.0).to_numpy() for name in NEEDED)
    repeats = np.maximum(days - 1, 0.0)
    age = np.maximum(first, 0.0) / DAYS_A_WEEK
    last_age = np.where(repeats > 0, np.clip(first - last, 0.0, None) / DAYS_A_WEEK, 0.0)
    return repeats, np.minimum(last_age, age), age

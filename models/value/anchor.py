"""What is expected of a customer before anything is learnt: the run rate, and buy-till-you-die models beside it.

Purchases follow a BG/NBD model, the amount of one a Gamma-Gamma model, both fitted on the company's own customers; the
anchor of an amount is the mean of their product and of the run rate: the one knows who has left and shrinks the few
purchases of new customers, the other keeps the size of the largest (Fader, Hardie and Lee 2005). Belongs here: these
expectations. Does not: what trees learn on top (`head`).
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from models.buy_till_you_die.beta_geometric import BetaGeometric, fit_beta_geometric
from models.buy_till_you_die.gamma_gamma import GammaGamma, fit_gamma_gamma
from models.buy_till_you_die.histories import histories
from models.errors import FeaturesMismatchError
from models.judging.baselines import RunRate
from models.learners.encoding import Floats
from models.snapshots.value_basis import MARGIN, MARGIN_SHARE, SPEND_FEATURES

DAYS_A_WEEK = 7.0
RUN_RATE_SHARE = 0.5
NEEDED = ("purchase_day_count", "days_since_first_order", "days_since_last_order", "net_amount_life")
"""Features the purchase models are made of."""


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """Expectations without learning.

    Attributes:
        run_rate: last year's spend carried on.
        purchases: of days with a purchase (weeks as unit); None where the features don't tell histories.
        amounts: of the net amount of such a day (minor units); None with `purchases`.
        run_rate_share: what the run rate counts beside them.
    """

    run_rate: RunRate
    purchases: BetaGeometric | None = None
    amounts: GammaGamma | None = None
    run_rate_share: float = RUN_RATE_SHARE

    @property
    def features(self) -> tuple[str, ...]:
        """The columns it looks at."""
        return (self.run_rate.feature, *(needed(self.run_rate) if self.purchases else ()))

    def orders(self, frame: pl.DataFrame, *, horizon_days: float) -> Floats:
        """Expected days with a purchase in the horizon, shape (rows,)."""
        if self.purchases is None:
            return np.full(frame.height, horizon_days / 365.0)
        return self.purchases.expected_purchases(*_statistics(frame), horizon=horizon_days / DAYS_A_WEEK)

    def amount_of_an_order(self, frame: pl.DataFrame) -> Floats:
        """Expected net amount of a day with a purchase (minor units), shape (rows,)."""
        if self.amounts is None:
            return self.run_rate.amounts(frame, horizon_days=365)
        count, mean = _means(frame, self.run_rate)
        return self.amounts.expected_amount(count, mean)

    def value(self, frame: pl.DataFrame, *, horizon_days: int) -> Floats:
        """Expected net amount in the horizon (minor units), shape (rows,)."""
        steady = self.run_rate.amounts(frame, horizon_days=horizon_days)
        if self.purchases is None:
            return steady
        parametric = self.orders(frame, horizon_days=horizon_days) * self.amount_of_an_order(frame)
        return self.run_rate_share * steady + (1 - self.run_rate_share) * parametric

    def columns(self, frame: pl.DataFrame, *, horizon_days: int) -> dict[str, Floats]:
        """The expectations as features to learn from."""
        if self.purchases is None:
            return {}
        return {
            "expected_orders": self.orders(frame, horizon_days=horizon_days),
            "expected_amount_of_an_order": self.amount_of_an_order(frame),
            "probability_alive": self.purchases.probability_alive(*_statistics(frame)),
        }

    def second_year_share(self, frame: pl.DataFrame) -> Floats:
        """Expected purchases of the second year from now over those of the first, shape (rows,), from 0 to 1.

        Where histories are not known, customers are taken to stay as they are.
        """
        if self.purchases is None:
            return np.ones(frame.height)
        first, both = (self.orders(frame, horizon_days=days) for days in (365, 730))
        return np.clip(both / np.maximum(first, 1e-12) - 1, 0.0, 1.0)

    def described(self) -> dict[str, Any]:
        """As JSON-able values."""
        return {
            "purchases": asdict(self.purchases) if self.purchases else None,
            "amounts": asdict(self.amounts) if self.amounts else None,
            "run_rate_share": self.run_rate_share,
        }


def anchor_from(content: dict[str, Any], run_rate: RunRate) -> Anchor:
    """The inverse of `Anchor.described`."""
    purchases, amounts = content["purchases"], content["amounts"]
    return Anchor(
        run_rate=run_rate,
        purchases=BetaGeometric(**purchases) if purchases else None,
        amounts=GammaGamma(**amounts) if amounts else None,
        run_rate_share=content.get("run_rate_share", RUN_RATE_SHARE),
    )


def fit_anchor(frame: pl.DataFrame, run_rate: RunRate) -> Anchor:
    """Fit the purchase models on the customers of one snapshot (the latest known); a row a customer."""
    if not set(needed(run_rate)) <= set(frame.columns) or frame.is_empty():
        return Anchor(run_rate=run_rate)
    count, mean = _means(frame, run_rate)
    return Anchor(
        run_rate=run_rate,
        purchases=fit_beta_geometric(histories(*_statistics(frame))),
        amounts=fit_gamma_gamma(count, mean),
    )


def _statistics(frame: pl.DataFrame) -> tuple[Floats, Floats, Floats]:
    """Repeats, age at the last purchase and age (weeks), shape (rows,) each; histories that can't be are mended.

    Raises:
        FeaturesMismatchError: the frame lacks what histories are made of.
    """
    missing = [name for name in NEEDED if name not in frame.columns]
    if missing:
        raise FeaturesMismatchError(model="value", missing=missing, retyped=[], there=frame.columns)
    days, first, last = (frame[name].cast(pl.Float64).fill_null(0.0).to_numpy() for name in NEEDED[:3])
    repeats = np.maximum(days - 1, 0.0)
    age = np.maximum(first, 0.0) / DAYS_A_WEEK
    last_age = np.where(repeats > 0, np.clip(first - last, 0.0, None) / DAYS_A_WEEK, 0.0)
    return repeats, np.minimum(last_age, age), age


def needed(run_rate: RunRate) -> tuple[str, ...]:
    """Features the purchase models are made of: of margins, the customer's margin share too."""
    return (*NEEDED, MARGIN_SHARE) if run_rate.feature == SPEND_FEATURES[MARGIN] else NEEDED


def _means(frame: pl.DataFrame, run_rate: RunRate) -> tuple[Floats, Floats]:
    """Days with a purchase (at least 1) and their mean net amount or margin (at least one minor unit)."""
    count = np.maximum(frame["purchase_day_count"].cast(pl.Float64).fill_null(1.0).to_numpy(), 1.0)
    total = frame["net_amount_life"].cast(pl.Float64).fill_null(0.0).to_numpy()
    if MARGIN_SHARE in needed(run_rate):
        total = total * frame[MARGIN_SHARE].cast(pl.Float64).fill_null(0.0).to_numpy()
    return count, np.maximum(total / count, 1.0)

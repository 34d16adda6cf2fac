"""What anybody would do without a model: the recency rule for churn, the run rate for value.

Both are graded beside the models on the same rows, and stand in for a model that does not beat them. Belongs here:
fitting and asking them. Does not: grading.
"""

import json
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from models.errors import FeaturesMismatchError
from models.judging.calibration import SAFE, sigmoid
from models.learners.encoding import Floats
from models.learners.logistic import fit_logistic

DAYS_A_YEAR = 365


@dataclass(frozen=True, kw_only=True)
class RecencyRule:
    """log-odds of churn = a + b · ln(1 + days) + c · days / 100, with the days since the last purchase.

    Attributes:
        feature: the column with those days.
        values: a, b, c.
        mean_log_odds: over the customers it was fitted on, what contributions are counted from.
    """

    feature: str
    values: tuple[float, float, float]
    mean_log_odds: float

    def log_odds(self, frame: pl.DataFrame) -> Floats:
        """Log-odds of churn, shape (rows,).

        Raises:
            FeaturesMismatchError: the frame lacks the feature.
        """
        scores: Floats = _recency_design(frame, self.feature) @ np.array(self.values)
        return scores

    def probabilities(self, frame: pl.DataFrame) -> Floats:
        """Probabilities of churn, shape (rows,)."""
        return np.clip(sigmoid(self.log_odds(frame)), SAFE, 1 - SAFE)

    def file(self) -> bytes:
        """As JSON."""
        content = {"feature": self.feature, "values": list(self.values), "mean_log_odds": self.mean_log_odds}
        return json.dumps(content, sort_keys=True).encode()


def recency_rule_from(content: bytes) -> RecencyRule:
    """The inverse of `RecencyRule.file`."""
    parsed = json.loads(content)
    return RecencyRule(feature=parsed["feature"], values=tuple(parsed["values"]), mean_log_odds=parsed["mean_log_odds"])


def fit_recency_rule(frame: pl.DataFrame, *, feature: str, churned: Floats) -> RecencyRule:
    """Fit on customers whose outcome is known (churned: 0 or 1, shape (rows,))."""
    design = _recency_design(frame, feature)
    values = fit_logistic(design, churned, penalty=np.full(3, 1e-3), start=np.zeros(3))
    plain = [float(f"{value:.9g}") for value in values]
    mean = float(f"{(design @ values).mean():.9g}")
    return RecencyRule(feature=feature, values=(plain[0], plain[1], plain[2]), mean_log_odds=mean)


@dataclass(frozen=True, kw_only=True)
class RunRate:
    """What a customer spent in the last 365 days, carried on at the same pace; never below 0.

    Where the company's data reach back less than 365 days before a snapshot, the pace is taken over the days there
    are. A customer who is younger than that is not treated so: that would declare everybody's first order a habit.

    Attributes:
        feature: the column with the net amount of the last 365 days (minor units).
        first_event: the first business date with orders.
    """

    feature: str
    first_event: date

    def amounts(self, frame: pl.DataFrame, *, horizon_days: int) -> Floats:
        """Expected net amount in the horizon (minor units), shape (rows,).

        Raises:
            FeaturesMismatchError: the frame lacks the feature.
        """
        if self.feature not in frame.columns:
            raise FeaturesMismatchError(model="value", missing=[self.feature], retyped=[], there=frame.columns)
        observed = (frame["snapshot_date"] - self.first_event).dt.total_days().clip(1, DAYS_A_YEAR)
        spent = frame[self.feature].cast(pl.Float64).fill_null(0.0).clip(0.0)
        return (spent * horizon_days / observed).to_numpy()


def _recency_design(frame: pl.DataFrame, feature: str) -> Floats:
    if feature not in frame.columns:
        raise FeaturesMismatchError(model="churn", missing=[feature], retyped=[], there=frame.columns)
    days = frame[feature].cast(pl.Float64).fill_null(float(DAYS_A_YEAR)).clip(0.0).to_numpy()
    return np.column_stack([np.ones(len(days)), np.log1p(days), days / 100])

"""How busy a coming window usually is, against an average one: the company's season, read from its own months.

Churn and spending swing with the season, but a dozen monthly snapshots can't teach a tree what October is like. So the
season comes from the last twelve months and enters the models as an offset. Months are compared by indirect
standardisation (observed purchases over those expected if every band of recency and frequency had bought at its average
pace), so that a growing, ageing or dwindling stock of customers is not mistaken for a season. Customers who bought long
ago count too, for they swing the most; but only as far back as the history before the first of the months reaches, else
later months would know customers that earlier ones could not.
Belongs here: the index. Does not: how much it weighs in a model (`propensity`, `value.head`).
"""

import math
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from models.learners.encoding import Floats
from models.snapshots.labels import ACTIVITY_MEMORY_DAYS, RECENCY_BANDS
from models.snapshots.splits import months_before

MONTHS = 12
DAYS_A_YEAR = 365
MINIMUM_PURCHASES = 50  # expected in every month, below which its index would be noise
LIMIT = 3.0  # no month is taken to be more than this much above or below the average
WARM_UP_DAYS = 180  # before the first month: the first customers seen are the most loyal, not the most in season
BANDS = ["recency_band", "frequency_band"]


@dataclass(frozen=True, kw_only=True)
class Season:
    """Twelve months against their average.

    Attributes:
        known_at: the first day that was not known; the months are the twelve before it, from the same day of the month.
        purchases: purchases of each month over those expected, oldest first; empty when unknown (then flat).
        baskets: amounts a purchase over the customers' usual ones.
    """

    known_at: date
    purchases: tuple[float, ...] = ()
    baskets: tuple[float, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether the history was long enough to tell seasons."""
        return bool(self.purchases)

    def log_index(self, snapshot: date, *, horizon_days: int, of: str = "purchases") -> float:
        """ln(activity in [snapshot, snapshot + horizon) / an average window), 0 when unknown.

        Args:
            snapshot: first day of the window, before or after `known_at`: only its place in the year counts.
            horizon_days: its length; a year and more have no season.
            of: `purchases`, or `amounts` (purchases and baskets).
        """
        if not self.is_known or horizon_days >= DAYS_A_YEAR:
            return 0.0
        starts = [months_before(self.known_at, back) for back in range(MONTHS, 0, -1)]
        first_days = np.array([(start - starts[0]).days for start in starts])
        month_of_day = np.searchsorted(first_days, np.arange(DAYS_A_YEAR), side="right") - 1
        window = ((snapshot - starts[0]).days + np.arange(horizon_days)) % DAYS_A_YEAR
        month = np.array(self.purchases)
        if of == "amounts":
            month = month * np.array(self.baskets)
        by_day = month[month_of_day]
        return math.log(float(by_day[window].mean() / by_day.mean()))

    def column(self, snapshots: pl.Series, *, horizon_days: int, of: str = "purchases") -> Floats:
        """`log_index` for a column of dates: Float64 array of the same length."""
        days: list[date] = snapshots.unique().to_list()
        index = {day: self.log_index(day, horizon_days=horizon_days, of=of) for day in days}
        return snapshots.replace_strict(index, return_dtype=pl.Float64).to_numpy()

    def described(self) -> dict[str, Any]:
        """The season as JSON-able values."""
        return {"known_at": str(self.known_at), "purchases": list(self.purchases), "baskets": list(self.baskets)}


def season_from(content: dict[str, Any]) -> Season:
    """The inverse of `Season.described`."""
    return Season(
        known_at=date.fromisoformat(content["known_at"]),
        purchases=tuple(content["purchases"]),
        baskets=tuple(content["baskets"]),
    )


def read_season(activity: pl.DataFrame, *, first_event: date, known_at: date) -> Season:
    """Read the season from the twelve months before `known_at`.

    It is unknown, and flat, when the first of these months has not 180 days of history behind it, or one has too few
    customers at risk.

    Args:
        activity: see `labels.monthly_activity`, of this date or of a later one whole months on.
        first_event: the first business date with orders.
        known_at: the first day that must not be looked at.
    """
    months = [months_before(known_at, back) for back in range(MONTHS, 0, -1)]
    history_days = (months[0] - first_event).days
    oldest_band = sum(edge <= history_days for edge in RECENCY_BANDS) - (history_days < ACTIVITY_MEMORY_DAYS)
    year = activity.filter(pl.col("month_start").is_in(months) & (pl.col("recency_band") <= oldest_band))
    if history_days < WARM_UP_DAYS or year["month_start"].n_unique() < MONTHS:
        return Season(known_at=known_at)
    pace = pl.col("purchase_count").sum().over(BANDS) / pl.col("customer_count").sum().over(BANDS)
    by_month = (
        year.sort("month_start", *BANDS)
        .with_columns((pace * pl.col("customer_count")).alias("expected"))
        .group_by("month_start", maintain_order=True)
        .agg(pl.col("purchase_count", "expected", "basket_log_millionths").sum())
    )
    expected, bought = (by_month[name].cast(pl.Float64).to_numpy() for name in ("expected", "purchase_count"))
    if min(expected.min(), bought.min()) < MINIMUM_PURCHASES:
        return Season(known_at=known_at)
    baskets = np.exp(by_month["basket_log_millionths"].to_numpy() / 1e6 / bought)
    return Season(known_at=known_at, purchases=_limited(bought / expected), baskets=_limited(baskets / baskets.mean()))


def _limited(index: Floats) -> tuple[float, ...]:
    return tuple(float(f"{value:.6g}") for value in np.clip(index, 1 / LIMIT, LIMIT))

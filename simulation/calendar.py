"""The shop's time: days since the start, the seasons and weekdays of buying, sale weeks, local time to UTC.

Belongs here: what every customer shares about time. Does not: when one customer buys (`order_times.py`).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from simulation.randomness import Flags, Floats, Ints

FORWARD_DAYS = 366
"""Days beyond the end for which demand is known, so that the truth can state expectations."""

SEASON_PEAKS = (0.2, 0.9, 4.0)
"""Height of the year-end peak over an ordinary day: even buyers, typical buyers, gift buyers."""

WEEKDAY_FACTORS = (
    (1.2, 1.2, 1.2, 1.2, 1.1, 0.6, 0.4),  # buys in the working week, Monday first
    (0.8, 0.8, 0.8, 0.9, 1.1, 1.6, 1.3),  # buys at the weekend
)

SALE_PERIODS = (((1, 2), (1, 20)), ((7, 5), (7, 16)), ((11, 22), (12, 1)))
"""Sale weeks as (month, day) from and to, both included."""


@dataclass(frozen=True)
class Calendar:
    """Days are counted from `start` (day 0); `end` is excluded and is day `day_count`."""

    start: date
    end: date
    time_zone: str

    @property
    def day_count(self) -> int:
        """Days that are simulated."""
        return (self.end - self.start).days

    def dates(self) -> list[date]:
        """The dates simulated and the `FORWARD_DAYS` after them."""
        return [self.start + timedelta(days=day) for day in range(self.day_count + FORWARD_DAYS)]

    def cumulative_demand(self, season: int, weekday: int) -> Floats:
        """Buying time used up before each day, in years of even buying; shape (day_count + FORWARD_DAYS + 1,).

        Between two days a customer who buys r times a year is expected to buy r times the difference of their entries.
        """
        dates = self.dates()
        day_of_year = np.asarray([day.timetuple().tm_yday for day in dates], dtype=np.float64)
        peak = np.exp(-(((day_of_year - 340.0) / 14.0) ** 2))  # centred on 6 December
        summer_dip = 0.15 * np.exp(-(((day_of_year - 215.0) / 25.0) ** 2))
        weekdays = np.asarray([WEEKDAY_FACTORS[weekday][day.weekday()] for day in dates])
        demand = (1.0 + SEASON_PEAKS[season] * peak - summer_dip) * weekdays
        per_day = demand / demand[:365].mean() / 365.25
        return np.concatenate([[0.0], np.cumsum(per_day)])

    def sale_days(self) -> Flags:
        """Whether a sale is on, for every day of `dates`."""
        on_sale = [any(first <= (day.month, day.day) <= last for first, last in SALE_PERIODS) for day in self.dates()]
        return np.asarray(on_sale, dtype=np.bool_)

    def instants(self, day: Ints, second: Ints) -> pl.Series:
        """UTC instants of local days and seconds of the day. Callers keep to 05:00 to 23:59, where no clock jumps."""
        microseconds = (day * 86_400 + second) * 1_000_000
        origin = datetime.combine(self.start, datetime.min.time())
        offsets = pl.Series(microseconds, dtype=pl.Duration("us"))
        local = pl.select(pl.lit(origin, dtype=pl.Datetime("us")) + offsets).to_series()
        return local.dt.replace_time_zone(self.time_zone, ambiguous="earliest").dt.convert_time_zone("UTC")

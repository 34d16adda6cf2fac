"""Snapshot dates as the engine sees them: sorted, numbered, with their instants and their place in the year.

Belongs here: everything that depends on the dates alone. Does not: anything about customers.
"""

import calendar
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce

import polars as pl

from data_contracts.orders import snapshot_instant
from features.errors import NoSnapshotsError

INSTANT = pl.Datetime("us", "UTC")
SEASON_DECIMALS = 12


@dataclass(frozen=True, kw_only=True)
class Snapshots:
    """Distinct business dates in order; a snapshot's number is its place in it.

    Attributes:
        dates: the business dates, ascending.
        instants: the first instant (UTC) of each date.
        time_zone: the company's time zone (IANA name).
    """

    dates: tuple[date, ...]
    instants: tuple[datetime, ...]
    time_zone: str

    def __len__(self) -> int:
        return len(self.dates)

    def first_that_counts(self, *moments: str) -> pl.Expr:
        """Number of the first snapshot for which a row counts: all its moments lie strictly before the instant.

        Equals `len(self)` when the row counts for none; null when a moment is null.
        """
        latest = pl.max_horizontal(*moments)
        known = pl.all_horizontal(pl.col(moment).is_not_null() for moment in moments)
        passed = [(latest >= pl.lit(instant, dtype=INSTANT)).cast(pl.UInt16) for instant in self.instants]
        return pl.when(known).then(reduce(pl.Expr.add, passed))

    def business_date(self, moment: pl.Expr) -> pl.Expr:
        """The date (in the company's time zone) of an instant."""
        return moment.dt.convert_time_zone(self.time_zone).dt.date()

    def table(self) -> pl.LazyFrame:
        """One row a snapshot: `snapshot` (UInt16, its number), `snapshot_date`, `season_sine`, `season_cosine`."""
        angles = [2 * math.pi * _share_of_year_gone(day) for day in self.dates]
        return pl.LazyFrame(
            {
                "snapshot": range(len(self)),
                "snapshot_date": self.dates,
                "season_sine": [round(math.sin(angle), SEASON_DECIMALS) for angle in angles],
                "season_cosine": [round(math.cos(angle), SEASON_DECIMALS) for angle in angles],
            },
            schema={
                "snapshot": pl.UInt16,
                "snapshot_date": pl.Date,
                "season_sine": pl.Float64,
                "season_cosine": pl.Float64,
            },
        )


def snapshots_of(dates: Sequence[date], *, time_zone: str) -> Snapshots:
    """Number the snapshots; a date given twice counts once.

    Raises:
        NoSnapshotsError: there are none.
    """
    if not dates:
        raise NoSnapshotsError
    distinct = tuple(sorted(set(dates)))
    instants = tuple(snapshot_instant(day, time_zone=time_zone) for day in distinct)
    return Snapshots(dates=distinct, instants=instants, time_zone=time_zone)


def _share_of_year_gone(day: date) -> float:
    days_in_year = 366 if calendar.isleap(day.year) else 365
    return (day.timetuple().tm_yday - 1) / days_in_year

"""Snapshot dates as the engine sees them: sorted, numbered, with their instants and their place in the year.

Belongs here: everything that depends on the dates alone, and which rows of a table count for a date. Does not: anything
about customers.
"""

import calendar
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from data_contracts.orders import current_at, snapshot_instant
from features.errors import NoSnapshotsError

INSTANT = pl.Datetime("us", "UTC")
SEASON_DECIMALS = 12
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One business date.

    Attributes:
        number: its place among the snapshots asked for.
        day: the date.
        instant: its first instant (UTC).
        time_zone: the company's time zone (IANA name).
    """

    number: int
    day: date
    instant: datetime
    time_zone: str

    def known(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """The version of each row that was current then: known before the instant, and not superseded before it.

        A table without `superseded_at` has one version of each row.
        """
        return current_at(frame, self.instant)

    def business_date(self, moment: pl.Expr) -> pl.Expr:
        """The date (in the company's time zone) of an instant."""
        return moment.dt.convert_time_zone(self.time_zone).dt.date()

    def days_since(self, day: pl.Expr) -> pl.Expr:
        """Whole days (Int64) from a business date to the snapshot: 1 is the day before; null where that is null."""
        return (pl.lit(self.day) - day).dt.total_days()

    def past(self, day: pl.Expr) -> pl.Expr:
        """A business date where it lies before the snapshot, else null: what is to come is not known yet."""
        return pl.when(day < self.day).then(day)


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

    def __iter__(self) -> Iterator[Snapshot]:
        for number, (day, instant) in enumerate(zip(self.dates, self.instants, strict=True)):
            yield Snapshot(number=number, day=day, instant=instant, time_zone=self.time_zone)

    @property
    def day_numbers(self) -> list[int]:
        """The dates as days since 1970."""
        return [(day - EPOCH).days for day in self.dates]

    @property
    def microseconds(self) -> list[int]:
        """The instants as microseconds since 1970."""
        return [int(instant.timestamp()) * 1_000_000 for instant in self.instants]

    def table(self) -> pl.DataFrame:
        """One row a snapshot: `snapshot` (UInt16, its number), `snapshot_date`, `season_sine`, `season_cosine`."""
        angles = [2 * math.pi * _share_of_year_gone(day) for day in self.dates]
        return pl.DataFrame(
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

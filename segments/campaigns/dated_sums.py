"""Sums of customers' days between any two dates, many at once and exact.

Belongs here: prefix sums over (customer, day). Does not: what is summed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
_BITS = 20  # of a day's number, days since 1970


@dataclass(frozen=True, kw_only=True)
class DatedSums:
    """Amounts by customer and day, summed from the first row on.

    Attributes:
        keys: customer and day in one number, sorted; shape (rows,).
        totals: by name, sums of all rows before each row, shape (rows + 1,).
    """

    keys: Ints
    totals: Mapping[str, Ints]

    @classmethod
    def of(cls, rows: pl.DataFrame) -> "DatedSums":
        """Of rows with `customer` (a number from 0 on), `day` (Date), and Int64 columns, in any order."""
        day = pl.col("day").to_physical().cast(pl.Int64).clip(lower_bound=0)
        key = pl.col("customer").cast(pl.Int64) * 2**_BITS + day
        ordered = rows.select(key.alias("key"), pl.exclude("customer", "day")).sort("key")
        totals = {
            name: np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(ordered[name].to_numpy())])
            for name in ordered.columns[1:]
        }
        return cls(keys=ordered["key"].to_numpy(), totals=totals)

    def edge(self, customer: Ints, day: Ints) -> Ints:
        """For each pair, how many rows come before that customer's day."""
        return np.searchsorted(self.keys, (customer << _BITS) | np.maximum(day, 0))

    def between(self, name: str, start: Ints, end: Ints) -> Ints:
        """Sums from one edge up to another, which is no part of it; both of the same customers."""
        return self.totals[name][end] - self.totals[name][start]

    def last_day_before(self, customer: Ints, edge: Ints) -> Ints:
        """The customer's last day before the edge; -1: none."""
        if not len(self.keys):
            return np.full(len(customer), -1, dtype=np.int64)
        before = self.keys[np.maximum(edge - 1, 0)]
        own = (edge > 0) & (before >> _BITS == customer)
        return np.where(own, before & ((1 << _BITS) - 1), -1)

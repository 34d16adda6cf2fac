"""How much a whole company's customers bring in a coming window, over what is usual for customers like them.

A model of customers says who brings how much more than whom; how busy the window is has to come from elsewhere: a dozen
overlapping windows can't teach a tree what October is like. So every past window's level is measured (what came over
what was said without it), and the coming one's is read from them: the same window a year before, moved by how this year
departs from last year, as far as levels have been seen to repeat; and for the rest, or where no year lies behind, half
the latest windows and half all of them. Belongs here: levels. Does not: models of customers.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from models.learners.encoding import Floats

DAYS_A_YEAR = 365
SAME_WINDOW_DAYS = 16  # a window a year before may begin so many days off
WARM_UP_DAYS = 180
LATEST = 3  # windows that count as the latest
TREND = 0.5  # the share of this year's departure from last year's that is carried on
SURE_AFTER = 6.0  # windows with a year before them, after which evidence counts as much as the plain belief
BELIEF = 0.9  # in last year's window, before there is evidence: most trades have seasons
NOISE = 0.0025  # variance of a log level (5 %) that no forecast can go below
FARTHEST = 1.6  # log: a level is held within a factor 5 of the mean of all


@dataclass(frozen=True, kw_only=True)
class Levels:
    """Levels of past windows of one length.

    Attributes:
        horizon_days: length of the windows.
        by_day: first day of a window → its level, above 0.
        steady_from: windows that begin earlier are not held against those of a year later: a company's first months on
            record know only its most loyal customers, and little of them.
    """

    horizon_days: int
    by_day: Mapping[date, float]
    steady_from: date = date.min

    def expected(self, day: date) -> float:
        """The level to expect of the window that begins on `day`; 1 where there are no past windows.

        Only windows that had ended by `day` are looked at.
        """
        seen = self._ended_by(day)
        if not seen:
            return 1.0
        usual = float(np.mean(list(seen.values())))
        latest = _latest(seen)
        year_before = self._year_before(day, seen)
        if year_before is None:
            return math.exp((latest + usual) / 2)
        weight = self._trust_in_last_year(seen)
        said = weight * (year_before + TREND * self._departure(seen)) + (1 - weight) * (latest + usual) / 2
        return math.exp(min(max(said, usual - FARTHEST), usual + FARTHEST))

    def usual_over_expected(self, day: date) -> float:
        """The geometric mean of all levels that had ended by a day over the one expected; 1 where there are none."""
        seen = self._ended_by(day)
        return math.exp(float(np.mean(list(seen.values())))) / self.expected(day) if seen else 1.0

    def column(self, snapshots: pl.Series) -> Floats:
        """`expected` for a column of dates: Float64 array of the same length."""
        levels = {day: self.expected(day) for day in snapshots.unique().to_list()}
        return snapshots.replace_strict(levels, return_dtype=pl.Float64).to_numpy()

    def described(self) -> dict[str, Any]:
        """As JSON-able values; the length of the windows is the head's."""
        by_day = {str(day): self.by_day[day] for day in sorted(self.by_day)}
        return {"by_day": by_day, "steady_from": str(self.steady_from)}

    def _ended_by(self, day: date) -> dict[date, float]:
        """Logarithms of the levels known on a day, ascending."""
        ended = day - timedelta(days=self.horizon_days)
        return {start: math.log(self.by_day[start]) for start in sorted(self.by_day) if start <= ended}

    def _year_before(self, day: date, seen: Mapping[date, float]) -> float | None:
        """The mean of the windows that begin about a year before, nearer ones counting more."""
        if self.horizon_days >= DAYS_A_YEAR:
            return None
        wanted = day - timedelta(days=DAYS_A_YEAR)
        near = {start: abs((start - wanted).days) for start in seen if self._is_like(start, wanted)}
        if not near:
            return None
        weights = [1 / (1 + days) for days in near.values()]
        return float(np.average([seen[start] for start in near], weights=weights))

    def _is_like(self, start: date, wanted: date) -> bool:
        return start >= self.steady_from and abs((start - wanted).days) <= SAME_WINDOW_DAYS

    def _departure(self, seen: Mapping[date, float]) -> float:
        """By how much the latest windows departed from their year before; 0 where that is not known."""
        departures = [
            level - before for start, level in seen.items() if (before := self._year_before(start, seen)) is not None
        ]
        return float(np.mean(departures[-LATEST:])) if departures else 0.0

    def _trust_in_last_year(self, seen: Mapping[date, float]) -> float:
        """The weight of last year's window against the usual: how far levels repeat, of how far they swing at all."""
        missed = [
            (level - before - TREND * self._departure(self._ended_by(start))) ** 2
            for start, level in seen.items()
            if (before := self._year_before(start, seen)) is not None
        ]
        if not missed:
            return BELIEF
        swing, unlike = float(np.var(list(seen.values()))), float(np.mean(missed))
        shown = (swing + NOISE) / (swing + unlike + 2 * NOISE)
        evidence = len(missed) / (len(missed) + SURE_AFTER)
        return evidence * shown + (1 - evidence) * BELIEF


def measured_levels(days: pl.Series, actual: Floats, said: Floats, *, horizon_days: int, first_event: date) -> Levels:
    """The level of each snapshot's window: the actual total over the one that was said without a level.

    Args:
        days: first day of the window, a row a customer.
        actual: what came, shape (rows,).
        said: what was said, shape (rows,).
        horizon_days: length of the windows.
        first_event: the first business date with orders.
    """
    by_day = {}
    for day in days.unique().sort().to_list():
        here = (days == day).to_numpy()
        ratio = max(float(actual[here].sum()), 0.0) / max(float(said[here].sum()), 1e-9)
        by_day[day] = float(f"{min(max(ratio, 1e-3), 1e3):.9g}")
    steady_from = first_event + timedelta(days=WARM_UP_DAYS)
    return Levels(horizon_days=horizon_days, by_day=by_day, steady_from=steady_from)


def levels_from(content: Mapping[str, Any], *, horizon_days: int) -> Levels:
    """The inverse of `Levels.described`."""
    by_day = {date.fromisoformat(day): level for day, level in content["by_day"].items()}
    return Levels(horizon_days=horizon_days, by_day=by_day, steady_from=date.fromisoformat(content["steady_from"]))


def _latest(seen: Mapping[date, float]) -> float:
    return float(np.mean(list(seen.values())[-LATEST:]))

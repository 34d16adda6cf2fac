"""The measures that table rules are about: one number from a load's profile and those of earlier loads.

Belongs here: the numbers, and how they read. Does not: bounds and severity (`table_checking.py`), or profiles
themselves (`profiles.py`).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from data_contracts.closed_days import NEVER_CLOSED, ClosedDays
from data_contracts.missing_days import missing_days, new_days_against_usual, new_missing_days
from data_contracts.profiles import ColumnProfile, Profile
from data_contracts.rule_forms import Measure

LEAST_ROWS_OF_A_DISTRIBUTION = 100
LEAST_SHARE_OF_A_BIN = 1e-4
LEAST_ROWS_OF_NEW_DAYS = 100
_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A measure of a load: its value and the value in words; a value of None could not be had, `got` says why."""

    value: float | None
    got: str


@dataclass(frozen=True, kw_only=True)
class Loads:
    """A load beside earlier ones of the same table.

    Attributes:
        current: this load.
        earlier: the last loads, newest first, as many as the rules look back to.
        column: the column to be measured, where the measure is about one.
        accepted_before: the rule was broken at the last load, and accepted.
        closed_days: days without business.
        as_of: the date that the load is made for, where that is not its own.
    """

    current: Profile
    earlier: Sequence[Profile]
    column: str = ""
    accepted_before: bool = False
    closed_days: ClosedDays = NEVER_CLOSED
    as_of: date | None = None

    @property
    def own(self) -> ColumnProfile:
        """The column in this load."""
        return self.current.columns[self.column]

    def before(self) -> list[tuple[Profile, ColumnProfile]]:
        """Earlier loads that had the column."""
        return [(each, each.columns[self.column]) for each in self.earlier if self.column in each.columns]


NO_EARLIER = Measured(value=None, got="no earlier load to compare with")
NO_ROWS = Measured(value=None, got="no rows")


def measured(measure: Measure, loads: Loads) -> Measured:
    """The measure of a load."""
    return _MEASURES[measure](loads)


def population_stability_index(expected: Sequence[int], actual: Sequence[int]) -> float:
    """How far two histograms over the same bins lie apart: the sum of (a - e) ln(a / e) over the bins' shares.

    0 is the same, 0.1 a small and 0.25 a large shift (Siddiqi, Credit Risk Scorecards, 2006). Empty bins count as a
    share of 0.0001.

    Raises:
        ValueError: the histograms have different numbers of bins.
    """
    floor = LEAST_SHARE_OF_A_BIN
    total_expected, total_actual = sum(expected), sum(actual)
    index = 0.0
    for e, a in zip(expected, actual, strict=True):
        share_expected, share_actual = max(e / total_expected, floor), max(a / total_actual, floor)
        index += (share_actual - share_expected) * math.log(share_actual / share_expected)
    return index


def _rows_ratio(loads: Loads) -> Measured:
    if not loads.earlier:
        return NO_EARLIER
    usual = median(each.rows for each in loads.earlier)
    if not usual:
        return Measured(value=None, got="earlier loads had no rows")
    ratio = loads.current.rows / usual
    times = f"{ratio:.2f} times the usual {usual:,.0f} (median of {_loads(len(loads.earlier))})"
    return Measured(value=ratio, got=f"{loads.current.rows:,} rows, {times}")


def _days_since_newest(loads: Loads) -> Measured:
    newest = loads.current.newest_day
    if newest is None:
        return NO_ROWS
    days = ((loads.as_of or loads.current.loaded_on) - newest).days
    since = "the load" if loads.as_of is None else f"{loads.as_of.isoformat()}, the date asked for"
    told = f"{abs(days):,} days {'after' if days < 0 else 'before'} {since}"
    return Measured(value=days, got=f"the newest is of {newest.isoformat()}, {told}")


def _null_share(loads: Loads) -> Measured:
    if not loads.current.rows:
        return NO_ROWS
    share = loads.own.nulls / loads.current.rows
    return Measured(value=share, got=f"{_percent(share)} of the rows have no {loads.column}")


def _null_share_rise(loads: Loads) -> Measured:
    shares = [column.nulls / profile.rows for profile, column in loads.before() if profile.rows]
    if not shares:
        return NO_EARLIER
    now = _null_share(loads)
    if now.value is None:
        return now
    usual = median(shares)
    return Measured(value=now.value - usual, got=f"{now.got}, before {_percent(usual)}")


def _new_category_share(loads: Loads) -> Measured:
    before = loads.before()
    if not before:
        return NO_EARLIER
    if loads.own.categories is None or any(column.categories is None for _, column in before):
        return Measured(value=None, got=f"{loads.column} has too many values to list")
    if not loads.current.rows:
        return NO_ROWS
    known = {value for _, column in before for value in column.categories or ()}
    new = {value: rows for value, rows in loads.own.categories.items() if value not in known}
    share = sum(new.values()) / loads.current.rows
    commonest = sorted(new, key=lambda value: (-new[value], value))
    named = f": {_listed([repr(value) for value in commonest])}" if new else ""
    return Measured(value=share, got=f"{_percent(share)} of the rows have a new value{named}")


def _distribution_shift(loads: Loads) -> Measured:
    comparable = [column.counts for _, column in loads.before() if column.edges == loads.own.edges and column.counts]
    if not comparable:
        return NO_EARLIER
    usual = [sum(counts) for counts in zip(*comparable, strict=True)]
    if min(sum(usual), sum(loads.own.counts)) < LEAST_ROWS_OF_A_DISTRIBUTION:
        return Measured(value=None, got=f"fewer than {LEAST_ROWS_OF_A_DISTRIBUTION} values")
    index = population_stability_index(usual, loads.own.counts)
    return Measured(value=index, got=f"population stability index {index:.3f}")


def _missing_days(loads: Loads) -> Measured:
    return _days(missing_days(loads.current, closed_days=loads.closed_days))


def _new_missing_days(loads: Loads) -> Measured:
    if not loads.earlier:
        return NO_EARLIER
    return _days(
        new_missing_days(
            loads.current,
            loads.earlier,
            loaded_on=loads.current.loaded_on,
            accepted_before=loads.accepted_before,
            closed_days=loads.closed_days,
        )
    )


def _new_days_ratio(loads: Loads) -> Measured:
    last = loads.earlier[0] if loads.earlier else None
    if last is None or last.newest_day is None:
        return NO_EARLIER
    found = new_days_against_usual(loads.current, last.newest_day, closed_days=loads.closed_days)
    if found is None:
        return Measured(value=None, got="no new days that could be held against the weeks before")
    rows, usual, days = found
    if usual < LEAST_ROWS_OF_NEW_DAYS:
        return Measured(value=None, got=f"usually fewer than {LEAST_ROWS_OF_NEW_DAYS} rows on such days")
    told = f"{rows:,} rows on {days} new day{'' if days == 1 else 's'}, usual on these weekdays {usual:,.0f}"
    return Measured(value=rows / usual, got=told)


def _days(days: Sequence[date]) -> Measured:
    listed = f": {_listed([day.strftime('%a %Y-%m-%d') for day in days])}" if days else ""
    return Measured(value=len(days), got=f"{len(days)} missing day{'' if len(days) == 1 else 's'}{listed}")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _loads(number: int) -> str:
    return "the last load" if number == 1 else f"the last {number} loads"


_MEASURES: Mapping[Measure, Callable[[Loads], Measured]] = {
    "rows_ratio": _rows_ratio,
    "days_since_newest": _days_since_newest,
    "null_share": _null_share,
    "null_share_rise": _null_share_rise,
    "new_category_share": _new_category_share,
    "distribution_shift": _distribution_shift,
    "missing_days": _missing_days,
    "new_missing_days": _new_missing_days,
    "new_days_ratio": _new_days_ratio,
}

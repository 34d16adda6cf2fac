"""Days with a purchase (visits) and the gaps between them.

Belongs here: the rhythm of purchase days, by customer and snapshot. Does not: sums over windows (`order_table`).

Purchases on one day are one visit, so gaps are whole days of at least 1 and don't depend on the order of ties. What
looks back (the gap before a visit) does not depend on the snapshot and is worked out once; medians and other ranks
don't add up, and go snapshot by snapshot over the visits before it.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from features import order_sums
from features.arrays import MISSING, Flags, Ints, carried_within, run_starts, run_sums, running_sum

if TYPE_CHECKING:
    from features.order_table import OrderTable

RECENT_GAPS = 3


class Visits:
    """The visits of an order table, sorted by view and day.

    Attributes:
        day: business day (days since 1970) of each visit.
        amount: what was bought for on it.
        first, end: by customer and snapshot, the first visit, and the one after the last before the snapshot.
        view: the view of each visit; `view_at` and `view_count` are those of `Views`.
        has_gap: whether it is not the first of its view.
        gap: days since the visit before; 0 for the first.
    """

    def __init__(self, table: "OrderTable") -> None:
        self._size = len(table.day)  # the table itself is not kept: it keeps this
        self._snapshot_days = np.array(table.snapshots.day_numbers)
        purchases = np.flatnonzero(table.is_purchase)
        view, day = table.view[purchases], table.day[purchases]
        starts = run_starts(view, day)
        self._rows = purchases[starts]
        self.day: Ints = day[starts]
        view = view[starts]
        self.amount = run_sums(table.net_amount[purchases], starts)
        self.has_gap: Flags = np.zeros(len(starts), dtype=bool)
        self.has_gap[1:] = view[1:] == view[:-1]
        self.gap: Ints = np.diff(self.day, prepend=0) * self.has_gap
        before = running_sum(self._marked(np.ones(len(starts), dtype=np.int64)))
        self.first, self.end = before[table.place(None)], before[table.place(0)]
        self.view, self.view_at, self.view_count = view, table.views.view_at, table.views.count

    def column(self, name: str) -> Ints:
        """A column of the order table: the visit's value at its first purchase, 0 elsewhere."""
        return self._marked(_COLUMNS[name](self))

    def facts(self, names: Sequence[str]) -> dict[str, Ints]:
        """Facts (see `FACTS`) by customer and snapshot; MISSING where there is nothing to tell."""
        found = {name: _LOOKED_UP[name](self) for name in names if name in _LOOKED_UP}
        ranked = {name: np.empty(len(self.end), dtype=np.int64) for name in names if name in _RANKED}
        each = len(self._snapshot_days)
        for number, day in enumerate(self._snapshot_days.tolist() if ranked else []):
            before = _Before(self, slice(number, None, each), day)
            for name, values in ranked.items():
                values[number::each] = _RANKED[name](before)
        return found | ranked

    @cached_property
    def sorted_gaps(self) -> "_Sorted":
        """The gaps, of visits that are not the first of their view."""
        rows = np.flatnonzero(self.has_gap)
        return _Sorted(self, rows, self.gap[rows])

    @cached_property
    def sorted_amounts(self) -> "_Sorted":
        """The visits' amounts."""
        return _Sorted(self, np.arange(len(self.day)), self.amount)

    def months(self) -> Flags:
        """Whether a visit is the first of a calendar month."""
        months = order_sums.month(self.day)
        first = ~self.has_gap
        first[1:] |= months[1:] != months[:-1]
        return first

    def last_age(self) -> Ints:
        """Days since the last visit."""
        return self._where(self._snapshot_day() - self._nth_last(self.day, 0), at_least=1)

    def first_age(self) -> Ints:
        """Days since the first visit."""
        last = len(self.day) - 1
        first = self.day[np.minimum(self.first, last)] if last >= 0 else self.end
        return self._where(self._snapshot_day() - first, at_least=1)

    def last_gap(self) -> Ints:
        """Gap before the last visit."""
        return self._where(self._nth_last(self.gap, 0), at_least=2)

    def last_amount(self) -> Ints:
        """Amount of the last visit."""
        return self._where(self._nth_last(self.amount, 0), at_least=1)

    def last_three_gaps(self) -> Ints:
        """Days over which the last three gaps lie."""
        span = self._nth_last(self.day, 0) - self._nth_last(self.day, RECENT_GAPS)
        return self._where(span, at_least=RECENT_GAPS + 1)

    def _marked(self, values: Ints | Flags) -> Ints:
        column = np.zeros(self._size, dtype=np.int64)
        column[self._rows] = values
        return column

    def _nth_last(self, values: Ints, back: int) -> Ints:
        """The value of the visit so many before the last; anything where there are not so many."""
        return values[np.maximum(self.end - 1 - back, 0)] if len(values) else self.end

    def _where(self, values: Ints, *, at_least: int) -> Ints:
        return np.where(self.end - self.first >= at_least, values, MISSING)

    def _snapshot_day(self) -> Ints:
        return np.tile(self._snapshot_days, len(self.end) // len(self._snapshot_days))


class _Sorted:
    """One value of each visit, sorted within each view once and for all snapshots.

    What counts for a snapshot is the beginning of a view; the sorted values of those visits are found by their places.
    """

    def __init__(self, visits: Visits, rows: Ints, values: Ints) -> None:
        view = visits.view[rows]
        self._lengths = np.bincount(view, minlength=visits.view_count)
        starts = np.cumsum(self._lengths) - self._lengths
        place = np.arange(len(rows)) - np.repeat(starts, self._lengths)
        self._values, self._place = carried_within(view, values, place)

    def before(self, counts: Ints) -> Ints:
        """The values of the first so many visits of each view, sorted within the view."""
        return self._values[self._place < np.repeat(counts, self._lengths)]


class _Before:
    """The visits before one snapshot: their gaps and amounts, sorted within each customer."""

    def __init__(self, visits: Visits, rows: slice, day: int) -> None:
        first, end = visits.first[rows], visits.end[rows]
        self._visits, self._views, self._count = visits, visits.view_at[rows], end - first
        self._gap_count = np.maximum(self._count - 1, 0)
        self._gaps = visits.sorted_gaps.before(self._by_view(self._gap_count))
        self._silence = day - visits.day[np.maximum(end - 1, 0)] if len(visits.day) else first

    @cached_property
    def _amounts(self) -> Ints:
        return self._visits.sorted_amounts.before(self._by_view(self._count))

    def gap(self, share: float) -> Ints:
        """Twice the quantile of the gaps."""
        return _twice_quantile(self._gaps, self._gap_count, share)

    def amount(self, share: float) -> Ints:
        """Twice the quantile of the visits' amounts."""
        return _twice_quantile(self._amounts, self._count, share)

    def gaps_outlasted(self) -> Ints:
        """How many gaps were at least as long as the silence now."""
        sums = running_sum(self._gaps >= np.repeat(self._silence, self._gap_count))
        ends = np.cumsum(self._gap_count)
        return np.where(self._gap_count > 0, sums[ends] - sums[ends - self._gap_count], MISSING)

    def _by_view(self, counts: Ints) -> Ints:
        """Counts of this snapshot's customers, as counts of their views; 0 for views of other snapshots."""
        found = np.zeros(self._visits.view_count, dtype=np.int64)
        found[self._views] = counts
        return found


def _twice_quantile(values: Ints, counts: Ints, share: float) -> Ints:
    """Twice the quantile of each stretch of sorted values (the mean of its two neighbours, so twice is whole)."""
    found = np.full(len(counts), MISSING, dtype=np.int64)
    some = counts > 0
    starts, place = (np.cumsum(counts) - counts)[some], share * (counts[some] - 1)
    low, high = (values[starts + edge.astype(np.int64)] for edge in (np.floor(place), np.ceil(place)))
    found[some] = low + high
    return found


_COLUMNS: dict[str, Callable[[Visits], Ints | Flags]] = {
    "visit_count": lambda visits: np.ones(len(visits.day), dtype=np.int64),
    "gap_count": lambda visits: visits.has_gap,
    "gap_days": lambda visits: visits.gap,
    "gap_squares": lambda visits: visits.gap * visits.gap,
    "month_count": Visits.months,
}
_LOOKED_UP: dict[str, Callable[[Visits], Ints]] = {
    "last_age_days": Visits.last_age,
    "first_age_days": Visits.first_age,
    "last_gap": Visits.last_gap,
    "last_amount": Visits.last_amount,
    "last_three_gaps": Visits.last_three_gaps,
}
_RANKED: dict[str, Callable[[_Before], Ints]] = {
    "twice_median_gap": lambda before: before.gap(0.5),
    "twice_shortest_gap": lambda before: before.gap(0.0),
    "twice_longest_gap": lambda before: before.gap(1.0),
    "twice_lower_quartile_gap": lambda before: before.gap(0.25),
    "twice_upper_quartile_gap": lambda before: before.gap(0.75),
    "gaps_outlasted": _Before.gaps_outlasted,
    "twice_median_amount": lambda before: before.amount(0.5),
    "twice_largest_amount": lambda before: before.amount(1.0),
}
FACTS = (*_LOOKED_UP, *_RANKED)

"""What was bought, by product, category, brand or channel: what a customer's lines of each item come to.

Belongs here: facts over items, by customer and snapshot. Does not: which facts features want.

A line counts as bought when its amount is positive; a later return does not undo that. Lines are sorted once by view,
item and day (one packed integer). How much of an item was bought before a date is then the difference of two running
sums, and every fact is a sum over the items of a view.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from features.arrays import Flags, Ints, distinct_triples, run_starts, run_sums, running_sum, stretches
from features.order_lines import OrderLines
from features.views import Views

FIXED_POINT_ONE = 2**20  # n·ln n in fixed point, so that the sum behind the entropy is exact in any order
NO_ITEM = -1


@dataclass(frozen=True, kw_only=True)
class BoughtLines:
    """Lines with a positive amount, once in every view in which they count.

    Attributes:
        line: the line behind each row; None: row n is line n.
        view: each row's view.
        day: its business day (days since 1970).
    """

    line: Ints
    view: Ints
    day: Ints

    @classmethod
    def of(cls, lines: OrderLines, views: Views) -> "BoughtLines":
        """Spread runs over their lines."""
        lengths = views.of_runs(lines.lengths)
        bought = lines.sold
        view, day = (np.repeat(values, lengths).astype(np.int32) for values in (views.view, views.of_runs(lines.day)))
        if views.run is None:
            return cls(line=np.flatnonzero(bought), view=view[bought], day=day[bought])
        line = stretches(views.of_runs(lines.starts), lengths)
        kept = bought[line]
        return cls(line=line[kept], view=view[kept], day=day[kept])


class Items:
    """What each view bought of each item, day by day."""

    def __init__(self, bought: BoughtLines, item_of_line: Ints, *, views: int) -> None:
        item = item_of_line[bought.line]
        named = item != NO_ITEM
        view, day = bought.view, bought.day
        if not named.all():
            view, item, day = view[named], item[named], day[named]
        self._first_day = int(day.min(initial=0))
        view, item, day, count = distinct_triples(view, item, day - self._first_day)
        self._day = day.astype(np.int32)
        self._starts = run_starts(view, item)
        self._ends = np.append(self._starts, len(view))[1:]
        self._lines = running_sum(count)
        self._lines_before, self._first = self._lines[self._starts], self._day[self._starts]
        self.item = item[self._starts]
        self._edges = np.searchsorted(view[self._starts], np.arange(views + 1))
        self._filled = np.flatnonzero(np.diff(self._edges))

    def at(self, snapshot_day: int) -> "ItemsBefore":
        """What had been bought before a day (days since 1970)."""
        return ItemsBefore(self, snapshot_day)

    def rows_before(self, day: int) -> Ints:
        """The first row of each item that lies on or after a day; `_ends` where none does."""
        if len(self._day) == 0 or day - self._first_day > int(self._day.max()):
            return self._ends
        before = self._day < day - self._first_day
        if not before.any():
            return self._starts
        return self._starts + np.add.reduceat(before.view(np.int8), self._starts, dtype=np.int32)

    def lines_until(self, rows: Ints) -> Ints:
        """Lines of each item in its rows up to, not including, these."""
        found: Ints = self._lines[rows] - self._lines_before
        return found

    def sum_by_view(self, values: Ints | Flags) -> Ints:
        """Sums over the items of each view."""
        found = np.zeros(len(self._edges) - 1, dtype=np.int64)
        found[self._filled] = run_sums(values, self._edges[self._filled])
        return found

    def max_by_view(self, values: Ints) -> Ints:
        """Greatest value over the items of each view; 0 where it has none."""
        found = np.zeros(len(self._edges) - 1, dtype=np.int64)
        if len(self._filled):
            found[self._filled] = np.maximum.reduceat(values, self._edges[self._filled])
        return found

    def share_out(self, values: Ints) -> Ints:
        """A value of each view, for each of its items."""
        return np.repeat(values, np.diff(self._edges))

    def first_day_is_before(self, day: int) -> Flags:
        """Whether each item was first bought before a day."""
        found: Flags = self._first < day - self._first_day
        return found

    def last_day(self, rows: Ints) -> Ints:
        """The day of the row before these."""
        found: Ints = self._day[np.maximum(rows, 1) - 1]
        return found

    def day_number(self, day: int) -> int:
        """A day as this table counts them."""
        return day - self._first_day

    def rows_of(self, rows: Ints) -> Ints:
        """How many rows (days) of each item lie before these."""
        return rows - self._starts


class ItemsBefore:
    """Facts over the items bought before one snapshot; each is an array by view."""

    def __init__(self, items: Items, snapshot_day: int) -> None:
        self._items, self._day = items, snapshot_day
        self._rows = items.rows_before(snapshot_day)
        self._recent_lines: dict[int, Ints] = {}

    @cached_property
    def _there(self) -> Flags:
        there: Flags = self._items.rows_of(self._rows) > 0
        return there

    @cached_property
    def _lines(self) -> Ints:
        return self._items.lines_until(self._rows)

    @cached_property
    def _last(self) -> Ints:
        return self._items.last_day(self._rows)

    def distinct(self, days: int | None) -> Ints:
        """Items bought, ever or in the last so many days."""
        if days is None:
            return self._items.sum_by_view(self._there)
        recent = self._last >= self._items.day_number(self._day - days)
        return self._items.sum_by_view(self._there & recent)

    def new(self, days: int | None) -> Ints:
        """Items bought for the first time in the last so many days."""
        recent = ~self._items.first_day_is_before(self._day - (days or 0))
        return self._items.sum_by_view(self._there & recent)

    def repeated(self, _: int | None) -> Ints:
        """Items bought on more than one day."""
        return self._items.sum_by_view(self._items.rows_of(self._rows) > 1)

    def item_days(self, _: int | None) -> Ints:
        """Items bought on each day, summed over days."""
        return self._items.sum_by_view(self._items.rows_of(self._rows))

    def lines(self, days: int | None) -> Ints:
        """Lines, ever or in the last so many days."""
        return self._items.sum_by_view(self._lines if days is None else self._recent(days))

    def top_lines(self, days: int | None) -> Ints:
        """Lines of the commonest item, ever or in the last so many days."""
        return self._items.max_by_view(self._lines if days is None else self._recent(days))

    def n_ln_n(self, _: int | None) -> Ints:
        """Sum of n ln n over items (n lines each), in units of 1 / FIXED_POINT_ONE."""
        return self._items.sum_by_view(_n_ln_n_up_to(int(self._lines.max(initial=0)))[self._lines])

    def moved(self, days: int | None) -> Ints:
        """Sum over items of |r B - b R|: r and b lines in the last so many days and before, R and B all of them."""
        recent = self._recent(days or 0)
        before = self._lines - recent
        all_recent, all_before = (self._items.share_out(self._items.sum_by_view(part)) for part in (recent, before))
        return self._items.sum_by_view(np.abs(recent * all_before - before * all_recent))

    def weighted(self, weight_of_item: Ints) -> tuple[Ints, Ints]:
        """Sums of lines times weight and of lines, over items with a positive weight."""
        weight = weight_of_item[self._items.item]
        return self._items.sum_by_view(self._lines * weight), self._items.sum_by_view(self._lines * (weight > 0))

    def _recent(self, days: int) -> Ints:
        """Lines of each item in the last so many days."""
        if days not in self._recent_lines:
            before = self._items.lines_until(self._items.rows_before(self._day - days))
            self._recent_lines[days] = self._lines - before
        return self._recent_lines[days]


def _n_ln_n_up_to(largest: int) -> Ints:
    """Values of n ln n in fixed point for n = 0 … largest."""
    number = pl.Series("n", range(1, largest + 1), dtype=pl.Int64)
    values = (number * number.cast(pl.Float64).log() * FIXED_POINT_ONE).round().cast(pl.Int64)
    return np.concatenate([np.zeros(1, dtype=np.int64), values.to_numpy()])


FACTS: dict[str, Callable[[ItemsBefore, int | None], Ints]] = {
    "distinct": ItemsBefore.distinct,
    "new": ItemsBefore.new,
    "repeated": ItemsBefore.repeated,
    "item_days": ItemsBefore.item_days,
    "lines": ItemsBefore.lines,
    "top_lines": ItemsBefore.top_lines,
    "n_ln_n": ItemsBefore.n_ln_n,
    "moved": ItemsBefore.moved,
}


def codes(values: pl.Series) -> tuple[pl.Series, Ints]:
    """The distinct values (String) of a Categorical, in no particular order, and each row's place among them.

    The place is NO_ITEM for null.
    """
    distinct = values.unique().drop_nulls()
    places = values.to_physical().cast(pl.Int32).fill_null(NO_ITEM).to_numpy()
    known_places = distinct.to_physical().to_numpy()
    dense = np.full(int(known_places.max(initial=0)) + 2, NO_ITEM, dtype=np.int32)  # the last is for NO_ITEM itself
    dense[known_places] = np.arange(len(distinct))
    return distinct.cast(pl.String), dense[places]

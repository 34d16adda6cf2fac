"""Orders of one bucket, sorted by view and day: sums over any window of days, and decayed sums.

Belongs here: how a window is summed. Does not: which windows features want.

Every column is turned into running sums once. A window is then the difference of two of them, at the places where its
days begin and end; the places are found once per edge and shared by all columns. So a window costs the number of
customers and snapshots, not the number of rows, and all sums are exact.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache

import numpy as np

from features import order_sums
from features.arrays import MISSING, Flags, Ints, bits_for, is_sorted, run_sums, running_sum
from features.order_lines import OrderLines
from features.snapshots import Snapshots
from features.views import Views
from features.visits import Visits

LAST_RETURN = "last_return_age_days"
WEIGHT_ONE = 2**20  # decay weights in fixed point, so that decayed sums are exact in any order; 8.8e12 minor units fit
DAYS_AT_ONCE = 1024  # so that buckets whose histories differ by some days share their weights


class OrderTable:
    """Orders as each view knows them.

    Attributes:
        view: each order's view, ascending.
        day: each order's business day (days since 1970): that of its first line; ascends within a view.
        hour: the local hour of its first line.
        net_amount: what its lines sum to.
        is_purchase: whether they sum above zero.
    """

    def __init__(self, lines: OrderLines, views: Views, snapshots: Snapshots) -> None:
        self.lines, self.views, self.snapshots = lines, views, snapshots
        self.view = views.order_view
        self.day, self.hour = views.days_and_hours(lines, snapshots.time_zone)
        self._first_day = int(self.day.min(initial=0))
        self._day_bits = bits_for(int(self.day.max(initial=0)) - self._first_day + 1)
        key = self._key(self.view, self.day)
        self._sorting = None if is_sorted(key) else np.argsort(key, kind="stable")
        if self._sorting is not None:
            key, self.day, self.hour = key[self._sorting], self.day[self._sorting], self.hour[self._sorting]
        self._keys = key
        self._day_index = (self.day - self._first_day).astype(np.int32)
        self._places: dict[int | None, Ints] = {}
        self.net_amount = self._of_lines("net_amount")
        self.is_purchase = self.net_amount > 0

    @cached_property
    def visits(self) -> Visits:
        """The days with a purchase."""
        return Visits(self)

    def column(self, name: str) -> Ints | Flags:
        """One value an order, in the table's order.

        Raises:
            KeyError: there is no such column.
        """
        if name == "net_amount":
            return self.net_amount
        if name in order_sums.LINE_COLUMNS:
            return self._of_lines(name)
        if name in order_sums.PURCHASE_COLUMNS:
            return self.column(order_sums.PURCHASE_COLUMNS[name]) * self.is_purchase
        if name in order_sums.CALENDAR_COLUMNS:
            of_purchases: Ints | Flags = order_sums.CALENDAR_COLUMNS[name](self.day, self.hour) * self.is_purchase
            return of_purchases
        return self.visits.column(name)

    def place(self, days_before: int | None) -> Ints:
        """By customer and snapshot, the first order on or after the day that lies so many days before the snapshot.

        None is the beginning of the history, 0 the snapshot itself: orders before it count.
        """
        if days_before not in self._places:
            self._places[days_before] = self._found(days_before)
        return self._places[days_before]

    def window_sums(self, name: str, windows: Mapping[str, tuple[int | None, int]]) -> dict[str, Ints]:
        """By customer and snapshot, sums of a column over windows (oldest, newest): days [S - oldest, S - newest)."""
        sums = running_sum(self.column(name))
        return {key: sums[self.place(newest)] - sums[self.place(oldest)] for key, (oldest, newest) in windows.items()}

    def decayed_sums(self, half_life_days: int, names: Mapping[str, str]) -> dict[str, Ints]:
        """By customer and snapshot, sums of columns, weighted by 2^(-age / half-life) in units of 1 / WEIGHT_ONE."""
        columns = {key: self.column(name) for key, name in names.items()}
        found: dict[str, Ints] = {key: np.empty(self.views.view_at.shape, dtype=np.int64) for key in names}
        by_age = self._weights_by_age(half_life_days)
        begin, end = self._view_edges
        each = len(self.snapshots)
        for number, snapshot_day in enumerate(self.snapshots.day_numbers):
            weights = self._weights(by_age, snapshot_day)
            views = self.views.view_at[number::each]
            for key, column in columns.items():
                sums = running_sum(weights * column)
                found[key][number::each] = sums[end[views]] - sums[begin[views]]
        return found

    def facts(self, names: Sequence[str]) -> dict[str, Ints]:
        """Facts that are no sums, by customer and snapshot; MISSING where there is nothing to tell.

        Those of `visits.FACTS`, and `last_return_age_days`: days since the last order with a returned line.
        """
        found = self.visits.facts([name for name in names if name != LAST_RETURN])
        if LAST_RETURN in names:
            found[LAST_RETURN] = self._last_return_age()
        return found

    def _last_return_age(self) -> Ints:
        returned = self.column("returned_line_count") > 0
        rows, before = np.flatnonzero(returned), running_sum(returned)
        first, end = before[self.place(None)], before[self.place(0)]
        last = self.day[rows[np.maximum(end - 1, 0)]] if len(rows) else end
        today = np.tile(self.snapshots.day_numbers, len(self.lines.customer_ids))
        return np.where(end > first, today - last, MISSING)

    def _weights(self, by_age: Ints, snapshot_day: int) -> Ints:
        """Each order's weight, from the weights by age."""
        days = self._first_day + np.arange(1 << self._day_bits)
        return by_age[np.maximum(snapshot_day - days, 0)][self._day_index]

    def _weights_by_age(self, half_life_days: int) -> Ints:
        """2^(-age / half-life) in fixed point; 0 for age 0, that is on or after the snapshot."""
        oldest = max(self.snapshots.day_numbers[-1] - self._first_day, 0)
        return _weights_up_to(half_life_days, (oldest // DAYS_AT_ONCE + 1) * DAYS_AT_ONCE)[: oldest + 1]

    @cached_property
    def _view_edges(self) -> tuple[Ints, Ints]:
        edges = np.searchsorted(self.view, np.arange(self.views.count + 1))
        return edges[:-1], edges[1:]

    def _of_lines(self, name: str) -> Ints:
        of_runs = run_sums(order_sums.LINE_COLUMNS[name](self.lines), self.lines.starts)
        of_orders = self.views.sums(of_runs)
        return of_orders if self._sorting is None else of_orders[self._sorting]

    def _key(self, view: Ints, day: Ints) -> Ints:
        key: Ints = (view.astype(np.int64) << self._day_bits) | (day - self._first_day)
        return key

    def _found(self, days_before: int | None) -> Ints:
        if days_before is None:
            return self._view_edges[0][self.views.view_at]
        days = np.array(self.snapshots.day_numbers) - days_before
        latest = self._first_day + (1 << self._day_bits) - 1
        edges = np.clip(np.tile(days, len(self.lines.customer_ids)), self._first_day, latest)
        return np.searchsorted(self._keys, self._key(self.views.view_at, edges))


@lru_cache(maxsize=64)
def _weights_up_to(half_life_days: int, days: int) -> Ints:
    """2^(-age / half-life) in fixed point, by age up to so many days; 0 for age 0."""
    weights = [0, *(round(2.0 ** (-age / half_life_days) * WEIGHT_ONE) for age in range(1, days + 1))]
    found = np.array(weights, dtype=np.int64)
    found.setflags(write=False)
    return found

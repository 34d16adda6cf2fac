"""Histories as they were known: which runs of order lines count for which customer at which snapshot.

Belongs here: everything that makes two snapshots see different pasts. Does not: what the runs sum to.

Most customers' past only grows: what counted for a snapshot counts for every later one, and rows arrive in the order
in which they happened. One sorted history then serves all snapshots; each reads it up to its own date. Where that is
not so (a line that became known late, a version that was superseded, a line added to an order of an earlier
snapshot), the history breaks at that snapshot: the customer gets one *view* from break to break, each with exactly the
runs that count there. With one snapshot there are no breaks.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from features.arrays import Ints, ordering, run_starts, run_sums
from features.order_lines import OrderLines, local_days_and_hours


@dataclass(frozen=True, kw_only=True)
class Views:
    """Which rows make up which view.

    Attributes:
        view_at: the view of each customer and snapshot, customer by customer (customers times snapshots).
        count: how many views there are; views ascend with their customers.
        run: the run behind each row; rows are sorted by view and order. None: row n is run n.
        view: each row's view.
        order_starts: the row at which each order (of a view) begins.
    """

    view_at: Ints
    count: int
    run: Ints | None
    view: Ints
    order_starts: Ints

    def of_runs(self, values: Ints) -> Ints:
        """Values of the rows, from values of the runs."""
        return values if self.run is None else values[self.run]

    @cached_property
    def order_view(self) -> Ints:
        """The view of each order."""
        return self.view[self.order_starts]

    def sums(self, values_of_runs: Ints) -> Ints:
        """Sums by order."""
        return run_sums(self.of_runs(values_of_runs), self.order_starts)

    def days_and_hours(self, lines: OrderLines, time_zone: str) -> tuple[Ints, Ints]:
        """Business day (days since 1970) and local hour of each order: those of its first line."""
        if len(self.order_starts) == len(self.view):
            return self.of_runs(lines.day), self.of_runs(lines.hour)
        first = np.minimum.reduceat(self.of_runs(lines.ordered_at), self.order_starts)
        return local_days_and_hours(first, time_zone)


def views_of(lines: OrderLines, snapshots: int) -> Views:
    """Cut customers' histories into views."""
    customers = len(lines.customer_ids)
    breaks = _breaks(lines, snapshots)
    grid = np.arange(customers * snapshots)
    view_at = np.searchsorted(breaks, grid, side="right") + grid // snapshots
    run, view = _rows(lines, breaks, snapshots)
    order = lines.order if run is None else lines.order[run]
    sorting = ordering(view, order)
    if sorting is not None:
        run = sorting if run is None else run[sorting]
        view, order = view[sorting], order[sorting]
    return Views(
        view_at=view_at, count=customers + len(breaks), run=run, view=view, order_starts=run_starts(view, order)
    )


def _breaks(lines: OrderLines, snapshots: int) -> Ints:
    """Customers and snapshots at which a history breaks, as customer * snapshots + snapshot, sorted."""
    if snapshots == 1:
        return np.zeros(0, dtype=np.int64)
    shared = np.flatnonzero(np.bincount(lines.order, minlength=len(lines.order))[lines.order] > 1)
    first = np.full(len(lines.order), snapshots)
    np.minimum.at(first, lines.order[shared], lines.cell[shared])
    grown = shared[lines.cell[shared] > first[lines.order[shared]]]
    late = np.flatnonzero(lines.cell > lines.event_cell)
    closed = np.flatnonzero(lines.cell_until < snapshots)
    runs = np.concatenate([late, grown, closed])
    cells = np.concatenate([lines.cell[late], lines.cell[grown], lines.cell_until[closed]])
    inside = (cells > 0) & (cells < snapshots)
    return np.unique(lines.customer[runs[inside]] * snapshots + cells[inside])


def _rows(lines: OrderLines, breaks: Ints, snapshots: int) -> tuple[Ints | None, Ints]:
    """The run and the view of each row: a run stands once in every view in which it counts."""
    if snapshots == 1:
        return None, lines.customer
    own = lines.customer * snapshots
    counts = (lines.cell < lines.cell_until) & (lines.cell < snapshots)
    if len(breaks) == 0:
        if counts.all():
            return None, lines.customer
        run = np.flatnonzero(counts)
        return run, lines.customer[run]
    first = np.searchsorted(breaks, own + lines.cell, side="right")
    last = np.searchsorted(breaks, own + lines.cell_until - 1, side="right")
    times = np.where(counts, last - first + 1, 0)
    run = np.repeat(np.arange(len(times)), times)
    nth = np.arange(len(run)) - np.repeat(np.cumsum(times) - times, times)
    return run, lines.customer[run] + first[run] + nth

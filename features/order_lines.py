"""One bucket's order lines as runs: neighbouring lines that belong to one order, moment and version.

Belongs here: reading the lines that count for any snapshot, and finding the runs. Does not: which of them count for
which snapshot (`views`), or what is summed (`order_table`).

A run is a shortcut, not a definition: rows sorted as the lake has them give one run for nearly every order, rows in any
other order give more runs of the same orders, and `order` brings them together again.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from features.arrays import Flags, Ints, run_lengths
from features.snapshots import INSTANT, Snapshots

KEYS = ("customer_id", "order_id", "ordered_at")
NUMBERS = ("quantity", "amount", "discount_amount", "cost_amount")
ITEMS = ("product_id", "channel")
VERSION = "superseded_at"


@dataclass(frozen=True, kw_only=True)
class OrderLines:
    """Lines that count for at least one snapshot, and their runs.

    Attributes:
        numbers: `quantity`, `amount`, `discount_amount`, `cost_amount` of each line.
        items: `product_id` and `channel` of each line (Categorical).
        starts: the line at which each run begins.
        customer_ids: distinct customers, sorted (String).
        customer: each run's customer, as a place in `customer_ids`.
        order: each run's order: the first run of the same customer and order.
        ordered_at: each run's moment, in microseconds since 1970.
        cell: the first snapshot for which each run counts.
        cell_until: the first snapshot from which it does not count any more.
        event_cell: the first snapshot that lies after the order was placed; `cell` is later where the run was known
            late.
        day: each run's business day (days since 1970).
        hour: each run's local hour.
    """

    numbers: pl.DataFrame
    items: pl.DataFrame
    starts: Ints
    customer_ids: pl.Series
    customer: Ints
    order: Ints
    ordered_at: Ints
    cell: Ints
    cell_until: Ints
    event_cell: Ints
    day: Ints
    hour: Ints

    @cached_property
    def lengths(self) -> Ints:
        """Lines of each run."""
        return run_lengths(self.starts, self.numbers.height)

    @cached_property
    def amount(self) -> Ints:
        """Net amount of each line."""
        return self.numbers["amount"].to_numpy()

    @cached_property
    def sold(self) -> Flags:
        """Lines with a positive amount."""
        return self.amount > 0


def order_lines(orders: pl.LazyFrame, snapshots: Snapshots) -> OrderLines:
    """Read core order lines (in any order) and find their runs."""
    versioned = [VERSION] if VERSION in orders.collect_schema() else []
    keys = [*KEYS, *(["known_at", *versioned] if len(snapshots) > 1 else [])]
    coded = [pl.col(name).cast(pl.Categorical(pl.Categories.random())) for name in ("customer_id", *ITEMS)]
    counting = _counting(orders, snapshots).select(*keys, *NUMBERS, *ITEMS).with_columns(coded)
    frame = counting.collect()
    changed = frame.select(pl.any_horizontal(pl.col(key).ne_missing(pl.col(key).shift(1)) for key in keys)).to_series()
    starts = np.flatnonzero(changed)
    runs = frame.select(keys).filter(changed).with_columns(pl.col("customer_id").cast(pl.String))
    customer_ids, customer = _customers(runs["customer_id"])
    event_cell, cell, cell_until = _cells(runs, snapshots)
    ordered_at = runs["ordered_at"].to_physical().to_numpy()
    day, hour = local_days_and_hours(ordered_at, snapshots.time_zone)
    return OrderLines(
        numbers=frame.select(NUMBERS),
        items=frame.select(ITEMS),
        starts=starts,
        customer_ids=customer_ids,
        customer=customer,
        order=_orders(runs),
        ordered_at=ordered_at,
        cell=cell,
        cell_until=cell_until,
        event_cell=event_cell,
        day=day,
        hour=hour,
    )


def local_days_and_hours(moments: Ints, time_zone: str) -> tuple[Ints, Ints]:
    """Business days (since 1970) and local hours of instants (microseconds since 1970, UTC)."""
    local = pl.Series(moments).cast(INSTANT).dt.convert_time_zone(time_zone)
    day = local.dt.date().to_physical().to_numpy().astype(np.int64)
    return day, local.dt.hour().to_numpy().astype(np.int64)


def _counting(orders: pl.LazyFrame, snapshots: Snapshots) -> pl.LazyFrame:
    """Without the lines that count for no snapshot; of several, some lines may be left that fall in between."""
    first, last = (pl.lit(instant, dtype=INSTANT) for instant in (snapshots.instants[0], snapshots.instants[-1]))
    counts = (pl.col("ordered_at") < last) & (pl.col("known_at") < last)
    if VERSION in orders.collect_schema():
        counts &= pl.col(VERSION).is_null() | (pl.col(VERSION) >= first)
    return orders.filter(counts)


def _customers(ids: pl.Series) -> tuple[pl.Series, Ints]:
    """The distinct ids, sorted, and each row's place among them; cheap where equal ids stand together."""
    starts = np.flatnonzero(ids.ne_missing(ids.shift(1)))
    each = ids[starts]
    distinct = each.unique().sort()
    place = each.rank("dense").to_numpy().astype(np.int64) - 1
    return distinct, np.repeat(place, run_lengths(starts, len(ids)))


def _orders(runs: pl.DataFrame) -> Ints:
    """Each run's order: the first run of the same customer and order."""
    own = np.arange(runs.height)
    # these hashes may change with Polars: they only say which ids to look at twice, and never leave this function
    hashes = runs["order_id"].hash()
    in_order = np.sort(hashes.to_numpy())
    if (in_order[1:] == in_order[:-1]).any():
        doubted = hashes.is_duplicated()
        keyed = runs.select("customer_id", "order_id").with_row_index("run").filter(doubted)
        first = keyed.select("run", pl.col("run").min().over("customer_id", "order_id").alias("first"))
        own[first["run"].to_numpy()] = first["first"].to_numpy()
    return own


def _cells(runs: pl.DataFrame, snapshots: Snapshots) -> tuple[Ints, Ints, Ints]:
    """(first snapshot after the event, first for which a run counts, first for which it does not any more)."""
    size, all_snapshots = runs.height, len(snapshots)
    if all_snapshots == 1:
        nought = np.zeros(size, dtype=np.int64)
        return nought, nought, nought + 1
    instants = np.array(snapshots.microseconds)
    moments = runs.select(pl.col("ordered_at", "known_at").to_physical())
    event_cell, known_cell = (
        np.searchsorted(instants, moments[name].to_numpy(), side="right") for name in moments.columns
    )
    cell_until = np.full(size, all_snapshots)
    if VERSION in runs.columns:
        ended = runs[VERSION].to_physical().fill_null(np.iinfo(np.int64).max).to_numpy()
        cell_until = np.searchsorted(instants, ended, side="right")
    return event_cell, np.maximum(event_cell, known_cell), cell_until

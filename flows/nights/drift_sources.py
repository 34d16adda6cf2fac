"""What the newest rows of every table look like beside earlier ones: empty values, texts, numbers, prices, volumes.

Belongs here: reading core rows of the last year, window by window, and what is found. Does not: how much may change
(`segments.drift.measures`), customers and scores (`drifting.py`).

A window is a week, or four where a week has few rows. The newest ends with the newest order, so that a load that is a
day late is not taken for missing rows. Only when something happened and what was known on the date counts.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

import polars as pl

from data_contracts.contracts import CORE_ENTITIES, Contract, core_contract
from data_contracts.orders import current_at, snapshot_instant
from data_contracts.profiles import is_binned, is_listed
from flows.buckets.core_tables import CoreTables
from models.snapshots.reference_counts import Bins, bins_of, counted, drawn
from segments.drift.findings import Finding
from segments.drift.measures import FEWEST_ROWS, Measured, distance, level, rise, volume
from segments.drift.words import DATA_QUALITY, DISTANCE, EMPTY, PRICES, ROWS, UNKNOWN_TEXTS

WEEK: Final = 7
MONTH: Final = 28
LOOK_BACK_DAYS: Final = 13 * MONTH
ENOUGH_A_WEEK: Final = 3 * FEWEST_ROWS
SETTLED_DAYS: Final = 28  # the newest rows are held against older ones only: what broke last week is not usual yet
FEWEST_PRODUCTS: Final = 5
ROWS_FOR_BINS: Final = 20_000
_WINDOW = "window"


@dataclass(kw_only=True)
class TableWindows:
    """One table, window by window; filled bucket by bucket.

    Attributes:
        contract: of the table.
        end: the day after the newest window.
        bins: by column, how it is counted.
        counts: by first day of the window, rows by bin.
        days: rows by day.
        prices: `product_id`, day of the window, amount and quantity bought.
    """

    contract: Contract
    end: date
    bins: Mapping[str, Bins]
    days: Counter[date] = field(default_factory=Counter)
    counts: dict[date, dict[str, list[int]]] = field(default_factory=dict)
    prices: pl.DataFrame | None = None

    def add(self, rows: pl.DataFrame) -> None:
        """Count a bucket's rows: `day` and the watched columns."""
        self.days.update(dict(rows.group_by("day").len().iter_rows()))
        weekly = rows.with_columns(_first_day(pl.col("day"), self.end, WEEK).alias(_WINDOW))
        for first, found in counted(weekly, self.bins, by=_WINDOW).items():
            own = self.counts.setdefault(first, {})
            for name, counts in found.items():
                own[name] = [had + more for had, more in zip(own.get(name, [0] * len(counts)), counts, strict=True)]
        if self.contract.entity == "orders":
            bought = weekly.filter((pl.col("amount") > 0) & (pl.col("quantity") > 0))
            sums = bought.select("product_id", _WINDOW, "amount", pl.col("quantity").cast(pl.Float64))
            together = [sums] if self.prices is None else [self.prices, sums]
            self.prices = pl.concat(together).group_by("product_id", _WINDOW).agg(pl.col("amount", "quantity").sum())


def source_findings(core: CoreTables, *, as_of: date) -> list[Finding]:
    """What is to be told of every table with customers in it and a time that things happened.

    Args:
        core: of the load.
        as_of: only what had happened, and was known, before it counts.
    """
    end = min(as_of, core.last_order_before(as_of) + timedelta(days=1))
    found: list[Finding] = []
    for entity in [name for name in CORE_ENTITIES if name in core.entities]:
        contract = core_contract(entity)
        if contract.event_time and "customer_id" in contract.columns:
            sample = pl.concat([*_rows(core, contract, as_of=as_of, end=end, most=ROWS_FOR_BINS)] or [pl.DataFrame()])
            if not sample.is_empty():
                table = TableWindows(contract=contract, end=end, bins=bins_of_table(contract, sample, end=end))
                for rows in _rows(core, contract, as_of=as_of, end=end):
                    table.add(rows)
                found += table_findings(table)
    return found


def bins_of_table(contract: Contract, rows: pl.DataFrame, *, end: date) -> dict[str, Bins]:
    """How the columns are counted, by rows that are settled where there are enough; whatever their order."""
    settled = rows.filter(pl.col("day") < end - timedelta(days=SETTLED_DAYS))
    return bins_of(settled if settled.height >= FEWEST_ROWS else rows, watched(contract, rows.columns))


def watched(contract: Contract, there: Sequence[str]) -> list[str]:
    """The columns of a table that are looked at: numbers and lists of texts; no keys, ids, dates or persons."""
    return [
        name
        for name, column in contract.columns.items()
        if name in there and name not in contract.key and (is_listed(column) or is_binned(column))
    ]


def table_findings(table: TableWindows) -> list[Finding]:
    """What a counted table says."""
    entity, days = table.contract.entity, _window_days(table)
    if days is None:
        return []
    firsts = _windows(table, days)
    tonight, earlier = firsts[-1], [first for first in firsts if (firsts[-1] - first).days > SETTLED_DAYS]
    rows = {first: sum(table.days[first + timedelta(days=day)] for day in range(days)) for first in firsts}
    found: list[tuple[str, str, Measured | None]] = [
        (entity, ROWS, volume(rows[tonight], [rows[first] for first in earlier]))
    ]
    counts = _joined(table, firsts, days)
    bins = table.bins
    for name in bins:
        what = f"{entity}.{name}"
        own = {first: of_window[name] for first, of_window in counts.items() if name in of_window}
        if tonight in own:
            known = [(first, own[first]) for first in earlier if first in own]
            measured = _of_column(tonight, own[tonight], known, is_text=bins[name].categories is not None, of=len(bins))
            found += [(what, *one) for one in measured]
    found.append((entity, PRICES, _prices(table, days)))
    return [
        Finding(kind=DATA_QUALITY, what=what, measure=measure, part_of=entity, measured=measured)
        for what, measure, measured in found
        if measured is not None
    ]


def _rows(
    core: CoreTables, contract: Contract, *, as_of: date, end: date, most: int | None = None
) -> Iterator[pl.DataFrame]:
    """Bucket by bucket, the rows of the last year with the `day` they happened on.

    `most`: those of some customers only, about so many rows; the same ones however customers are spread over buckets.
    """
    every = core.scan(contract.entity)
    if every is None:
        return
    step = 1 if most is None else -(-int(every.select(pl.len()).collect().item()) // most)
    instant = snapshot_instant(as_of, time_zone=core.time_zone)
    moment = pl.col(contract.event_time)
    if contract.columns[contract.event_time].type == "timestamp":
        moment = moment.dt.convert_time_zone(core.time_zone).dt.date()
    for bucket in core.buckets():
        scanned = core.scan(contract.entity, bucket)
        if scanned is None:
            return
        there = scanned.collect_schema().names()
        if contract.event_time not in there:
            return
        names = watched(contract, there)
        if contract.entity == "orders":
            names.append("product_id")
        first = end - timedelta(days=LOOK_BACK_DAYS)
        rows = current_at(scanned, instant).with_columns(moment.alias("day"))
        rows = rows.filter((pl.col("day") >= first) & (pl.col("day") < end))
        if step > 1:
            rows = rows.join(drawn(scanned, step).lazy(), on="customer_id", how="semi")
        yield rows.select("day", *names).collect()


def _of_column(
    day: date, tonight: Sequence[int], earlier: Sequence[tuple[date, Sequence[int]]], *, is_text: bool, of: int
) -> Iterator[tuple[str, Measured | None]]:
    """Empty values, unknown texts and the distribution of a column, of which a table has `of`."""
    yield EMPTY, rise(tonight[-1], sum(tonight), [(counts[-1], sum(counts)) for _, counts in earlier], columns=of)
    if is_text:
        unknown = [(counts[-2], sum(counts[:-1])) for _, counts in earlier]
        yield UNKNOWN_TEXTS, rise(tonight[-2], sum(tonight[:-1]), unknown, columns=of)
    yield DISTANCE, distance(tonight[:-1], [(first, counts[:-1]) for first, counts in earlier], day=day, columns=of)


def _window_days(table: TableWindows) -> int | None:
    """A week where weeks have rows enough, else four; None where even those have not."""
    for days, enough in ((WEEK, ENOUGH_A_WEEK), (MONTH, FEWEST_ROWS)):
        rows = Counter[date]()
        for day, count in table.days.items():
            rows[_python_first_day(day, table.end, days)] += count
        usual = sorted(rows[first] for first in _windows(table, days))
        if len(usual) > 1 and usual[len(usual) // 2] >= enough:
            return days
    return None


def _windows(table: TableWindows, days: int) -> list[date]:
    """First days of the whole windows since the table's first row, ascending; the newest is there without rows too."""
    oldest = min(table.days, default=table.end)
    number = min((table.end - oldest).days, LOOK_BACK_DAYS) // days
    return [table.end - timedelta(days=days * back) for back in range(max(number, 1), 0, -1)]


def _joined(table: TableWindows, firsts: Sequence[date], days: int) -> dict[date, dict[str, list[int]]]:
    """Counts of weeks joined to windows."""
    joined: dict[date, dict[str, list[int]]] = {}
    for week, found in table.counts.items():
        first = _python_first_day(week, table.end, days)
        if first in firsts:
            own = joined.setdefault(first, {})
            for name, counts in found.items():
                own[name] = [had + more for had, more in zip(own.get(name, [0] * len(counts)), counts, strict=True)]
    return joined


def _prices(table: TableWindows, days: int) -> Measured | None:
    """What the same products cost in the newest window beside the 28 days before it: the median over what was paid."""
    if table.prices is None:
        return None
    joined = (
        table.prices.with_columns((((pl.lit(table.end) - pl.col(_WINDOW)).dt.total_days() - 1) // days).alias(_WINDOW))
        .group_by("product_id", _WINDOW)
        .agg(pl.col("amount").sum(), pl.col("quantity").sum())
    )
    before = SETTLED_DAYS // days
    last = LOOK_BACK_DAYS // days - before
    indexes = [_price_index(joined, window, before) for window in range(last)]
    earlier = [one for one in indexes[before + 1 :] if one is not None]
    return None if indexes[0] is None else level(indexes[0], 0.0, earlier)


def _price_index(sums: pl.DataFrame, window: int, before: int) -> float | None:
    """Logarithm of the median ratio of unit prices; None where too few products were sold in both times."""
    price = pl.col("amount").sum() / pl.col("quantity").sum()
    now = sums.filter(pl.col(_WINDOW) == window).select(
        "product_id", "amount", now=pl.col("amount") / pl.col("quantity")
    )
    then = sums.filter(pl.col(_WINDOW).is_between(window + 1, window + before)).group_by("product_id").agg(then=price)
    both = now.join(then, on="product_id", validate="1:1").with_columns(ratio=pl.col("now") / pl.col("then"))
    if both.height < FEWEST_PRODUCTS:
        return None
    both = both.sort("ratio", "product_id").with_columns(pl.col("amount").cum_sum().alias("up_to"))
    half = both["amount"].sum() / 2
    ratio = both.filter(pl.col("up_to") >= half)["ratio"][0]
    return math.log(ratio)


def _first_day(day: pl.Expr, end: date, days: int) -> pl.Expr:
    """The first day of the window a day lies in; windows are counted back from `end`."""
    back = ((pl.lit(end) - day).dt.total_days() - 1) // days + 1
    return pl.lit(end) - pl.duration(days=back * days)


def _python_first_day(day: date, end: date, days: int) -> date:
    return end - timedelta(days=(((end - day).days - 1) // days + 1) * days)

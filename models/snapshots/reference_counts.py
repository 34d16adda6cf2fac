"""What customers looked like when a model was trained: rows by bin and snapshot, kept in its bundle.

Belongs here: choosing bins, counting into them, and the form in which that is kept. Does not: how far two
distributions are apart (`segments.drift.measures`), or what follows from it.

Missing values are a bin of their own, and so are texts that were not known. Nothing in it is about one customer: texts
are listed from 20 rows on.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from models.learners.encoding import MINIMUM_CATEGORY_ROWS, is_text, usable_features

FILE = "reference_counts.json"
SHARES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
MOST_CATEGORIES = 30
ROWS_A_SNAPSHOT = 50_000  # of a snapshot; more would not move a share by a hundredth
ROWS_FOR_EDGES = 100_000
Counts = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class Bins:
    """How one column is counted.

    Attributes:
        edges: upper edges (inclusive) of all bins of a number but the last.
        categories: the known texts of a text; None of a number.
    """

    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] | None = None

    @property
    def size(self) -> int:
        """How many counts a column has: known values, what lies beyond (of texts: unknown ones), and missing."""
        return len(self.edges if self.categories is None else self.categories) + 2


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Rows by bin of every snapshot.

    Attributes:
        bins: by column.
        counts: by snapshot, by column, the rows of each bin in the order of `Bins.size`.
        outcomes: by snapshot, the share of customers who left, where it is known.
    """

    bins: Mapping[str, Bins]
    counts: Mapping[date, Counts]
    outcomes: Mapping[date, float]

    def file(self) -> bytes:
        """As JSON."""
        content = {
            "bins": {name: {"edges": one.edges, "categories": one.categories} for name, one in self.bins.items()},
            "counts": {day.isoformat(): dict(counts) for day, counts in self.counts.items()},
            "outcomes": {day.isoformat(): share for day, share in self.outcomes.items()},
        }
        return json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()


def reference_from(content: bytes) -> Reference:
    """The inverse of `Reference.file`."""
    read: dict[str, Any] = json.loads(content)
    bins = {
        name: Bins(
            edges=tuple(one["edges"]),
            categories=None if one["categories"] is None else tuple(one["categories"]),
        )
        for name, one in read["bins"].items()
    }
    counts = {
        date.fromisoformat(day): {name: tuple(rows) for name, rows in of_day.items()}
        for day, of_day in read["counts"].items()
    }
    return Reference(
        bins=bins,
        counts=dict(sorted(counts.items())),
        outcomes={date.fromisoformat(day): share for day, share in read["outcomes"].items()},
    )


def take_reference(
    frame: pl.DataFrame, names: Iterable[str], *, outcomes: Mapping[date, float] | None = None
) -> Reference:
    """Count the rows that a model was trained on.

    Args:
        frame: `customer_id`, `snapshot_date` and the columns; the population only. Of more than 50,000 rows a
            snapshot, a sample of customers is counted.
        names: columns (numbers, truth values, texts); those that are the same for everybody on every snapshot, or a
            fact of the calendar, are left out.
        outcomes: see `Reference`.
    """
    rows = sampled(frame)
    there = [name for name in names if name in rows.columns]
    kept, _ = usable_features(rows, there)
    bins = bins_of(rows, kept)
    return Reference(bins=bins, counts=counted(rows, bins), outcomes=dict(outcomes or {}))


def with_columns_counted(reference: Reference, frame: pl.DataFrame) -> Reference:
    """The same reference with further columns: all numbers of `frame` beside its keys."""
    names = [name for name in frame.columns if name not in ("customer_id", "snapshot_date")]
    bins = bins_of(frame, names)
    more = counted(frame, bins)
    together = {day: {**reference.counts.get(day, {}), **more.get(day, {})} for day in {*reference.counts, *more}}
    return replace(reference, bins={**reference.bins, **bins}, counts=dict(sorted(together.items())))


def sampled(frame: pl.DataFrame, rows_a_snapshot: int = ROWS_A_SNAPSHOT) -> pl.DataFrame:
    """About so many rows a snapshot: the same customers on each, and the same whenever it is asked."""
    snapshots = frame["snapshot_date"].n_unique() or 1
    step = -(-frame.height // (rows_a_snapshot * snapshots))
    if step <= 1:
        return frame
    return frame.join(drawn(frame.lazy(), step), on="customer_id", how="semi", maintain_order="left")


def drawn(rows: pl.LazyFrame, step: int) -> pl.DataFrame:
    """One of so many customers, by lot: the same ones whenever and wherever it is asked. One column, `customer_id`."""
    ids = rows.select(pl.col("customer_id").unique()).collect()["customer_id"]
    lucky = [customer_id for customer_id in ids if customer_id is not None and _lot(customer_id) % step == 0]
    return pl.DataFrame({"customer_id": lucky}, schema={"customer_id": pl.String})


def bins_of(frame: pl.DataFrame, names: Iterable[str]) -> dict[str, Bins]:
    """Bins of columns: quantiles of numbers (of 100,000 rows, evenly taken), each once; the most frequent texts."""
    few = frame.gather_every(max(frame.height // ROWS_FOR_EDGES, 1))
    return {name: _categories(frame[name]) if is_text(frame.schema[name]) else _edges(few[name]) for name in names}


def counted(frame: pl.DataFrame, bins: Mapping[str, Bins], *, by: str = "snapshot_date") -> dict[date, Counts]:
    """Rows by bin for every value of `by` (dates), sorted."""
    if frame.is_empty() or not bins:
        return {}
    parts = frame.sort(by).partition_by(by, maintain_order=True)  # a grouped sum of every bin takes ten times as long
    return {part[by][0]: counted_together(part, bins) for part in parts}


def counted_together(frame: pl.DataFrame, bins: Mapping[str, Bins]) -> Counts:
    """Rows by bin of a whole frame; columns that it lacks are left out."""
    there = {name: one for name, one in bins.items() if name in frame.columns}
    if not there:
        return {}
    return _counts(frame.select(_expressions(frame.schema, there)).row(0, named=True), there)


def _lot(customer_id: str) -> int:
    """An evenly spread whole number: the last 64 bits of the MD5."""
    return int.from_bytes(hashlib.md5(customer_id.encode(), usedforsecurity=False).digest()[8:], "big")


def _edges(values: pl.Series) -> Bins:
    numbers = values.cast(pl.Float64, strict=False)
    finite = numbers.filter(numbers.is_finite()).sort()
    found = {float(finite[int(share * (finite.len() - 1))]) for share in SHARES} if finite.len() else set()
    return Bins(edges=tuple(sorted(found)))


def _categories(values: pl.Series) -> Bins:
    texts = values.cast(pl.String).drop_nulls().value_counts(name="rows")
    listed = texts.filter(pl.col("rows") >= MINIMUM_CATEGORY_ROWS).sort(["rows", values.name], descending=[True, False])
    return Bins(categories=tuple(listed[values.name].head(MOST_CATEGORIES).to_list()))


def _expressions(schema: Mapping[str, Any], bins: Mapping[str, Bins]) -> list[pl.Expr]:
    """By `place:number`: rows up to each edge, or of each text; `place:all` rows with a value."""
    made = [pl.len().alias("rows")]
    for place, (name, one) in enumerate(bins.items()):
        column = pl.col(name)
        if one.categories is not None:
            known = [column.cast(pl.String) == text for text in one.categories]
            filled = column.is_not_null()
        else:
            number = column if schema[name] in (pl.Float32, pl.Float64) else column.cast(pl.Float64, strict=False)
            known = [number <= edge for edge in one.edges]
            filled = number.is_not_null() & number.is_not_nan()
        made += [hits.sum().alias(f"{place}:{count}") for count, hits in enumerate(known)]
        made.append(filled.sum().alias(f"{place}:all"))
    return made


def _counts(row: Mapping[str, Any], bins: Mapping[str, Bins]) -> dict[str, tuple[int, ...]]:
    """What `_expressions` found as rows by bin."""
    counts = {}
    for place, (name, one) in enumerate(bins.items()):
        found = [int(row[f"{place}:{number}"] or 0) for number in range(one.size - 2)]
        filled = int(row[f"{place}:all"] or 0)
        if one.categories is None:  # they are cumulative
            own = [high - low for low, high in zip([0, *found[:-1]], found, strict=True)] if found else []
            beyond = filled - (found[-1] if found else 0)
        else:
            own, beyond = found, filled - sum(found)
        counts[name] = (*own, beyond, int(row["rows"]) - filled)
    return counts

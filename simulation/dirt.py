"""The dirt of real exports: a small, known share of bad order lines added to the good ones.

Every bad line is a copy of a good one with exactly one thing wrong, so that the good lines all survive and the number
set aside by each rule is known. A defect is named after the rule that has to find it.

Belongs here: defects and their counts. Does not: formats (`raw.py`), files (`files.py`).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

FIRST_LINE_OF_DIRT = 9001
"""Line numbers of added lines start here, so that they share no key with a good line or with each other."""

_FAR_FUTURE = "2096"  # a leap year, so that 29 February stays a date
_FEES = ("SHIPPING", "GIFT-WRAP", "CARD-FEE")


@dataclass(frozen=True)
class Defect:
    """One way in which an order line can be bad.

    Attributes:
        rule: the rule that finds it.
        share: bad lines added per good line.
        changes: raw columns that are overwritten, by name.
    """

    rule: str
    share: float
    changes: dict[str, pl.Expr]


def _defects() -> tuple[Defect, ...]:
    """All defects, in the order their lines are drawn."""
    fee = pl.Series(_FEES).implode()
    return (
        Defect("customer_id_is_present", 0.0015, {"customer_number": pl.lit(None, dtype=pl.String)}),
        Defect("key_is_unique", 0.002, {}),
        Defect("ordered_at_is_parsable", 0.0005, {"placed_at": pl.lit("00/00/0000 n/a")}),
        Defect(
            "ordered_at_is_not_in_the_future", 0.0004, {"placed_at": _FAR_FUTURE + pl.col("placed_at").str.slice(4)}
        ),
        Defect("currency_is_known", 0.0004, {"currency": pl.lit("XXX")}),
        Defect("amount_is_present", 0.0006, {"net_amount": pl.lit(None, dtype=pl.String)}),
        Defect("quantity_is_not_zero", 0.0006, {"units": pl.lit("0")}),
        Defect("order_product_is_known", 0.001, {"sku": pl.lit(fee).list.get(pl.int_range(pl.len()) % len(_FEES))}),
    )


@dataclass(frozen=True)
class DirtyOrders:
    """Raw order lines with dirt among them.

    Attributes:
        lines: good lines and bad ones, each bad one right after the good one it was copied from.
        counts: bad lines by the name of the rule that has to find them.
    """

    lines: pl.DataFrame
    counts: dict[str, int]


def add_dirt(rng: np.random.Generator, clean: pl.DataFrame) -> DirtyOrders:
    """Copies of good raw order lines, made bad, among the good ones; at least one of each kind where there are enough.

    Args:
        rng: decides which lines are copied; no good line is copied twice.
        clean: raw order lines, see `raw.raw_orders`.
    """
    defects = _defects()
    counts = [max(1, round(defect.share * clean.height)) for defect in defects]
    chosen = rng.permutation(clean.height)[: sum(counts)]
    parts = np.split(chosen, np.cumsum(counts)[:-1])
    positioned = clean.with_row_index("position").with_columns(copy=pl.lit(0, dtype=pl.UInt32))
    first_lines = FIRST_LINE_OF_DIRT + np.cumsum([0, *counts])
    bad = [
        _bad_lines(positioned[np.sort(part)], defect, first_line=int(first_line))
        for part, defect, first_line in zip(parts, defects, first_lines[:-1], strict=True)
    ]
    lines = pl.concat([positioned, *bad]).sort("position", "copy").drop("position", "copy")
    return DirtyOrders(
        lines=lines,
        counts={defect.rule: part.size for part, defect in zip(parts, defects, strict=True)},
    )


def _bad_lines(good: pl.DataFrame, defect: Defect, *, first_line: int) -> pl.DataFrame:
    """Copies of good lines with one defect; all but replayed lines get a line number of their own."""
    copies = good.with_columns(copy=pl.lit(1, dtype=pl.UInt32), **defect.changes)
    if not defect.changes:
        return copies
    return copies.with_columns(line=pl.int_range(first_line, first_line + pl.len()).cast(pl.String))

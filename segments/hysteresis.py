"""Classes that do not flicker: who stands close to a line stays where they stood yesterday.

Belongs here: settling a class of today by that of yesterday. Does not: the classes, or where yesterday's come from.

A customer changes class only when they are clear of the line by a margin. On the first night, and for whoever had no
class, the plain rule holds.
"""

from collections.abc import Sequence

import polars as pl

_PREVIOUS = "__previous"


def settled_class(
    value: pl.Expr,
    thresholds: Sequence[float],
    classes: Sequence[str],
    *,
    previous: pl.Expr,
    margin: float,
    relative: bool = True,
) -> pl.Expr:
    """Class (String) of a value: each class begins at its threshold, but yesterday's is kept close to a line.

    Args:
        value: numbers; null gives null.
        thresholds: rising; the first class lies below the first, the last begins at the last.
        classes: one more than thresholds.
        previous: yesterday's class (String); null, or a word not among `classes`, where there is none.
        margin: how far beyond a line a value has to be to change class.
        relative: whether the margin is a share of the threshold (else a difference).
    """
    plain = _place(value, thresholds)
    before = previous.replace_strict(list(classes), list(range(len(classes))), default=None, return_dtype=pl.Int64)
    widths = [abs(line) * margin if relative else margin for line in thresholds]
    lowest = _place(value, [line + width for line, width in zip(thresholds, widths, strict=True)])
    highest = _place(value, [line - width for line, width in zip(thresholds, widths, strict=True)])
    settled = pl.when(before.is_between(lowest, highest)).then(before).otherwise(plain)
    words = settled.replace_strict(list(range(len(classes))), list(classes), default=None, return_dtype=pl.String)
    return pl.when(value.is_not_null()).then(words)


def _place(value: pl.Expr, thresholds: Sequence[float]) -> pl.Expr:
    """How many thresholds a value has reached (Int64)."""
    return pl.sum_horizontal((value >= line).cast(pl.Int64) for line in thresholds)


def with_previous(rows: pl.DataFrame, previous: pl.DataFrame | None, column: str) -> pl.DataFrame:
    """Rows with yesterday's class as `__previous` (String, null where there was none).

    Args:
        rows: `customer_id`, unique.
        previous: yesterday's rows, `customer_id` unique; None on the first night.
        column: its column that is yesterday's class; nobody has any where it is missing.
    """
    if previous is None or column not in previous.columns:
        return rows.with_columns(pl.lit(None, pl.String).alias(_PREVIOUS))
    before = previous.select("customer_id", pl.col(column).cast(pl.String).alias(_PREVIOUS))
    return rows.join(before, on="customer_id", how="left", validate="1:1", maintain_order="left")


PREVIOUS = pl.col(_PREVIOUS)

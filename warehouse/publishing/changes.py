"""Since when a customer has looked the way they look now.

Belongs here: comparing a night's rows with those of the night before. Does not: reading either of them.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl


def stamp_changes(
    new: pl.DataFrame, previous: pl.DataFrame | None, *, key: Sequence[str], watched: Sequence[str], as_of: date
) -> pl.DataFrame:
    """Add `changed_at` (Date): the `as_of` at which any watched column of a row last changed.

    A row that was there before with equal watched columns keeps its `changed_at`; any other row, and a row whose
    watched column is new or has another dtype, gets `as_of`. Two nulls are equal.

    Args:
        new: the night's rows; `key` is unique in it. A `changed_at` it already has is replaced, in its place.
        previous: the latest published rows of an earlier date, with `changed_at`; None when there are none.
        key: the columns that identify a row.
        watched: the columns whose change counts.
        as_of: the night's date.

    Raises:
        polars.exceptions.ComputeError: `key` is not unique in `previous`.
    """
    comparable = previous is not None and all(
        previous.schema.get(name) == new.schema[name] for name in (*key, *watched)
    )
    if previous is None or not comparable or "changed_at" not in previous.columns:
        return new.with_columns(pl.lit(as_of, dtype=pl.Date).alias("changed_at"))
    before = previous.select(
        *key,
        *(pl.col(name).alias(f"__before_{name}") for name in watched),
        pl.col("changed_at").cast(pl.Date).alias("__before_changed_at"),
    )
    same = pl.all_horizontal(
        pl.col("__before_changed_at").is_not_null(),
        *(pl.col(name).eq_missing(pl.col(f"__before_{name}")) for name in watched),
    )
    return (
        new.join(before, on=list(key), how="left", validate="m:1", maintain_order="left")
        .with_columns(
            pl.when(same).then("__before_changed_at").otherwise(pl.lit(as_of, dtype=pl.Date)).alias("changed_at")
        )
        .drop("^__before_.*$")
    )

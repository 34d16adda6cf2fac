"""Running values within groups of a sorted frame, as plain column arithmetic.

Belongs here: turning what came in each cell into what was known from each cell on. Does not: what is folded.

A window function (`over`) visits each group by itself; with hundreds of thousands of tiny groups that costs more than
everything else. On rows sorted by group, a running sum is a global running sum minus what stood before the group, and a
running maximum is a global one of (group number, value) packed into one integer.
"""

import polars as pl

SECONDS_BITS = 34  # ±2^33 s around 1970 (1697 to 2242), which leaves 2^29 groups
MICROSECONDS = 1_000_000
_HALF = 2 ** (SECONDS_BITS - 1)


def is_group_start(keys: list[str]) -> pl.Expr:
    """Whether a row of a frame sorted by `keys` is the first of its group."""
    return pl.any_horizontal(pl.col(key).ne_missing(pl.col(key).shift(1)) for key in keys) | pl.col("row").eq(0)


def fold_forward(
    ledger: pl.LazyFrame, keys: list[str], *, sums: list[str], earliest: list[str], latest: list[str]
) -> pl.LazyFrame:
    """Turn what came in each cell into what was known from `cell` up to, not including, `cell_until`.

    Args:
        ledger: one row per `keys` and `cell` (what came in it).
        keys: the group.
        sums: integer columns, replaced by their sums over the cells so far.
        earliest: Datetime (UTC) columns, replaced by the earliest so far, to the second.
        latest: Datetime (UTC) columns, replaced by the latest so far, to the second.

    Returns:
        The ledger, sorted by keys and cell, with `cell_until` (null: holds for good).
    """
    start = pl.col("group_start")
    group = start.cum_sum().cast(pl.Int64) * 2**SECONDS_BITS
    return (
        ledger.sort(*keys, "cell")
        .with_row_index("row")
        .with_columns(is_group_start(keys).alias("group_start"))
        .with_columns(
            pl.when(~start.shift(-1)).then(pl.col("cell").shift(-1)).alias("cell_until"),
            *(_running_sum(name, start) for name in sums),
            *(_running_extreme(name, group, sign=-1) for name in earliest),
            *(_running_extreme(name, group, sign=1) for name in latest),
        )
        .drop("row", "group_start")
    )


def _running_sum(name: str, start: pl.Expr) -> pl.Expr:
    so_far = pl.col(name).cum_sum()
    before_group = pl.when(start).then(so_far - pl.col(name)).forward_fill()
    return (so_far - before_group).alias(name)


def _running_extreme(name: str, group: pl.Expr, *, sign: int) -> pl.Expr:
    """Latest so far (sign 1) or earliest so far (sign -1) within the group."""
    packed = group + pl.col(name).dt.epoch("s") * sign + _HALF
    seconds: pl.Expr = ((packed.cum_max() % 2**SECONDS_BITS) - _HALF) * sign
    return (seconds * MICROSECONDS).cast(pl.Datetime("us", "UTC")).alias(name)

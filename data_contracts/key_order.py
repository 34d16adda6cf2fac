"""Rows in the order of their key, without a second copy of what stands in it already.

Belongs here: telling and making that order. Does not: which key a table has (its contract says so).
"""

from collections.abc import Sequence

import polars as pl


def by_key(frame: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """The rows sorted by `key`, ascending; the frame itself where they are."""
    return frame if is_by_key(frame, key) else frame.sort(key)


def is_by_key(frame: pl.DataFrame, key: Sequence[str]) -> bool:
    """Whether the rows stand in the order of `key`; not where any of it is null."""
    if frame.height == 0:
        return True
    follows = pl.lit(value=True)
    for name in reversed(key):
        column, before = pl.col(name), pl.col(name).shift(1)
        follows = (before < column) | ((before == column) & follows)
    known = [pl.col(name).is_not_null().all() for name in key]
    return bool(frame.lazy().select(pl.all_horizontal(follows.slice(1).all(), *known)).collect().item())

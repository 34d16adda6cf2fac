"""Recency, frequency and monetary scores: quintiles among active customers.

Belongs here: scores relative to the other customers of the same night. Does not: what makes a customer active.
"""

import polars as pl

QUINTILES = 5


def quintile_score(value: pl.Expr, *, high_is_good: bool = True) -> pl.Expr:
    """Score from 1 to 5 (Int8; 5 best) by position among all values of the frame the expression runs on.

    A value stands at the middle of its ties (mid-rank), so equal values share a score, and where all values are equal
    everybody has a 3. In integers throughout: no value is moved by rounding. Null stays null and is not counted.

    Args:
        value: numbers to be ranked.
        high_is_good: whether the highest (else the lowest) value is best.
    """
    twice_mid_rank = (value.rank("average", descending=not high_is_good) * 2).cast(pl.Int64)
    count = value.count().cast(pl.Int64)
    return ((twice_mid_rank - 1) * QUINTILES // (count * 2) + 1).cast(pl.Int8)

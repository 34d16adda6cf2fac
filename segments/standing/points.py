"""Points from 0 to 100 by position among others: what makes unlike measures comparable.

Belongs here: turning a measure into points, in whole numbers, so that no value is moved by rounding. Does not:
choosing weights.
"""

import polars as pl

FULL = 1000
POINTS_A_STEP = 10.0


def points(value: pl.Expr, *, high_is_good: bool = True) -> pl.Expr:
    """Points (Float64, 0 to 100, one decimal) by mid-rank among all values of the frame; null stays null.

    Equal values share their points; where all are equal everybody has 50.

    Args:
        value: numbers to be ranked.
        high_is_good: whether the highest (else the lowest) value is best.
    """
    twice_mid_rank = (value.rank("average", descending=not high_is_good) * 2).cast(pl.Int64)
    count = value.count().cast(pl.Int64)
    return ((twice_mid_rank - 1) * FULL // (count * 2)) / POINTS_A_STEP


def weighted_points(weights: dict[str, float]) -> pl.Expr:
    """Mean of points by weight over those that are known (Float64, one decimal); null where none is.

    Args:
        weights: by column of points; columns of weight 0 are passed over.
    """
    used = {name: weight for name, weight in weights.items() if weight > 0}
    known = [pl.when(pl.col(name).is_not_null()).then(pl.lit(weight)).otherwise(0.0) for name, weight in used.items()]
    total = pl.sum_horizontal(pl.col(name).fill_null(0.0) * weight for name, weight in used.items())
    weight = pl.sum_horizontal(known)
    return pl.when(weight > 0).then((total / weight).round(1))

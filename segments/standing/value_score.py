"""The value score: several criteria in one figure, weighed as the business wants, and what another weight would change.

Belongs here: points by criterion, the weighted score, its rank. Does not: the forecast of value, which the pyramid goes
by.
"""

from collections.abc import Mapping

import polars as pl

from segments.standing.credit import CREDIT_GRADES
from segments.standing.points import points, weighted_points
from segments.vocabulary import ACTIVE

CRITERIA = ("turnover", "volume", "overdue", "cycle", "loyalty", "credit")


def points_column(criterion: str) -> str:
    """The column that holds the points of a criterion."""
    return f"{criterion}_points"


def value_scores(rows: pl.DataFrame, *, weights: Mapping[str, float]) -> pl.DataFrame:
    """Points by criterion, value score and rank of active customers.

    Args:
        rows: `customer_id`, `customer_status`, `net_sales_12m`, `units_12m`, `overdue_amount`, `usual_gap_days`,
            `loyalty_points`, `credit_grade` (null where unknown).
        weights: by criterion; one for which nobody has data counts for nothing.

    Returns:
        One row per active customer, sorted by `customer_id`: `customer_id`, `<criterion>_points` (0 to 100, 100 best;
        null where unknown), `value_score` (0 to 100), `value_score_rank` (Int64, 1 is best).
    """
    active = rows.filter(pl.col("customer_status") == ACTIVE).sort("customer_id")
    grade = pl.col("credit_grade").replace_strict(
        list(CREDIT_GRADES), list(range(len(CREDIT_GRADES))), default=None, return_dtype=pl.Int64
    )
    measured = active.select(
        "customer_id",
        points(pl.col("net_sales_12m")).alias("turnover_points"),
        points(pl.col("units_12m")).alias("volume_points"),
        points(pl.col("overdue_amount"), high_is_good=False).alias("overdue_points"),
        points(pl.col("usual_gap_days"), high_is_good=False).alias("cycle_points"),
        pl.col("loyalty_points").cast(pl.Float64),
        points(grade, high_is_good=False).alias("credit_points"),
    )
    return rescored(measured, weights=weights)


def rescored(measured: pl.DataFrame, *, weights: Mapping[str, float]) -> pl.DataFrame:
    """Score and rank from points that are there.

    Args:
        measured: `customer_id` (unique) and `<criterion>_points`.
        weights: by criterion.
    """
    by_column = {points_column(name): float(weights.get(name, 0.0)) for name in CRITERIA}
    scored = measured.select("customer_id", *by_column).with_columns(weighted_points(by_column).alias("value_score"))
    ranked = scored.sort("value_score", "customer_id", descending=[True, False], nulls_last=True)
    place = pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    rank = pl.when(pl.col("value_score").is_not_null()).then(place)
    return ranked.with_columns(rank.alias("value_score_rank")).sort("customer_id")


def rank_changes(
    measured: pl.DataFrame, *, weights_before: Mapping[str, float], weights_after: Mapping[str, float]
) -> pl.DataFrame:
    """How ranks change when weights change.

    Args:
        measured: `customer_id` (unique) and `<criterion>_points`, as `value_scores` returns them.
        weights_before: by criterion.
        weights_after: by criterion.

    Returns:
        `customer_id`, `score_before`, `score_after`, `rank_before`, `rank_after`, `places_gained` (Int64; below 0:
        lost); those who gain most first, equal ones by `customer_id`.
    """
    before, after = (rescored(measured, weights=weights) for weights in (weights_before, weights_after))
    named = {
        "score_before": before["value_score"],
        "score_after": after["value_score"],
        "rank_before": before["value_score_rank"],
        "rank_after": after["value_score_rank"],
    }
    changed = before.select("customer_id").with_columns(**named)
    return changed.with_columns((pl.col("rank_before") - pl.col("rank_after")).alias("places_gained")).sort(
        "places_gained", "customer_id", descending=[True, False], nulls_last=True
    )

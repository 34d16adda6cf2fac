"""Who is truly loyal, who buys out of habit, for the discount, or also elsewhere: with the evidence.

Belongs here: points from the evidence and the class that follows. Does not: staying or leaving (`lifecycle.py`, the
churn model): a customer can stay without being loyal.

Evidence: how often they come back, breadth over categories, share of activity, time as a customer, buying at full
price, customers brought. What is not recorded is left out.
"""

from typing import Final

import polars as pl

from segments.hysteresis import PREVIOUS, settled_class, with_previous
from segments.standing.points import points, weighted_points
from segments.standing.rules import SegmentationRules

TRULY_LOYAL: Final = "truly loyal"
HABITUAL: Final = "habitual"
DISCOUNT_DRIVEN: Final = "discount-driven"
POLYGAMOUS: Final = "polygamous"
TOO_EARLY: Final = "too early to tell"
LOYALTY_CLASSES: Final = (TRULY_LOYAL, HABITUAL, DISCOUNT_DRIVEN, POLYGAMOUS, TOO_EARLY)
_EVIDENCE = {
    "repeat_points": 2.0,
    "breadth_points": 1.0,
    "activity_points": 2.0,
    "tenure_points": 1.0,
    "full_price_points": 2.0,
    "referral_points": 1.0,
}
_ABOVE_THE_USUAL = 1.25


def loyalty(rows: pl.DataFrame, *, rules: SegmentationRules, previous: pl.DataFrame | None = None) -> pl.DataFrame:
    """Loyalty class and evidence of every customer.

    Args:
        rows: as `customer_facts` returns it.
        rules: of the company.
        previous: yesterday's rows with `customer_id`, `loyalty_class`; None on the first night.

    Returns:
        In the order of `rows`: `customer_id`, `loyalty_class` (one of `LOYALTY_CLASSES`), `loyalty_points` (0 to 100;
        null: too early to tell), `purchase_days_12m`, `categories_bought`, `activity_share` (how far they keep
        to their rhythm, 1 is clockwork), `days_as_customer`, `discounted_line_share`,
        `customers_brought`.
    """
    told = pl.col("purchase_day_count").fill_null(0) >= rules.loyalty_purchase_days
    evidence = with_previous(rows, previous, "loyalty_class").with_columns(
        told.alias("__told"),
        pl.col("purchase_day_count_365_days").fill_null(0).alias("purchase_days_12m"),
        pl.coalesce("distinct_categories_life", "distinct_products_life").alias("categories_bought"),
        _activity_share().alias("activity_share"),
        pl.col("days_since_first_order").alias("days_as_customer"),
        pl.coalesce("discounted_line_share_365_days", "discounted_line_share").alias("discounted_line_share"),
        pl.col("referral_count").alias("customers_brought"),
    )
    evidence = evidence.with_columns(_points(told=pl.col("__told")))
    evidence = evidence.with_columns(
        pl.when("__told").then(weighted_points(_EVIDENCE)).alias("loyalty_points"),
    )
    return evidence.with_columns(_class(evidence, rules).alias("loyalty_class")).select(
        *("customer_id", "loyalty_class", "loyalty_points", "purchase_days_12m", "categories_bought"),
        *("activity_share", "days_as_customer", "discounted_line_share", "customers_brought"),
    )


def _activity_share() -> pl.Expr:
    """How far they kept to their rhythm while they were here: 1 is clockwork, 0.5 is at random, less is with pauses."""
    return (1 / (1 + pl.col("irregularity_of_orders").fill_null(1.0))).round(3)


def _points(*, told: pl.Expr) -> list[pl.Expr]:
    """Points of each piece of evidence among those who can be told."""
    full_price = 1 - pl.col("discounted_line_share")
    measures = {
        "repeat_points": pl.col("purchase_days_12m"),
        "breadth_points": pl.col("categories_bought"),
        "activity_points": pl.col("activity_share"),
        "tenure_points": pl.col("days_as_customer"),
        "full_price_points": full_price,
        "referral_points": pl.col("customers_brought"),
    }
    return [points(pl.when(told).then(measure)).alias(name) for name, measure in measures.items()]


def _class(evidence: pl.DataFrame, rules: SegmentationRules) -> pl.Expr:
    """Discounts first, then true loyalty; of the rest, those who are seldom here buy elsewhere, the others by habit."""
    shares = evidence.filter("__told")["discounted_line_share"].drop_nulls()
    usual = shares.median()
    line = max(rules.discount_driven_share, _ABOVE_THE_USUAL * usual) if isinstance(usual, float) else 1.0
    by_discount = settled_class(
        pl.col("discounted_line_share").fill_null(0.0),
        (min(line, 1.0),),
        (HABITUAL, DISCOUNT_DRIVEN),
        previous=_or_else(DISCOUNT_DRIVEN),
        margin=rules.steady_margin,
    )
    by_points = settled_class(
        pl.col("loyalty_points"),
        (rules.loyal_points,),
        (HABITUAL, TRULY_LOYAL),
        previous=_or_else(TRULY_LOYAL),
        margin=rules.steady_margin,
    )
    here = settled_class(
        pl.col("activity_share"),
        (rules.little_activity_share,),
        (POLYGAMOUS, HABITUAL),
        previous=PREVIOUS,
        margin=rules.steady_margin,
    )
    return (
        pl.when(~pl.col("__told"))
        .then(pl.lit(TOO_EARLY))
        .when(by_discount == DISCOUNT_DRIVEN)
        .then(pl.lit(DISCOUNT_DRIVEN))
        .when(by_points == TRULY_LOYAL)
        .then(pl.lit(TRULY_LOYAL))
        .otherwise(here.fill_null(HABITUAL))
    )


def _or_else(word: str) -> pl.Expr:
    """Yesterday's class on one side of a line or the other; null where there was none."""
    return pl.when(PREVIOUS.eq(word)).then(PREVIOUS).when(PREVIOUS.is_not_null()).then(pl.lit(HABITUAL))

"""Where each customer stands in their life with the company, by their own rhythm and not by fixed days.

Belongs here: the usual gap between purchases, silence measured in it, and the stage that follows. Does not: the models'
probability of leaving, which looks ahead.

Somebody grows or declines by trend only where chance does not explain it: who bought four times and then six times may
well buy as ever.

The usual gap is the customer's own mean gap, drawn towards everybody's where there are few purchases to tell by
(two purchases count as much as everybody's gap). Who has a running subscription is neither dormant nor lost.
"""

from typing import Final

import polars as pl

from segments.hysteresis import PREVIOUS, settled_class, with_previous
from segments.standing.rules import SegmentationRules

NEW: Final = "new"
GROWING: Final = "growing"
MATURE: Final = "mature"
DECLINING: Final = "declining"
DORMANT: Final = "dormant"
LOST: Final = "lost"
STAGES: Final = (NEW, GROWING, MATURE, DECLINING, DORMANT, LOST)
_GAPS_OF_EVERYBODY = 2.0
_FALLBACK_GAP_DAYS = 90.0
_NEW_SUBSCRIBER_DAYS = 90
_SURE_OF_A_TREND = 1.645  # standard errors: of customers who buy as ever, chance takes one in twenty each way at most
_STANDING = (MATURE, DECLINING, DORMANT, LOST)


def lifecycle(facts: pl.DataFrame, *, rules: SegmentationRules, previous: pl.DataFrame | None = None) -> pl.DataFrame:
    """The stage of every customer.

    Args:
        facts: as `customer_facts` returns it.
        rules: of the company.
        previous: yesterday's rows with `customer_id`, `lifecycle`; None on the first night.

    Returns:
        In the order of `facts`: `customer_id`, `lifecycle` (one of `STAGES`), `usual_gap_days` (Float64),
        `silence_in_gaps` (Float64; null: never bought), `purchase_trend` (Float64, -1 to 1; null: too little bought).
    """
    rows = with_previous(facts, previous, "lifecycle").with_columns(
        usual_gap_days(facts, rules).alias("usual_gap_days")
    )
    rows = rows.with_columns(
        (pl.col("days_since_last_order") / pl.col("usual_gap_days")).round(3).alias("silence_in_gaps"),
        pl.col("purchase_trend_180_days").round(3).alias("purchase_trend"),
    )
    return rows.select(
        "customer_id", _stage(rules).alias("lifecycle"), "usual_gap_days", "silence_in_gaps", "purchase_trend"
    )


def usual_gap_days(facts: pl.DataFrame, rules: SegmentationRules) -> pl.Expr:
    """The usual days between purchases (Float64, one decimal), never null."""
    everybody = facts["mean_days_between_orders"].drop_nulls().median()
    typical = float(everybody) if isinstance(everybody, int | float) else _FALLBACK_GAP_DAYS
    gaps = (pl.col("purchase_day_count").fill_null(0) - 1).clip(lower_bound=0)
    own = pl.col("mean_days_between_orders").fill_null(0.0) * gaps
    drawn = (own + typical * _GAPS_OF_EVERYBODY) / (gaps + _GAPS_OF_EVERYBODY)
    return drawn.clip(lower_bound=rules.shortest_gap_days).round(1)


def _stage(rules: SegmentationRules) -> pl.Expr:
    """New until there is a rhythm, then by silence, then by trend."""
    silence = settled_class(
        pl.col("silence_in_gaps"),
        (rules.declining_after_gaps, rules.dormant_after_gaps, rules.lost_after_gaps),
        _STANDING,
        previous=pl.when(PREVIOUS.is_in([NEW, GROWING])).then(pl.lit(MATURE)).otherwise(PREVIOUS),
        margin=rules.steady_margin,
    )
    subscribes = pl.col("running_subscription_count").fill_null(0) > 0
    gone = silence.is_in([DORMANT, LOST]) & ~subscribes
    return (
        pl.when(pl.col("days_since_last_order").is_null())
        .then(_of_subscribers(subscribes))
        .when(gone)
        .then(silence)
        .when(pl.col("purchase_day_count") < rules.new_purchase_days)
        .then(pl.when(silence == DECLINING).then(pl.lit(DECLINING)).otherwise(pl.lit(NEW)))
        .when((silence == DECLINING) & ~subscribes)
        .then(pl.lit(DECLINING))
        .otherwise(_by_trend(rules))
    )


def _by_trend(rules: SegmentationRules) -> pl.Expr:
    """Growing, mature or declining by purchases of two half-years; mature where there is no earlier half-year.

    The trend of n purchases has a standard error of 1 / sqrt(n) when nothing changed (counts that come at random); the
    line lies at `growth_balance`, or as much farther out as that asks for.
    """
    known = pl.col("days_since_first_order") >= 2 * 180
    certainty = rules.growth_balance * pl.col("purchase_day_count_365_days").sqrt() / _SURE_OF_A_TREND
    word = settled_class(
        pl.when(known).then(pl.col("purchase_trend") * pl.min_horizontal(certainty, pl.lit(1.0))),
        (-rules.growth_balance, rules.growth_balance),
        (DECLINING, MATURE, GROWING),
        previous=PREVIOUS,
        margin=rules.steady_margin,
    )
    return word.fill_null(MATURE)


def _of_subscribers(subscribes: pl.Expr) -> pl.Expr:
    """The stage of who subscribes and never bought anything."""
    young = pl.col("days_since_first_subscription").fill_null(0) < _NEW_SUBSCRIBER_DAYS
    running = pl.when(young).then(pl.lit(NEW)).otherwise(pl.lit(MATURE))
    return pl.when(subscribes).then(running).otherwise(pl.lit(LOST))

"""Whom to save before they leave, with what, and what that is expected to bring.

Belongs here: the table `segments.retention_list`. Does not: churn probabilities, the effect of being addressed.
"""

from dataclasses import dataclass

import polars as pl

from data_contracts.published import OutputColumn, OutputContract
from segments.decisions.lists import ListStamp, as_list, list_contract
from segments.decisions.values import ASSUMED, RANDOMISED, Z
from segments.money import Currency, amount_dtype
from segments.numbers_in_words import money_in_words

CERTAIN_TO_GAIN = 0


@dataclass(frozen=True, kw_only=True)
class RetentionRules:
    """Who is asked about, and what saving costs.

    Attributes:
        from_probability: churn probability from which a customer is a leaver.
        save_share: share of leavers whom an attempt keeps, where no effect was measured.
        cost_amount: of one attempt, minor units.
    """

    from_probability: float
    save_share: float
    cost_amount: int


def retention_contract(currency: Currency) -> OutputContract:
    """The contract of `segments.retention_list`."""
    return list_contract(
        "retention_list",
        (
            OutputColumn(
                "churn_probability",
                pl.Float64,
                nullable=True,
                minimum=0.0,
                maximum=1.0,
                meaning="How likely the customer is to buy nothing in the coming period, from 0 to 1; empty: only "
                "subscribes.",
            ),
            OutputColumn(
                "subscription_churn_probability",
                pl.Float64,
                nullable=True,
                minimum=0.0,
                maximum=1.0,
                meaning="How likely it is that no subscription of theirs runs any more then; empty: none runs now.",
            ),
            OutputColumn(
                "margin_at_stake",
                amount_dtype(currency),
                meaning="What the customer's purchases of the last 365 days brought after the goods' cost, and the "
                "assumed margin of what subscriptions that run brought in those days.",
            ),
            OutputColumn("offer", pl.String, nullable=True, meaning="What to win them with; empty: no offer is known."),
        ),
        currency=currency,
        meaning="Customers about to leave whom an attempt to keep them is expected to pay for.",
        rank_meaning="1 is where an attempt brings most; among equals, where most is likely to be lost.",
    )


def retention_list(customers: pl.DataFrame, *, rules: RetentionRules, stamp: ListStamp) -> pl.DataFrame:
    """The rows of `segments.retention_list`: leavers worth an attempt.

    Without a measured effect an attempt is expected to keep `save_share` of what is likely to be lost: the margin of
    orders times the probability that they stop, and that of subscriptions times the probability that they end. The
    interval runs from nobody to twice as many.

    Args:
        customers: active customers with `customer_id`, `churn_probability`, `subscription_churn_probability` (null:
            not scored, none runs), `margin_365_amount`, `subscription_margin_365_amount` (Int64, minor units),
            `may_be_contacted`, `next_offer_1` (may be null), `main_reason` (of stopping to order),
            `subscription_reason` (of ending the subscription, null: not known), and `effect`, `effect_error` (minor
            units of margin that addressing brings, null where not measured).
        rules: see `RetentionRules`.
        stamp: where it comes from.
    """
    stops, ends = pl.col("churn_probability").fill_null(0.0), pl.col("subscription_churn_probability").fill_null(0.0)
    at_risk = stops * pl.col("margin_365_amount").clip(lower_bound=0) + ends * pl.col("subscription_margin_365_amount")
    may_stop, may_end = stops >= rules.from_probability, ends >= rules.from_probability
    measured = pl.col("effect").is_not_null()
    error = pl.col("effect_error").fill_null(0.0) * Z

    def gain(measured_effect: pl.Expr, share: float) -> pl.Expr:
        brought = pl.when(measured).then(measured_effect).otherwise(at_risk * share)
        return (brought - rules.cost_amount).round(0).cast(pl.Int64)

    rows = customers.filter(pl.col("may_be_contacted") & (may_stop | may_end)).with_columns(
        gain(pl.col("effect"), rules.save_share).alias("gain_amount"),
        gain(pl.col("effect") - error, 0.0).alias("gain_low_amount"),
        gain(pl.col("effect") + error, min(2 * rules.save_share, 1.0)).alias("gain_high_amount"),
        pl.when(measured).then(pl.lit(RANDOMISED)).otherwise(pl.lit(ASSUMED)).alias("evidence"),
        (pl.col("margin_365_amount") + pl.col("subscription_margin_365_amount")).alias("margin_at_stake"),
        at_risk.round(0).cast(pl.Int64).alias("at_risk_amount"),
        pl.col("next_offer_1").alias("offer"),
    )
    worth = rows.filter(pl.col("gain_amount") > CERTAIN_TO_GAIN)
    return as_list(
        worth.with_columns(_reason(stops, ends, rules, stamp.currency).alias("reason")),
        retention_contract(stamp.currency),
        stamp,
        amounts=("margin_at_stake",),
        among_equals="at_risk_amount",
    )


def _reason(stops: pl.Expr, ends: pl.Expr, rules: RetentionRules, currency: Currency) -> pl.Expr:
    """Which end is likely, what is at stake, and why, as far as it is known."""
    stop, end = ((share * 100).round(0).cast(pl.Int64) for share in (stops, ends))
    at_stake = pl.format("{} of yearly margin at stake", money_in_words(pl.col("margin_at_stake"), currency))
    may_stop, may_end = stops >= rules.from_probability, ends >= rules.from_probability
    ending = pl.format("{}% likely to end the subscription, {}", end, at_stake)
    return (
        pl.when(may_stop & may_end)
        .then(pl.format("{}% likely to leave, {}% to end the subscription, {}; {}", stop, end, at_stake, "main_reason"))
        .when(may_end)
        .then(pl.concat_str(ending, "subscription_reason", separator="; ", ignore_nulls=True))
        .otherwise(pl.format("{}% likely to leave, {}; {}", stop, at_stake, "main_reason"))
    )

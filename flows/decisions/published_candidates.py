"""The published offers as candidates again, so that other rules can be tried on them.

Belongs here: from the table back to candidates, and the ways to make an offer that it does not show. Does not: any
choice.
"""

from datetime import date

import polars as pl

from segments.decisions.eligibility import Blocking, with_blocks


def published_candidates(published: pl.DataFrame, *, minor_units: int) -> pl.DataFrame:
    """Candidates as `choosing.choose` wants them, amounts in minor units.

    Args:
        published: the table `segments.next_best_offer`.
        minor_units: a major unit.
    """
    known = published.filter(pl.col("expected_gain").is_not_null())
    amounts = {"gain_amount": "expected_gain", "cost_amount": "contact_cost"}
    return known.select(
        "customer_id",
        pl.coalesce(pl.concat_str("offer_id", "product_id", separator=" on "), "product_id").alias("offer_id"),
        pl.col("offer_id").alias("declared_offer_id"),
        "product_id",
        "category",
        "channel",
        *(
            (pl.col(source) * minor_units).round(0).cast(pl.Int64).fill_null(0).alias(name)
            for name, source in amounts.items()
        ),
        pl.col("contact_cost").is_not_null().alias("cost_is_known"),
        pl.when(~pl.col("is_open")).then(pl.col("decision_reason")).alias("blocked"),
    )


def with_other_channels(
    candidates: pl.DataFrame,
    costs: pl.DataFrame,
    recent: pl.DataFrame,
    most: dict[str, int],
    *,
    period_days: int,
    as_of: date,
) -> pl.DataFrame:
    """The same offers by the other channels too: the table shows one, and they differ by what a contact costs.

    Args:
        candidates: see `published_candidates`.
        costs: see `offer_candidates.channel_costs`.
        recent: see `inputs.recent_contacts`.
        most: contacts a customer in the period, by channel.
        period_days: the period.
        as_of: the business date.

    Returns:
        Candidates, those published first.
    """
    renamed = costs.rename({"channel": "other", "cost_amount": "other_cost", "cost_is_known": "other_is_known"})
    others = candidates.join(renamed, how="cross")
    others = others.filter(pl.col("other") != pl.col("channel")).with_columns(
        pl.col("other").alias("channel"),
        (pl.col("gain_amount") + pl.col("cost_amount") - pl.col("other_cost")).alias("gain_amount"),
        pl.col("other_cost").alias("cost_amount"),
        pl.col("other_is_known").alias("cost_is_known"),
        pl.col("blocked").alias("of_customer"),
    )
    blocking = Blocking(
        may_be_contacted=others.select("customer_id").unique().with_columns(may_be_contacted=pl.lit(value=True)),
        recent_contacts=recent,
        most_contacts=most,
        period_days=period_days,
    )
    capped = with_blocks(others.drop("blocked"), blocking, as_of=as_of)
    whole = capped.with_columns(pl.coalesce("of_customer", "blocked").alias("blocked"))
    return pl.concat([candidates, whole.select(candidates.columns)])

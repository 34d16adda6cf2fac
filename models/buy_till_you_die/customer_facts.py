"""From a company's purchases to one row of facts a customer, as of a day.

Belongs here: the sufficient statistics of the purchase models, and what else a short history tells. Does not: the core
layer's features (the package `features` makes those), or models.
"""

from datetime import date

import numpy as np
import polars as pl

from models.buy_till_you_die.histories import Histories, histories
from models.learners.encoding import Floats

DAYS_A_WEEK = 7.0
FACTS = (
    *("silent_share", "silence_in_gaps", "gap_weeks", "gap_spread", "longest_gap_share", "repeats", "age_weeks"),
    *("amount_first", "amount_mean", "amount_last", "amount_largest", "amount_total", "recent_half", "recent_quarter"),
    *("decayed_purchases", "weekend_share", "units_first", "units_mean", "units_total", "amount_per_unit"),
)


def customer_facts(purchases: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """What is known of each customer before a day.

    Args:
        purchases: `customer_id`, `day` (Date), `amount` and perhaps `units` (numbers); a row a purchase; those of one
            day are one.
        as_of: the first day not looked at.

    Returns:
        `customer_id`, `repeats`, `last_purchase_age` and `age_weeks` (weeks since the first purchase), and the other
        `FACTS`, Float64, null where they don't exist; a row a customer, sorted.
    """
    known = purchases.filter(pl.col("day") < as_of)
    units = pl.col("units") if "units" in known.columns else pl.lit(None)
    days = (
        known.with_columns(units.cast(pl.Float64).alias("units"))
        .group_by("customer_id", "day")
        .agg(pl.col("amount").cast(pl.Float64).sum(), pl.col("units").sum())
        .sort("customer_id", "day")
    )
    last_day = pl.lit(as_of).dt.offset_by("-1d")
    ago = (last_day - pl.col("day")).dt.total_days()
    age = (last_day - pl.col("day").first()).dt.total_days()
    gap = pl.col("day").diff().dt.total_days()
    amount = pl.col("amount")
    facts = days.group_by("customer_id", maintain_order=True).agg(
        repeats=pl.len() - 1,
        last_purchase_age=(pl.col("day").last() - pl.col("day").first()).dt.total_days() / DAYS_A_WEEK,
        age_weeks=age / DAYS_A_WEEK,
        gap_weeks=gap.mean() / DAYS_A_WEEK,
        gap_spread=gap.std() / gap.mean(),
        longest_gap_share=gap.max() / age,
        silent_share=ago.min() / age,
        silence_in_gaps=ago.min() / gap.mean(),
        amount_first=amount.first(),
        amount_mean=amount.mean(),
        amount_last=amount.last(),
        amount_largest=amount.max(),
        amount_total=amount.sum(),
        recent_half=(ago < age / 2).sum(),
        recent_quarter=(ago < age / 4).sum(),
        decayed_purchases=(-3 * ago / age).exp().sum(),
        units_first=pl.col("units").first(),
        units_mean=pl.col("units").mean(),
        units_total=pl.col("units").sum(),
        amount_per_unit=amount.sum() / pl.col("units").sum(),
        weekend_share=(pl.col("day").dt.weekday() > 5).mean(),  # noqa: PLR2004 - Saturday and Sunday
    )
    numbers = pl.all().exclude("customer_id").cast(pl.Float64)
    finite = pl.when(numbers.is_finite()).then(numbers)
    return facts.with_columns(finite).sort("customer_id")


def statistics(facts: pl.DataFrame) -> tuple[Floats, Floats, Floats]:
    """Repeats, age at the last purchase and age, in weeks, shape (rows,) each."""
    names = ("repeats", "last_purchase_age", "age_weeks")
    columns = [facts[name].to_numpy().astype(np.float64) for name in names]
    return columns[0], columns[1], columns[2]


def histories_of(facts: pl.DataFrame) -> Histories:
    """The distinct histories of customers."""
    return histories(*statistics(facts))


def purchases_after(purchases: pl.DataFrame, facts: pl.DataFrame, since: date, until: date) -> Floats:
    """Days with a purchase in [since, until) of the customers in `facts`, shape (rows,)."""
    made = (
        purchases.filter((pl.col("day") >= since) & (pl.col("day") < until))
        .select("customer_id", "day")
        .unique()
        .group_by("customer_id")
        .agg(pl.len().alias("made"))
    )
    joined = facts.select("customer_id").join(made, on="customer_id", how="left", validate="1:1", maintain_order="left")
    return joined["made"].fill_null(0).to_numpy().astype(np.float64)

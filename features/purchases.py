"""How much and how often: purchases and net spend over windows, their trends, and decayed sums.

A *purchase* is an order whose lines sum above zero (`data_contracts.orders`); net amounts count all lines, returns too.
"""

import polars as pl

from features.feature import (
    MONEY,
    PURCHASES,
    Family,
    Feature,
    balance,
    between_days,
    in_last_days,
    ratio,
    total,
)

WINDOWS_DAYS = (7, 30, 90, 180, 365)
TREND_DAYS = (30, 90, 180, 365)
HALF_LIVES_DAYS = (30, 90, 180)
WEIGHT_ONE = 2**20  # decay weights in fixed point, so that decayed sums are exact in any order; 8.8e12 minor units fit


def _windows(days: int) -> list[Feature]:
    count, amount = f"purchase_count_{days}_days", f"net_amount_{days}_days"
    recent = in_last_days(days)
    return [
        Feature(
            name=count,
            meaning=f"Purchases in the last {days} days.",
            unit=PURCHASES,
            dtype=pl.Int64,
            window_days=days,
            sums={count: total("purchase_count", where=recent)},
            value=pl.col(count),
            phrase=f"ordered {{{count}}} times in the last {days} days",
        ),
        Feature(
            name=amount,
            meaning=f"Net spend (returns taken off) in the last {days} days.",
            unit=MONEY,
            dtype=pl.Int64,
            window_days=days,
            sums={amount: total("net_amount", where=recent)},
            value=pl.col(amount),
            phrase=f"spent {{{amount}}} in the last {days} days",
        ),
    ]


def _trends(days: int) -> list[Feature]:
    recent, earlier = in_last_days(days), between_days(days, 2 * days)
    said = f"ordered {{purchase_count_{days}_days}} times in the last {days} days, {{purchase_count_life}} in all"
    made = []
    for what, column in (("purchase", "purchase_count"), ("spend", "purchase_amount")):
        sums = {
            f"{what}_recent_{days}": total(column, where=recent),
            f"{what}_earlier_{days}": total(column, where=earlier),
        }
        made.append(
            Feature(
                name=f"{what}_trend_{days}_days",
                meaning=f"Trend of {what}s: last {days} days (a) against the {days} before (b), as (a - b) / (a + b).",
                unit="balance (-1 to 1)",
                null_means=f"no purchase in the last {2 * days} days",
                window_days=2 * days,
                sums=sums,
                value=balance(*(pl.col(name) for name in sums)),
                phrase=said,
            )
        )
    return made


def _decayed(half_life: int) -> list[Feature]:
    weight = ((pl.lit(2.0) ** (-pl.col("age_days") / half_life)) * WEIGHT_ONE).round().cast(pl.Int64)
    made = []
    for name, column, unit, said in (
        (f"decayed_purchase_count_{half_life}_days", "purchase_count", PURCHASES, "purchase_count_90_days"),
        (f"decayed_net_amount_{half_life}_days", "net_amount", MONEY, "net_amount_90_days"),
    ):
        verb, after = ("ordered", " times") if unit == PURCHASES else ("spent", "")
        made.append(
            Feature(
                name=name,
                meaning=f"Sum of `{column}` over all history, each day weighted by 2^(-age / {half_life} days).",
                unit=unit,
                sums={name: (weight * pl.col(column)).sum()},
                value=pl.col(name) / WEIGHT_ONE,
                phrase=f"{verb} {{{said}}}{after} in the last 90 days, after {{purchase_count_life}} orders in all",
            )
        )
    return made


def _life() -> list[Feature]:
    purchases, spent = {"purchase_count_life": total("purchase_count")}, {"net_amount_life": total("net_amount")}
    gross = {"purchase_amount_life": total("purchase_amount")}
    last = {"last_purchase_amount": total("purchase_amount", where=pl.col("is_last_purchase_day"))}
    per_purchase = ratio(pl.col("purchase_amount_life"), pl.col("purchase_count_life"))
    return [
        Feature(
            name="purchase_count_life",
            meaning="Purchases before the snapshot.",
            unit=PURCHASES,
            dtype=pl.Int64,
            sums=purchases,
            value=pl.col("purchase_count_life"),
            phrase="ordered {purchase_count_life} times in all",
        ),
        Feature(
            name="net_amount_life",
            meaning="Net spend (returns taken off) before the snapshot.",
            unit=MONEY,
            dtype=pl.Int64,
            sums=spent,
            value=pl.col("net_amount_life"),
            phrase="spent {net_amount_life} in all",
        ),
        Feature(
            name="amount_per_purchase",
            meaning="Mean amount of a purchase.",
            unit=MONEY,
            sums=gross | purchases,
            value=per_purchase,
            phrase="spends {amount_per_purchase} an order",
        ),
        Feature(
            name="largest_purchase_day_amount",
            meaning="Amount bought on the customer's biggest day.",
            unit=MONEY,
            dtype=pl.Int64,
            sums={"largest_purchase_day_amount": pl.col("purchase_amount").max()},
            value=pl.col("largest_purchase_day_amount"),
            phrase="once bought for {largest_purchase_day_amount} on one day",
        ),
        Feature(
            name="last_purchase_day_amount",
            meaning="Amount bought on the last day with a purchase.",
            unit=MONEY,
            dtype=pl.Int64,
            sums=last,
            value=pl.col("last_purchase_amount"),
            phrase="last bought for {last_purchase_day_amount}",
        ),
        Feature(
            name="last_amount_to_usual",
            meaning="Amount of the last purchase day over the mean amount of a purchase.",
            unit="ratio",
            sums=last | gross | purchases,
            value=pl.col("last_purchase_amount") * pl.col("purchase_count_life") / pl.col("purchase_amount_life"),
            phrase="last bought for {last_purchase_day_amount}, {amount_per_purchase} is usual",
        ),
        Feature(
            name="amount_per_purchase_365_days",
            meaning="Mean amount of a purchase in the last 365 days.",
            unit=MONEY,
            null_means="no purchase in the last 365 days",
            window_days=365,
            sums={
                "purchase_amount_365": total("purchase_amount", where=in_last_days(365)),
                "purchase_count_365_days": total("purchase_count", where=in_last_days(365)),
            },
            value=ratio(pl.col("purchase_amount_365"), pl.col("purchase_count_365_days")),
            phrase="spends {amount_per_purchase_365_days} an order",
            phrase_when_null="has not ordered for a year",
        ),
        Feature(
            name="share_of_amount_last_365_days",
            meaning="Share of all purchase amounts that falls in the last 365 days.",
            unit="share (0 to 1)",
            window_days=365,
            sums=gross | {"purchase_amount_365": total("purchase_amount", where=in_last_days(365))},
            value=ratio(pl.col("purchase_amount_365"), pl.col("purchase_amount_life")),
            phrase="{share_of_amount_last_365_days} of all spend falls in the last year",
        ),
    ]


FAMILY = Family(
    name="purchases",
    about="How much and how often the customer buys, over windows, lately and in all.",
    features=(
        *_life(),
        *(feature for days in WINDOWS_DAYS for feature in _windows(days)),
        *(feature for days in TREND_DAYS for feature in _trends(days)),
        *(feature for half_life in HALF_LIVES_DAYS for feature in _decayed(half_life)),
    ),
)

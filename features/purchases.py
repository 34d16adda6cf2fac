"""How much and how often: purchases and net spend over windows, their trends, and decayed sums.

A *purchase* is an order whose lines sum above zero (`data_contracts.orders`); net amounts count all lines, returns too.
"""

import polars as pl

from features.feature import BALANCE, DAYS, MONEY, PURCHASES, SHARE, Family, Feature, balance, ratio, total, total_name
from features.inputs import Decayed, Input, Visit
from features.order_table import WEIGHT_ONE

WINDOWS_DAYS = (7, 30, 90, 180, 365)
TREND_DAYS = (30, 90, 180, 365)
ACCELERATION_DAYS = (30, 90)
LAST_YEAR_DAYS = (30, 90)
VISIT_DAYS = (90, 365)
HALF_LIVES_DAYS = (30, 90, 180, 365)
YEAR_DAYS = 365
PACE_DAYS = (30, 180)

_MEASURES = (("purchase", "purchase_count"), ("spend", "purchase_amount"))
_LAST: dict[str, Input] = {"last_amount": Visit(fact="last_amount")}
_LARGEST: dict[str, Input] = {"twice_largest_amount": Visit(fact="twice_largest_amount")}
_MEDIAN: dict[str, Input] = {"twice_median_amount": Visit(fact="twice_median_amount")}
_ALL_IN_ALL = "{purchase_count_life} in all"


def _windows(days: int) -> list[Feature]:
    count, amount = f"purchase_count_{days}_days", f"net_amount_{days}_days"
    return [
        Feature(
            name=count,
            meaning=f"Purchases in the last {days} days.",
            unit=PURCHASES,
            dtype=pl.Int64,
            window_days=days,
            inputs=total("purchase_count", days),
            value=pl.col(total_name("purchase_count", days)),
            phrase=f"ordered {{{count}}} times in the last {days} days",
        ),
        Feature(
            name=amount,
            meaning=f"Net spend (returns taken off) in the last {days} days.",
            unit=MONEY,
            dtype=pl.Int64,
            window_days=days,
            inputs=total("net_amount", days),
            value=pl.col(total_name("net_amount", days)),
            phrase=f"spent {{{amount}}} in the last {days} days",
        ),
    ]


def _trends(days: int) -> list[Feature]:
    return [
        Feature(
            name=f"{what}_trend_{days}_days",
            meaning=f"Trend of {what}s: last {days} days (a) against the {days} before (b), as (a - b) / (a + b).",
            unit=BALANCE,
            null_means=f"no purchase in the last {2 * days} days",
            window_days=2 * days,
            inputs=total(column, days) | total(column, 2 * days, days),
            value=balance(pl.col(total_name(column, days)), pl.col(total_name(column, 2 * days, days))),
            phrase=f"ordered {{purchase_count_{days}_days}} times in the last {days} days, {_ALL_IN_ALL}",
        )
        for what, column in _MEASURES
    ]


def _accelerations(days: int) -> list[Feature]:
    made = []
    for what, column in _MEASURES:
        stretches = [(days, 0), (2 * days, days), (3 * days, 2 * days)]
        last, middle, first = (pl.col(total_name(column, *stretch)) for stretch in stretches)
        inputs: dict[str, Input] = {}
        for stretch in stretches:
            inputs |= total(column, *stretch)
        made.append(
            Feature(
                name=f"{what}_acceleration_{days}_days",
                meaning=f"Whether the trend of {what}s itself rises: of three stretches of {days} days, the last (a), "
                "the one before (b) and the one before that (c), (a - 2 b + c) / (a + 2 b + c).",
                unit=BALANCE,
                null_means=f"no purchase in the last {3 * days} days",
                window_days=3 * days,
                inputs=inputs,
                value=ratio(last - 2 * middle + first, last + 2 * middle + first),
                phrase=f"ordered {{purchase_count_{days}_days}} times in the last {days} days, {_ALL_IN_ALL}",
            )
        )
    return made


def _against_last_year(days: int) -> list[Feature]:
    return [
        Feature(
            name=f"{what}_trend_to_last_year_{days}_days",
            meaning=f"Trend of {what}s over a year: last {days} days (a) against the same {days} days a year before "
            "(b), as (a - b) / (a + b).",
            unit=BALANCE,
            null_means=f"no purchase in the last {days} days, nor in the same days a year before",
            window_days=YEAR_DAYS + days,
            inputs=total(column, days) | total(column, YEAR_DAYS + days, YEAR_DAYS),
            value=balance(pl.col(total_name(column, days)), pl.col(total_name(column, YEAR_DAYS + days, YEAR_DAYS))),
            phrase=f"ordered {{purchase_count_{days}_days}} times in the last {days} days, {_ALL_IN_ALL}",
        )
        for what, column in _MEASURES
    ]


def _decayed_name(column: str, half_life: int) -> str:
    return f"decayed_{column}_{half_life}_days"


def _decayed_input(column: str, half_life: int) -> dict[str, Input]:
    return {_decayed_name(column, half_life): Decayed(column=column, half_life_days=half_life)}


def _decayed(half_life: int) -> list[Feature]:
    made = []
    for column, unit, said in (
        ("purchase_count", PURCHASES, "purchase_count_90_days"),
        ("net_amount", MONEY, "net_amount_90_days"),
    ):
        name = _decayed_name(column, half_life)
        verb, after = ("ordered", " times") if unit == PURCHASES else ("spent", "")
        made.append(
            Feature(
                name=name,
                meaning=f"Sum of `{column}` over all history, each day weighted by 2^(-age / {half_life} days).",
                unit=unit,
                inputs=_decayed_input(column, half_life),
                value=pl.col(name) / WEIGHT_ONE,
                phrase=f"{verb} {{{said}}}{after} in the last 90 days, after {{purchase_count_life}} orders in all",
            )
        )
    return made


def _pace() -> Feature:
    fast, slow = PACE_DAYS
    column = "purchase_count"
    quick, usual = pl.col(_decayed_name(column, fast)) * slow, pl.col(_decayed_name(column, slow)) * fast
    return Feature(
        name="pace_to_usual",
        meaning=f"Purchases a day lately over purchases a day before, by decayed sums of {fast} and {slow} days.",
        unit="ratio",
        null_means="the last purchase is many years ago",
        inputs=_decayed_input(column, fast) | _decayed_input(column, slow),
        value=ratio(quick, usual),
        phrase="ordered {purchase_count_30_days} times in the last 30 days, {purchase_count_180_days} in the last 180",
    )


def _visit_counts(days: int) -> Feature:
    name = f"purchase_day_count_{days}_days"
    return Feature(
        name=name,
        meaning=f"Days with at least one purchase in the last {days} days.",
        unit=DAYS,
        dtype=pl.Int64,
        window_days=days,
        inputs=total("visit_count", days),
        value=pl.col(total_name("visit_count", days)),
        phrase=f"bought on {{{name}}} of the last {days} days",
    )


def _life() -> list[Feature]:
    purchases, gross = total("purchase_count"), total("purchase_amount")
    per_purchase = ratio(pl.col("purchase_amount_life"), pl.col("purchase_count_life"))
    largest, median = pl.col("twice_largest_amount") // 2, pl.col("twice_median_amount") / 2
    return [
        Feature(
            name="purchase_count_life",
            meaning="Purchases before the snapshot.",
            unit=PURCHASES,
            dtype=pl.Int64,
            inputs=purchases,
            value=pl.col("purchase_count_life"),
            phrase="ordered {purchase_count_life} times in all",
        ),
        Feature(
            name="net_amount_life",
            meaning="Net spend (returns taken off) before the snapshot.",
            unit=MONEY,
            dtype=pl.Int64,
            inputs=total("net_amount"),
            value=pl.col("net_amount_life"),
            phrase="spent {net_amount_life} in all",
        ),
        Feature(
            name="amount_per_purchase",
            meaning="Mean amount of a purchase.",
            unit=MONEY,
            inputs=gross | purchases,
            value=per_purchase,
            phrase="spends {amount_per_purchase} an order",
        ),
        Feature(
            name="largest_purchase_day_amount",
            meaning="Amount bought on the customer's biggest day.",
            unit=MONEY,
            dtype=pl.Int64,
            inputs=_LARGEST,
            value=largest,
            phrase="once bought for {largest_purchase_day_amount} on one day",
        ),
        Feature(
            name="last_purchase_day_amount",
            meaning="Amount bought on the last day with a purchase.",
            unit=MONEY,
            dtype=pl.Int64,
            inputs=_LAST,
            value=pl.col("last_amount"),
            phrase="last bought for {last_purchase_day_amount}",
        ),
        Feature(
            name="last_amount_to_usual",
            meaning="Amount of the last purchase day over the mean amount of a purchase.",
            unit="ratio",
            inputs=_LAST | gross | purchases,
            value=pl.col("last_amount") * pl.col("purchase_count_life") / pl.col("purchase_amount_life"),
            phrase="last bought for {last_purchase_day_amount}, {amount_per_purchase} is usual",
        ),
        Feature(
            name="median_purchase_day_amount",
            meaning="Median amount of a day with a purchase.",
            unit=MONEY,
            inputs=_MEDIAN,
            value=median,
            phrase="usually buys for {median_purchase_day_amount} a day",
        ),
        Feature(
            name="last_amount_to_median",
            meaning="Amount of the last purchase day over the median purchase day's.",
            unit="ratio",
            inputs=_LAST | _MEDIAN,
            value=pl.col("last_amount") / median,
            phrase="last bought for {last_purchase_day_amount}, {median_purchase_day_amount} is usual",
        ),
        Feature(
            name="largest_day_share",
            meaning="Share of all purchase amounts that fell on the customer's biggest day.",
            unit=SHARE,
            inputs=_LARGEST | gross,
            value=ratio(largest, pl.col("purchase_amount_life")),
            phrase="spent {largest_day_share} of everything on one day",
        ),
    ]


def _year() -> list[Feature]:
    amount, count = total_name("purchase_amount", YEAR_DAYS), total_name("purchase_count", YEAR_DAYS)
    return [
        Feature(
            name="amount_per_purchase_365_days",
            meaning="Mean amount of a purchase in the last 365 days.",
            unit=MONEY,
            null_means="no purchase in the last 365 days",
            window_days=YEAR_DAYS,
            inputs=total("purchase_amount", YEAR_DAYS) | total("purchase_count", YEAR_DAYS),
            value=ratio(pl.col(amount), pl.col(count)),
            phrase="spends {amount_per_purchase_365_days} an order",
            phrase_when_null="has not ordered for a year",
        ),
        Feature(
            name="share_of_amount_last_365_days",
            meaning="Share of all purchase amounts that falls in the last 365 days.",
            unit=SHARE,
            window_days=YEAR_DAYS,
            inputs=total("purchase_amount") | total("purchase_amount", YEAR_DAYS),
            value=ratio(pl.col(amount), pl.col("purchase_amount_life")),
            phrase="{share_of_amount_last_365_days} of all spend falls in the last year",
        ),
        Feature(
            name="months_begun_365_days",
            meaning="Calendar months whose first purchase fell in the last 365 days: how steadily they buy.",
            unit="months",
            dtype=pl.Int64,
            window_days=YEAR_DAYS,
            inputs=total("month_count", YEAR_DAYS),
            value=pl.col(total_name("month_count", YEAR_DAYS)),
            phrase="bought in {months_begun_365_days} months of the last year",
        ),
    ]


FAMILY = Family(
    name="purchases",
    about="How much and how often the customer buys, over windows, lately and in all.",
    features=(
        *_life(),
        *_year(),
        *(feature for days in WINDOWS_DAYS for feature in _windows(days)),
        *(_visit_counts(days) for days in VISIT_DAYS),
        *(feature for days in TREND_DAYS for feature in _trends(days)),
        *(feature for days in ACCELERATION_DAYS for feature in _accelerations(days)),
        *(feature for days in LAST_YEAR_DAYS for feature in _against_last_year(days)),
        *(feature for half_life in HALF_LIVES_DAYS for feature in _decayed(half_life)),
        _pace(),
    ),
)

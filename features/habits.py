"""Habits: on which weekdays, at what hours, in which part of the month the customer buys. Dates and hours are local."""

import polars as pl

from features.feature import SHARE, Family, Feature, ratio, total
from features.inputs import Input
from features.order_sums import WEEKDAYS

HOURS = "hours"
ONE_PURCHASE = "one purchase only"


def _by_weekday() -> dict[str, Input]:
    made: dict[str, Input] = {}
    for day in WEEKDAYS:
        made |= total(f"weekday_{day}_count")
    return made


def _shares() -> list[tuple[str, str, dict[str, Input], pl.Expr, str]]:
    columns: list[tuple[str, str, str, str]] = [
        ("weekend_share", "weekend_count", "Share of purchases on Saturday or Sunday.", "fall on weekends"),
        ("morning_share", "morning_count", "Share of purchases before noon.", "come before noon"),
        ("evening_share", "evening_count", "Share of purchases from 18:00 on.", "come in the evening"),
        ("night_share", "night_count", "Share of purchases before 6:00.", "come at night"),
        ("early_in_month_share", "early_in_month_count", "Share of purchases on the first ten days of a month.",
         "come early in the month"),
    ]  # fmt: skip
    favourite = "favourite_weekday_share"
    weekday = (favourite, "Share of purchases on the commonest weekday.", _by_weekday(),
               pl.max_horizontal(*_by_weekday()), f"{{{favourite}}} of orders fall on one weekday")  # fmt: skip
    shares = [
        (name, meaning, total(column), pl.col(f"{column}_life"), f"{{{name}}} of orders {said}")
        for name, column, meaning, said in columns
    ]
    return [weekday, *shares]


def _entropy() -> pl.Expr:
    """Entropy of seven shares; the order of the terms is fixed, so the floating-point sum always is the same."""
    purchases = pl.col("purchase_count_life")
    terms = [pl.when(pl.col(day) > 0).then(pl.col(day) * pl.col(day).log()).otherwise(0.0) for day in _by_weekday()]
    return pl.when(purchases > 0).then((purchases.log() - sum(terms[1:], terms[0]) / purchases).clip(lower_bound=0.0))


def _hour_spread() -> pl.Expr:
    count, hours = pl.col("purchase_count_life"), pl.col("purchase_hours_life")
    return ratio(count * pl.col("purchase_hour_squares_life") - hours * hours, count * (count - 1)).sqrt()


def _numbers() -> list[Feature]:
    purchases = total("purchase_count")
    return [
        Feature(
            name="mean_order_hour",
            meaning="Mean local hour of purchases.",
            unit="hour of day",
            inputs=total("purchase_hours") | purchases,
            value=ratio(pl.col("purchase_hours_life"), pl.col("purchase_count_life")),
            phrase="usually orders around {mean_order_hour} o'clock",
        ),
        Feature(
            name="spread_of_order_hours",
            meaning="Standard deviation of the local hour of purchases.",
            unit=HOURS,
            null_means=ONE_PURCHASE,
            inputs=total("purchase_hours") | total("purchase_hour_squares") | purchases,
            value=_hour_spread(),
            phrase="usually orders around {mean_order_hour} o'clock",
        ),
        Feature(
            name="weekday_entropy",
            meaning="Entropy -Σ p ln p of purchases over weekdays: 0 is one weekday only.",
            unit="nats",
            inputs=_by_weekday() | purchases,
            value=_entropy(),
            phrase="{favourite_weekday_share} of orders fall on one weekday",
        ),
    ]


FAMILY = Family(
    name="habits",
    about="On which days and at what hours the customer buys.",
    features=(
        *(
            Feature(
                name=name,
                meaning=meaning,
                unit=SHARE,
                inputs=inputs | total("purchase_count"),
                value=ratio(value, pl.col("purchase_count_life")),
                phrase=phrase,
            )
            for name, meaning, inputs, value, phrase in _shares()
        ),
        *_numbers(),
    ),
)

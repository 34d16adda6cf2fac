"""When: recency, rhythm, habits of weekday and hour, the same season last year, the season itself.

Days are business dates; purchases on one day are one visit, so a gap between visits is at least one day.
"""

import polars as pl

from features.feature import DAYS, MONEY, PURCHASES, SHARE, Family, Feature, between_days, in_last_days, ratio, total

SEASON_AHEAD_DAYS = 90
YEAR_DAYS = 365
WEEKDAYS = range(1, 8)
SATURDAY = 6

_VISITS = {"visit_count": (pl.col("purchase_count") > 0).cast(pl.Int64).sum()}
_RECENCY = {"last_age_days": pl.col("purchase_age_days").min()}
_TENURE = {"first_age_days": pl.col("purchase_age_days").max()}
_GAPS = {
    "gap_count": pl.col("gap_days").count().cast(pl.Int64),
    "gap_sum": pl.col("gap_days").sum(),
    "gap_squares": (pl.col("gap_days") * pl.col("gap_days")).sum(),
}
_PURCHASES = {"purchase_count_life": total("purchase_count")}
_ONE_VISIT = "bought on one day only"
_TWO_GAPS = "fewer than three days with a purchase"


def _mean_gap() -> pl.Expr:
    return ratio(pl.col("gap_sum"), pl.col("gap_count"))


def _gap_spread() -> pl.Expr:
    """Sample standard deviation from integer sums: sqrt((n Σg² - (Σg)²) / (n (n - 1)))."""
    count = pl.col("gap_count")
    scatter = count * pl.col("gap_squares") - pl.col("gap_sum") * pl.col("gap_sum")
    return ratio(scatter, count * (count - 1)).sqrt()


def _recency() -> list[Feature]:
    silent = "silent for {days_since_last_order} days"
    return [
        Feature(
            name="days_since_last_order",
            meaning="Days from the last purchase to the snapshot.",
            unit=DAYS,
            dtype=pl.Int64,
            sums=_RECENCY,
            value=pl.col("last_age_days"),
            phrase=silent + ", usually orders every {median_days_between_orders} days",
            phrase_when_null=silent,
        ),
        Feature(
            name="days_since_first_order",
            meaning="Days from the first purchase to the snapshot: how long they have been a customer.",
            unit=DAYS,
            dtype=pl.Int64,
            sums=_TENURE,
            value=pl.col("first_age_days"),
            phrase="customer for {days_since_first_order} days",
        ),
        Feature(
            name="days_between_first_and_last_order",
            meaning="Days from the first to the last purchase.",
            unit=DAYS,
            dtype=pl.Int64,
            sums=_RECENCY | _TENURE,
            value=pl.col("first_age_days") - pl.col("last_age_days"),
            phrase="kept buying over {days_between_first_and_last_order} days",
        ),
        Feature(
            name="purchase_day_count",
            meaning="Days with at least one purchase.",
            unit=DAYS,
            dtype=pl.Int64,
            sums=_VISITS,
            value=pl.col("visit_count"),
            phrase="bought on {purchase_day_count} different days",
        ),
    ]


def _rhythm() -> list[Feature]:
    silence = pl.col("last_age_days")
    usual = "usually orders every {median_days_between_orders} days"
    against_usual = "silent for {days_since_last_order} days, " + usual
    once = "has bought on one day only, {days_since_last_order} days ago"
    median = {"median_gap": pl.col("gap_days").median()}
    last = {"last_gap": pl.when(pl.col("is_last_purchase_day")).then(pl.col("gap_days")).max()}
    longest = {"longest_gap": pl.col("gap_days").max()}
    evenly = "fewer than three days with a purchase, or all gaps equal"
    gaps: list[tuple[str, str, str, str, dict[str, pl.Expr], pl.Expr]] = [
        ("median_days_between_orders", "Median gap between days with a purchase.", DAYS, _ONE_VISIT, median,
         pl.col("median_gap")),
        ("mean_days_between_orders", "Mean gap between days with a purchase.", DAYS, _ONE_VISIT, _GAPS, _mean_gap()),
        ("spread_of_days_between_orders", "Standard deviation of the gaps.", DAYS, _TWO_GAPS, _GAPS, _gap_spread()),
        ("longest_days_between_orders", "Longest gap between days with a purchase.", DAYS, _ONE_VISIT, longest,
         pl.col("longest_gap")),
        ("last_days_between_orders", "Gap before the last day with a purchase.", DAYS, _ONE_VISIT, last,
         pl.col("last_gap")),
        ("irregularity_of_orders", "Standard deviation of the gaps over their mean; 0 is clockwork.", "ratio",
         _TWO_GAPS, _GAPS, _gap_spread() / _mean_gap()),
        ("last_gap_to_usual", "The last gap over the median gap.", "ratio", _ONE_VISIT, last | median,
         pl.col("last_gap") / pl.col("median_gap")),
        ("silence_to_usual_gap", "Days since the last purchase over the median gap.", "ratio", _ONE_VISIT,
         _RECENCY | median, silence / pl.col("median_gap")),
        ("silence_to_longest_gap", "Days since the last purchase over the longest gap.", "ratio", _ONE_VISIT,
         _RECENCY | longest, silence / pl.col("longest_gap")),
        ("silence_in_deviations", "Days since the last purchase minus the mean gap, in standard deviations.",
         "standard deviations", evenly, _RECENCY | _GAPS,
         pl.when(_gap_spread() > 0).then((silence - _mean_gap()) / _gap_spread())),
    ]  # fmt: skip
    return [
        Feature(
            name=name,
            meaning=meaning,
            unit=unit,
            null_means=null_means,
            sums=sums,
            value=value,
            phrase=against_usual if name.startswith("silence") else usual,
            phrase_when_null=once if null_means == _ONE_VISIT else "silent for {days_since_last_order} days",
        )
        for name, meaning, unit, null_means, sums, value in gaps
    ]


def _habits() -> list[Feature]:
    weekday = pl.col("day").dt.weekday()
    by_weekday = {f"purchases_weekday_{day}": total("purchase_count", where=weekday == day) for day in WEEKDAYS}
    purchases = pl.col("purchase_count_life")
    habits: list[tuple[str, str, dict[str, pl.Expr], pl.Expr, str]] = [
        ("favourite_weekday_share", "Share of purchases on the commonest weekday.", by_weekday,
         pl.max_horizontal(*by_weekday), "{favourite_weekday_share} of orders fall on one weekday"),
        ("weekend_share", "Share of purchases on Saturday or Sunday.",
         {"weekend_count": total("purchase_count", where=weekday >= SATURDAY)}, pl.col("weekend_count"),
         "{weekend_share} of orders fall on weekends"),
        ("morning_share", "Share of purchases before noon.", {"morning_count": total("morning_count")},
         pl.col("morning_count"), "{morning_share} of orders come before noon"),
        ("evening_share", "Share of purchases from 18:00 on.", {"evening_count": total("evening_count")},
         pl.col("evening_count"), "{evening_share} of orders come in the evening"),
        ("mean_order_hour", "Mean local hour of purchases.", {"purchase_hours": total("purchase_hours")},
         pl.col("purchase_hours"), "usually orders around {mean_order_hour} o'clock"),
    ]  # fmt: skip
    return [
        Feature(
            name=name,
            meaning=meaning,
            unit="hour of day" if name == "mean_order_hour" else SHARE,
            sums=sums | _PURCHASES,
            value=ratio(value, purchases),
            phrase=phrase,
        )
        for name, meaning, sums, value, phrase in habits
    ]


def _same_season_last_year() -> list[Feature]:
    season = between_days(YEAR_DAYS - SEASON_AHEAD_DAYS, YEAR_DAYS)
    count, amount = "purchase_count_same_season_last_year", "net_amount_same_season_last_year"
    said = f"ordered {{{count}}} times in the coming season last year"
    bought, year = {"season_purchase_amount": total("purchase_amount", where=season)}, in_last_days(YEAR_DAYS)
    when = "in the season that now comes, a year ago: days [S - 365, S - 275)"
    return [
        Feature(
            name=count,
            meaning=f"Purchases {when}.",
            unit=PURCHASES,
            dtype=pl.Int64,
            window_days=YEAR_DAYS,
            sums={count: total("purchase_count", where=season)},
            value=pl.col(count),
            phrase=said,
        ),
        Feature(
            name=amount,
            meaning=f"Net spend {when}.",
            unit=MONEY,
            dtype=pl.Int64,
            window_days=YEAR_DAYS,
            sums={amount: total("net_amount", where=season)},
            value=pl.col(amount),
            phrase=f"spent {{{amount}}} in the coming season last year",
        ),
        Feature(
            name="share_of_amount_same_season",
            meaning=f"Share of the last year's purchase amounts that fell {when}.",
            unit=SHARE,
            null_means="no purchase in the last 365 days",
            window_days=YEAR_DAYS,
            sums=bought | {"purchase_amount_365": total("purchase_amount", where=year)},
            value=ratio(pl.col("season_purchase_amount"), pl.col("purchase_amount_365")),
            phrase="{share_of_amount_same_season} of last year's spend fell in the coming season",
            phrase_when_null="has not ordered for a year",
        ),
    ]


def _season() -> list[Feature]:
    return [
        Feature(
            name=name,
            meaning=f"{word} of the snapshot's place in the year (1 January is 0, a full year is 2π).",
            unit="-1 to 1",
            ledger="row",
            value=pl.col(name),
            phrase="time of the year",
        )
        for name, word in (("season_sine", "Sine"), ("season_cosine", "Cosine"))
    ]


FAMILY = Family(
    name="timing",
    about="When the customer buys: how long ago, in what rhythm, on which days, in which season.",
    features=(*_recency(), *_rhythm(), *_habits(), *_same_season_last_year(), *_season()),
)

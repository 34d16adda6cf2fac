"""When: recency, rhythm, the same season last year, the season itself. Habits of weekday and hour are in `habits`.

Days are business dates; purchases on one day are one visit, so a gap between visits is at least one day.
"""

import polars as pl

from features.feature import DAYS, MONEY, PURCHASES, SHARE, Family, Feature, ratio, total, total_name
from features.inputs import Input, Visit
from features.visits import RECENT_GAPS

SEASON_AHEAD_DAYS = 90
YEAR_DAYS = 365
PROBABILITY = "probability (0 to 1)"

_VISITS = total("visit_count")
_RECENCY: dict[str, Input] = {"last_age_days": Visit(fact="last_age_days")}
_TENURE: dict[str, Input] = {"first_age_days": Visit(fact="first_age_days")}
_GAPS = total("gap_count") | total("gap_days") | total("gap_squares")
_ONE_VISIT = "bought on one day only"
_TWO_GAPS = "fewer than three days with a purchase"


def _fact(name: str) -> dict[str, Input]:
    return {name: Visit(fact=name)}


def _mean_gap() -> pl.Expr:
    return ratio(pl.col("gap_days_life"), pl.col("gap_count_life"))


def _gap_spread() -> pl.Expr:
    """Sample standard deviation from integer sums: sqrt((n Σg² - (Σg)²) / (n (n - 1)))."""
    count, days = pl.col("gap_count_life"), pl.col("gap_days_life")
    return ratio(count * pl.col("gap_squares_life") - days * days, count * (count - 1)).sqrt()


def _recency() -> list[Feature]:
    last = "last ordered {days_since_last_order} days ago"
    return [
        Feature(
            name="days_since_last_order",
            meaning="Days from the last purchase to the snapshot.",
            unit=DAYS,
            dtype=pl.Int64,
            inputs=_RECENCY,
            value=pl.col("last_age_days"),
            phrase=last + ", usually every {median_days_between_orders} days",
            phrase_when_null=last,
        ),
        Feature(
            name="days_since_first_order",
            meaning="Days from the first purchase to the snapshot: how long they have been a customer.",
            unit=DAYS,
            dtype=pl.Int64,
            inputs=_TENURE,
            value=pl.col("first_age_days"),
            phrase="customer for {days_since_first_order} days",
        ),
        Feature(
            name="days_between_first_and_last_order",
            meaning="Days from the first to the last purchase.",
            unit=DAYS,
            dtype=pl.Int64,
            inputs=_RECENCY | _TENURE,
            value=pl.col("first_age_days") - pl.col("last_age_days"),
            phrase="first and last order {days_between_first_and_last_order} days apart",
        ),
        Feature(
            name="purchase_day_count",
            meaning="Days with at least one purchase.",
            unit=DAYS,
            dtype=pl.Int64,
            inputs=_VISITS,
            value=pl.col("visit_count_life"),
            phrase="bought on {purchase_day_count} days so far",
        ),
    ]


_MEDIAN, _LONGEST, _SHORTEST = (_fact(f"twice_{which}_gap") for which in ("median", "longest", "shortest"))
_LOWER, _UPPER = (_fact(f"twice_{which}_quartile_gap") for which in ("lower", "upper"))
_LAST, _LATE, _OUTLASTED = _fact("last_gap"), _fact("last_three_gaps"), _fact("gaps_outlasted")
_EVENLY = "fewer than three days with a purchase, or all gaps equal"
_Rhythm = tuple[str, str, str, str, dict[str, Input], pl.Expr]


def _gap_sizes() -> list[_Rhythm]:
    median, longest, shortest = (pl.col(f"twice_{which}_gap") / 2 for which in ("median", "longest", "shortest"))
    lower, upper = (pl.col(f"twice_{which}_quartile_gap") for which in ("lower", "upper"))
    return [
        ("median_days_between_orders", "Median gap between days with a purchase.", DAYS, _ONE_VISIT, _MEDIAN, median),
        ("mean_days_between_orders", "Mean gap between days with a purchase.", DAYS, _ONE_VISIT, _GAPS, _mean_gap()),
        ("spread_of_days_between_orders", "Standard deviation of the gaps.", DAYS, _TWO_GAPS, _GAPS, _gap_spread()),
        ("longest_days_between_orders", "Longest gap between days with a purchase.", DAYS, _ONE_VISIT, _LONGEST,
         longest),
        ("shortest_days_between_orders", "Shortest gap between days with a purchase.", DAYS, _ONE_VISIT, _SHORTEST,
         shortest),
        ("last_days_between_orders", "Gap before the last day with a purchase.", DAYS, _ONE_VISIT, _LAST,
         pl.col("last_gap")),
        ("irregularity_of_orders", "Standard deviation of the gaps over their mean; 0 is clockwork.", "ratio",
         _TWO_GAPS, _GAPS, _gap_spread() / _mean_gap()),
        ("quartile_spread_of_gaps", "Upper minus lower quartile of the gaps over their sum; 0 is clockwork.", "ratio",
         _ONE_VISIT, _LOWER | _UPPER, (upper - lower) / (upper + lower)),
        ("last_gap_to_usual", "The last gap over the median gap.", "ratio", _ONE_VISIT, _LAST | _MEDIAN,
         pl.col("last_gap") / median),
        ("late_gaps_to_usual", "Mean of the last three gaps over the mean gap: above 1 they come less and less often.",
         "ratio", f"fewer than {RECENT_GAPS + 1} days with a purchase", _LATE | _GAPS,
         pl.col("last_three_gaps") / RECENT_GAPS / _mean_gap()),
    ]  # fmt: skip


def _silences() -> list[_Rhythm]:
    silence, median = pl.col("last_age_days"), pl.col("twice_median_gap") / 2
    outlasted = (pl.col("gaps_outlasted") + 1) / (pl.col("gap_count_life") + 2)
    return [
        ("silence_to_usual_gap", "Days since the last purchase over the median gap.", "ratio", _ONE_VISIT,
         _RECENCY | _MEDIAN, silence / median),
        ("silence_to_longest_gap", "Days since the last purchase over the longest gap.", "ratio", _ONE_VISIT,
         _RECENCY | _LONGEST, silence / (pl.col("twice_longest_gap") / 2)),
        ("silence_to_upper_quartile_gap", "Days since the last purchase over the upper quartile of the gaps.", "ratio",
         _ONE_VISIT, _RECENCY | _UPPER, silence * 2 / pl.col("twice_upper_quartile_gap")),
        ("silence_in_deviations", "Days since the last purchase minus the mean gap, in standard deviations.",
         "standard deviations", _EVENLY, _RECENCY | _GAPS,
         pl.when(_gap_spread() > 0).then((silence - _mean_gap()) / _gap_spread())),
        ("silence_survival_probability",
         "Chance that a gap of theirs lasts as long as the silence now: of n, k did; (k + 1) / (n + 2).", PROBABILITY,
         _ONE_VISIT, _OUTLASTED | _GAPS, outlasted),
        ("silence_survival_probability_if_random",
         "The same if purchases came at random at their mean rate: exp(-silence / mean gap).", PROBABILITY, _ONE_VISIT,
         _RECENCY | _GAPS, (-silence / _mean_gap()).exp()),
        ("days_until_expected_order", "Median gap minus days since the last purchase; below 0 they are overdue.", DAYS,
         _ONE_VISIT, _RECENCY | _MEDIAN, median - silence),
    ]  # fmt: skip


def _rhythm() -> list[Feature]:
    usual = "usually orders every {median_days_between_orders} days"
    last = "last ordered {days_since_last_order} days ago"
    against_usual = last + ", usually every {median_days_between_orders} days"
    once = "has bought on one day only, {days_since_last_order} days ago"
    against = {name for name, *_ in _silences()}
    return [
        Feature(
            name=name,
            meaning=meaning,
            unit=unit,
            null_means=null_means,
            inputs=inputs,
            value=value,
            phrase=against_usual if name in against else usual,
            phrase_when_null=once if null_means == _ONE_VISIT else last,
        )
        for name, meaning, unit, null_means, inputs, value in (*_gap_sizes(), *_silences())
    ]


def _same_season_last_year() -> list[Feature]:
    season = (YEAR_DAYS, YEAR_DAYS - SEASON_AHEAD_DAYS)
    count, amount = "purchase_count_same_season_last_year", "net_amount_same_season_last_year"
    when = "in the season that now comes, a year ago: days [S - 365, S - 275)"
    in_season, in_year = total("purchase_amount", *season), total("purchase_amount", YEAR_DAYS)
    return [
        Feature(
            name=count,
            meaning=f"Purchases {when}.",
            unit=PURCHASES,
            dtype=pl.Int64,
            window_days=YEAR_DAYS,
            inputs=total("purchase_count", *season),
            value=pl.col(total_name("purchase_count", *season)),
            phrase=f"ordered {{{count}}} times in the coming season last year",
        ),
        Feature(
            name=amount,
            meaning=f"Net spend {when}.",
            unit=MONEY,
            dtype=pl.Int64,
            window_days=YEAR_DAYS,
            inputs=total("net_amount", *season),
            value=pl.col(total_name("net_amount", *season)),
            phrase=f"spent {{{amount}}} in the coming season last year",
        ),
        Feature(
            name="share_of_amount_same_season",
            meaning=f"Share of the last year's purchase amounts that fell {when}.",
            unit=SHARE,
            null_means="no purchase in the last 365 days",
            window_days=YEAR_DAYS,
            inputs=in_season | in_year,
            value=ratio(*(pl.col(name) for name in in_season | in_year)),
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
            needs=(),
            value=pl.col(name),
            phrase="time of the year",
        )
        for name, word in (("season_sine", "Sine"), ("season_cosine", "Cosine"))
    ]


FAMILY = Family(
    name="timing",
    about="When the customer buys: how long ago, in what rhythm, in which season.",
    features=(*_recency(), *_rhythm(), *_same_season_last_year(), *_season()),
)

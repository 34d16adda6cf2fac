"""Contracts: how long, how many, at what price, how they changed, when the next period begins.

A subscription counts from its first day on. Its end counts once it lies before the snapshot: an end that lay ahead may
have been agreed later than the row was known.
"""

from collections.abc import Mapping

import polars as pl

from features.feature import DAYS, MONEY, Family, Feature, ratio
from features.inputs import Aggregate, Input, Table
from features.snapshots import Snapshot

MONTHS_A_YEAR = 12
YEAR_DAYS = 365
NOT_SUBSCRIBED = "never subscribed"
NOTHING_RUNS = "no subscription runs"


def _rows(frames: Mapping[str, pl.LazyFrame], snapshot: Snapshot) -> pl.LazyFrame:
    """Subscriptions begun before the snapshot, with what is known of each then."""
    started, ended = pl.col("started_on"), snapshot.past(pl.col("ended_on"))
    today = pl.lit(snapshot.day)
    months = (
        (today.dt.year() - started.dt.year()) * MONTHS_A_YEAR + today.dt.month().cast(pl.Int32) - started.dt.month()
    )
    whole_months = months - (today.dt.day() < started.dt.day()).cast(pl.Int32)
    periods = whole_months // pl.col("billing_period_months")
    offset = pl.concat_str(((periods + 1) * pl.col("billing_period_months")).cast(pl.String), pl.lit("mo"))
    monthly = (pl.col("amount") / pl.col("billing_period_months")).round().cast(pl.Int64)
    return (
        snapshot.known(frames["subscriptions"])
        .filter(started < snapshot.day)
        .sort("customer_id", "started_on", "plan", "amount", "billing_period_months")
        .with_columns(
            snapshot.days_since(started).alias("age_days"),
            snapshot.days_since(ended).alias("ended_age_days"),
            ended.is_null().alias("runs"),
            monthly.alias("monthly_amount"),
            periods.cast(pl.Int64).alias("renewals"),
            (-snapshot.days_since(started.dt.offset_by(offset))).alias("days_to_renewal"),
        )
        .with_columns(
            pl.col("monthly_amount").shift(1).over("customer_id").alias("monthly_amount_before"),
            pl.col("plan").shift(1).over("customer_id").alias("plan_before"),
        )
    )


TABLE = Table(name="subscriptions", entities=("subscriptions",), rows=_rows)


def _of(**sums: pl.Expr) -> dict[str, Input]:
    return {name: Aggregate(table=TABLE.name, expression=expression) for name, expression in sums.items()}


_RUNS = pl.col("runs")
_MOVED = pl.col("plan") != pl.col("plan_before")
_MONTHLY, _MONTHLY_BEFORE = pl.col("monthly_amount"), pl.col("monthly_amount_before")
_RUNNING_AMOUNT = _of(subscribed_monthly=_MONTHLY.filter(_RUNS).sum(), running=_RUNS.sum().cast(pl.Int64))


def _count(
    name: str, meaning: str, rows: pl.Expr, *, phrase: str, needs: tuple[str, ...] = ("subscriptions",)
) -> Feature:
    return Feature(
        name=name,
        meaning=meaning,
        unit="subscriptions" if "subscription" in name else "times",
        dtype=pl.Int64,
        needs=needs,
        inputs=_of(**{name: rows.cast(pl.Int64).sum()}),
        value=pl.col(name).fill_null(0),
        phrase=phrase,
    )


def _days(
    name: str, meaning: str, days: pl.Expr, *, null_means: str, phrase: str, needs: tuple[str, ...] = ()
) -> Feature:
    return Feature(
        name=name,
        meaning=meaning,
        unit=DAYS,
        dtype=pl.Int64,
        null_means=null_means,
        needs=("subscriptions", *needs),
        inputs=_of(**{name: days}),
        value=pl.col(name),
        phrase=phrase,
        phrase_when_null=null_means,
    )


def _counts() -> list[Feature]:
    plans = ("subscriptions", "subscriptions.plan")
    return [
        _count("subscription_count", "Subscriptions ever begun.", pl.col("age_days") > 0,
               phrase="has begun {subscription_count} subscriptions"),
        _count("running_subscription_count", "Subscriptions that run.", _RUNS,
               phrase="has {running_subscription_count} running subscriptions"),
        _count("ended_subscription_count_365_days", "Subscriptions that ended in the last 365 days.",
               pl.col("ended_age_days") <= YEAR_DAYS,
               phrase="ended {ended_subscription_count_365_days} subscriptions in the last year"),
        _count("plan_change_count", "Subscriptions to another plan than the one begun before.", _MOVED, needs=plans,
               phrase="changed plan {plan_change_count} times"),
        _count("plan_upgrade_count", "Changes of plan to a dearer one, a month.", _MOVED & (_MONTHLY > _MONTHLY_BEFORE),
               needs=plans, phrase="moved to a dearer plan {plan_upgrade_count} times"),
        _count("plan_downgrade_count", "Changes of plan to a cheaper one, a month.",
               _MOVED & (_MONTHLY < _MONTHLY_BEFORE), needs=plans,
               phrase="moved to a cheaper plan {plan_downgrade_count} times"),
    ]  # fmt: skip


def _spans() -> list[Feature]:
    return [
        _days("days_since_first_subscription", "Days since the first day of the first subscription.",
              pl.col("age_days").max(), null_means=NOT_SUBSCRIBED,
              phrase="first subscribed {days_since_first_subscription} days ago"),
        _days("days_since_last_subscription", "Days since the first day of the newest subscription.",
              pl.col("age_days").min(), null_means=NOT_SUBSCRIBED,
              phrase="last subscribed {days_since_last_subscription} days ago"),
        _days("days_since_subscription_ended", "Days since the last end of a subscription.",
              pl.col("ended_age_days").min(), null_means="no subscription has ended", needs=("subscriptions.ended_on",),
              phrase="ended a subscription {days_since_subscription_ended} days ago"),
        _days("days_to_renewal", "Days until the next billing period of a running subscription begins.",
              pl.col("days_to_renewal").filter(_RUNS).min(), null_means=NOTHING_RUNS,
              phrase="renews in {days_to_renewal} days"),
    ]  # fmt: skip


def _amounts() -> list[Feature]:
    name = "subscription_monthly_amount"
    last, first = _MONTHLY.last(), _MONTHLY.first()
    return [
        Feature(
            name=name,
            meaning="What running subscriptions cost a month.",
            unit=MONEY,
            dtype=pl.Int64,
            needs=("subscriptions",),
            inputs=_RUNNING_AMOUNT,
            value=pl.col("subscribed_monthly").fill_null(0),
            phrase=f"subscribes for {{{name}}} a month",
        ),
        Feature(
            name="renewal_count",
            meaning="Billing periods begun after the first, of the running subscription with the most.",
            unit="times",
            dtype=pl.Int64,
            needs=("subscriptions",),
            inputs=_of(most_renewals=pl.col("renewals").filter(_RUNS).max()),
            value=pl.col("most_renewals").fill_null(0),
            phrase="renewed {renewal_count} times",
        ),
        Feature(
            name="price_change_since_first_subscription",
            meaning="Monthly price of the newest subscription over that of the first.",
            unit="ratio",
            null_means=f"{NOT_SUBSCRIBED}, or the first one was free",
            needs=("subscriptions",),
            inputs=_of(newest_monthly=last, first_monthly=first),
            value=ratio(pl.col("newest_monthly"), pl.col("first_monthly")),
            phrase=f"subscribes for {{{name}}} a month",
        ),
        Feature(
            name="last_price_change",
            meaning="Monthly price of the newest subscription over that of the one begun before it.",
            unit="ratio",
            null_means="fewer than two subscriptions, or the one before was free",
            needs=("subscriptions",),
            inputs=_of(newest_monthly=last, monthly_before_newest=_MONTHLY_BEFORE.last()),
            value=ratio(pl.col("newest_monthly"), pl.col("monthly_before_newest")),
            phrase=f"subscribes for {{{name}}} a month",
        ),
    ]


FAMILY = Family(
    name="subscriptions",
    about="Contracts: how long, how many, at what price, how they changed, when the next period begins.",
    features=(*_counts(), *_spans(), *_amounts()),
    tables=(TABLE,),
)

"""Who subscribes at a snapshot, since when and to what; and on which day they turned out to leave.

A customer's subscriptions that follow each other within a week are one *spell*: a change of plan ends one row and
begins another, and nobody has left. A customer leaves when the last of the subscriptions that run ends and none begins
within that week. An end that lies ahead of the day asked about is not looked at: it may have been agreed later.
Belongs here: facts read from core subscriptions, one row a customer and snapshot; they can be made bucket by bucket.
Does not: steps of time (`steps`), features of anything else.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import polars as pl

from data_contracts.orders import current_at, snapshot_instant
from models.contractual.steps import DAYS_A_MONTH

KEYS = ["customer_id", "snapshot_date"]
BRIDGED_DAYS = 7  # a gap this long between two subscriptions is a change, not a leave
NEVER = date(9999, 12, 31)
MONTHS_A_YEAR = 12
SCHEMA = {
    "customer_id": pl.String,
    "snapshot_date": pl.Date,
    "contract_plan": pl.String,
    "contract_age_days": pl.Int64,
    "contract_days_to_renewal": pl.Int64,
    "contract_period_months": pl.Int64,
    "contract_monthly_amount": pl.Int64,
    "contract_count": pl.Int64,
    "contract_earlier_spells": pl.Int64,
}


def subscriber_facts(subscriptions: pl.LazyFrame, *, snapshots: Sequence[date], time_zone: str) -> pl.DataFrame:
    """Customers with a running subscription, as known at each snapshot.

    Args:
        subscriptions: core rows, all versions.
        snapshots: business dates; a row counts when it began and was known before the date began.
        time_zone: the company's.

    Returns:
        One row a customer and snapshot, sorted: keys; `contract_plan` of the dearest running subscription (a month;
        then the newest), with its `contract_days_to_renewal` (until its next billing period begins, at least 1) and
        `contract_period_months`; `contract_age_days` (since the spell began), `contract_monthly_amount` (minor units,
        all that run), `contract_count` (that run), `contract_earlier_spells` (ended ones before this).
    """
    parts = [_facts_at(subscriptions, day, time_zone) for day in snapshots]
    return pl.concat([pl.DataFrame(schema=SCHEMA), *parts]).sort(KEYS)


def settled_day(until: date) -> date:
    """Ends from here on may still turn out to be changes of plan: what would follow them could not be seen yet."""
    return until - timedelta(days=BRIDGED_DAYS + 1)


def leaving_days(subscriptions: pl.LazyFrame, asked: pl.DataFrame, *, known_by: datetime, until: date) -> pl.DataFrame:
    """On which day after the snapshot the customers of `asked` left.

    Args:
        subscriptions: core rows, all versions.
        asked: the keys, from `subscriber_facts`.
        known_by: what became known at or after this instant (UTC) does not count.
        until: the business date that instant begins: ends from here on lie ahead, those of the last days before it
            (see `settled_day`) are not settled and count as none.

    Returns:
        Keys and `days_until_end` (Int64: 0 is the snapshot's own day; null: not known to have left), sorted.
    """
    seen = _begun(current_at(subscriptions, known_by), until)
    spells = (
        _with_spells(seen)
        .group_by("customer_id", "spell")
        .agg(pl.col("started_on").min(), pl.col("last_day").max())
        .collect()
    )
    found = (
        asked.select(KEYS)
        .join(spells, on="customer_id", how="inner")
        .filter((pl.col("started_on") < pl.col("snapshot_date")) & (pl.col("last_day") >= pl.col("snapshot_date")))
        .group_by(KEYS)
        .agg(pl.col("last_day").max())
    )
    days = (pl.col("last_day") - pl.col("snapshot_date")).dt.total_days()
    return (
        asked.select(KEYS)
        .join(found, on=KEYS, how="left", validate="1:1")
        # whoever turns out to have been gone by then, in hindsight, left at once
        .with_columns(pl.col("last_day").fill_null(pl.col("snapshot_date")))
        .select(*KEYS, pl.when(pl.col("last_day") < settled_day(until)).then(days).alias("days_until_end"))
        .sort(KEYS)
    )


def subscription_counts(subscriptions: pl.LazyFrame, *, as_of: date, time_zone: str) -> tuple[int, int]:
    """Subscriptions begun before a day, and how many of them had ended by it, as known on that day."""
    rows = _begun(current_at(subscriptions, snapshot_instant(as_of, time_zone=time_zone)), as_of)
    begun, ended = rows.select(pl.len(), (pl.col("last_day") < NEVER).sum().alias("ended")).collect().row(0)
    return begun, ended


def former_subscribers(subscriptions: pl.LazyFrame, *, as_of: date, time_zone: str) -> pl.DataFrame:
    """Everybody who ever subscribed, as known on a day: `customer_id`, `last_day` (null: one runs); sorted."""
    rows = _begun(current_at(subscriptions, snapshot_instant(as_of, time_zone=time_zone)), as_of)
    last = rows.group_by("customer_id").agg(pl.col("last_day").max())
    return last.with_columns(pl.when(pl.col("last_day") < NEVER).then("last_day")).sort("customer_id").collect()


def billed_amounts(subscriptions: pl.LazyFrame, *, first: date, end: date, known_by: datetime) -> pl.DataFrame:
    """What everybody who ever subscribed was to pay in a window: the price of what ran, day by day.

    Args:
        subscriptions: core rows, all versions.
        first: the window's first day.
        end: the first day after it.
        known_by: what became known at or after this instant (UTC) does not count.

    Returns:
        `customer_id`, `billed_amount` (Int64, minor units, 0 where nothing ran); one row a customer, sorted.
    """
    rows = _begun(current_at(subscriptions, known_by), end)
    last = pl.min_horizontal(pl.col("last_day"), pl.lit(end - timedelta(days=1)))
    days = (last - pl.max_horizontal(pl.col("started_on"), pl.lit(first))).dt.total_days() + 1
    months = days.clip(lower_bound=0) / DAYS_A_MONTH
    billed = (months * pl.col("amount") / pl.col("billing_period_months")).sum().round().cast(pl.Int64)
    return rows.group_by("customer_id").agg(billed.alias("billed_amount")).sort("customer_id").collect()


def _begun(rows: pl.LazyFrame, day: date) -> pl.LazyFrame:
    """Subscriptions begun before a day, with their last day as seen from it: `NEVER` where none lies before."""
    ended = pl.when(pl.col("ended_on") < day).then("ended_on").fill_null(NEVER)
    return rows.filter(pl.col("started_on") < day).with_columns(ended.alias("last_day"))


def _with_spells(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows sorted by customer and start, each with the number of its spell, from 1."""
    covered_until = pl.col("last_day").cum_max().shift(1).over("customer_id")
    gap = (pl.col("started_on") - covered_until).dt.total_days()
    begins = (gap.is_null() | (gap > BRIDGED_DAYS + 1)).cast(pl.Int64)
    ordered = rows.sort("customer_id", "started_on", "subscription_id").with_columns(begins.alias("begins"))
    return ordered.with_columns(pl.col("begins").cum_sum().over("customer_id").alias("spell"))


def _facts_at(subscriptions: pl.LazyFrame, day: date, time_zone: str) -> pl.DataFrame:
    rows = _begun(current_at(subscriptions, snapshot_instant(day, time_zone=time_zone)), day)
    monthly = (pl.col("amount") / pl.col("billing_period_months")).round().cast(pl.Int64)
    runs = pl.col("last_day") == NEVER
    current = pl.col("spell") == pl.col("spell").max()
    main = _with_spells(rows).with_columns(monthly.alias("monthly")).sort(
        "customer_id", "monthly", "started_on", "subscription_id", descending=[False, True, True, False]
    )  # fmt: skip
    facts = main.group_by("customer_id", maintain_order=True).agg(
        pl.col("plan").filter(runs).first().cast(pl.String).alias("contract_plan"),
        pl.col("started_on").filter(current).min().alias("spell_started_on"),
        pl.col("started_on").filter(runs).first(),
        pl.col("billing_period_months").filter(runs).first().cast(pl.Int64).alias("contract_period_months"),
        pl.col("monthly").filter(runs).sum().alias("contract_monthly_amount"),
        runs.sum().cast(pl.Int64).alias("contract_count"),
        (pl.col("spell").max() - 1).alias("contract_earlier_spells"),
    )
    today = pl.lit(day)
    return (
        facts.filter(pl.col("contract_count") > 0)
        .with_columns(
            today.alias("snapshot_date"),
            (today - pl.col("spell_started_on")).dt.total_days().alias("contract_age_days"),
            (_next_renewal(day) - today).dt.total_days().alias("contract_days_to_renewal"),
        )
        .select(list(SCHEMA))
        .collect()
    )


def _next_renewal(day: date) -> pl.Expr:
    """The first day of the billing period that begins after the day before `day`; at the earliest tomorrow."""
    started, period = pl.col("started_on"), pl.col("contract_period_months")
    months = (day.year - started.dt.year()) * MONTHS_A_YEAR + day.month - started.dt.month().cast(pl.Int32)
    whole = months - (pl.lit(day.day) < started.dt.day()).cast(pl.Int32)
    offset = pl.concat_str(((whole // period + 1) * period).cast(pl.String), pl.lit("mo"))
    return started.dt.offset_by(offset)

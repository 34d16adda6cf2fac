"""New customers against old ones at the same age, and whether they are another kind of people.

Belongs here: cohorts by month of the first purchase, at fixed ages; the drift of their mix. Does not: single customers.

In the first months of a history customers seem new who are older than the data; such cohorts are marked, and not
compared with.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import polars as pl

from segments.statistics import Z_95, stability_index

AGES_DAYS = (90, 180, 365)
OLDER_THAN_DATA_DAYS = 90
FEWEST_TO_COMPARE = 30
BETTER: Final = "better"
WORSE: Final = "worse"
AS_BEFORE: Final = "as before"
TOO_FEW: Final = "too few to tell"
COHORT_VERDICTS: Final = (BETTER, AS_BEFORE, WORSE, TOO_FEW)
ATTRIBUTES = ("customer_type", "region", "acquisition_channel", "age_band")
SUMS_SCHEMA: dict[str, type[pl.DataType]] = {
    "cohort_month": pl.Date,
    "age_days": pl.Int64,
    "customers": pl.Int64,
    "repeated": pl.Int64,
    "value": pl.Int64,
}
_UNKNOWN, _OTHER = "unknown", "other"
_COMMON_SHARE = 0.02  # rarer classes are taken together: a handful of people says nothing


def cohort_sums(orders: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Sums by cohort and age that add up over buckets of customers.

    Args:
        orders: `customer_id`, `day` (Date), `amount` (Int64), `is_purchase`: one row an order.
        as_of: the business date; months whose youngest member has not reached an age are left out for it.

    Returns:
        One row per (`cohort_month`, `age_days`): `customers`, `repeated` (bought on another day by that age), `value`
        (net sales by that age, minor units).
    """
    first = orders.filter("is_purchase").group_by("customer_id").agg(pl.col("day").min().alias("first_day"))
    aged = orders.join(first, on="customer_id", validate="m:1").with_columns(
        (pl.col("day") - pl.col("first_day")).dt.total_days().alias("age")
    )
    parts = [pl.DataFrame(schema=SUMS_SCHEMA)]
    for age in AGES_DAYS:
        month = pl.col("first_day").dt.truncate("1mo")
        ripe = month.dt.offset_by("1mo") + timedelta(days=age) <= as_of
        inside = aged.filter(ripe & pl.col("age").is_between(0, age - 1))
        by_customer = inside.group_by("customer_id", month.alias("cohort_month")).agg(
            pl.col("amount").sum(), (pl.col("is_purchase") & (pl.col("age") > 0)).any().alias("again")
        )
        parts.append(
            by_customer.group_by("cohort_month")
            .agg(
                pl.lit(age, pl.Int64).alias("age_days"),
                pl.len().cast(pl.Int64).alias("customers"),
                pl.col("again").sum().cast(pl.Int64).alias("repeated"),
                pl.col("amount").sum().cast(pl.Int64).alias("value"),
            )
            .select(list(SUMS_SCHEMA))
        )
    return pl.concat(parts)


def cohorts(sums: pl.DataFrame, facts: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Cohorts beside those before them.

    Args:
        sums: as `cohort_sums` returns it, of all buckets, one below the other.
        facts: `customer_id`, `days_since_first_order`, `customer_type`, `region`, `acquisition_channel`, `age_years`.
        as_of: the business date.

    Returns:
        One row per (`cohort_month`, `age_days`), sorted: `customers`, `repeat_share`, `value_per_customer` (Int64,
        minor units), `older_customers`, `older_repeat_share`, `older_value_per_customer` (all cohorts before, but for
        those older than the data; null: none), `repeat_difference`, `repeat_difference_low`,
        `repeat_difference_high` (95 %), `verdict` (one of `COHORT_VERDICTS`), `maybe_older_than_data`, `mix_drift`
        (largest stability index of an attribute against the customers before), `mix_drift_in` (that attribute; null:
        nothing is recorded).
    """
    by_cohort = sums.group_by("cohort_month", "age_days").agg(pl.col("customers", "repeated", "value").sum())
    by_cohort = by_cohort.sort("age_days", "cohort_month")
    if by_cohort.is_empty():
        return _with_older(by_cohort, None).join(_drift_schema(), on="cohort_month", how="left")
    months: list[date] = sorted(by_cohort["cohort_month"].unique())
    compared = _with_older(by_cohort, months[0] + timedelta(days=OLDER_THAN_DATA_DAYS))
    drift = _mix_drift(facts, months, as_of=as_of)
    return compared.join(drift, on="cohort_month", how="left", validate="m:1").sort("cohort_month", "age_days")


def _with_older(rows: pl.DataFrame, trusted_from: date | None) -> pl.DataFrame:
    """Each cohort beside the sums of the trusted cohorts before it."""
    trusted = pl.lit(value=False) if trusted_from is None else pl.col("cohort_month") >= trusted_from
    rows = rows.with_columns((~trusted).alias("maybe_older_than_data"))
    counted = {name: pl.when(trusted).then(pl.col(name)).otherwise(0) for name in ("customers", "repeated", "value")}
    rows = rows.with_columns(
        (value.cum_sum() - value).over("age_days", order_by="cohort_month").alias(f"older_{name}")
        for name, value in counted.items()
    )
    some = pl.col("older_customers") > 0
    share, older = pl.col("repeated") / pl.col("customers"), pl.col("older_repeated") / pl.col("older_customers")
    rows = rows.with_columns(
        share.alias("repeat_share"),
        pl.when(some).then(older).alias("older_repeat_share"),
        (pl.col("value") / pl.col("customers")).round().cast(pl.Int64).alias("value_per_customer"),
        pl.when(some)
        .then(pl.col("older_value") / pl.col("older_customers"))
        .round()
        .cast(pl.Int64)
        .alias("older_value_per_customer"),
    )
    spread = _variance("repeated", "customers") + _variance("older_repeated", "older_customers")
    difference = pl.col("repeat_share") - pl.col("older_repeat_share")
    rows = rows.with_columns(
        difference.alias("repeat_difference"),
        (difference - Z_95 * spread.sqrt()).alias("repeat_difference_low"),
        (difference + Z_95 * spread.sqrt()).alias("repeat_difference_high"),
    )
    enough = (pl.min_horizontal("customers", "older_customers") >= FEWEST_TO_COMPARE) & trusted
    verdict = (
        pl.when(~enough)
        .then(pl.lit(TOO_FEW))
        .when(pl.col("repeat_difference_low") > 0)
        .then(pl.lit(BETTER))
        .when(pl.col("repeat_difference_high") < 0)
        .then(pl.lit(WORSE))
        .otherwise(pl.lit(AS_BEFORE))
    )
    return rows.with_columns(verdict.alias("verdict"))


def _variance(hits: str, of: str) -> pl.Expr:
    share = (pl.col(hits) + 1) / (pl.col(of) + 2)
    return share * (1 - share) / (pl.col(of) + 2)


def _drift_schema() -> pl.DataFrame:
    return pl.DataFrame(schema={"cohort_month": pl.Date, "mix_drift": pl.Float64, "mix_drift_in": pl.String})


def _mix_drift(facts: pl.DataFrame, months: Sequence[date], *, as_of: date) -> pl.DataFrame:
    """By month the attribute whose mix differs most from that of all customers before."""
    first = pl.lit(as_of) - pl.duration(days=pl.col("days_since_first_order"))
    decade = (pl.col("age_years") // 10 * 10).cast(pl.String)
    people = facts.filter(pl.col("days_since_first_order").is_not_null()).select(
        first.dt.truncate("1mo").cast(pl.Date).alias("month"),
        *(pl.col(name) for name in ATTRIBUTES[:-1]),
        decade.alias("age_band"),
    )
    counted = {
        name: people.group_by(pl.col(name).fill_null(_UNKNOWN).alias("word"), "month").agg(pl.len().alias("people"))
        for name in ATTRIBUTES
        if people[name].null_count() < people.height
    }
    rows = []
    for month in months:
        found = [(_index(counts, month), name) for name, counts in counted.items()]
        known = [(index, name) for index, name in found if index is not None]
        rows.append((month, *max(known, default=(None, None))))
    return pl.DataFrame(rows, schema=_drift_schema().schema, orient="row")


def _index(counts: pl.DataFrame, month: date) -> float | None:
    """Stability index of a month's mix against that of all months before; null where either has too few people.

    What chance alone makes of it with so many classes and people, (classes - 1)(1 / new + 1 / old), is taken off.
    """
    by_word = counts.group_by("word").agg(
        pl.col("people").filter(pl.col("month") == month).sum().alias("new"),
        pl.col("people").filter(pl.col("month") < month).sum().alias("old"),
    )
    new, old = int(by_word["new"].sum()), int(by_word["old"].sum())
    if min(new, old) < FEWEST_TO_COMPARE:
        return None
    common = pl.col("old") >= _COMMON_SHARE * old
    pooled = by_word.group_by(pl.when(common).then("word").otherwise(pl.lit(_OTHER)).alias("class")).agg(
        pl.col("new", "old").sum()
    )
    pooled, classes = pooled.sort("class"), pooled.height
    by_chance = (classes - 1) * (1 / new + 1 / old)
    index = stability_index(
        *([(each + 0.5) / (of + classes / 2) for each in pooled[name]] for name, of in (("new", new), ("old", old)))
    )
    return max(0.0, index - by_chance)

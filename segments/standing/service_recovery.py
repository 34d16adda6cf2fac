"""What becomes of customers who complain: recovered, not recovered, and their like who did not complain.

Belongs here: the groups, their like, how many bought afterwards, the effect with its interval. Does not: features of
single tickets.

Month by month: who complained in a month is followed from the first of the next month on, for `follow_days`. Their
like are customers who bought as often in the 180 days before that day, and last as lately, and had no complaint in
them: who complains has bought something just before, and who has just bought is more likely to be still there. What
comes out is a difference between like customers, not an experiment: whoever settles complaints chooses whose are
settled.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import polars as pl

from segments.standing.rules import SegmentationRules
from segments.statistics import stratified_difference

RECOVERED: Final = "complaint recovered"
NOT_RECOVERED: Final = "complaint not recovered"
NO_COMPLAINT: Final = "no complaint"
GROUPS: Final = (RECOVERED, NOT_RECOVERED, NO_COMPLAINT)
MONTHS = 12
LOOK_BACK_DAYS = 180
_OFTEN = (2, 3, 6)  # days with a purchase
_LATELY = (30, 60, 90)  # days since the last of them
STRATA_SCHEMA: dict[str, type[pl.DataType]] = {
    "index_day": pl.Date,
    "stratum": pl.Int64,
    "service_group": pl.String,
    "customers": pl.Int64,
    "retained": pl.Int64,
}


def index_days(as_of: date, *, rules: SegmentationRules) -> list[date]:
    """The first days of months after which customers could be followed to the end, the last twelve, oldest first."""
    day = (as_of - timedelta(days=rules.follow_days)).replace(day=1)
    days = []
    for _ in range(MONTHS):
        days.append(day)
        day = (day - timedelta(days=1)).replace(day=1)
    return days[::-1]


def recovery_strata(
    purchase_days: pl.DataFrame, complaints: pl.DataFrame, *, days: Sequence[date], rules: SegmentationRules
) -> pl.DataFrame:
    """Counts that add up over buckets of customers.

    Args:
        purchase_days: `customer_id`, `day` (Date) of days with a purchase, each once.
        complaints: `customer_id`, `opened_on` (Date), `recovered` (Boolean).
        days: as `index_days` returns them.
        rules: of the company.

    Returns:
        One row per (`index_day`, `stratum`, `service_group`), as `STRATA_SCHEMA`.
    """
    parts = [_of_month(purchase_days, complaints, day, rules.follow_days) for day in days]
    return pl.concat([pl.DataFrame(schema=STRATA_SCHEMA), *parts])


def _of_month(purchase_days: pl.DataFrame, complaints: pl.DataFrame, day: date, follow_days: int) -> pl.DataFrame:
    month_before = (day - timedelta(days=1)).replace(day=1)
    opened = pl.col("opened_on")
    complained = complaints.filter((opened >= day - timedelta(days=LOOK_BACK_DAYS)) & (opened < day))
    of_month = (
        complained.filter(opened >= month_before)
        .group_by("customer_id")
        .agg(pl.col("recovered").all())
        .select("customer_id", pl.when("recovered").then(pl.lit(RECOVERED)).otherwise(pl.lit(NOT_RECOVERED)).alias("g"))
    )
    bought = pl.col("day")
    before = (
        purchase_days.filter((bought >= day - timedelta(days=LOOK_BACK_DAYS)) & (bought < day))
        .group_by("customer_id")
        .agg(pl.len().alias("n"), (pl.lit(day) - bought.max()).dt.total_days().alias("since"))
    )
    after = purchase_days.filter((bought >= day) & (bought < day + timedelta(days=follow_days)))
    rows = (
        before.join(of_month, on="customer_id", how="left")
        .join(complained.select("customer_id", pl.lit(value=True).alias("c")).unique(), on="customer_id", how="left")
        .filter(pl.col("g").is_not_null() | pl.col("c").is_null())
        .join(after.select("customer_id", pl.lit(1).alias("r")).unique(), on="customer_id", how="left")
    )
    often = pl.sum_horizontal((pl.col("n") >= line).cast(pl.Int64) for line in _OFTEN)
    lately = pl.sum_horizontal((pl.col("since") > line).cast(pl.Int64) for line in _LATELY)
    stratum = often * (len(_LATELY) + 1) + lately
    return (
        rows.group_by(stratum.alias("stratum"), pl.col("g").fill_null(NO_COMPLAINT).alias("service_group"))
        .agg(
            pl.len().cast(pl.Int64).alias("customers"), pl.col("r").fill_null(0).sum().cast(pl.Int64).alias("retained")
        )
        .select(pl.lit(day).alias("index_day"), "stratum", "service_group", "customers", "retained")
        .sort("stratum", "service_group")
    )


def service_recovery(strata: pl.DataFrame) -> pl.DataFrame:
    """Retention by group, and against the like.

    Args:
        strata: as `recovery_strata` returns it, of all buckets.

    Returns:
        One row per group of `GROUPS`: `service_group`, `customers`, `retained` (Int64), `retention_share` (null:
        nobody), `like_retention_share`, `effect` and `effect_low`, `effect_high` (95 %; null: no complaint, or no
        like).
    """
    summed = strata.group_by("index_day", "stratum", "service_group").agg(pl.col("customers", "retained").sum())
    summed = summed.sort("index_day", "stratum", "service_group")
    like = summed.filter(pl.col("service_group") == NO_COMPLAINT)
    rows = []
    for group in GROUPS:
        own = summed.filter(pl.col("service_group") == group)
        customers, retained = int(own["customers"].sum()), int(own["retained"].sum())
        found = None
        if group != NO_COMPLAINT:
            paired = own.join(like, on=["index_day", "stratum"], how="inner", suffix="_like", maintain_order="left")
            columns = ("retained", "customers", "retained_like", "customers_like")
            found = stratified_difference(list(paired.select(columns).iter_rows()))
        share = retained / customers if customers else None
        rows.append((group, customers, retained, share, *(found or (None,) * 4)))
    names = ("retention_share", "like_retention_share", "effect", "effect_low", "effect_high")
    schema = {"service_group": pl.String, "customers": pl.Int64, "retained": pl.Int64} | dict.fromkeys(
        names, pl.Float64
    )
    return pl.DataFrame(rows, schema=schema, orient="row")

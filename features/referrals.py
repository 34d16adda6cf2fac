"""Whom they brought, and whether somebody brought them."""

from collections.abc import Mapping

import polars as pl

from features.feature import DAYS, Family, Feature
from features.inputs import Aggregate, Input, Table
from features.snapshots import INSTANT, Snapshot

YEAR_DAYS = 365
_NEEDS = ("referrals",)


def _rows(frames: Mapping[str, pl.LazyFrame], snapshot: Snapshot) -> pl.LazyFrame:
    """Each referral before the snapshot twice: for who recommended (`brought`), and for who came."""
    known = (
        snapshot.known(frames["referrals"])
        .filter(pl.col("at") < pl.lit(snapshot.instant, dtype=INSTANT))
        .with_columns(snapshot.days_since(snapshot.business_date(pl.col("at"))).alias("age_days"))
    )
    return pl.concat(
        known.select(pl.col(who).alias("customer_id"), "age_days", pl.lit(brought).alias("brought"))
        for who, brought in (("referrer_id", True), ("referred_id", False))
    )


TABLE = Table(name="referrals", entities=("referrals",), rows=_rows)


def _of(**sums: pl.Expr) -> dict[str, Input]:
    return {name: Aggregate(table=TABLE.name, expression=expression) for name, expression in sums.items()}


def _features() -> list[Feature]:
    brought, age = pl.col("brought"), pl.col("age_days")
    counts: list[tuple[str, str, pl.Expr, int | None, str]] = [
        ("referral_count", "Customers they brought.", brought, None, "brought {referral_count} customers"),
        ("referral_count_365_days", "Customers they brought in the last 365 days.", brought & (age <= YEAR_DAYS),
         YEAR_DAYS, "brought {referral_count_365_days} customers in the last year"),
        ("was_referred", "Whether somebody brought them (1) or not (0).", ~brought, None,
         "brought {referral_count} customers"),
    ]  # fmt: skip
    since = "days_since_last_referral"
    return [
        *(
            Feature(
                name=name,
                meaning=meaning,
                unit="0 or 1" if name == "was_referred" else "customers",
                dtype=pl.Int8 if name == "was_referred" else pl.Int64,
                needs=_NEEDS,
                window_days=days,
                inputs=_of(
                    **{name: rows.any().cast(pl.Int64) if name == "was_referred" else rows.sum().cast(pl.Int64)}
                ),
                value=pl.col(name).fill_null(0),
                phrase=phrase,
            )
            for name, meaning, rows, days, phrase in counts
        ),
        Feature(
            name=since,
            meaning="Days since they last brought a customer.",
            unit=DAYS,
            dtype=pl.Int64,
            null_means="never brought anybody",
            needs=_NEEDS,
            inputs=_of(**{since: age.filter(brought).min()}),
            value=pl.col(since),
            phrase=f"last brought a customer {{{since}}} days ago",
            phrase_when_null="never brought anybody",
        ),
    ]


FAMILY = Family(
    name="referrals",
    about="Whom they brought, and whether somebody brought them.",
    features=(*_features(),),
    tables=(TABLE,),
)

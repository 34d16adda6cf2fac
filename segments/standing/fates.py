"""The fates of customers, after the parable of wheat: flour, seed, stored, lost; and what of the loss is natural.

Belongs here: which fate each customer has, and last year's churn against what is natural. Does not: stages by rhythm
(`lifecycle.py`), or deciding whom to let go.

Churn the company chose counts apart: whoever is on its list of customers let go was not lost to anybody.
"""

from collections.abc import Collection
from typing import Final

import polars as pl

from segments.standing.lifecycle import DORMANT, LOST
from segments.standing.rules import SegmentationRules
from segments.statistics import share_interval

FLOUR: Final = "flour"
SEED: Final = "seed"
UNPROFITABLE: Final = "unprofitable"
STORED: Final = "stored"
LOST_NATURALLY: Final = "lost"
LET_GO: Final = "let go"
FATES: Final = (FLOUR, SEED, UNPROFITABLE, STORED, LOST_NATURALLY, LET_GO)
ABOVE: Final = "above natural"
NATURAL: Final = "natural"
NOT_KNOWN: Final = "not known yet"
VERDICTS: Final = (NATURAL, ABOVE, NOT_KNOWN)


def fate(*, let_go: Collection[str]) -> pl.Expr:
    """Fate (String, one of `FATES`) of rows with `customer_id`, `lifecycle`, `referral_count`, `contribution_12m`.

    Seed is who brought other customers in and is still here, whatever they bring themselves; flour is active and
    brings something; unprofitable is active and brings nothing or costs; stored is dormant.

    Args:
        let_go: ids of customers the company chose to stop serving.
    """
    return (
        pl.when(pl.col("customer_id").is_in(sorted(let_go)))
        .then(pl.lit(LET_GO))
        .when(pl.col("lifecycle") == LOST)
        .then(pl.lit(LOST_NATURALLY))
        .when(pl.col("lifecycle") == DORMANT)
        .then(pl.lit(STORED))
        .when(pl.col("referral_count").fill_null(0) > 0)
        .then(pl.lit(SEED))
        .when(pl.col("contribution_12m") > 0)
        .then(pl.lit(FLOUR))
        .otherwise(pl.lit(UNPROFITABLE))
    )


def yearly_churn(rows: pl.DataFrame, *, rules: SegmentationRules) -> pl.DataFrame:
    """Of the customers who bought in the year before last, how many are lost today.

    Args:
        rows: `customer_id`, `fate`, `purchase_trend_365_days` (last year's purchases against those of the year before;
            below 1 where there were any in the year before).
        rules: of the company.

    Returns:
        One row: `customers_a_year_ago`, `lost_customers`, `let_go_customers` (Int64), `churn_share` (Float64, of those
        not let go; null where nobody is old enough), `churn_share_low`, `churn_share_high` (95 %, Wilson),
        `natural_share`, `verdict` (one of `VERDICTS`: above natural only where the whole interval is above).
    """
    old = rows.filter(pl.col("purchase_trend_365_days") < 1)
    lost, chosen = (old.filter(pl.col("fate") == word).height for word in (LOST_NATURALLY, LET_GO))
    base = old.height - chosen
    low, high = share_interval(lost, base)
    verdict = NOT_KNOWN if low is None else ABOVE if low > rules.natural_churn_share else NATURAL
    return pl.DataFrame(
        {
            "customers_a_year_ago": [old.height],
            "lost_customers": [lost],
            "let_go_customers": [chosen],
            "churn_share": [lost / base if base else None],
            "churn_share_low": [low],
            "churn_share_high": [high],
            "natural_share": [rules.natural_churn_share],
            "verdict": [verdict],
        },
        schema_overrides={"churn_share": pl.Float64, "churn_share_low": pl.Float64, "churn_share_high": pl.Float64},
    )

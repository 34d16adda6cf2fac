"""Sums over customers by class.

Belongs here: plain counts and sums. Does not: comparisons in time (`tier_migration.py`), curves (`concentration.py`).
"""

import polars as pl

from segments.standing.fates import FATES


def fate_counts(rows: pl.DataFrame) -> pl.DataFrame:
    """How many customers have which fate.

    Args:
        rows: `fate`, `contribution_12m`, `expected_value_12m` (Int64, minor units) of every customer.

    Returns:
        One row per fate of `FATES`: `customers`, `customer_share` (null: no customers at all), `contribution_12m`,
        `expected_value_12m`.
    """
    counted = rows.group_by("fate").agg(
        pl.len().cast(pl.Int64).alias("customers"), pl.col("contribution_12m").sum(), pl.col("expected_value_12m").sum()
    )
    every = pl.DataFrame({"fate": FATES}).join(counted, on="fate", how="left", validate="1:1", maintain_order="left")
    every = every.with_columns(pl.col("customers", "contribution_12m", "expected_value_12m").fill_null(0))
    return every.with_columns((pl.col("customers") / pl.col("customers").sum()).fill_nan(None).alias("customer_share"))

"""Which categories, and which brands, each active customer buys from next: the ranked lists as they are published.

Belongs here: the form of the tables. Does not: ranking, and offers of single products (`offers.py`).
"""

from datetime import date

import polars as pl

CATEGORIES_NEEDED = ("customer_id", "rank", "category", "purchase_probability")
BRANDS_NEEDED = ("customer_id", "rank", "brand", "purchase_probability")


def next_best_of(
    level: str,
    ranked: pl.DataFrame,
    *,
    active: pl.DataFrame,
    as_of: date,
    next_offer_model_version: int | None,
    run_key: str,
) -> pl.DataFrame:
    """The table `segments.next_best_category`, or `segments.next_best_brand`.

    Args:
        level: "category" or "brand".
        ranked: the columns of `CATEGORIES_NEEDED`, or `BRANDS_NEEDED`, one row a (customer, rank).
        active: `customer_id` of the customers to list; others are left out.
        as_of: the business date of the run.
        next_offer_model_version: registered version of the ranking model.
        run_key: the run that publishes.

    Returns:
        One row a (customer_id, rank), sorted by both, columns as in `contracts.NEXT_BEST_CATEGORY`, or
        `contracts.NEXT_BEST_BRAND`.
    """
    listed = ranked.join(active.select("customer_id"), on="customer_id", how="semi")
    return listed.select(
        pl.col("customer_id"),
        pl.col("rank").cast(pl.Int32),
        pl.lit(as_of, pl.Date).alias("as_of"),
        pl.col(level).cast(pl.String),
        pl.col("purchase_probability").cast(pl.Float64),
        pl.lit(next_offer_model_version, pl.Int32).alias("next_offer_model_version"),
        pl.lit(run_key, pl.String).alias("run_key"),
    ).sort("customer_id", "rank")

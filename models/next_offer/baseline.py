"""The honest baseline: what a customer bought most often within a year, filled up with what sells best."""

import polars as pl


def baseline_score(features: pl.DataFrame) -> pl.Series:
    """A score that sorts a customer's candidates as the baseline would.

    Args:
        features: what `pair_features` returned.

    Returns:
        Float64, one a row: the number of the customer's orders with the product in the last 365 days; ties, and
        products not bought, by the number of the product's buyers in the last 30 days. (On real data a year's counts
        beat all-time counts, and popularity beats recency as the tie-break; so this is the harder one to beat.)
    """
    popularity = pl.col("product_buyers_30d").cast(pl.Float64)
    score = pl.col("times_bought_365d").cast(pl.Float64) + popularity / (1.0 + popularity)
    return features.select(score.alias("score"))["score"]

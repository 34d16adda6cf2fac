"""How good lists are against the baskets that came: recall, NDCG, precision, hit rate, coverage, novelty, by kind.

Belongs here: figures of given lists. Not: making lists.
"""

import numpy as np
import polars as pl

from models.next_offer.evaluation import paired_gain, per_customer

LIST_LENGTH = 10
FIGURES = ("recall", "ndcg", "precision", "hit")


def graded_lists(ranked: pl.DataFrame, truth: pl.DataFrame, *, k: int) -> pl.DataFrame:
    """One row a customer of `truth`, sorted: `customer`, and FIGURES (Float64) of its first `k` products.

    Args:
        ranked: `customer`, `product`, `rank`; customers without a list count as zeros.
        truth: `customer`, `product`.
        k: length of the list. NDCG's ideal has min(k, products bought) hits; precision divides by k.
    """
    sizes = truth.group_by("customer").agg(pl.len().alias("bought"))
    grades = per_customer(ranked.select("customer", "product", "rank"), truth, k=k)
    return grades.join(sizes, on="customer", validate="1:1", maintain_order="left").select(
        "customer", "recall", "ndcg", (pl.col("recall") * pl.col("bought") / k).alias("precision"), "hit"
    )


def paired(ours: pl.DataFrame, theirs: pl.DataFrame, figure: str, *, seed: int) -> tuple[float, float, float]:
    """Mean gain of a figure over the same customers with its 95 % bootstrap interval."""
    return paired_gain(ours[figure].to_numpy(), theirs[figure].to_numpy(), seed=seed)


def means(grades: pl.DataFrame) -> dict[str, float]:
    """The mean of each of FIGURES over at least one customer."""
    return {name: float(grades[name].to_numpy().mean()) for name in FIGURES}


def of_lists(ranked: pl.DataFrame, had: pl.DataFrame, buyers: pl.DataFrame, *, k: int) -> dict[str, float | None]:
    """Figures that need no truth.

    Args:
        ranked: `customer`, `product`, `rank`.
        had: `customer`, `product` pairs of the history.
        buyers: `product`, `share` of customers who ever had it.
        k: length of the list.

    Returns:
        `coverage` (share of the history's products in anybody's list), `novelty` (mean of -log2 of the share of
        customers who ever had the listed product), `repeat_share` (of the lists' products, those had before);
        the latter two are None without any list.
    """
    listed = ranked.filter(pl.col("rank") <= k)
    if listed.is_empty():
        return {"coverage": 0.0, "novelty": None, "repeat_share": None}
    known = listed.join(buyers, on="product", how="left", maintain_order="left")["share"].fill_null(0.0).to_numpy()
    smallest = 0.5 * float(buyers["share"].to_numpy().min()) if buyers.height else 1.0
    repeats = listed.join(had, on=["customer", "product"], how="semi").height
    sold = buyers.join(listed, on="product", how="semi").height
    return {
        "coverage": sold / max(buyers.height, 1),
        "novelty": float(-np.log2(np.maximum(known, smallest)).mean()),
        "repeat_share": repeats / listed.height,
    }

"""How good a ranking is, against what was bought.

Belongs here: recall, NDCG, hit rate and coverage at k per customer, and the paired bootstrap. Not: making rankings.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

BOOTSTRAP_DRAWS = 2_000


def per_customer(ranked: pl.DataFrame, truth: pl.DataFrame, *, k: int = 10) -> pl.DataFrame:
    """Recall@k, NDCG@k and hit@k of every customer who bought something.

    Args:
        ranked: `customer`, `product`, `rank` (1 = best).
        truth: `customer`, `product`: what was bought in the window, one row a pair.
        k: length of the list that counts.

    Returns:
        One row a customer of `truth`, sorted: `customer`, `recall`, `ndcg`, `hit` (Float64). Recall is the share of
        the products bought that are among the first k. The gain of a hit at rank r is 1 / log2(r + 1); the ideal has
        min(k, products bought) hits (Järvelin and Kekäläinen 2002). A customer without a ranking counts as zeros.
    """
    sizes = truth.group_by("customer").agg(pl.len().alias("bought"))
    gain = 1.0 / (pl.col("rank").cast(pl.Float64) + 1.0).log(2.0)
    hits = (
        ranked.filter(pl.col("rank") <= k)
        .join(truth, on=["customer", "product"], how="inner", validate="1:1")
        .sort("customer", "rank")
        .group_by("customer", maintain_order=True)
        .agg(pl.len().alias("hits"), gain.sum().alias("gain"))
    )
    ideal = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(2, k + 2)))])
    ideals = pl.DataFrame({"length": np.arange(k + 1), "ideal": ideal}, schema_overrides={"length": pl.UInt32})
    return (
        sizes.join(hits, on="customer", how="left", validate="1:1")
        .with_columns(pl.col("hits").fill_null(0), pl.col("gain").fill_null(0.0))
        .with_columns(pl.col("bought").clip(upper_bound=k).cast(pl.UInt32).alias("length"))
        .join(ideals, on="length", validate="m:1")
        .select(
            "customer",
            (pl.col("hits") / pl.col("bought")).alias("recall"),
            (pl.col("gain") / pl.col("ideal")).alias("ndcg"),
            (pl.col("hits") > 0).cast(pl.Float64).alias("hit"),
        )
        .sort("customer")
    )


def summary(grades: pl.DataFrame, ranked: pl.DataFrame, catalogue: pl.DataFrame, *, k: int = 10) -> dict[str, float]:
    """Means over customers, and coverage: the share of the catalogue that is in somebody's first k.

    Args:
        grades: what `per_customer` returned.
        ranked: `customer`, `product`, `rank`: the lists of all customers asked about.
        catalogue: `product`, once each: what counts as for sale. Products outside it may be ranked (a customer may
            have bought one before it left the shelves), but cover nothing.
        k: length of the list that counts.
    """
    shown = catalogue.join(ranked.filter(pl.col("rank") <= k), on="product", how="semi").height
    return {
        f"recall_at_{k}": float(grades["recall"].to_numpy().mean()),
        f"ndcg_at_{k}": float(grades["ndcg"].to_numpy().mean()),
        f"hit_rate_at_{k}": float(grades["hit"].to_numpy().mean()),
        f"coverage_at_{k}": shown / max(catalogue.height, 1),
    }


def paired_gain(
    ours: npt.NDArray[np.float64], theirs: npt.NDArray[np.float64], *, seed: int
) -> tuple[float, float, float]:
    """Mean gain over the same customers, with its 95 % percentile bootstrap interval (customers are drawn).

    Args:
        ours: one grade a customer, shape (customers,).
        theirs: the same customers in the same order.
        seed: of the draws.

    Returns:
        Mean, lower and upper bound.
    """
    return paired_gains((ours - theirs)[:, None], seed=seed)[0]


def paired_gains(gains: npt.NDArray[np.float64], *, seed: int) -> list[tuple[float, float, float]]:
    """Means of several gains over the same customers, with their 95 % percentile bootstrap intervals.

    Args:
        gains: one row a customer, one column a gain, shape (customers, gains); every column sees the same draws.
        seed: of the draws.

    Returns:
        Mean, lower and upper bound of each column.
    """
    draws, customers = np.random.default_rng(seed), len(gains)
    times = (np.bincount(draws.integers(0, customers, customers), minlength=customers) for _ in range(BOOTSTRAP_DRAWS))
    means = np.array([drawn @ gains for drawn in times]) / customers
    lower, upper = np.quantile(means, [0.025, 0.975], axis=0)
    return [(float(a), float(b), float(c)) for a, b, c in zip(gains.mean(axis=0), lower, upper, strict=True)]

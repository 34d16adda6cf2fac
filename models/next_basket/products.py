"""What everybody does with each product: how many have it, whether they come back to it, after how many baskets.

Belongs here: facts of a product over all customers of a snapshot. Not: who else goes with it (crowd).
"""

import polars as pl

from models.next_basket.baskets import Snapshot

GAP_STARTS = (1, 2, 3, 4, 6, 9, 16)  # baskets from one time to the next, in classes
PRIOR_TIMES = 20.0  # chances of all products together that a single product's return is mixed with


def product_facts(snapshot: Snapshot, products: int) -> pl.DataFrame:
    """One row a product (all of them, in order).

    Returns:
        `product`; shares of customers (per 1,000): `buyers` (ever), `buyers_last` (in their last basket),
        `buyers_last_3` (in the last three); `new_buyers_last_3` (had for the first time in the last three baskets, not
        their first); `trend` (share of the last three baskets against all), `repeat_share` (buyers with more than one
        time), `times_per_buyer`, `return_soon` (P(in the next basket | in this), shrunk), `basket_size` (mean of the
        baskets it is in).
    """
    lines = snapshot.lines.join(snapshot.customers, on="customer", validate="m:1").with_columns(
        (pl.col("baskets") - 1 - pl.col("position")).alias("back"),
        (pl.col("position") == pl.col("position").min().over("customer", "product")).alias("is_first"),
        pl.len().over("customer", "position").alias("size"),
        (pl.col("position").shift(-1).over("customer", "product") == pl.col("position") + 1)
        .fill_null(value=False)
        .alias("again"),
    )
    few = snapshot.customers.height / 1000.0
    lately = pl.col("back") < 3  # noqa: PLR2004  as named below
    chances = pl.col("back") > 0
    sums = lines.group_by("product").agg(
        pl.len().alias("times"),
        pl.col("is_first").sum().alias("buyers"),
        (pl.col("back") == 0).sum().alias("buyers_last"),
        pl.col("customer").filter(lately).n_unique().alias("buyers_last_3"),
        (pl.col("is_first") & lately & (pl.col("position") > 0)).sum().alias("new_buyers_last_3"),
        lately.sum().alias("times_last_3"),
        pl.col("customer").filter(~pl.col("is_first")).n_unique().alias("repeat_buyers"),
        pl.col("again").sum().alias("again"),
        chances.sum().alias("chances"),
        pl.col("size").mean().alias("product_basket_size"),
    )
    shares = ("buyers", "buyers_last", "buyers_last_3", "new_buyers_last_3")
    everywhere = pl.col("again").sum() / pl.col("chances").sum().clip(lower_bound=1)
    overall = pl.col("times_last_3").sum() / pl.col("times").sum()
    described = sums.select(
        "product",
        ((pl.col("times_last_3") + 2.0) / (pl.col("times") * overall + 2.0)).alias("trend"),
        (pl.col("repeat_buyers") / (pl.col("buyers") + 3.0)).alias("product_repeat_share"),
        (pl.col("times") / pl.col("buyers")).alias("times_per_buyer"),
        ((pl.col("again") + PRIOR_TIMES * everywhere) / (pl.col("chances") + PRIOR_TIMES)).alias("return_soon"),
        *[(pl.col(name) / few).alias(f"product_{name}") for name in shares],
        "product_basket_size",
    )
    everything = pl.DataFrame({"product": pl.Series(range(products), dtype=pl.UInt32)})
    return everything.join(described, on="product", how="left", validate="1:1").sort("product")


def return_chances(snapshot: Snapshot) -> pl.DataFrame:
    """P(in the next basket | last had so many baskets ago), by product and class of baskets, shrunk.

    Every time a customer has a product, each later basket up to the next time (or the end) is a chance; the last of
    them is taken where there is a next time.

    Returns:
        `product`, `gap_class` (UInt8, position in GAP_STARTS), `return_chance` (Float32); and rows with a null product:
        the chance over all products, for those that were never at risk in the class.
    """
    lines = snapshot.lines.join(snapshot.customers, on="customer", validate="m:1").sort(
        "customer", "product", "position"
    )
    upcoming = pl.col("position").shift(-1).over("customer", "product")
    gaps = lines.select(
        "product",
        (upcoming - pl.col("position")).alias("gap"),
        (pl.coalesce(upcoming, pl.col("baskets") - 1) - pl.col("position")).alias("steps"),
    ).filter(pl.col("steps") > 0)
    ends = [*[start - 1 for start in GAP_STARTS[1:]], 1 << 30]
    exposed = [
        gaps.group_by("product").agg(
            (pl.min_horizontal("steps", pl.lit(end)) - start + 1)
            .clip(lower_bound=0)
            .cast(pl.Int64)
            .sum()
            .alias("chances"),
            pl.col("gap").is_between(start, end).sum().cast(pl.Int64).alias("taken"),
            pl.lit(number, pl.UInt8).first().alias("gap_class"),
        )
        for number, (start, end) in enumerate(zip(GAP_STARTS, ends, strict=True))
    ]
    counted = pl.concat(exposed)
    overall = counted.group_by("gap_class").agg(
        (pl.col("taken").sum() / pl.col("chances").sum().clip(lower_bound=1)).alias("overall")
    )
    # a product that comes back more often than others does so in every class: its own level is the class's prior
    level = (
        counted.join(overall, on="gap_class")
        .group_by("product")
        .agg(
            (
                (pl.col("taken").sum() + PRIOR_TIMES * 0.5)
                / ((pl.col("chances") * pl.col("overall")).sum() + PRIOR_TIMES * 0.5)
            ).alias("level")
        )
    )
    prior = pl.col("overall") * pl.col("level")
    chance = (pl.col("taken") + PRIOR_TIMES * prior) / (pl.col("chances") + PRIOR_TIMES)
    each = (
        counted.join(overall, on="gap_class")
        .join(level, on="product")
        .select("product", "gap_class", chance.clip(0.0, 1.0).cast(pl.Float32).alias("return_chance"))
    )
    anyone = overall.select(
        pl.lit(None, pl.UInt32).alias("product"), "gap_class", pl.col("overall").cast(pl.Float32).alias("return_chance")
    )
    return pl.concat([each, anyone]).sort("product", "gap_class")


def gap_class(baskets_since: pl.Expr) -> pl.Expr:
    """The class of GAP_STARTS that the coming basket is in, for a product last had `baskets_since` baskets ago."""
    upcoming = baskets_since + 1
    return pl.sum_horizontal([(upcoming >= start).cast(pl.UInt8) for start in GAP_STARTS[1:]]).cast(pl.UInt8)

"""What each customer did before: with each product, each category, and on the whole.

Belongs here: sums over one customer's own baskets. Not: other customers (crowd, products).
"""

import polars as pl

from models.next_basket.baskets import Snapshot

HALF_LIVES_BASKETS = (1, 3, 8)
LAST_BASKETS = (2, 3, 5, 10)


def pair_habits(snapshot: Snapshot) -> pl.DataFrame:
    """One row a customer and product bought, sorted: what the pair did.

    Returns:
        `customer`, `product`; `times`, `baskets_since` (0: in the last basket), `baskets_since_first`, `own_gap` (mean
        baskets from one time to the next, null after one), `own_gap_deviation`, `last_gap`, `times_last_N`,
        `decayed_N`; `quantity_usual`, `quantity_last`, `amount_usual` where those are known; `days_since`, `days_gap`
        where days are.
    """
    back = pl.col("baskets") - 1 - pl.col("position")
    placed = snapshot.lines.join(snapshot.customers, on="customer", validate="m:1").with_columns(back.alias("back"))
    names, gap = placed.columns, pl.col("position").diff()
    sums = [
        pl.len().cast(pl.Int32).alias("times"),
        pl.col("back").last().alias("baskets_since"),
        pl.col("back").first().alias("baskets_since_first"),
        gap.mean().cast(pl.Float32).alias("own_gap"),
        gap.std().cast(pl.Float32).alias("own_gap_deviation"),
        gap.last().alias("last_gap"),
        *[(pl.col("back") < last).sum().cast(pl.Int32).alias(f"times_last_{last}") for last in LAST_BASKETS],
        *[
            (0.5 ** (pl.col("back").cast(pl.Float32) / half)).sum().cast(pl.Float32).alias(f"decayed_{half}")
            for half in HALF_LIVES_BASKETS
        ],
        *_measured(names),
    ]
    ordered = placed.sort("customer", "product", "position")
    return ordered.group_by("customer", "product", maintain_order=True).agg(*sums)


def _measured(names: list[str]) -> list[pl.Expr]:
    """Quantities, prices and days of a pair, as far as the lines have them."""
    sums = []
    if "quantity" in names:
        sums += [pl.col("quantity").mean().alias("quantity_usual"), pl.col("quantity").last().alias("quantity_last")]
    if "amount" in names:
        sums.append(pl.col("amount").mean().alias("amount_usual"))
    if "day" in names:
        sums += [pl.col("day").last().alias("last_day"), pl.col("day").diff().mean().alias("days_gap")]
    return sums


def customer_habits(snapshot: Snapshot) -> pl.DataFrame:
    """What each customer does on the whole.

    Returns:
        One row a customer, sorted: `customer`, `baskets`, `basket_size` (mean), `last_basket_size`, `products`,
        `repeat_share` (of products in baskets after the first, those had before), `new_in_last` (share of the last
        basket that was new); `days_between` (mean), `start_day`, `end_day` where days are known.
    """
    first = (pl.col("position") == pl.col("position").min().over("customer", "product")).alias("is_first")
    lines = snapshot.lines.with_columns(first, pl.col("position").max().over("customer").alias("last"))
    later = pl.col("position") > 0
    sums = [
        pl.len().alias("lines"),
        (pl.col("position") == pl.col("last")).sum().alias("last_basket_size"),
        pl.col("is_first").sum().alias("products"),
        (~pl.col("is_first")).filter(later).mean().alias("repeat_share"),
        pl.col("is_first").filter((pl.col("position") == pl.col("last")) & later).mean().alias("new_in_last"),
    ]
    if "day" in lines.columns:
        sums += [pl.col("day").max().alias("end_day"), pl.col("day").min().alias("start_day")]
    habits = lines.group_by("customer").agg(*sums).join(snapshot.customers, on="customer", validate="1:1")
    habits = habits.with_columns((pl.col("lines") / pl.col("baskets")).alias("basket_size"))
    if "day" in lines.columns:
        span = pl.col("end_day") - pl.col("start_day")
        steps = pl.col("baskets") - 1
        habits = habits.with_columns(pl.when(steps > 0).then(span / steps).alias("days_between"))
    return habits.drop("lines").sort("customer")


def category_habits(snapshot: Snapshot, categories: pl.Series) -> pl.DataFrame:
    """One row a customer and category: `category_share` (of baskets that hold it), `category_since` (baskets)."""
    named = snapshot.lines.select(
        "customer", "position", categories.gather(snapshot.lines["product"]).alias("category")
    )
    each = named.drop_nulls("category").unique(["customer", "position", "category"])
    counted = each.group_by("customer", "category").agg(pl.len().alias("times"), pl.col("position").max())
    joined = counted.join(snapshot.customers, on="customer", validate="m:1")
    return joined.select(
        "customer",
        "category",
        (pl.col("times") / pl.col("baskets")).alias("category_share"),
        (pl.col("baskets") - 1 - pl.col("position")).alias("category_since"),
    )

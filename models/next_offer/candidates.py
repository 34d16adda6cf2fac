"""Which products are worth ranking for a customer, and where each idea comes from.

Belongs here: the four sources of candidates, bounded per customer. Not: how good a candidate is (ranking).
"""

import polars as pl

from models.next_offer.facts import ItemFacts
from models.next_offer.history import History
from models.next_offer.options import OfferOptions

SOURCES = ("bought before", "goes with what they bought", "new in favourite category", "popular now")
PRODUCT_ROOM = 1 << 32


def candidates(history: History, facts: ItemFacts, options: OfferOptions) -> pl.DataFrame:
    """Candidate products of every customer in `history`.

    Returns:
        One row a customer and product, sorted by both: `customer`, `product` (UInt32), `source` (UInt8, position in
        SOURCES, the first that named it), `neighbour_score` (Float64, similarity to own products, weighted by how
        recently and often they were bought; 0 without), `neighbour_best` (Float64, its largest single part),
        `neighbour_count` (Int64), `neighbour_product` (UInt32 or null, the own product it goes with best).
    """
    scored = neighbour_scores(history.pairs, facts.neighbours, recent_products=options.recent_products)
    named = pl.concat(
        [
            _own(history.pairs, options),
            _from_neighbours(scored, history.pairs, keep=options.neighbour_candidates),
            _new_in_favourite_categories(history, facts, options),
            _popular(history.customers, facts, keep=options.popular_candidates),
        ]
    )
    chosen = named.group_by("customer", "product").agg(pl.col("source").min())
    return (
        chosen.join(scored, on=["customer", "product"], how="left", validate="1:1")
        .with_columns(
            pl.col("neighbour_score", "neighbour_best").fill_null(0.0), pl.col("neighbour_count").fill_null(0)
        )
        .sort("customer", "product")
    )


def neighbour_scores(pairs: pl.DataFrame, neighbours: pl.DataFrame, *, recent_products: int) -> pl.DataFrame:
    """Sum of similarities of every product to each customer's own products of late.

    Returns:
        `customer`, `product`, `neighbour_score`, `neighbour_best`, `neighbour_count`, `neighbour_product`, unsorted.
    """
    own = (
        pairs.sort(["customer", "decayed_120d", "product"], descending=[False, True, False])
        .filter(pl.int_range(pl.len()).over("customer") < recent_products)
        .select(
            "customer", pl.col("product").alias("neighbour_product"), (pl.col("decayed_120d") / 1e6).alias("weight")
        )
    )
    reached = own.lazy().join(
        neighbours.lazy().rename({"product": "neighbour_product", "neighbour": "product"}), on="neighbour_product"
    )
    part = pl.col("similarity") * (pl.col("weight") + 0.1)
    # The largest part and the product it comes from travel in one integer: their maximum is found in one pass.
    packed = pl.col("part") * PRODUCT_ROOM + (PRODUCT_ROOM - 1 - pl.col("neighbour_product").cast(pl.Int64))
    return (
        reached.with_columns((part * 1e6).round().cast(pl.Int64).alias("part"))
        .group_by("customer", "product")
        .agg(
            (pl.col("part").sum() / 1e6).alias("neighbour_score"),
            packed.max().alias("best"),
            pl.len().cast(pl.Int64).alias("neighbour_count"),
        )
        .with_columns(
            (pl.col("best") // PRODUCT_ROOM / 1e6).alias("neighbour_best"),
            (PRODUCT_ROOM - 1 - pl.col("best") % PRODUCT_ROOM).cast(pl.UInt32).alias("neighbour_product"),
        )
        .drop("best")
        .collect()
    )


def _first(frame: pl.DataFrame, *, by: list[str], keep: int, source: int) -> pl.DataFrame:
    """The `keep` rows of each customer that come first when sorted by `by`, largest first, then product."""
    order = frame.sort(["customer", *by, "product"], descending=[False, *[True] * len(by), False])
    return order.filter(pl.int_range(pl.len()).over("customer") < keep).select(
        "customer", "product", pl.lit(source, pl.UInt8).alias("source")
    )


def _own(pairs: pl.DataFrame, options: OfferOptions) -> pl.DataFrame:
    """Own products: half by decayed frequency, and the most often bought of all time among them."""
    often = _first(pairs, by=["times_bought", "decayed_120d"], keep=max(options.own_candidates // 3, 1), source=0)
    lately = _first(pairs, by=["decayed_120d", "times_bought"], keep=options.own_candidates, source=0)
    return pl.concat([often, lately]).unique(["customer", "product"])


def _from_neighbours(scored: pl.DataFrame, pairs: pl.DataFrame, *, keep: int) -> pl.DataFrame:
    new = scored.join(pairs, on=["customer", "product"], how="anti")
    return _first(new, by=["neighbour_score"], keep=keep, source=1)


def _popular(customers: pl.DataFrame, facts: ItemFacts, *, keep: int) -> pl.DataFrame:
    ranked = facts.products.sort(["buyers_30d", "buyers_90d", "product"], descending=[True, True, False]).head(keep)
    return (
        customers.select("customer")
        .join(ranked.select("product"), how="cross")
        .with_columns(pl.lit(3, pl.UInt8).alias("source"))
    )


def _new_in_favourite_categories(history: History, facts: ItemFacts, options: OfferOptions) -> pl.DataFrame:
    """Products a customer never bought, best sellers of the categories they buy most often."""
    of_product = facts.products.select("product", "category", "buyers_90d", "buyers").drop_nulls("category")
    favourite = (
        history.pairs.join(of_product.select("product", "category"), on="product")
        .group_by("customer", "category")
        .agg(pl.col("decayed_120d").sum())
        .sort(["customer", "decayed_120d", "category"], descending=[False, True, False])
        .filter(pl.int_range(pl.len()).over("customer") < options.favourite_categories)
    )
    best_sellers = of_product.sort(
        ["category", "buyers_90d", "buyers", "product"], descending=[False, True, True, False]
    ).filter(pl.int_range(pl.len()).over("category") < 2 * options.category_candidates)
    new = favourite.join(best_sellers, on="category").join(history.pairs, on=["customer", "product"], how="anti")
    return _first(new, by=["decayed_120d", "buyers_90d"], keep=options.category_candidates, source=2)

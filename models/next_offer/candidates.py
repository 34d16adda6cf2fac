"""Which products are worth ranking for a customer, and where each idea comes from.

Belongs here: the sources of candidates, bounded per customer. Not: how good a candidate is (ranking).
"""

import polars as pl

from models.next_offer.facts import ItemFacts
from models.next_offer.history import History
from models.next_offer.options import OfferOptions
from models.next_offer.taste import taste_scores

SOURCES = ("bought before", "goes with what they bought", "new in favourite category", "popular now")
PRODUCT_ROOM = 1 << 32
# Customer and product travel in one integer: grouping, joining and sorting by it takes half the time of two columns.
PAIR = (pl.col("customer").cast(pl.UInt64) * PRODUCT_ROOM + pl.col("product")).alias("pair")


def candidates(history: History, facts: ItemFacts, options: OfferOptions) -> pl.DataFrame:
    """Candidate products of every customer in `history`.

    Returns:
        One row a customer and product, sorted by both: `customer`, `product` (UInt32), `source` (UInt8, position in
        SOURCES, the first that named it), `neighbour_score` (Float64, similarity to own products, weighted by how
        recently and often they were bought; 0 without), `neighbour_best` (Float64, its largest single part),
        `neighbour_count` (Int64), `neighbour_product` (UInt32 or null, the own product it goes with best),
        `taste_score` (Float32 or null, how well it fits all that the customer bought).
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
    first = named.group_by("pair").agg(pl.col("source").min()).sort("pair")
    return (
        _with_taste(first, history, facts, keep=options.taste_candidates)
        .lazy()
        .join(scored.lazy().drop("customer", "product"), on="pair", how="left", validate="1:1")
        .sort("pair")
        .select(
            *_unpacked(),
            "source",
            pl.col("neighbour_score", "neighbour_best").fill_null(0.0),
            pl.col("neighbour_count").fill_null(0),
            "neighbour_product",
            "taste_score",
        )
        .collect()
    )


def _with_taste(named: pl.DataFrame, history: History, facts: ItemFacts, *, keep: int) -> pl.DataFrame:
    """`pair`, `source`, `taste_score` of the candidates named, sorted by pair, and of those that fit the taste best."""
    tastes = taste_scores(history.pairs, named.select(*_unpacked()), facts.taste, keep=keep)
    both = named.join(tastes.select(PAIR, "taste_score"), on="pair", how="full", coalesce=True, validate="1:1")
    return both.with_columns(pl.col("source").fill_null(1))


def neighbour_scores(pairs: pl.DataFrame, neighbours: pl.DataFrame, *, recent_products: int) -> pl.DataFrame:
    """Sum of similarities of every product to each customer's own products of late.

    Returns:
        `pair` (see PAIR), `customer`, `product`, `neighbour_score`, `neighbour_best`, `neighbour_count`,
        `neighbour_product`, unsorted.
    """
    own = _first(pairs, by=["decayed_120d"], keep=recent_products).select(
        "customer", pl.col("product").alias("neighbour_product"), (pl.col("decayed_120d") / 1e6).alias("weight")
    )
    reached = own.lazy().join(
        neighbours.lazy().rename({"product": "neighbour_product", "neighbour": "product"}), on="neighbour_product"
    )
    part = pl.col("similarity") * (pl.col("weight") + 0.1)
    # The largest part and the product it comes from travel in one integer: their maximum is found in one pass.
    packed = pl.col("part") * PRODUCT_ROOM + (PRODUCT_ROOM - 1 - pl.col("neighbour_product").cast(pl.Int64))
    return (
        reached.select(PAIR, "neighbour_product", (part * 1e6).round().cast(pl.Int64).alias("part"))
        .group_by("pair")
        .agg(
            (pl.col("part").sum() / 1e6).alias("neighbour_score"),
            packed.max().alias("best"),
            pl.len().cast(pl.Int64).alias("neighbour_count"),
        )
        .select(
            "pair",
            *_unpacked(),
            "neighbour_score",
            (pl.col("best") // PRODUCT_ROOM / 1e6).alias("neighbour_best"),
            (PRODUCT_ROOM - 1 - pl.col("best") % PRODUCT_ROOM).cast(pl.UInt32).alias("neighbour_product"),
            "neighbour_count",
        )
        .collect()
    )


def _unpacked() -> tuple[pl.Expr, pl.Expr]:
    """`customer` and `product` out of `pair`."""
    customer, product = pl.col("pair") // PRODUCT_ROOM, pl.col("pair") % PRODUCT_ROOM
    return customer.cast(pl.UInt32).alias("customer"), product.cast(pl.UInt32).alias("product")


def _first(frame: pl.DataFrame, *, by: list[str], keep: int) -> pl.DataFrame:
    """The `keep` rows of each customer that come first when sorted by `by`, largest first, then product."""
    worth_sorting = pl.col(by[0]) >= pl.col(by[0]).top_k(keep).min().over("customer")
    order = frame.filter(worth_sorting).sort(["customer", *by, "product"], descending=[False, *[True] * len(by), False])
    return order.filter(pl.int_range(pl.len()).over("customer") < keep)


def _named(frame: pl.DataFrame, source: int) -> pl.DataFrame:
    """`pair` and `source` (UInt8, position in SOURCES)."""
    return frame.select(PAIR, pl.lit(source, pl.UInt8).alias("source"))


def _own(pairs: pl.DataFrame, options: OfferOptions) -> pl.DataFrame:
    """Own products: half by decayed frequency, and the most often bought of all time among them."""
    often = _first(pairs, by=["times_bought", "decayed_120d"], keep=max(options.own_candidates // 3, 1))
    lately = _first(pairs, by=["decayed_120d", "times_bought"], keep=options.own_candidates)
    return _named(pl.concat([often, lately]), 0)


def _from_neighbours(scored: pl.DataFrame, pairs: pl.DataFrame, *, keep: int) -> pl.DataFrame:
    new = scored.select("pair", "customer", "product", "neighbour_score").join(
        pairs.select(PAIR), on="pair", how="anti"
    )
    return _named(_first(new, by=["neighbour_score"], keep=keep), 1)


def _popular(customers: pl.DataFrame, facts: ItemFacts, *, keep: int) -> pl.DataFrame:
    ranked = facts.products.sort(["buyers_30d", "buyers_90d", "product"], descending=[True, True, False]).head(keep)
    return _named(customers.select("customer").join(ranked.select("product"), how="cross"), 3)


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
    best = _first(new, by=["decayed_120d", "buyers_90d"], keep=options.category_candidates)
    return _named(best, 2)

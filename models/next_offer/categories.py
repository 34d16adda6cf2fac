"""Which categories, and which brands, each customer is most likely to buy from next.

Belongs here: the ranking of categories and brands, from the probabilities of their products. Not: the
ranking of products.
"""

import polars as pl

from models.bundle import Bundle
from models.next_offer.category_curve import (
    category_curve_from_json,
    category_probabilities,
    in_category,
    joined_by_category,
)
from models.next_offer.facts import product_categories
from models.next_offer.ranking import BRAND_FILE, CATEGORY_FILE
from models.next_offer.scoring import ScoredCandidates

COLUMNS = ("customer_id", "rank", "category", "purchase_probability")


def rank_categories(bundle: Bundle, scored: ScoredCandidates, *, top: int = 3) -> pl.DataFrame | None:
    """The categories each active customer is most likely to buy from within the window.

    Args:
        bundle: what `train_next_offer` returned.
        scored: what `score_candidates` made with the same bundle.
        top: so many a customer at most.

    Returns:
        `customer_id`, `rank` (Int32, 1 = first), `category`, `purchase_probability` (Float64, of buying anything of the
        category within the window), sorted by the first two. None where products have no categories, now or when
        the model was trained: the caller says so.
    """
    if not scored.has_categories or CATEGORY_FILE not in bundle.files:
        return None
    return _ranked(scored.frame, bundle.files[CATEGORY_FILE], scored.customer_ids, top=top)


def rank_brands(
    bundle: Bundle, scored: ScoredCandidates, products: pl.LazyFrame | None, *, top: int = 3
) -> pl.DataFrame | None:
    """The brands each active customer is most likely to buy within the window.

    Args:
        bundle: what `train_next_offer` returned.
        scored: what `score_candidates` made with the same bundle.
        products: core products.
        top: so many a customer at most.

    Returns:
        As `rank_categories`, with `brand` for `category`; None where products have no brands, now or when the model
        was trained.
    """
    brands = product_categories(products, as_of=scored.as_of, time_zone=scored.time_zone, column="brand")
    if brands is None or BRAND_FILE not in bundle.files:
        return None
    named = in_category(scored.frame, scored.product_ids, brands)
    return _ranked(named, bundle.files[BRAND_FILE], scored.customer_ids, top=top).rename({"category": "brand"})


def _ranked(candidates: pl.DataFrame, curve_file: bytes, customer_ids: pl.Series, *, top: int) -> pl.DataFrame:
    joined = joined_by_category(candidates)
    curve = category_curve_from_json(curve_file)
    ranked = (
        joined.sort(["customer", "joined", "category"], descending=[False, True, False])
        .with_columns((pl.int_range(pl.len()).over("customer") + 1).cast(pl.Int32).alias("rank"))
        .filter(pl.col("rank") <= top)
    )
    probability = category_probabilities(curve, ranked["joined"])
    named = ranked.with_columns(customer_ids.gather(ranked["customer"]).alias("customer_id"), probability)
    return named.select(*COLUMNS)

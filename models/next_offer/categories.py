"""Which categories each customer is most likely to buy from next.

Belongs here: the ranking of categories, from the probabilities of their products. Not: the ranking of products.
"""

from datetime import date

import polars as pl

from models.bundle import Bundle
from models.next_offer.category_curve import category_curve_from_json, category_probabilities, joined_by_category
from models.next_offer.facts import ItemFacts
from models.next_offer.ranking import CATEGORY_FILE
from models.next_offer.scoring import score_candidates

SCHEMA = {"customer_id": pl.String, "rank": pl.Int32, "category": pl.String, "purchase_probability": pl.Float64}


def rank_categories(
    bundle: Bundle, orders: pl.LazyFrame, facts: ItemFacts, *, as_of: date, time_zone: str, top: int = 3
) -> pl.DataFrame | None:
    """The categories each active customer is most likely to buy from within the window.

    Args:
        bundle: what `train_next_offer` returned.
        orders: core order lines: one bucket, or all.
        facts: item facts of all customers as of the same date.
        as_of: the snapshot date.
        time_zone: the company's.
        top: so many a customer at most.

    Returns:
        `customer_id`, `rank` (Int32, 1 = first), `category`, `purchase_probability` (Float64, of buying anything of the
        category within the window), sorted by the first two. None where products have no categories, now or when
        the model was trained: the caller says so.

    Raises:
        FactsDateError, OfferModelMismatchError: see `rank_offers`.
    """
    if not facts.has_categories or CATEGORY_FILE not in bundle.files:
        return None
    scored, customer_ids = score_candidates(bundle, orders, facts, as_of=as_of, time_zone=time_zone)
    joined = joined_by_category(scored)
    curve = category_curve_from_json(bundle.files[CATEGORY_FILE])
    ranked = (
        joined.sort(["customer", "joined", "category"], descending=[False, True, False])
        .with_columns((pl.int_range(pl.len()).over("customer") + 1).cast(pl.Int32).alias("rank"))
        .filter(pl.col("rank") <= top)
    )
    probability = category_probabilities(curve, ranked["joined"])
    named = ranked.with_columns(customer_ids.gather(ranked["customer"]).alias("customer_id"), probability)
    return named.select(*SCHEMA)

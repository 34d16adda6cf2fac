"""Which categories each customer is most likely to buy from next.

Belongs here: the ranking of categories, from the probabilities of their products. Not: the ranking of products.
"""

import polars as pl

from models.bundle import Bundle
from models.next_offer.category_curve import category_curve_from_json, category_probabilities, joined_by_category
from models.next_offer.ranking import CATEGORY_FILE
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
    joined = joined_by_category(scored.frame)
    curve = category_curve_from_json(bundle.files[CATEGORY_FILE])
    ranked = (
        joined.sort(["customer", "joined", "category"], descending=[False, True, False])
        .with_columns((pl.int_range(pl.len()).over("customer") + 1).cast(pl.Int32).alias("rank"))
        .filter(pl.col("rank") <= top)
    )
    probability = category_probabilities(curve, ranked["joined"])
    named = ranked.with_columns(scored.customer_ids.gather(ranked["customer"]).alias("customer_id"), probability)
    return named.select(*COLUMNS)

"""The sizes of the next-offer model.

Belongs here: numbers that shape candidates and training, and their defaults. Not: where the company sets them.
"""

from dataclasses import dataclass

DAYS_A_YEAR = 365
NEIGHBOURS_PER_PRODUCT = 30


@dataclass(frozen=True, kw_only=True)
class OfferOptions:
    """How many of what. Company settings (window, active days) come first, the rest is the model's own shape.

    Attributes:
        window_days: the offer is for a purchase within so many days after the snapshot.
        active_within_days: customers with a purchase within so many days before the snapshot are asked about.
        own_candidates, neighbour_candidates, taste_candidates, popular_candidates, category_candidates: at most so many
            of a source.
        favourite_categories: new products are looked for in so many of the customer's categories.
        recent_products: neighbours are looked up for so many of a customer's own products.
        neighbours_per_product: so many neighbours are kept for each product.
        train_snapshots, validation_snapshots: at most so many windows of history to learn from and to stop on.
        customers_per_snapshot: candidates are made for at most so many customers of one snapshot, drawn by lot.
        fewest_customers: and for at least so many, where there are so many and not only buyers are asked about.
        buyers_asked: between the two, for as many as hold so many buyers: enough to stop on, to calibrate and to judge.
        buyers_per_snapshot: at most so many buyers are learnt from in one snapshot (a hashed sample).
        negatives_per_buyer: at most so many candidates that were not bought are kept for each buyer when learning.
    """

    window_days: int = 30
    active_within_days: int = DAYS_A_YEAR
    own_candidates: int = 100
    neighbour_candidates: int = 30
    taste_candidates: int = 30
    popular_candidates: int = 20
    category_candidates: int = 10
    favourite_categories: int = 3
    recent_products: int = 30
    neighbours_per_product: int = NEIGHBOURS_PER_PRODUCT
    train_snapshots: int = 9
    validation_snapshots: int = 2
    customers_per_snapshot: int = 30_000
    fewest_customers: int = 10_000
    buyers_asked: int = 3_000
    buyers_per_snapshot: int = 1_000
    negatives_per_buyer: int = 80

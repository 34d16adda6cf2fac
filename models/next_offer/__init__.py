"""What each customer is likely to buy next: candidates, features of the pair, a ranking, a calibrated probability.

What other rooms call: `item_facts` (or `partial_item_facts` and `combine_item_facts`, bucket by bucket),
`train_next_offer`, `score_candidates` (once a bucket), and from what that returns `rank_offers`,
`rank_categories` and `rank_brands`. The rest of the package is how they do it.
"""

from models.next_offer.categories import rank_brands, rank_categories
from models.next_offer.errors import OfferModelMismatchError, TooLittleOfferHistoryError
from models.next_offer.facts import ItemFacts, PartialItemFacts, combine_item_facts, item_facts, partial_item_facts
from models.next_offer.ranking import train_next_offer
from models.next_offer.scoring import ScoredCandidates, rank_offers, score_candidates

__all__ = [
    "ItemFacts",
    "OfferModelMismatchError",
    "PartialItemFacts",
    "ScoredCandidates",
    "TooLittleOfferHistoryError",
    "combine_item_facts",
    "item_facts",
    "partial_item_facts",
    "rank_brands",
    "rank_categories",
    "rank_offers",
    "score_candidates",
    "train_next_offer",
]

"""What is in the next basket, learnt from any table of baskets: no dates, prices or categories needed.

What other rooms call: `code_baskets`, `train_next_basket`, `rank_next_basket`, `evaluate_next_basket`; for both in one
go `evaluate_and_rank`. The models of a company's own orders, with their windows of days, are in `models.next_offer`.
"""

from models.next_basket.baskets import Baskets, code_baskets
from models.next_basket.evaluating import evaluate_and_rank, evaluate_next_basket, rank_next_basket
from models.next_basket.training import Settings, train_next_basket

__all__ = [
    "Baskets",
    "Settings",
    "code_baskets",
    "evaluate_and_rank",
    "evaluate_next_basket",
    "rank_next_basket",
    "train_next_basket",
]

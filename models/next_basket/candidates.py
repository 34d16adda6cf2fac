"""Which products are worth ranking for a customer.

Belongs here: the ideas where a product may come from, and how many of each. Not: how good a candidate is.
"""

import numpy as np
import numpy.typing as npt

from models.next_basket.neighbours import Integers, Matrix

OWN_MOST = 200
NEW_MOST = {"tifu_neighbours": 40, "up_cf": 40, "follows": 30, "goes_with": 30}
POPULAR_MOST = 40


def candidate_places(scores: dict[str, Matrix], popularity: npt.NDArray[np.float64]) -> tuple[Integers, Integers]:
    """Candidates of a block of customers.

    Args:
        scores: of all products, as from `Crowd.scores`, each of shape (rows, products).
        popularity: one a product, larger is more popular.

    Returns:
        Row and product of each candidate, sorted by both: own products (those with the largest TIFU-KNN weights),
        and products new to the customer that customers of the same taste have, that follow or go with its own, or that
        are popular.
    """
    own = scores["tifu_own"] > 0
    chosen = own & _leading(scores["tifu_own"], OWN_MOST)
    for name, most in NEW_MOST.items():
        chosen |= _leading(np.where(own, 0.0, scores[name]), most)
    chosen[:, np.argsort(-popularity, kind="stable")[:POPULAR_MOST]] = True
    row, product = np.nonzero(chosen)
    return row.astype(np.int64), product.astype(np.int64)


def _leading(scores: Matrix, most: int) -> npt.NDArray[np.bool_]:
    """Where the `most` largest scores above 0 of each row are."""
    found = np.zeros(scores.shape, dtype=np.bool_)
    if most >= scores.shape[1]:
        return scores > 0
    places = np.argpartition(-scores, most - 1, axis=1)[:, :most]
    np.put_along_axis(found, places, values=True, axis=1)
    return found & (scores > 0)

"""How well each product fits all that a customer bought: every product told by all the others at once.

Belongs here: the matrix of weights, learnt from counts of co-purchase, and its scores. Not: neighbours of one product
(facts), or how many candidates come of it (candidates).

EASE (Steck 2019, "Embarrassingly shallow autoencoders for sparse data"): a ridge regression of each product on the
others in closed form, so that what two products tell alike counts once. It needs nothing but how many customers bought
both, so it is made anew from the facts of any date and never stored.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from models.next_offer.history import DECAY_UNIT

MOST_PRODUCTS = 3_000  # those bought by most customers within a year; 36 MB of weights
FEWEST_BUYERS = 2
RIDGE = 4.0  # times the mean number of buyers
MOST_TIMES = 3.0  # decayed; who buys more often does not like it more
CUSTOMERS_AT_ONCE = 2_000  # when scoring: bounds the dense block to 24 MB

Weights = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Taste:
    """What having bought one product says for another.

    Attributes:
        place: by product code, its row and column in `weights`; -1 for those left out. Shape (products,), Int32.
        products: product codes by row and column, ascending. Shape (kept,), UInt32.
        weights: from own product (row) to candidate (column), zero on the diagonal. Shape (kept, kept).
    """

    place: npt.NDArray[np.int32]
    products: npt.NDArray[np.uint32]
    weights: Weights


def learn_taste(pairs: pl.DataFrame, products: pl.DataFrame, *, product_count: int) -> Taste:
    """The weights of the products with most buyers.

    Args:
        pairs: `product` < `neighbour` (UInt32), `customers`: so many bought both.
        products: `product`, `co_buyers`: so many bought it, of the same customers.
        product_count: so many product codes there are.
    """
    buyers = np.zeros(product_count, dtype=np.int64)
    buyers[products["product"].to_numpy()] = products["co_buyers"].to_numpy()
    most = np.argsort(-buyers, kind="stable")[: min(MOST_PRODUCTS, int((buyers >= FEWEST_BUYERS).sum()))]
    kept = np.sort(most).astype(np.uint32)
    place = np.full(product_count, -1, dtype=np.int32)
    place[kept] = np.arange(len(kept))
    one, other = place[pairs["product"].to_numpy()], place[pairs["neighbour"].to_numpy()]
    inside = (one >= 0) & (other >= 0)
    together = np.zeros((len(kept), len(kept)), dtype=np.float32)
    together[one[inside], other[inside]] = pairs["customers"].to_numpy()[inside]
    together += together.T
    np.fill_diagonal(together, buyers[kept] + RIDGE * buyers[kept].mean() if len(kept) else 0)
    return Taste(place, kept, _regressed(together) if len(kept) else together)


def _regressed(together: Weights) -> Weights:
    """EASE's weights from the counts with the ridge on their diagonal, which is overwritten."""
    from scipy.linalg import inv  # noqa: PLC0415  heavy to import
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # noqa: PLC0415  it has no types

    with threadpool_limits(limits=1):  # sums in another order would be other bytes
        inverse: Weights = inv(together, overwrite_a=True, check_finite=False, assume_a="pos")
    inverse /= -np.diag(inverse).copy()[None, :]
    np.fill_diagonal(inverse, 0.0)
    return inverse


def taste_scores(pairs: pl.DataFrame, wanted: pl.DataFrame, taste: Taste, *, keep: int) -> pl.DataFrame:
    """Scores of the pairs that are wanted, and of the `keep` best products each customer never bought.

    Args:
        pairs: all that some customers bought, sorted: `customer`, `product` (UInt32), `decayed_120d` (Int64, millionths
            of an order).
        wanted: pairs of the same customers, sorted, once each: `customer`, `product` (UInt32).
        taste: the weights.
        keep: so many products a customer; fewer where fewer score above zero.

    Returns:
        `customer`, `product`, `taste_score` (Float32), once each, unsorted: only products the weights know.
    """
    parts = [pl.DataFrame(schema={"customer": pl.UInt32, "product": pl.UInt32, "taste_score": pl.Float32})]
    if not len(taste.products) or pairs.is_empty():
        return parts[0]
    customers = pairs["customer"].unique().sort().to_numpy()
    bought = _weighed(pairs, customers, taste)
    asked = _cells(wanted, customers, taste)
    for start in range(0, len(customers), CUSTOMERS_AT_ONCE):
        block = bought[start : start + CUSTOMERS_AT_ONCE]
        first, end = np.searchsorted(asked[0], [start, start + CUSTOMERS_AT_ONCE])
        rows, columns, values = _answers(block, (asked[0][first:end] - start, asked[1][first:end]), taste, keep)
        found = {"customer": customers[rows + start], "product": taste.products[columns], "taste_score": values}
        parts.append(pl.DataFrame(found))
    return pl.concat(parts)


def _cells(pairs: pl.DataFrame, customers: npt.NDArray[np.uint32], taste: Taste) -> tuple[Places, Places]:
    """Rows (positions in `customers`) and columns of the pairs whose product the weights know, in their order."""
    columns = taste.place[pairs["product"].to_numpy()]
    known = columns >= 0
    rows = np.searchsorted(customers, pairs["customer"].to_numpy()[known])
    return rows.astype(np.int64), columns[known].astype(np.int64)


def _weighed(pairs: pl.DataFrame, customers: npt.NDArray[np.uint32], taste: Taste) -> Any:  # noqa: ANN401  scipy has no types
    """What each customer bought, as a sparse matrix: roots of decayed counts; who bought much says less with each."""
    from scipy.sparse import csr_array  # noqa: PLC0415  heavy to import

    known = pairs.filter(pl.Series(taste.place[pairs["product"].to_numpy()] >= 0))
    rows, columns = _cells(known, customers, taste)
    squares = np.minimum(known["decayed_120d"].to_numpy() / DECAY_UNIT, MOST_TIMES)
    length = np.sqrt(np.bincount(rows, weights=squares, minlength=len(customers)))
    values = (np.sqrt(squares) / np.sqrt(np.maximum(length[rows], 1e-6))).astype(np.float32)
    starts = np.searchsorted(rows, np.arange(len(customers) + 1))
    return csr_array((values, columns, starts), shape=(len(customers), len(taste.products)))


def _answers(
    block: Any,  # noqa: ANN401  scipy has no types
    asked: tuple[Places, Places],
    taste: Taste,
    keep: int,
) -> tuple[Places, Places, Weights]:
    """Rows, columns and scores: first of the cells asked for, then of each row's best others."""
    scores: Weights = np.asarray(block @ taste.weights)
    of_asked = scores[asked]
    scores[np.repeat(np.arange(block.shape[0]), np.diff(block.indptr)), block.indices] = -np.inf
    keep = min(keep, scores.shape[1])
    columns = np.argpartition(-scores, keep - 1, axis=1)[:, :keep].ravel() if keep else np.zeros(0, dtype=np.int64)
    rows = np.repeat(np.arange(len(scores)), keep)
    scores[asked] = -np.inf
    others = scores[rows, columns] > 0
    rows, columns = rows[others], columns[others]
    found = np.concatenate([of_asked, scores[rows, columns]])
    return np.concatenate([asked[0], rows]), np.concatenate([asked[1], columns]), found

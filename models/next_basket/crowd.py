"""What everybody's baskets say about any customer and product: likeness of customers, products that go together.

Belongs here: scores of all products for some customers at once, as dense blocks. Not: the customer's own habits
(history), or which products become candidates.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from models.next_basket.baskets import Snapshot
from models.next_basket.neighbours import (
    Integers,
    Matrix,
    TifuCrowd,
    TifuOptions,
    UpCfCrowd,
    UpCfOptions,
    tifu_vectors,
)

MOST_OF_A_BASKET = 60  # products of one basket that count for what follows what: bounds a wholesaler's pairs
MOST_OF_A_CUSTOMER = 150  # the same of one customer for what goes together
KEPT_PER_PRODUCT = 100
SHRINKAGE = 5.0
LATELY = TifuOptions(groups=1, within_decay=0.6, group_decay=1.0)
CROWD_SCORES = ("tifu_own", "tifu_neighbours", "tifu", "up_cf", "follows", "goes_with")


@dataclass(frozen=True)
class Crowd:
    """Everybody, as of a snapshot.

    Attributes:
        tifu, up_cf: likeness of customers.
        lately: what each customer had in the last few baskets, a sparse row a customer.
        follows: how often a product is in the basket after one with another, sparse, products by products.
        goes_with: cosine of the sets of customers, sparse, products by products.
    """

    tifu: TifuCrowd
    up_cf: UpCfCrowd
    lately: Any
    follows: Any
    goes_with: Any

    @classmethod
    def of(cls, snapshot: Snapshot, products: int, tifu: TifuOptions, up_cf: UpCfOptions, *, seed: int) -> "Crowd":
        """Count everything in a snapshot once."""
        return cls(
            TifuCrowd.of(snapshot, products, tifu, seed=seed),
            UpCfCrowd.of(snapshot, products, up_cf, seed=seed),
            tifu_vectors(snapshot, products, LATELY),
            following(snapshot, products),
            going_together(snapshot, products),
        )

    def scores(self, rows: Integers) -> dict[str, Matrix]:
        """CROWD_SCORES, each dense, shape (rows, products)."""
        own, near = self.tifu.scores(rows)
        weight = self.tifu.options.own_weight
        return {
            "tifu_own": own,
            "tifu_neighbours": near,
            "tifu": weight * own + (1.0 - weight) * near,
            "up_cf": self.up_cf.scores(rows),
            "follows": (self.lately[rows] @ self.follows).toarray(),
            "goes_with": (self.tifu.vectors[rows] @ self.goes_with).toarray(),
        }


def following(snapshot: Snapshot, products: int) -> Any:  # noqa: ANN401  scipy has no types
    """P(product in the next basket | another in this one), shrunk, the largest of each product."""
    lines = _few(snapshot.lines, ["customer", "position"], MOST_OF_A_BASKET)
    baskets = lines.select("customer", "position").unique().sort("customer", "position").with_row_index("basket")
    at = lines.join(baskets, on=["customer", "position"], validate="m:1")
    after = baskets.with_columns(pl.col("position") - 1).rename({"basket": "next_basket"})
    pairs = baskets.join(after, on=["customer", "position"], validate="1:1")
    held = _indicator(at["basket"].to_numpy(), at["product"].to_numpy(), (baskets.height, products))
    now, later = held[pairs["basket"].to_numpy()], held[pairs["next_basket"].to_numpy()]
    counts = (now.T @ later).tocsr()
    seen = np.asarray(now.sum(axis=0)).ravel()
    return _largest(_scaled_rows(counts, 1.0 / (seen + SHRINKAGE)), KEPT_PER_PRODUCT)


def going_together(snapshot: Snapshot, products: int) -> Any:  # noqa: ANN401  scipy has no types
    """Cosine of the sets of customers of two products, shrunk where they are few; nothing on the diagonal."""
    latest = snapshot.lines.sort("customer", "position", "product", descending=[False, True, False])
    latest = latest.unique(["customer", "product"], keep="first", maintain_order=True)
    few = _few(latest, ["customer"], MOST_OF_A_CUSTOMER)
    place = few.select(pl.col("customer").rle_id())["customer"].to_numpy()
    bought = _indicator(place, few["product"].to_numpy(), (snapshot.customers.height, products))
    counts = (bought.T @ bought).tocsr()
    counts.setdiag(0)
    counts.data[counts.data < 2] = 0  # noqa: PLR2004  one customer is no habit
    counts.eliminate_zeros()
    buyers = np.maximum(np.asarray(bought.sum(axis=0)).ravel(), 1.0)
    counts.data = counts.data * counts.data / (counts.data + SHRINKAGE)
    scaled = _scaled_rows(counts, 1.0 / np.sqrt(buyers))
    scaled.data = (scaled.data / np.sqrt(buyers)[scaled.indices]).astype(np.float32)
    return _largest(scaled, KEPT_PER_PRODUCT)


def _few(lines: pl.DataFrame, keys: list[str], most: int) -> pl.DataFrame:
    """The first `most` lines of each group."""
    return lines.filter(pl.int_range(pl.len()).over(keys) < most)


def _indicator(rows: Any, columns: Any, shape: tuple[int, int]) -> Any:  # noqa: ANN401  scipy has no types
    from scipy.sparse import coo_array  # noqa: PLC0415  heavy to import

    places = (rows.astype(np.int32), columns.astype(np.int32))
    return coo_array((np.ones(len(rows), dtype=np.float32), places), shape=shape).tocsr()


def _scaled_rows(matrix: Any, factors: Any) -> Any:  # noqa: ANN401  scipy has no types
    matrix.data = (matrix.data * np.repeat(factors, np.diff(matrix.indptr))).astype(np.float32)
    return matrix


def _largest(matrix: Any, keep: int) -> Any:  # noqa: ANN401  scipy has no types
    """The `keep` largest of each row."""
    from scipy.sparse import csr_array  # noqa: PLC0415  heavy to import

    lengths = np.diff(matrix.indptr)
    rows = np.repeat(np.arange(matrix.shape[0]), lengths)
    order = np.lexsort((matrix.indices, -matrix.data, rows))
    place = np.arange(len(rows)) - np.repeat(matrix.indptr[:-1], lengths)
    kept = order[place < keep]
    shape = matrix.shape
    return csr_array((matrix.data[kept], (rows[kept], matrix.indices[kept])), shape=shape)

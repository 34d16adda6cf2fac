"""Customers with the same taste: TIFU-KNN and UP-CF, each with its own vectors, likeness and parameters.

Belongs here: scores of all products for some customers, from everybody's baskets. Not: choosing the parameters
(tuning), or the candidates.

TIFU-KNN: Hu, He, Gao and Zhang 2020, "Modeling personalized item frequency information for next-basket
recommendation". UP-CF: Faggioli, Polato and Aiolli 2020, "Recency aware collaborative filtering for next basket
recommendation". A customer is not its own neighbour in TIFU-KNN, and counts like any other in UP-CF, as in the papers.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from models.next_basket.baskets import Snapshot

Matrix = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
LARGEST_POOL = 20_000  # customers that may be neighbours; a fixed sample of them where there are more
SPARSE_COST = 5  # of a multiplication among two sparse matrices, against one by a dense block (measured)


@dataclass(frozen=True, kw_only=True)
class TifuOptions:
    """TIFU-KNN's parameters: groups of baskets, decay within and between them, neighbours, the own vector's weight."""

    groups: int = 7
    within_decay: float = 0.9
    group_decay: float = 0.7
    neighbours: int = 300
    own_weight: float = 0.7


@dataclass(frozen=True, kw_only=True)
class UpCfOptions:
    """UP-CF's parameters: baskets that count as recent, asymmetry of the likeness, and its exponent."""

    recent: int = 25
    asymmetry: float = 0.5
    locality: int = 5


def tifu_vectors(snapshot: Snapshot, products: int, options: TifuOptions) -> Any:  # noqa: ANN401  scipy has no types
    """Personalised item frequencies that decay with the basket's age, a sparse row a customer of the snapshot."""
    base = pl.col("baskets") // options.groups
    plain = pl.col("baskets") - options.groups * base  # so many groups, the latest, hold one basket more
    boundary = (options.groups - plain) * base
    group = (
        pl.when(pl.col("baskets") < options.groups)
        .then(pl.col("position"))
        .when(pl.col("position") < boundary)
        .then(pl.col("position") // base.clip(lower_bound=1))
        .otherwise(options.groups - plain + (pl.col("position") - boundary) // (base + 1))
    )
    groups = pl.min_horizontal("baskets", pl.lit(options.groups))
    size = (
        pl.when(pl.col("baskets") < options.groups)
        .then(1)
        .when(group < options.groups - plain)
        .then(base)
        .otherwise(base + 1)
    )
    decayed = options.within_decay ** (pl.col("baskets") - 1 - pl.col("position")).cast(pl.Float64)
    weight = decayed * options.group_decay ** (groups - 1 - group).cast(pl.Float64) / size / groups
    rows = _rows(snapshot).with_columns(weight.alias("weight"))
    return _matrix(rows, snapshot.customers.height, products)


def recent_frequencies(snapshot: Snapshot, products: int, *, recent: int) -> Any:  # noqa: ANN401  scipy has no types
    """The share of a customer's last `recent` baskets that hold the product, a sparse row a customer."""
    counted = pl.min_horizontal("baskets", pl.lit(recent))
    rows = _rows(snapshot).filter(pl.col("position") >= pl.col("baskets") - counted)
    return _matrix(rows.with_columns((1.0 / counted).alias("weight")), snapshot.customers.height, products)


def ever_bought(snapshot: Snapshot, products: int) -> Any:  # noqa: ANN401  scipy has no types
    """1 where the customer ever had the product, a sparse row a customer."""
    rows = _rows(snapshot).select("row", "product").unique().sort("row", "product")
    return _matrix(rows.with_columns(pl.lit(1.0).alias("weight")), snapshot.customers.height, products)


@dataclass(frozen=True)
class TifuCrowd:
    """Everybody's vectors of one snapshot, and who may be a neighbour."""

    vectors: Any
    pool: Integers
    options: TifuOptions

    @classmethod
    def of(cls, snapshot: Snapshot, products: int, options: TifuOptions, *, seed: int) -> "TifuCrowd":
        """Vectors of a snapshot."""
        vectors = tifu_vectors(snapshot, products, options)
        return cls(vectors, neighbour_pool(vectors.shape[0], seed=seed), options)

    def nearest(self, rows: Integers, most: int) -> tuple[Integers, npt.NDArray[np.bool_]]:
        """The pool's nearest customers by Euclidean distance, nearest first.

        Returns:
            Positions in the pool, shape (rows, most), and which of them count (not the customer itself).
        """
        pooled = self.vectors[self.pool]
        squares = np.asarray(pooled.multiply(pooled).sum(axis=1)).ravel()
        distance = squares[None, :] - 2.0 * shared_weights(self.vectors[rows], pooled)
        distance[np.equal.outer(rows, self.pool)] = np.inf
        most = min(most, distance.shape[1])
        found = np.argpartition(distance, most - 1, axis=1)[:, :most]
        order = np.argsort(np.take_along_axis(distance, found, axis=1), axis=1, kind="stable")
        found = np.take_along_axis(found, order, axis=1)
        return found, np.isfinite(np.take_along_axis(distance, found, axis=1))

    def neighbour_means(self, rows: Integers, nearest: tuple[Integers, npt.NDArray[np.bool_]], count: int) -> Matrix:
        """Mean vector of the first `count` neighbours, dense, shape (rows, products)."""
        from scipy.sparse import csr_array  # noqa: PLC0415  heavy to import

        found, counts = nearest[0][:, :count], nearest[1][:, :count]
        weights = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        starts = np.arange(0, found.size + 1, max(found.shape[1], 1))
        shape = (len(rows), len(self.pool))
        mixing = csr_array((weights.ravel().astype(np.float32), found.ravel(), starts), shape=shape)
        dense: Matrix = (mixing @ self.vectors[self.pool]).toarray()
        return dense

    def scores(self, rows: Integers) -> tuple[Matrix, Matrix]:
        """The customers' own vectors and their neighbours' mean, dense, each of shape (rows, products)."""
        near = self.nearest(rows, self.options.neighbours)
        return self.vectors[rows].toarray(), self.neighbour_means(rows, near, self.options.neighbours)


@dataclass(frozen=True)
class UpCfCrowd:
    """Everybody's products and recent frequencies of one snapshot, and who counts."""

    bought: Any
    recent: Any
    pool: Integers
    options: UpCfOptions

    @classmethod
    def of(cls, snapshot: Snapshot, products: int, options: UpCfOptions, *, seed: int) -> "UpCfCrowd":
        """Products and frequencies of a snapshot."""
        bought = ever_bought(snapshot, products)
        recent = recent_frequencies(snapshot, products, recent=options.recent)
        return cls(bought, recent, neighbour_pool(bought.shape[0], seed=seed), options)

    def scores(self, rows: Integers) -> Matrix:
        """Scores of all products, the largest of each customer 1; dense, shape (rows, products)."""
        return self.mix(self.likeness(rows, self.options.asymmetry), rows, self.options.locality)

    def likeness(self, rows: Integers, asymmetry: float) -> Matrix:
        """Asymmetric cosine of product sets with the pool, dense, shape (rows, pool)."""
        sizes = np.maximum(np.asarray(self.bought.sum(axis=1)).ravel(), 1.0)
        shared = shared_weights(self.bought[rows], self.bought[self.pool])
        norm = sizes[rows][:, None] ** asymmetry * sizes[self.pool][None, :] ** (1.0 - asymmetry)
        likeness: Matrix = (shared / norm).astype(np.float32)
        return likeness

    def mix(self, likeness: Matrix, rows: Integers, locality: int) -> Matrix:
        """Recent frequencies weighted by likeness to the power of `locality`."""
        weights = likeness**locality
        outside = ~np.isin(rows, self.pool)
        mixed: Matrix = weights @ self.recent[self.pool]  # nearly all weights are above 0: dense is the faster form
        if outside.any():
            mixed[outside] += self.recent[rows[outside]].toarray()
        scaled: Matrix = mixed / np.maximum(mixed.max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        return scaled


def shared_weights(some: Any, others: Any) -> Matrix:  # noqa: ANN401  scipy has no types
    """Products of every row of a sparse matrix with every row of another, dense, shape (rows of some, rows of others).

    Where popular products make most rows meet, a dense block is the faster form; both add the same numbers in the same
    order, so that nothing shows which it was.
    """
    holders = np.bincount(others.indices, minlength=others.shape[1])
    if SPARSE_COST * int(holders[some.indices].sum()) < others.nnz * some.shape[0]:
        sparse: Matrix = (some @ others.T).toarray()
        return sparse
    return np.ascontiguousarray((others @ np.ascontiguousarray(some.toarray().T)).T)


def neighbour_pool(customers: int, *, seed: int) -> Integers:
    """Rows of the customers that may be neighbours, sorted."""
    if customers <= LARGEST_POOL:
        return np.arange(customers)
    return np.sort(np.random.default_rng(seed).permutation(customers)[:LARGEST_POOL])


def _rows(snapshot: Snapshot) -> pl.DataFrame:
    """The lines with `row` (the customer's place in the snapshot) and `baskets`."""
    placed = snapshot.customers.with_row_index("row")
    return snapshot.lines.join(placed, on="customer", validate="m:1", maintain_order="left")


def _matrix(rows: pl.DataFrame, customers: int, products: int) -> Any:  # noqa: ANN401  scipy has no types
    """A sparse matrix of `weight` by `row` and `product`, summed."""
    from scipy.sparse import coo_array  # noqa: PLC0415  heavy to import

    places = (rows["row"].to_numpy().astype(np.int32), rows["product"].to_numpy().astype(np.int32))
    return coo_array((rows["weight"].to_numpy().astype(np.float32), places), shape=(customers, products)).tocsr()

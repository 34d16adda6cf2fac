"""Choosing the parameters of TIFU-KNN and UP-CF on baskets that were held back.

Belongs here: the grids, the order of the search, and the figure that decides. Not: the methods (neighbours).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from models.next_basket.baskets import Snapshot
from models.next_basket.neighbours import (
    LARGEST_POOL,
    Integers,
    Matrix,
    TifuCrowd,
    TifuOptions,
    UpCfCrowd,
    UpCfOptions,
    ever_bought,
)

Options = TypeVar("Options", TifuOptions, UpCfOptions)
LIST_LENGTH = 10
MOST_CELLS = 8_000_000  # judged customers times products, or times possible neighbours, whichever are more
MOST_CUSTOMERS = 1_000
GROUPS, WITHIN_DECAYS, GROUP_DECAYS = (3, 7, 15), (0.8, 0.9, 1.0), (0.3, 0.5, 0.7, 0.9, 1.0)
NEIGHBOURS, OWN_WEIGHTS = (100, 300, 900), (0.1, 0.3, 0.5, 0.7, 0.9)
RECENT, ASYMMETRIES, LOCALITIES = (1, 3, 5, 25, 100), (0.0, 0.25, 0.5, 0.75, 1.0), (1, 5, 10, 50)


@dataclass(frozen=True)
class Panel:
    """Customers whose next basket judges parameters.

    Attributes:
        rows: their places in the snapshot.
        bought: what was in the next basket, shape (rows, products).
        had: what they had before, of the same shape.
    """

    rows: Integers
    bought: npt.NDArray[np.bool_]
    had: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, snapshot: Snapshot, products: int, *, seed: int) -> "Panel":
        """A fixed sample of a snapshot's customers whose next basket is known."""
        if snapshot.truth is None:
            nothing = np.zeros((0, products), dtype=np.bool_)
            return cls(np.zeros(0, dtype=np.int64), nothing, nothing)
        placed = snapshot.truth.join(snapshot.customers.with_row_index("row"), on="customer", validate="m:1")
        rows = placed["row"].unique().sort().to_numpy().astype(np.int64)
        widest = max(products, min(snapshot.customers.height, LARGEST_POOL), 1)
        most = min(MOST_CUSTOMERS, max(MOST_CELLS // widest, 50))
        rows = np.sort(np.random.default_rng(seed).permutation(rows)[:most])
        chosen = placed.filter(pl.col("row").is_in(rows.tolist()))
        bought = np.zeros((len(rows), products), dtype=np.bool_)
        bought[np.searchsorted(rows, chosen["row"].to_numpy()), chosen["product"].to_numpy()] = True
        return cls(rows, bought, ever_bought(snapshot, products)[rows].toarray() > 0)

    def figure(self, scores: Matrix) -> float:
        """Mean of recall@10 and NDCG@10 (ideal over min(10, bought)) of the ranking by `scores`."""
        return self.figure_at(scores, self.places(scores))

    def places(self, new_scores: Matrix) -> tuple[Integers, Integers]:
        """Rows and products that may be among the first 10: those had before, and the best 10 of the new ones."""
        chosen = self.had.copy()
        k = min(LIST_LENGTH, chosen.shape[1])
        best = np.argpartition(np.where(self.had, -np.inf, new_scores), -k, axis=1)[:, -k:]
        np.put_along_axis(chosen, best, values=True, axis=1)
        row, product = np.nonzero(chosen)
        return row, product

    def figure_at(self, scores: Matrix, places: tuple[Integers, Integers]) -> float:
        """The figure of a ranking whose first 10 are among `places`; ties by product."""
        k = min(LIST_LENGTH, scores.shape[1])
        row, product = places
        order = np.lexsort((product, -scores[row, product], row))
        starts = np.searchsorted(row, np.arange(len(self.rows)))  # every row has at least k places, so they stay
        first = order[starts[:, None] + np.arange(k)[None, :]]
        hits = self.bought[row[first], product[first]]
        sizes = self.bought.sum(axis=1)
        discounts = 1.0 / np.log2(np.arange(2, k + 2))
        ideal = np.cumsum(discounts)[np.minimum(sizes, k) - 1]
        return float((hits.sum(axis=1) / sizes + (hits * discounts).sum(axis=1) / ideal).mean() / 2.0)


def tune_tifu(snapshot: Snapshot, products: int, *, seed: int) -> TifuOptions:
    """The best of a coordinate search: groups and decays in turn, each with all neighbours and own weights."""
    panel = Panel.of(snapshot, products, seed=seed)
    if not len(panel.rows):
        return TifuOptions()

    def judged(options: TifuOptions) -> Iterator[tuple[float, TifuOptions]]:
        crowd = TifuCrowd.of(snapshot, products, options, seed=seed)
        near, own = crowd.nearest(panel.rows, max(NEIGHBOURS)), crowd.vectors[panel.rows].toarray()
        for count in NEIGHBOURS:
            means = crowd.neighbour_means(panel.rows, near, count)
            places = panel.places(means)  # what is new to a customer has no own weight: its order is the neighbours'
            for weight in OWN_WEIGHTS:
                mixed = np.float32(weight) * own + np.float32(1.0 - weight) * means
                figure = panel.figure_at(mixed, places)
                yield figure, replace(options, neighbours=count, own_weight=weight)

    steps = [("group_decay", GROUP_DECAYS), ("within_decay", WITHIN_DECAYS), ("groups", GROUPS)]
    return _searched(TifuOptions(), steps, judged)


def tune_up_cf(snapshot: Snapshot, products: int, *, seed: int) -> UpCfOptions:
    """The best of a coordinate search: what counts as recent, then the asymmetry, each with all localities."""
    panel = Panel.of(snapshot, products, seed=seed)
    if not len(panel.rows):
        return UpCfOptions()

    def judged(options: UpCfOptions) -> Iterator[tuple[float, UpCfOptions]]:
        crowd = UpCfCrowd.of(snapshot, products, options, seed=seed)
        likeness = crowd.likeness(panel.rows, options.asymmetry)
        for locality in LOCALITIES:
            figure = panel.figure(crowd.mix(likeness, panel.rows, locality))
            yield figure, replace(options, locality=locality)

    return _searched(UpCfOptions(), [("recent", RECENT), ("asymmetry", ASYMMETRIES)], judged)


def _searched(
    start: Options,
    steps: list[tuple[str, tuple[float, ...]]],
    judged: Callable[[Options], Iterator[tuple[float, Options]]],
) -> Options:
    """One parameter after the other, each at the best value found so far of the others; the first of equals."""
    best_figure, best, found = -1.0, start, start
    for name, values in steps:
        for value in values:
            for figure, options in judged(replace(best, **{name: value})):  # type: ignore[arg-type]  # by name
                if figure > best_figure:
                    best_figure, found = figure, options
        best = found
    return best

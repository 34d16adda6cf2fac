"""The effect by one column alone, the one that tells most: hard to beat where one thing decides.

Belongs here: this smoothing of the signal. Does not: the baseline of the same kind on raw tables (`learning`).
"""

from dataclasses import dataclass

import numpy as np

from models.learners.encoding import Floats
from models.uplift.clusters import Ints, even_half

BINS = 5
MOST_VALUES = 20
ROWS_OF_PRIOR = 200.0


@dataclass(frozen=True, kw_only=True)
class ColumnRule:
    """Effects by bins of one column of the matrix.

    Attributes:
        place: of the column.
        edges: upper edges of the bins, the last open.
        by_bin: effects; last for missing values.
    """

    place: int
    edges: tuple[float, ...]
    by_bin: tuple[float, ...]

    def effects(self, matrix: Floats) -> Floats:
        """Shape (rows,)."""
        return np.array(self.by_bin)[_bins(matrix[:, self.place], np.array(self.edges))]


def fit_column_rule(matrix: Floats, signal: Floats, weight: Floats, customer: Ints | None = None) -> ColumnRule:
    """The column whose effects, learnt on one half of the rows (or customers), fit the other half's signals best."""
    half = even_half(len(signal), customer)
    losses = []
    for place in range(matrix.shape[1]):
        edges = _edges(matrix[:, place])
        loss = 0.0
        for seen in (half, ~half):
            rule = _fitted(place, edges, matrix[seen], signal[seen], weight[seen])
            loss += float((weight[~seen] * (signal[~seen] - rule.effects(matrix[~seen])) ** 2).sum())
        losses.append(loss)
    best = int(np.argmin(losses))
    return _fitted(best, _edges(matrix[:, best]), matrix, signal, weight)


def _fitted(place: int, edges: Floats, matrix: Floats, signal: Floats, weight: Floats) -> ColumnRule:
    found = _bins(matrix[:, place], edges)
    sums = np.bincount(found, weights=weight * signal, minlength=len(edges) + 2)
    rows = np.bincount(found, weights=weight, minlength=len(edges) + 2)
    average = float(np.average(signal, weights=weight))
    effects = (sums + ROWS_OF_PRIOR * average) / (rows + ROWS_OF_PRIOR)
    plain = tuple(float(f"{one:.9g}") for one in effects.tolist())
    return ColumnRule(place=place, edges=tuple(edges.tolist()), by_bin=plain)


def _edges(values: Floats) -> Floats:
    there = values[np.isfinite(values)]
    distinct = np.unique(there)
    if len(distinct) <= MOST_VALUES:
        return distinct[:-1]
    return np.unique(np.quantile(there, np.arange(1, BINS) / BINS))


def _bins(values: Floats, edges: Floats) -> "np.typing.NDArray[np.int64]":
    place = np.searchsorted(edges, values, side="left")
    return np.where(np.isfinite(values), place, len(edges) + 1).astype(np.int64)

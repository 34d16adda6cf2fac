"""What anybody would do without a model: rates by the one column that tells most.

Belongs here: this baseline. Does not: the model it is held against.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.judging.calibration import log_loss
from models.learners.encoding import Floats

BINS = 10
ROWS_OF_PRIOR = 20.0
SAFE = 1e-4


@dataclass(frozen=True, kw_only=True)
class SingleColumn:
    """Rates by value of one text column, or by tenth of one number.

    Attributes:
        name: the column.
        edges: upper edges of the tenths; empty for text.
        texts: known texts; empty for numbers.
        rates: by bin or text, and last for missing or unknown ones.
    """

    name: str
    edges: tuple[float, ...]
    texts: tuple[str, ...]
    rates: tuple[float, ...]

    def probabilities(self, table: pl.DataFrame) -> Floats:
        """Shape (rows,)."""
        return np.array(self.rates)[_bins(table[self.name], self.edges, self.texts)]


def fit_single_column(table: pl.DataFrame, happened: Floats) -> SingleColumn:
    """The column whose rates on one half of the rows fit the other half best, fitted on all rows."""
    half = np.arange(len(happened)) % 2 == 0
    losses = {}
    for name in table.columns:
        loss = 0.0
        for known in (half, ~half):
            rule = _rule(table[name].filter(pl.Series(known)), happened[known])
            asked = table.select(name).filter(pl.Series(~known))
            loss += log_loss(np.clip(rule.probabilities(asked), SAFE, 1 - SAFE), happened[~known])
        losses[name] = loss
    best = min(losses, key=lambda name: (round(losses[name], 9), name))
    return _rule(table[best], happened)


def _rule(values: pl.Series, happened: Floats) -> SingleColumn:
    edges: tuple[float, ...] = ()
    texts: tuple[str, ...] = ()
    if values.dtype == pl.String:
        texts = tuple(sorted(values.drop_nulls().unique().to_list()))
    else:
        there = values.drop_nulls().to_numpy()
        edges = tuple(np.unique(np.quantile(there, np.arange(1, BINS) / BINS)).tolist()) if len(there) else ()
    count = (len(texts) if values.dtype == pl.String else len(edges) + 1) + 1
    place = _bins(values, edges, texts)
    sums = np.bincount(place, weights=happened, minlength=count)
    rates = (sums + ROWS_OF_PRIOR * happened.mean()) / (np.bincount(place, minlength=count) + ROWS_OF_PRIOR)
    return SingleColumn(name=values.name, edges=edges, texts=texts, rates=tuple(rates.tolist()))


def _bins(values: pl.Series, edges: tuple[float, ...], texts: tuple[str, ...]) -> np.typing.NDArray[np.int64]:
    if values.dtype == pl.String:
        places = {text: place for place, text in enumerate(texts)}
        return np.array([places.get(text, len(texts)) for text in values.to_list()], dtype=np.int64)
    numbers = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    place = np.searchsorted(np.array(edges), numbers, side="left")
    return np.where(np.isfinite(numbers), place, len(edges) + 1).astype(np.int64)

"""Which of those left alone are like the contacted, how much each counts, and how like they are.

Belongs here: weights and balance. Does not: effects (`estimating.py`).

By lot: everybody counts once or, where chances were logged and differ, by the odds of having been addressed (Hájek's
weights for the effect on the contacted). Otherwise: exact strata of silence, purchases, spending and earlier contacts
(coarsened exact matching: Iacus, King, Porro, "Causal Inference without Balance Checking", Political Analysis 20,
2012); in each, those left alone count together as much as the contacted there.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from segments.campaigns.rows import BEFORE, LONGEST_SILENCE_DAYS, NEVER_BOUGHT_DAYS
from segments.campaigns.rules import CONTACTED

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
FINE = ((30, 60, 120, 365, LONGEST_SILENCE_DAYS, NEVER_BOUGHT_DAYS), (1, 2, 4, 8, 16), (0.2, 0.4, 0.6, 0.8), (1, 3))
COARSE = ((60, 365, LONGEST_SILENCE_DAYS, NEVER_BOUGHT_DAYS), (1, 4), (1 / 3, 2 / 3), ())
"""Lines of strata: days of silence (who never bought has one of their own), purchases of a year, quantiles of the
contacted's spending, earlier contacts."""
LEAST_CHANCE = 0.01
NOTICEABLE, SURE = 0.1, 4.5
"""Of a difference beforehand, in standard deviations and in standard errors: beyond both, no lot was drawn."""


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Two groups to be held against each other.

    Attributes:
        contacted: who was, shape (rows,).
        weights: what each row counts; 0: not at all.
        covariates: `rows.BEFORE`, shape (rows, 6).
        with_like: share of the contacted who count.
    """

    contacted: Flags
    weights: Floats
    covariates: Floats
    with_like: float

    def imbalance(self) -> Floats:
        """Standardised differences of the covariates, shape (6,): by the standard deviation before any weighting."""
        spread = np.sqrt((self._variance(self.contacted) + self._variance(~self.contacted)) / 2)
        difference = self.mean(self.contacted) - self.mean(~self.contacted)
        return np.asarray(np.divide(difference, spread, out=np.zeros_like(spread), where=spread > 0))

    def mean(self, side: Flags) -> Floats:
        """Weighted means of the covariates on one side."""
        weights = self.weights[side]
        return np.asarray(weights @ self.covariates[side] / max(weights.sum(), 1e-12))

    def _variance(self, side: Flags) -> Floats:
        return np.asarray(self.covariates[side].var(axis=0)) if side.any() else np.zeros(self.covariates.shape[1])


def by_lot(rows: pl.DataFrame) -> Sides:
    """The sides of a hold-out; where chances were logged and differ, whoever has none does not count."""
    contacted = (rows["side"] == CONTACTED).to_numpy()
    weights = np.ones(rows.height)
    chances, with_like = rows["propensity"], 1.0
    if chances.drop_nulls().n_unique() > 1:
        chance = np.clip(chances.fill_null(LEAST_CHANCE).to_numpy(), LEAST_CHANCE, 1 - LEAST_CHANCE)
        logged = chances.is_not_null().to_numpy()
        weights = np.where(contacted, 1.0, chance / (1 - chance)) * logged
        with_like = float(logged[contacted].mean()) if contacted.any() else 0.0
    return Sides(contacted=contacted, weights=weights, covariates=_covariates(rows), with_like=with_like)


def drawn_by_lot(sides: Sides) -> bool:
    """Whether a hold-out can have been drawn by lot: those left alone do not clearly differ beforehand."""
    errors = np.zeros(sides.covariates.shape[1])
    for side in (sides.contacted, ~sides.contacted):
        weights = sides.weights[side] / max(sides.weights[side].sum(), 1e-12)
        errors += (weights**2) @ (sides.covariates[side] - sides.mean(side)) ** 2
    difference = np.abs(sides.mean(sides.contacted) - sides.mean(~sides.contacted))
    clear = (difference > SURE * np.sqrt(errors)) & (np.abs(sides.imbalance()) > NOTICEABLE)
    return not bool(clear.any())


def matched(rows: pl.DataFrame, *, least_with_like: float) -> Sides:
    """The sides of a comparison of like customers; in coarser strata where the fine ones leave too many without."""
    fine = _matched(rows, FINE)
    return fine if fine.with_like >= least_with_like else _matched(rows, COARSE)


Lines = tuple[tuple[float, ...], ...]


def _matched(rows: pl.DataFrame, lines: Lines) -> Sides:
    contacted = (rows["side"] == CONTACTED).to_numpy()
    strata = _strata(rows, contacted, lines)
    several = int(strata.max(initial=0)) + 1
    ours, others = (np.bincount(strata[side], minlength=several) for side in (contacted, ~contacted))
    both = (ours > 0) & (others > 0)
    ratio = np.divide(ours, others, out=np.zeros(several), where=both)
    return Sides(
        contacted=contacted,
        weights=np.where(contacted, both[strata].astype(np.float64), ratio[strata]),
        covariates=_covariates(rows),
        with_like=float(both[strata][contacted].mean()) if contacted.any() else 0.0,
    )


def _strata(rows: pl.DataFrame, contacted: Flags, lines: Lines) -> npt.NDArray[np.int64]:
    """The stratum of each row."""
    spent = rows["net_sales_365_days_before"].to_numpy()
    spenders = spent[contacted & (spent > 0)]
    by_spending = tuple(np.quantile(spenders, lines[2])) if len(spenders) else ()
    columns = ("days_since_last_purchase", "purchases_365_days_before", "contacts_90_days_before")
    code = np.zeros(rows.height, dtype=np.int64)
    for values, edges in (
        *((rows[name].to_numpy(), of) for name, of in zip(columns, (lines[0], lines[1], lines[3]), strict=True)),
        (spent, (1, *by_spending)),
    ):
        code = code * (len(edges) + 1) + np.searchsorted(np.asarray(edges, dtype=np.float64), values, side="right")
    return code


def _covariates(rows: pl.DataFrame) -> Floats:
    return rows.select(pl.col(BEFORE).cast(pl.Float64)).to_numpy()

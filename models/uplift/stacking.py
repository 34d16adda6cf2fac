"""From several smoothings of an effect to one: held-out predictions stacked, with what is known of the error.

Belongs here: weights and their errors. Does not: the smoothings (`effects`).

Weights go by how much a row tells, and so by the many customers who buy little; of those who buy much, effects are told
too small. The slopes of the signal on the effect below and above the average (as the best linear predictor of
Chernozhukov, Demirer, Duflo, Fernández-Val, "Generic machine learning inference on heterogeneous treatment effects",
2018), all rows alike, weights learnt on other folds, say by how much. They are drawn to 1 as their own errors ask for.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.learners.encoding import Floats
from models.prepared_table.folds import Folds
from models.uplift.clusters import Ints, design_effect

ROUNDS = 200
SLOPE_PRIOR, BEND_PRIOR = 0.25, 0.35  # standard deviations: of the slope around 1, of its change at the average from 0
SLOPES = (0.25, 2.0)  # never so that an order turns round
TINY = float(np.finfo(np.float64).tiny) ** 0.5  # a spread where every signal is the same

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Stack:
    """How smoothings become an effect: average + slope · Σ weight · (smoothing - its mean), with their errors.

    Attributes:
        average: the average effect over the rows.
        average_error: its standard error.
        means: of the smoothings, shape (smoothings,).
        weights: at least 0, shape (smoothings,).
        covariance: of the weights, shape (smoothings, smoothings).
        below, above: the slope where the sum is below and above 0.
        shift: the mean of slope times sum over the rows, taken off again.
    """

    average: float
    average_error: float
    means: Floats
    weights: Floats
    covariance: Floats
    below: float = 1.0
    above: float = 1.0
    shift: float = 0.0

    def effects(self, smoothed: Floats) -> Floats:
        """Shape (rows,); `smoothed` has shape (rows, smoothings)."""
        told = (smoothed - self.means) @ self.weights
        return np.asarray(self.average + told * self._slope(told) - self.shift)

    def errors(self, smoothed: Floats) -> Floats:
        """Standard errors of the effects from the average's and the weights', shape (rows,)."""
        centred = smoothed - self.means
        slope = self._slope(centred @ self.weights)
        of_weights = slope**2 * np.einsum("ij,jk,ik->i", centred, self.covariance, centred)
        errors: Floats = np.sqrt(self.average_error**2 + of_weights)
        return errors

    def _slope(self, told: Floats) -> Floats:
        return np.where(told < 0, self.below, self.above)

    def stretched(self, by: float) -> "Stack":
        """The same average, distances from it so many times as large."""
        weights = np.array([float(f"{one:.9g}") for one in (by * self.weights).tolist()])
        return replace(self, weights=weights, covariance=by**2 * self.covariance, shift=by * self.shift)


@dataclass(frozen=True, kw_only=True)
class Signals:
    """What smoothings are stacked by.

    Attributes:
        signal: whose mean is the effect, shape (rows,).
        weight: how much a row tells, shape (rows,).
        balance: what a row counts where all are alike, shape (rows,).
        fold: that held a row out, shape (rows,).
        customer: see `clusters.customers_of`.
    """

    signal: Floats
    weight: Floats
    balance: Floats
    fold: Folds
    customer: Ints | None


def stacked(smoothed: Floats, of: Signals) -> Stack:
    """Weights of at least 0 by ridge regression of the signal on the held-out smoothings, prior weight 0 ± 1.

    The average effect is that of all rows alike (`balance`), the weights go by how much a row tells (`weight`); slopes
    see `slopes_of`.
    """
    average = float(np.average(of.signal, weights=of.balance))
    noise = _noise(of)
    precision, target = _equations(smoothed, of, noise, np.ones(len(of.signal), dtype=np.bool_))
    variance = np.average((of.signal - average) ** 2, weights=of.balance) / len(of.signal)
    stack = Stack(
        average=average,
        average_error=float(np.sqrt(variance * design_effect(of.balance * (of.signal - average), of.customer))),
        means=np.average(smoothed, axis=0, weights=of.balance),
        weights=np.array([float(f"{one:.9g}") for one in _solved(precision, target).tolist()]),
        covariance=np.linalg.inv(precision).astype(np.float64),
    )
    below, above = slopes_of(smoothed, of, noise)
    bent = replace(stack, below=below, above=above)
    return replace(bent, shift=float(np.average(bent.effects(smoothed), weights=of.balance)) - average)


def stretch_of_means(each: Floats) -> float:
    """By how much the mean over folds lies closer to the average than effects of one fold do, whose slope was read.

    Of effects by one fold and by their mean the covariance with the truth is the same, the variance is not.

    Args:
        each: effects by each fold, shape (folds, rows).
    """
    of_one, between = float(each.var(axis=1).mean()), float(each.var(axis=0, ddof=1).mean())
    of_mean = of_one - between * (len(each) - 1) / len(each)
    return float(min(of_one / of_mean, SLOPES[1])) if of_mean > 0 else 1.0


def slopes_of(smoothed: Floats, of: Signals, noise: float) -> tuple[float, float]:
    """The slopes of the signal on the effect below and above the average, all rows alike, drawn to 1."""
    told, folds = np.zeros(len(of.signal)), np.unique(of.fold)
    for number in folds if len(folds) > 1 else ():
        asked = of.fold == number
        told[asked] = smoothed[asked] @ _solved(*_equations(smoothed, of, noise, ~asked))
        told[asked] -= np.average(told[asked], weights=of.balance[asked])
    above = np.maximum(told, 0.0)
    columns = np.column_stack([told, above - np.average(above, weights=of.balance)])
    rest = of.signal - float(np.average(of.signal, weights=of.balance)) - told
    spread = float(np.average(rest**2, weights=of.balance)) * design_effect(of.balance * rest, of.customer)
    weighted = (columns * of.balance[:, None]).T / max(spread, TINY)
    precision = weighted @ columns + np.diag([SLOPE_PRIOR**-2, BEND_PRIOR**-2])
    slope, bend = np.linalg.solve(precision, weighted @ rest)
    low, high = np.clip([1 + slope, 1 + slope + bend], *SLOPES)
    return float(low), float(high)


def _noise(of: Signals) -> float:
    rest = of.signal - float(np.average(of.signal, weights=of.weight))
    noise = float(np.average(rest**2, weights=of.weight)) * design_effect(of.weight * rest, of.customer)
    return float(max(noise, TINY))


def _equations(smoothed: Floats, of: Signals, noise: float, known: Flags) -> tuple[Floats, Floats]:
    """Precision and target of the weights, from the known rows."""
    weight, signal = of.weight[known], of.signal[known]
    centred = smoothed[known] - np.average(smoothed[known], axis=0, weights=weight)
    weighted = (centred * weight[:, None]).T
    rest = signal - float(np.average(signal, weights=weight))
    return weighted @ centred / noise + np.eye(smoothed.shape[1]), weighted @ rest / noise


def _solved(precision: Floats, target: Floats) -> Floats:
    """The weights of at least 0, by coordinate descent."""
    weights = np.zeros(len(target))
    for _ in range(ROUNDS):
        for place in range(len(weights)):
            others = float(precision[place] @ weights) - precision[place, place] * weights[place]
            weights[place] = max((target[place] - others) / precision[place, place], 0.0)
    return weights

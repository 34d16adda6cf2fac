"""From several smoothings of an effect to one: held-out predictions stacked, with what is known of the error.

Belongs here: weights and their errors. Does not: the smoothings (`effects`).
"""

from dataclasses import dataclass

import numpy as np

from models.encoding import Floats
from models.uplift.clusters import Ints, design_effect


@dataclass(frozen=True, kw_only=True)
class Stack:
    """How smoothings become an effect: average + Σ weight · (smoothing - its mean), with what is known of the error.

    Attributes:
        average: the average effect over the rows.
        average_error: its standard error.
        means: of the smoothings, shape (smoothings,).
        weights: at least 0, shape (smoothings,).
        covariance: of the weights, shape (smoothings, smoothings).
    """

    average: float
    average_error: float
    means: Floats
    weights: Floats
    covariance: Floats

    def effects(self, smoothed: Floats) -> Floats:
        """Shape (rows,); `smoothed` has shape (rows, smoothings)."""
        return self.average + (smoothed - self.means) @ self.weights

    def errors(self, smoothed: Floats) -> Floats:
        """Standard errors of the effects from the average's and the weights', shape (rows,)."""
        centred = smoothed - self.means
        errors: Floats = np.sqrt(self.average_error**2 + np.einsum("ij,jk,ik->i", centred, self.covariance, centred))
        return errors


def stacked(smoothed: Floats, signal: Floats, weight: Floats, balance: Floats, customer: Ints | None) -> Stack:
    """Weights of at least 0 by ridge regression of the signal on the held-out smoothings, prior weight 0 ± 1.

    The average effect is that of all rows alike (`balance`), the weights go by how much a row tells (`weight`).
    """
    average = float(np.average(signal, weights=balance))
    rest = signal - float(np.average(signal, weights=weight))
    noise = float(np.average(rest**2, weights=weight)) * design_effect(weight * rest, customer)
    noise = max(noise, float(np.finfo(np.float64).tiny) ** 0.5)  # 0 where every signal is the same
    means = np.average(smoothed, axis=0, weights=balance)
    centred = smoothed - np.average(smoothed, axis=0, weights=weight)
    precision = (centred * weight[:, None]).T @ centred / noise + np.eye(smoothed.shape[1])
    target = (centred * weight[:, None]).T @ rest / noise
    weights = np.zeros(smoothed.shape[1])
    for _ in range(200):
        for place in range(len(weights)):
            others = float(precision[place] @ weights) - precision[place, place] * weights[place]
            weights[place] = max((target[place] - others) / precision[place, place], 0.0)
    weights = np.array([float(f"{one:.9g}") for one in weights.tolist()])
    variance = np.average((signal - average) ** 2, weights=balance) / len(signal)
    return Stack(
        average=average,
        average_error=float(np.sqrt(variance * design_effect(balance * (signal - average), customer))),
        means=means,
        weights=weights,
        covariance=np.linalg.inv(precision).astype(np.float64),
    )

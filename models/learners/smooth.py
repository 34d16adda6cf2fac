"""The smooth half of a propensity: a ridge-penalised logistic curve on the logarithms of all numeric features.

Trees are good at kinks, a smooth curve at extrapolating from few customers; the mean of the two log-odds beats either
on every test date we tried. Belongs here: fitting it, asking it, its contributions.
Does not: trees.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.learners.encoding import Floats
from models.learners.logistic import fit_logistic

PENALTY_PER_ROW = 0.003
CHUNK_ROWS = 4_096  # asked at once: what fits the processor's cache is worked on twice as fast
FARTHEST = 5.0  # standard deviations; beyond, a value counts as this far


@dataclass(frozen=True, kw_only=True)
class SmoothCurve:
    """log-odds = intercept + Σ weight · standardised sign(x)·ln(1 + |x|); a missing value counts as the mean.

    Attributes:
        places: columns of the matrix it looks at.
        means: of the logarithms, one a place.
        spreads: their standard deviations.
        weights: log-odds a standard deviation.
        intercept: log-odds at the means.
    """

    places: tuple[int, ...]
    means: tuple[float, ...]
    spreads: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float

    def scores(self, matrix: Floats) -> Floats:
        """Log-odds, shape (rows,), without offset."""
        means, spreads, weights = (np.array(values) for values in (self.means, self.spreads, self.weights))
        scores = np.empty(len(matrix))
        for start in range(0, len(matrix), CHUNK_ROWS):
            rows = slice(start, start + CHUNK_ROWS)
            scores[rows] = _standardised(matrix[rows], self.places, means, spreads) @ weights
        return scores + self.intercept

    def contributions(self, matrix: Floats) -> Floats:
        """What each feature adds to the log-odds against a customer with mean features, shape (rows, all features)."""
        parts = np.zeros(matrix.shape)
        means, spreads, weights = (np.array(values) for values in (self.means, self.spreads, self.weights))
        for start in range(0, len(matrix), CHUNK_ROWS):
            rows = slice(start, start + CHUNK_ROWS)
            parts[rows, list(self.places)] = _standardised(matrix[rows], self.places, means, spreads) * weights
        return parts

    def described(self) -> dict[str, Any]:
        """The curve as JSON-able values."""
        return {
            "places": list(self.places),
            "means": list(self.means),
            "spreads": list(self.spreads),
            "weights": list(self.weights),
            "intercept": self.intercept,
        }


def smooth_from(content: dict[str, Any]) -> SmoothCurve:
    """The inverse of `SmoothCurve.described`."""
    lists = {name: tuple(content[name]) for name in ("places", "means", "spreads", "weights")}
    return SmoothCurve(**lists, intercept=content["intercept"])


def fit_smooth(matrix: Floats, target: Floats, *, places: list[int], offset: Floats) -> SmoothCurve:
    """Fit, the penalty growing with the rows so that correlated features share their weight.

    Args:
        matrix: shape (rows, features), NaN for missing.
        target: 0 or 1, shape (rows,).
        places: the numeric columns.
        offset: log-odds known beforehand, shape (rows,).
    """
    places = [place for place in places if np.isfinite(matrix[:, place]).any()]
    design = np.ones((len(target), 1 + len(places)))  # the one copy of the matrix: it is filled and changed in place
    for start in range(0, len(matrix), CHUNK_ROWS):
        design[start : start + CHUNK_ROWS, 1:] = _logs(matrix[start : start + CHUNK_ROWS], places)
    logs = design[:, 1:]
    means = np.array([np.nanmean(column) for column in logs.T])
    spreads = np.array([np.nanstd(column) for column in logs.T]) + 1e-9
    for start in range(0, len(matrix), CHUNK_ROWS):
        logs[start : start + CHUNK_ROWS] = _at_most_far((logs[start : start + CHUNK_ROWS] - means) / spreads)
    penalty = np.full(design.shape[1], PENALTY_PER_ROW * len(target))
    penalty[0] = 1e-6
    weights = fit_logistic(design, target, penalty=penalty, start=np.zeros(design.shape[1]), offset=offset)
    return SmoothCurve(
        places=tuple(places),
        means=tuple(_plain(means)),
        spreads=tuple(_plain(spreads)),
        weights=tuple(_plain(weights[1:])),
        intercept=_plain(weights[:1])[0],
    )


def _logs(matrix: Floats, places: list[int]) -> Floats:
    chosen = matrix[:, places]
    return np.sign(chosen) * np.log1p(np.abs(chosen))


def _standardised(matrix: Floats, places: tuple[int, ...], means: Floats, spreads: Floats) -> Floats:
    return _at_most_far((_logs(matrix, list(places)) - means) / spreads)


def _at_most_far(standard: Floats) -> Floats:
    return np.clip(np.nan_to_num(standard, nan=0.0), -FARTHEST, FARTHEST)


def _plain(values: Floats) -> list[float]:
    """Rounded to what survives another order of summation."""
    return [float(f"{value:.9g}") for value in values]

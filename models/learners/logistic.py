"""Penalised logistic regression by Newton's method with step halving: the one fit behind every smooth curve here.

Belongs here: the fit. Does not: designs, what the curves mean.
"""

import numpy as np

from models.learners.encoding import Floats

MOST_STEPS = 30
CLOSE_ENOUGH = 1e-9
ROWS_AT_ONCE = 50_000  # bounds the copies of the design


def fit_logistic(
    design: Floats,
    target: Floats,
    *,
    penalty: Floats,
    start: Floats,
    offset: Floats | None = None,
    begin: Floats | None = None,
) -> Floats:
    """Weights that minimise -log likelihood + 1/2 sum(penalty * (weights - start)^2).

    Args:
        design: shape (rows, weights).
        target: 0 or 1, shape (rows,).
        penalty: pull of each weight towards its start, at least a little above 0 where the data may not decide.
        start: what the penalty pulls to.
        offset: log-odds known beforehand, shape (rows,).
        begin: where the search begins, if not at `start`: near the answer it takes fewer steps.
    """
    known = np.zeros(len(target)) if offset is None else offset

    def loss(weights: Floats) -> float:
        scores = design @ weights + known
        surprise = np.sum(np.logaddexp(0, scores) - target * scores)
        return float(surprise + 0.5 * np.sum(penalty * (weights - start) ** 2))

    weights = (start if begin is None else begin).astype(np.float64)
    for _ in range(MOST_STEPS):
        expected = 1 / (1 + np.exp(-np.clip(design @ weights + known, -35, 35)))
        gradient = design.T @ (expected - target) + penalty * (weights - start)
        spread = np.maximum(expected * (1 - expected), 1e-9)
        step = np.linalg.solve(_curvature(design, spread) + np.diag(penalty), gradient)
        here = loss(weights)
        while np.abs(step).max() >= CLOSE_ENOUGH and loss(weights - step) > here:
            step = step / 2
        weights = weights - step
        if np.abs(step).max() < CLOSE_ENOUGH:
            break
    return weights


def _curvature(design: Floats, spread: Floats) -> Floats:
    """The design's columns multiplied with one another, each row counting its spread; shape (weights, weights)."""
    total: Floats = np.zeros((design.shape[1], design.shape[1]))
    for start in range(0, len(design), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        scaled = design[rows] * np.sqrt(spread[rows, None])
        total += scaled.T @ scaled  # of a matrix with itself numpy works out one half
    return total

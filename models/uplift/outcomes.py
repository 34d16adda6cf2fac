"""What would be expected of a customer whatever is done: the outcome model that takes the noise out of effects.

Belongs here: cross-fitted predictions of the outcome. Does not: effects.
"""

import numpy as np

from models.learners import boosting
from models.learners.boosting import GentleTrees
from models.learners.encoding import Encoder, Floats
from models.prepared_table.folds import Folds

MOST_ROWS = 200_000
HEAVY_TAIL = 0.999
ROUNDS = 120


def tempered(outcome: Floats) -> Floats:
    """Amounts cut at the highest thousandth (of those above zero): single large orders teach nothing about effects."""
    above = outcome[outcome > 0]
    if not len(above) or np.isin(outcome, (0.0, 1.0)).all():
        return outcome
    return np.clip(outcome, -np.quantile(np.abs(outcome), HEAVY_TAIL), np.quantile(above, HEAVY_TAIL))


def thinned(rows: "np.typing.NDArray[np.int64]", most: int = MOST_ROWS) -> "np.typing.NDArray[np.int64]":
    """Every n-th row where there are more than enough."""
    step = -(-len(rows) // most)
    return rows[:: max(step, 1)]


def fit_outcome_model(matrix: Floats, outcome: Floats, *, encoder: Encoder, threads: int, seed: int) -> bytes:
    """A small booster of the outcome, as LightGBM text.

    Args:
        matrix: shape (rows, features).
        outcome: 0/1 or amounts (see `tempered`).
        encoder: names and categorical columns.
        threads: for LightGBM.
        seed: for LightGBM.
    """
    rows = thinned(np.arange(len(outcome)))
    binary = bool(np.isin(outcome, (0.0, 1.0)).all())
    trees = GentleTrees(objective="binary" if binary else "regression", rounds=ROUNDS, leaves=8)
    return boosting.train_gentle_booster(
        matrix[rows], outcome[rows], encoder=encoder, trees=trees, threads=threads, seed=seed
    )


def expected_outcome(model: bytes, matrix: Floats, *, binary: bool, threads: int) -> Floats:
    """What the model expects, shape (rows,): a probability, or an amount."""
    raw = boosting.raw_scores(model, matrix, threads=threads)
    return 1 / (1 + np.exp(-raw)) if binary else raw


def cross_fitted(
    matrix: Floats, outcome: Floats, fold: Folds, *, encoder: Encoder, threads: int, seed: int
) -> tuple[list[bytes], Floats]:
    """One model a fold, fitted on the other folds, and what each expects of its own fold's rows, shape (rows,)."""
    models, expected = [], np.zeros(len(outcome))
    binary = bool(np.isin(outcome, (0.0, 1.0)).all())
    for number in range(int(fold.max()) + 1):
        known, asked = fold != number, fold == number
        model = fit_outcome_model(matrix[known], outcome[known], encoder=encoder, threads=threads, seed=seed + number)
        expected[asked] = expected_outcome(model, matrix[asked], binary=binary, threads=threads)
        models.append(model)
    return models, expected

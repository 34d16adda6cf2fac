"""Is there enough to learn from, and what would more rows bring: told beside the figures.

Belongs here: facts about the table and the learning curve. Does not: refusing tables (`linting`).
"""

from dataclasses import asdict, dataclass

import numpy as np

from models.judging.calibration import log_loss, sigmoid
from models.judging.evaluation import auc
from models.learners.encoding import Floats
from models.prepared_table.cross_validation import Rows
from models.prepared_table.folds import folds_of
from models.prepared_table.table_model import Choice, FitOptions, fit_chosen, is_large

SHARES = (0.25, 0.5, 0.75, 1.0)
FOLDS = 5
LEAST_OUTCOMES = 20  # in the smallest share; below, its curve says nothing
ENOUGH_A_COLUMN = 10.0  # rows of the rarer outcome; a rule of thumb (Peduzzi et al. 1996)
MOSTLY_MISSING = 0.5


@dataclass(frozen=True, kw_only=True)
class LearningPoint:
    """How good the model is when it learns from so many rows."""

    rows: int
    auc: float
    log_loss: float


def readiness(rows: Rows, choice: Choice, options: FitOptions) -> dict[str, object]:
    """JSON-able facts: outcomes, outcomes a column, columns that are mostly missing, the learning curve, and words."""
    rarer = int(min(rows.happened.sum(), (1 - rows.happened).sum()))
    missing = {
        name: round(rows.table[name].null_count() / rows.table.height, 3)
        for name in rows.table.columns
        if rows.table[name].null_count() > MOSTLY_MISSING * rows.table.height
    }
    curve = learning_curve(rows, choice, options) if SHARES[0] * rarer >= LEAST_OUTCOMES else []
    return {
        "rows_of_the_rarer_outcome": rarer,
        "of_them_a_column": round(rarer / rows.table.width, 1),
        "mostly_missing": missing,
        "learning_curve": [asdict(point) for point in curve],
        "words": _words(rarer, rows.table.width, curve),
    }


def learning_curve(rows: Rows, choice: Choice, options: FitOptions) -> list[LearningPoint]:
    """Held-out figures of models that learn from a quarter, a half, three quarters and all of the training rows.

    With the choices of the whole table, before calibration: it is about the slope, not the figures.
    """
    fold = folds_of(rows.groups, rows.happened, folds=FOLDS, seed=options.seed)
    numbers = range(1 if is_large(*rows.table.shape) else FOLDS)
    asked = np.isin(fold, numbers)
    points = []
    for share in SHARES:
        scores = np.empty(len(fold))
        for number in numbers:
            scores[fold == number] = _scores(rows, fold == number, share, choice, options)
        count = round(share * len(fold) * (FOLDS - 1) / FOLDS)
        loss = log_loss(sigmoid(scores[asked]), rows.happened[asked])
        area = auc(scores[asked], rows.happened[asked])
        points.append(LearningPoint(rows=count, auc=round(area, 4), log_loss=round(loss, 4)))
    return points


def _scores(
    rows: Rows, asked: np.typing.NDArray[np.bool_], share: float, choice: Choice, options: FitOptions
) -> Floats:
    """Rows are in an order of chance, so the first part of each outcome's is a sample."""
    places = np.flatnonzero(~asked)
    parts = [places[rows.happened[places] == outcome] for outcome in (0.0, 1.0)]
    known = np.sort(np.concatenate([part[: max(round(share * len(part)), 1)] for part in parts]))
    train, test = rows.at(known.tolist()), rows.at(np.flatnonzero(asked).tolist())
    trees, curve = fit_chosen(train.table, train.happened, choice, options).halves(test.table, threads=options.threads)
    scores: Floats = choice.tree_share * trees + (1 - choice.tree_share) * curve
    return scores


def _words(rarer: int, columns: int, curve: list[LearningPoint]) -> list[str]:
    told = []
    if rarer < ENOUGH_A_COLUMN * columns:
        told.append(f"{rarer:,} rows of the rarer outcome for {columns} columns: the model is shrunk strongly")
    if not curve:
        return [*told, "too few rows for a learning curve: more rows of the rarer outcome would help most"]
    half, whole = curve[1], curve[-1]
    gain = whole.auc - half.auc
    told.append(
        f"from {half.rows:,} to {whole.rows:,} rows the AUC moved by {gain:+.3f} (log loss "
        f"{whole.log_loss - half.log_loss:+.4f}); doubling the rows again would bring about as much or less"
    )
    return told

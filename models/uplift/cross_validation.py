"""Honest effects: every row's by models that have not seen it, beside those of simpler methods.

Belongs here: the outer folds. Does not: figures (`grading`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.learners.encoding import Floats
from models.prepared_table.folds import Folds, folds_of
from models.uplift.learning import fit_single_rule, fit_trial, response_scores, two_model_scores
from models.uplift.trial import Trial

OURS = "effect model"
RESPONSE_MODEL = "response model"
TWO_MODELS = "two models"
SINGLE_RULE = "best single column"
METHODS = (OURS, RESPONSE_MODEL, TWO_MODELS, SINGLE_RULE)
OUTER_FOLDS = 4
INNER_FOLDS = 4


@dataclass(frozen=True, kw_only=True)
class HeldOutEffects:
    """What was said of rows that were held out.

    Attributes:
        scores: by method, shape (treatments, rows); our model's are effects in units of the outcome.
        errors: standard errors of our effects, shape (treatments, rows).
        untreated: expected outcome without treatment, shape (rows,).
        fold: which fold held a row out.
        rules: the column each fold's single rule went by, one list a treatment.
    """

    scores: dict[str, Floats]
    errors: Floats
    untreated: Floats
    fold: Folds
    rules: list[list[str]]


def cross_validate(
    trial: Trial, *, threads: int, seed: int, folds: int = OUTER_FOLDS, tick: Callable[[], None] = lambda: None
) -> HeldOutEffects:
    """Hold out each fold in turn; folds have equal shares of every arm and of the outcome.

    Args:
        trial: rows in canonical order.
        threads: for LightGBM; without effect on the result.
        seed: for LightGBM and the folds.
        folds: outer folds.
        tick: called after each.
    """
    shape = (len(trial.treatments), len(trial.outcome))
    held_out = HeldOutEffects(
        scores={method: np.zeros(shape) for method in METHODS},
        errors=np.zeros(shape),
        untreated=np.zeros(shape[1]),
        fold=stratified_folds(trial, folds=folds, seed=seed),
        rules=[[] for _ in trial.treatments],
    )
    for number in range(folds):
        _hold_out(held_out, trial, number, threads=threads, seed=seed)
        tick()
    return held_out


def stratified_folds(trial: Trial, *, folds: int, seed: int) -> Folds:
    """A fold for each row with equal shares of every arm and outcome."""
    fold = np.zeros(len(trial.arm), dtype=np.int64)
    happened = (trial.outcome > 0).astype(np.float64)
    if len(set(trial.groups)) < len(trial.groups):  # rows of one customer stay together, whatever the arms
        return folds_of(trial.groups, happened, folds=folds, seed=7000 + seed)
    for arm in range(len(trial.arms)):
        rows = np.flatnonzero(trial.arm == arm)
        groups = [trial.groups[row] for row in rows.tolist()]
        fold[rows] = folds_of(groups, happened[rows], folds=folds, seed=7000 + seed)
    return fold


def _hold_out(held_out: HeldOutEffects, trial: Trial, number: int, *, threads: int, seed: int) -> None:
    asked = held_out.fold == number
    known, rest = trial.at(~asked), trial.at(asked).table
    model = fit_trial(known, threads=threads, seed=seed, folds=INNER_FOLDS)
    held_out.scores[OURS][:, asked], held_out.errors[:, asked] = model.predict(rest, threads=threads)
    held_out.untreated[asked] = model.untreated(rest, threads=threads)
    for place, treatment in enumerate(trial.treatments):
        rule = fit_single_rule(known, treatment)
        held_out.rules[place].append(rule.column)
        held_out.scores[SINGLE_RULE][place, asked] = rule.scores(rest)
        for method, scores in ((RESPONSE_MODEL, response_scores), (TWO_MODELS, two_model_scores)):
            held_out.scores[method][place, asked] = scores(known, rest, treatment, threads=threads, seed=seed)

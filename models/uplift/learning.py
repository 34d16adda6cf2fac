"""Learning a trial: cross-fit, one effect model a treatment; and the simple methods it has to beat.

Belongs here: fits of a whole trial. Does not: cross-validation (`cross_validation`), figures (`grading`).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.learners.encoding import Encoder, Floats, fit_encoder
from models.prepared_table.folds import folds_of
from models.uplift.clusters import even_half
from models.uplift.effects import EffectModel, FitMeans, fit_effect, matrix_of
from models.uplift.outcomes import cross_fitted, expected_outcome, fit_outcome_model, tempered
from models.uplift.trial import CONTROL, Trial

FOLDS = 5
BINS = 5
ROWS_OF_PRIOR = 200.0


@dataclass(frozen=True, kw_only=True)
class TrialModel:
    """Effects of every treatment of a trial."""

    encoder: Encoder
    effects: tuple[EffectModel, ...]
    arms: tuple[str, ...]

    def predict(self, table: pl.DataFrame, *, threads: int = 1) -> tuple[Floats, Floats]:
        """Effects and their standard errors, shape (treatments, rows) each, in units of the outcome."""
        matrix = matrix_of(table, self.encoder)
        pairs = [model.effects(matrix, threads=threads) for model in self.effects]
        return np.stack([one for one, _ in pairs]), np.stack([error for _, error in pairs])

    def untreated(self, table: pl.DataFrame, *, threads: int = 1) -> Floats:
        """The expected outcome of each row without treatment, shape (rows,)."""
        matrix = matrix_of(table, self.encoder)
        return np.asarray(np.mean([model.untreated(matrix, threads=threads) for model in self.effects], axis=0))


def fit_trial(trial: Trial, *, threads: int = 1, seed: int = 1, folds: int = FOLDS) -> TrialModel:
    """Learn the effect of every treatment against the control group.

    Args:
        trial: rows in canonical order.
        threads: for LightGBM; without effect on the result.
        seed: for folds and LightGBM.
        folds: of the cross-fitting.
    """
    encoder = encoder_of(trial.table)
    matrix, outcome = matrix_of(trial.table, encoder), tempered(trial.outcome)
    fold = folds_of(trial.groups, (trial.outcome > 0).astype(np.float64), folds=folds, seed=seed)
    models, expected = cross_fitted(matrix, outcome, fold, encoder=encoder, threads=threads, seed=seed)
    means = FitMeans(
        encoder=encoder,
        matrix=matrix,
        outcome=outcome,
        fold=fold,
        outcome_models=models,
        expected=expected,
        threads=threads,
        seed=seed,
    )
    effects = tuple(fit_effect(trial, treatment, means) for treatment in trial.treatments)
    return TrialModel(encoder=encoder, effects=effects, arms=trial.arms)


def encoder_of(table: pl.DataFrame) -> Encoder:
    """The features' codes."""
    least = max(5, min(table.height // 200, 50))
    return fit_encoder(table, table.columns, model="uplift", minimum_rows=least)


def response_scores(known: Trial, asked: pl.DataFrame, treatment: int, *, threads: int, seed: int) -> Floats:
    """The expected outcome of those treated: whom a response model would address first."""
    encoder = encoder_of(known.table)
    return _expected(known.at(known.arm == treatment), asked, encoder, threads, seed)


def two_model_scores(known: Trial, asked: pl.DataFrame, treatment: int, *, threads: int, seed: int) -> Floats:
    """One model of the treated less one of the control group (the T-learner; Künzel et al. 2019)."""
    encoder = encoder_of(known.table)
    with_it = _expected(known.at(known.arm == treatment), asked, encoder, threads, seed)
    return with_it - _expected(known.at(known.arm == CONTROL), asked, encoder, threads, seed)


def _expected(known: Trial, asked: pl.DataFrame, encoder: Encoder, threads: int, seed: int) -> Floats:
    outcome = tempered(known.outcome)
    model = fit_outcome_model(matrix_of(known.table, encoder), outcome, encoder=encoder, threads=threads, seed=seed)
    binary = bool(np.isin(outcome, (0.0, 1.0)).all())
    return expected_outcome(model, matrix_of(asked, encoder), binary=binary, threads=threads)


@dataclass(frozen=True, kw_only=True)
class SingleRule:
    """The effect by the one column that tells most about it.

    Attributes:
        column: its name.
        edges: upper edges of a number's bins; empty for text.
        texts: known texts; empty for numbers.
        effects: by bin or text; last for missing or unknown ones.
    """

    column: str
    edges: Floats
    texts: tuple[str, ...]
    effects: Floats

    def scores(self, table: pl.DataFrame) -> Floats:
        """Effects, shape (rows,)."""
        return self.effects[_bins(table[self.column], self.edges, self.texts)]


def fit_single_rule(known: Trial, treatment: int) -> SingleRule:
    """The column whose effects by bin, learnt on half of the customers, spread the effect most on the other half."""
    of_pair, treated, share = known.pair(treatment)
    pair = known.at(of_pair)
    outcome = tempered(pair.outcome)
    signal = (treated - share) / (share * (1 - share)) * (outcome - outcome.mean())
    half = even_half(len(signal), pair.customer)
    gains = {}
    for name in pair.table.columns:
        gain = 0.0
        for seen in (half, ~half):
            rule = _rule(pair.table[name].filter(pl.Series(seen)), signal[seen])
            predicted = rule.scores(pair.table.filter(pl.Series(~seen)))
            gain += float(((signal[~seen] - signal[seen].mean()) ** 2 - (signal[~seen] - predicted) ** 2).sum())
        gains[name] = gain
    best = max(gains, key=lambda name: (round(gains[name], 9), name))
    return _rule(pair.table[best], signal)


def _rule(values: pl.Series, signal: Floats) -> SingleRule:
    edges, texts = np.zeros(0), ()
    if values.dtype == pl.String:
        texts = tuple(sorted(values.drop_nulls().unique().to_list()))
    else:
        there = values.drop_nulls().to_numpy()
        edges = np.unique(np.quantile(there, np.arange(1, BINS) / BINS)) if len(there) else edges
        if len(np.unique(there)) <= BINS:
            edges = np.unique(there)[:-1]
    count = (len(texts) if values.dtype == pl.String else len(edges) + 1) + 1
    place = _bins(values, edges, texts)
    sums, rows = np.bincount(place, weights=signal, minlength=count), np.bincount(place, minlength=count)
    effects = (sums + ROWS_OF_PRIOR * signal.mean()) / (rows + ROWS_OF_PRIOR)
    return SingleRule(column=values.name, edges=edges, texts=texts, effects=effects)


def _bins(values: pl.Series, edges: Floats, texts: tuple[str, ...]) -> "np.typing.NDArray[np.int64]":
    if values.dtype == pl.String:
        places = {text: place for place, text in enumerate(texts)}
        return np.array([places.get(text, len(texts)) for text in values.to_list()], dtype=np.int64)
    numbers = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    place = np.searchsorted(edges, numbers, side="left")
    return np.where(np.isfinite(numbers), place, len(edges) + 1).astype(np.int64)

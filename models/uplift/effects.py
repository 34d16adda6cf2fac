"""The effect of one treatment on each customer: a doubly robust signal, smoothed strongly, shrunk towards the average.

Belongs here: one treatment against the control group. Does not: several treatments, grading.

The signal of a row is (T - e) / (e (1 - e)) · (Y - b(x)), whose mean given x is the effect where e is the true
propensity, whatever b is (Robins, Rotnitzky 1995; Kennedy 2020); b is cross-fitted and only takes noise out. Four
smoothings of the signal are learnt on the same folds: in proportion to the expected outcome, a ridge, small trees, the
best single column. The held-out predictions are stacked with weights of at least 0 and a pull to 0 as strong as their
evidence is weak, so that where nothing but the average can be told, everybody gets the average effect. Several rows of
one customer are evidence of one customer: noise and errors grow by their design effect.
"""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from models.learners import boosting
from models.learners.boosting import GentleTrees
from models.learners.encoding import Encoder, Floats
from models.prepared_table.curve import Design, plan_design
from models.prepared_table.folds import Folds
from models.uplift.clusters import Ints
from models.uplift.outcomes import expected_outcome, thinned
from models.uplift.rules import ColumnRule, fit_column_rule
from models.uplift.stacking import Signals, Stack, stacked, stretch_of_means
from models.uplift.trial import Trial

MODEL = "uplift"
PENALTIES = (0.3, 0.1, 0.03, 0.01, 0.003)  # as shares of the rows
TREE_STAGES = (20, 40, 80, 160, 320)  # trees: what fits held-out signals best is kept
SMALL = 10_000  # rows, below which more trees only learn by heart
SMALL_STAGES = 3
TREE_LEAVES = 6
NOISE_BINS = 20
ROWS_FOR_SPREAD = 10_000
NOISE_PRIOR_ROWS = 200.0
MOST_PRECISION = 10.0
SMOOTHINGS = ("in proportion to the expected outcome", "ridge", "trees", "best single column")


@dataclass(frozen=True, kw_only=True)
class Ridge:
    """Effect = intercept + weights · design, fitted to the signal."""

    design: Design
    weights: Floats
    intercept: float

    def effects(self, matrix: Floats) -> Floats:
        """Shape (rows,)."""
        return self.intercept + self.design.matrix(matrix) @ self.weights


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one fold's other rows taught.

    Attributes:
        outcome_model: booster of the expected outcome, fitted without the fold.
        ridge: see `Ridge`.
        trees: booster of the signal, of which the first `tree_rounds` count.
        rule: the effect by the best single column.
    """

    outcome_model: bytes
    ridge: Ridge
    trees: bytes
    tree_rounds: int
    rule: ColumnRule


@dataclass(frozen=True, kw_only=True)
class EffectModel:
    """The fitted effect of one treatment: the mean over the folds' parts, stacked.

    Attributes:
        parts: one a fold.
        stack: see `Stack`.
        responses: expected outcome of control and treated over that of all rows (their ratio makes `in proportion`).
        is_binary: whether the outcome is 0 or 1.
    """

    parts: tuple[Part, ...]
    stack: Stack
    responses: tuple[float, float]
    is_binary: bool

    def effects(self, matrix: Floats, *, threads: int = 1) -> tuple[Floats, Floats]:
        """Effects in units of the outcome and their standard errors, shape (rows,) each."""
        each = self.by_fold(matrix, threads=threads)
        mean = each.mean(axis=0)
        by_part = np.stack([self.stack.effects(one) for one in each])
        count = len(self.parts)
        spread = (count - 1) / count * ((by_part - by_part.mean(axis=0)) ** 2).sum(axis=0)  # jackknife over folds
        return self.stack.effects(mean), np.sqrt(self.stack.errors(mean) ** 2 + spread)

    def by_fold(self, matrix: Floats, *, threads: int = 1) -> Floats:
        """What each fold's other rows taught, shape (folds, rows, smoothings)."""
        return np.stack([self._smoothed(part, matrix, threads) for part in self.parts])

    def untreated(self, matrix: Floats, *, threads: int = 1) -> Floats:
        """The expected outcome without treatment, shape (rows,)."""
        expected = [
            expected_outcome(part.outcome_model, matrix, binary=self.is_binary, threads=threads) for part in self.parts
        ]
        untreated: Floats = np.mean(expected, axis=0) * self.responses[0]
        return untreated

    def _smoothed(self, part: Part, matrix: Floats, threads: int) -> Floats:
        expected = expected_outcome(part.outcome_model, matrix, binary=self.is_binary, threads=threads)
        return np.column_stack(
            [
                expected * (self.responses[1] - self.responses[0]),
                part.ridge.effects(matrix),
                boosting.raw_scores(part.trees, matrix, threads=threads, rounds=part.tree_rounds),
                part.rule.effects(matrix),
            ]
        )


@dataclass(frozen=True, kw_only=True)
class FitMeans:
    """What fits of several treatments share.

    Attributes:
        encoder: of the features.
        matrix: features of all rows, shape (rows, features).
        outcome: tempered, shape (rows,).
        fold: of all rows.
        outcome_models: one a fold.
        expected: cross-fitted expected outcome of all rows.
        threads, seed: for LightGBM.
    """

    encoder: Encoder
    matrix: Floats
    outcome: Floats
    fold: Folds
    outcome_models: list[bytes]
    expected: Floats
    threads: int
    seed: int


def fit_effect(trial: Trial, treatment: int, means: FitMeans) -> EffectModel:
    """Learn the effect of a treatment against the control group.

    Args:
        trial: all rows (those of other treatments helped to learn the expected outcome).
        treatment: number of the arm.
        means: see `FitMeans`.
    """
    of_pair, treated, share = trial.pair(treatment)
    outcome, expected, fold = means.outcome[of_pair], means.expected[of_pair], means.fold[of_pair]
    matrix = means.matrix[of_pair]
    level = max(abs(float(means.expected.mean())), 1e-12)
    responses = tuple(
        float(_weighted_mean(outcome, np.where(treated == arm, 1 / np.where(arm, share, 1 - share), 0.0))) / level
        for arm in (0, 1)
    )
    baseline = expected * ((1 - share) * responses[1] + share * responses[0])
    signal = (treated - share) / (share * (1 - share)) * (outcome - baseline)
    balance = share * (1 - share) / np.mean(share * (1 - share))
    binary = bool(np.isin(means.outcome, (0.0, 1.0)).all())
    weight = balance if binary else balance * _precision(outcome - baseline, expected)
    smoothed = np.empty((len(signal), len(SMOOTHINGS)))
    smoothed[:, 0] = expected * (responses[1] - responses[0])
    ridges, smoothed[:, 1] = _ridges(matrix, signal, weight, fold, means.encoder)
    trees, rounds, smoothed[:, 2] = _trees(matrix, signal, weight, fold, means)
    customer = trial.customer_of(of_pair)
    rules, smoothed[:, 3] = _rules(matrix, signal, weight, fold, customer)
    parts = tuple(
        Part(outcome_model=model, ridge=ridge, trees=tree, tree_rounds=rounds, rule=rule)
        for model, ridge, tree, rule in zip(means.outcome_models, ridges, trees, rules, strict=True)
    )
    stack = stacked(smoothed, Signals(signal=signal, weight=weight, balance=balance, fold=fold, customer=customer))
    model = EffectModel(parts=parts, stack=stack, responses=(responses[0], responses[1]), is_binary=binary)
    return _with_means_stretched(model, matrix[thinned(np.arange(len(matrix)), ROWS_FOR_SPREAD)], means.threads)


def _with_means_stretched(model: EffectModel, matrix: Floats, threads: int) -> EffectModel:
    """See `stacking.stretch_of_means`; the spread over folds is the same on rows seen and unseen."""
    each = np.stack([model.stack.effects(one) for one in model.by_fold(matrix, threads=threads)])
    return replace(model, stack=model.stack.stretched(stretch_of_means(each)))


def matrix_of(table: pl.DataFrame, encoder: Encoder) -> Floats:
    """The features as a matrix, see `Encoder.matrix`."""
    return encoder.matrix(table, model=MODEL)


def _weighted_mean(values: Floats, weights: Floats) -> float:
    total = float(weights.sum())
    return float((values * weights).sum()) / total if total else 0.0


def _ridges(
    matrix: Floats, signal: Floats, weight: Floats, fold: Folds, encoder: Encoder
) -> tuple[list[Ridge], Floats]:
    """A ridge a fold with the one penalty that fits held-out signals best, and the held-out effects."""
    paths: list[list[Ridge]] = []
    held_out = np.empty((len(PENALTIES), len(signal)))
    for number in range(int(fold.max()) + 1):
        known, asked = fold != number, fold == number
        design = plan_design(matrix[known], encoder, with_bends=False)
        path = _ridge_path(design, matrix[known], signal[known], weight[known])
        for place, ridge in enumerate(path):
            held_out[place, asked] = ridge.effects(matrix[asked])
        paths.append(path)
    losses = ((held_out - signal) ** 2 * weight).mean(axis=1)
    best = int(np.argmin(losses))
    return [path[best] for path in paths], held_out[best]


def _ridge_path(design: Design, matrix: Floats, signal: Floats, weight: Floats) -> list[Ridge]:
    columns = design.matrix(matrix)
    centre = np.average(columns, axis=0, weights=weight)
    average = float(np.average(signal, weights=weight))
    weighted = (columns - centre) * weight[:, None]
    products, target = weighted.T @ (columns - centre), weighted.T @ (signal - average)
    ridges = []
    for penalty in PENALTIES:
        weights = np.linalg.solve(products + penalty * len(signal) * np.eye(len(target)), target)
        plain: Floats = np.array([float(f"{one:.9g}") for one in weights.tolist()])
        ridges.append(Ridge(design=design, weights=plain, intercept=average - float(centre @ weights)))
    return ridges


def _trees(
    matrix: Floats, signal: Floats, weight: Floats, fold: Folds, means: FitMeans
) -> tuple[list[bytes], int, Floats]:
    """A booster a fold, the number of trees that fits held-out signals best, and the held-out effects."""
    stages = TREE_STAGES if len(signal) >= SMALL else TREE_STAGES[:SMALL_STAGES]
    size = GentleTrees(objective="regression", rounds=stages[-1], leaves=TREE_LEAVES)
    boosters, held_out = [], np.empty((len(stages), len(signal)))
    for number in range(int(fold.max()) + 1):
        known, asked = thinned(np.flatnonzero(fold != number)), fold == number
        booster = boosting.train_gentle_booster(
            matrix[known],
            signal[known],
            encoder=means.encoder,
            trees=size,
            threads=means.threads,
            seed=means.seed + number,
            weights=weight[known],
        )
        for place, rounds in enumerate(stages):
            held_out[place, asked] = boosting.raw_scores(booster, matrix[asked], threads=means.threads, rounds=rounds)
        boosters.append(booster)
    losses = ((held_out - signal) ** 2 * weight).mean(axis=1)
    best = int(np.argmin(losses))
    return boosters, stages[best], held_out[best]


def _rules(
    matrix: Floats, signal: Floats, weight: Floats, fold: Folds, customer: Ints | None
) -> tuple[list[ColumnRule], Floats]:
    """The best single column's rule a fold, and the held-out effects."""
    rules, held_out = [], np.empty(len(signal))
    for number in range(int(fold.max()) + 1):
        known, asked = fold != number, fold == number
        of_known = None if customer is None else customer[known]
        rule = fit_column_rule(matrix[known], signal[known], weight[known], of_known)
        held_out[asked] = rule.effects(matrix[asked])
        rules.append(rule)
    return rules, held_out


def _precision(residual: Floats, expected: Floats) -> Floats:
    """How much a row tells: the inverse of the residuals' variance among rows of like expectation, mean 1."""
    edges = np.unique(np.quantile(expected, np.arange(1, NOISE_BINS) / NOISE_BINS))
    place = np.searchsorted(edges, expected, side="right")
    rows = np.bincount(place, minlength=len(edges) + 1)
    whole = float(np.mean(residual**2))
    sums = np.bincount(place, weights=residual**2, minlength=len(edges) + 1)
    variance = (sums + NOISE_PRIOR_ROWS * whole) / (rows + NOISE_PRIOR_ROWS)
    precision = np.clip(whole / np.maximum(variance, 1e-12), 1 / MOST_PRECISION, MOST_PRECISION)[place]
    scaled: Floats = precision / precision.mean()
    return scaled

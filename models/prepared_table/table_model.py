"""The model of a prepared table: trees and a smooth curve, blended as log-odds, then a calibration curve.

Every choice (size and number of trees, penalty and bends of the curve, the blend, the kind of calibration) is made on
folds inside the training rows, so that whoever cross-validates this model grades the choosing too. Belongs here: one
fitted model. Does not: the outer folds (`cross_validation`).
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from models.judging.calibration import Calibrator, calibrator_from, choose_calibrator, fit_calibrator, log_loss, sigmoid
from models.learners import boosting
from models.learners.boosting import FEW_FEATURES, TreeSize
from models.learners.encoding import Encoder, Floats, encoder_from, fit_encoder
from models.prepared_table.curve import TableCurve, affords_bends, curve_from, fit_path, plan_design
from models.prepared_table.folds import Folds, folds_of

Step = TypeVar("Step")
MODEL = "prepared table"
PENALTIES = (300.0, 100.0, 30.0, 10.0, 3.0, 1.0)
STRONG_PENALTIES = (3000.0, 1000.0)  # tried on small tables only
TREES = ((4, FEW_FEATURES), (16, FEW_FEATURES), (16, 0.8))  # leaves, share of the columns a tree may look at
ROUNDS = (25, 50, 100, 150, 200, 300, 400, 600)
SMALL = 1_000  # rows, below which larger and more trees only learn by heart
SMALL_STAGES = 6
SHARES = (0.0, 0.2, 0.35, 0.5, 0.65, 0.8, 1.0)
LARGE = 2_000_000  # cells, above which choices are made on one held-out part in place of several
LARGE_STAGES = 7
PULL_TO_FEW = 4.0  # log likelihood that trees which see most columns must gain over those that see few
CLEARLY_WORSE = 2.0  # log likelihood: trees or weaker penalties beyond are not tried
PULL_TO_HALVES = 8.0  # a half alone must gain two units of log likelihood over equal halves
TREES_FILE, MODEL_FILE = "table_trees.txt", "table_model.json"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What was chosen on the inner folds.

    Attributes:
        tree_leaves, tree_rounds: size and number of trees.
        penalty: of the curve, in rows.
        bends: whether its lines are broken.
        tree_share: the trees' part of the log-odds; the curve has the rest.
        calibration: the kind of curve.
        tree_feature_share: the share of the columns that a tree may look at.
    """

    tree_leaves: int
    tree_rounds: int
    penalty: float
    bends: bool
    tree_share: float
    calibration: str
    tree_feature_share: float = FEW_FEATURES


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """How to fit.

    Attributes:
        folds: inner folds.
        threads: for LightGBM; without effect on the result.
        seed: for folds and LightGBM.
    """

    folds: int = 5
    threads: int = 1
    seed: int = 1


@dataclass(frozen=True, kw_only=True)
class TableModel:
    """A fitted model."""

    encoder: Encoder
    trees: bytes
    curve: TableCurve
    choice: Choice
    calibrator: Calibrator

    def halves(self, table: pl.DataFrame, *, threads: int = 1) -> tuple[Floats, Floats]:
        """Log-odds of the trees alone and of the curve alone, shape (rows,) each."""
        matrix = self.encoder.matrix(table, model=MODEL)
        return boosting.raw_scores(self.trees, matrix, threads=threads), self.curve.scores(matrix)

    def probabilities(self, table: pl.DataFrame, *, threads: int = 1) -> Floats:
        """Calibrated probabilities, shape (rows,)."""
        trees, curve = self.halves(table, threads=threads)
        share = self.choice.tree_share
        return self.calibrator.probabilities(share * trees + (1 - share) * curve)

    def contributions(self, table: pl.DataFrame, *, threads: int = 1) -> Floats:
        """What each feature adds to the log-odds before calibration, shape (rows, features)."""
        matrix = self.encoder.matrix(table, model=MODEL)
        share = self.choice.tree_share
        parts = (1 - share) * self.curve.contributions(matrix)
        return parts + (share * boosting.contributions(self.trees, matrix, threads=threads) if share else 0.0)

    def files(self) -> dict[str, bytes]:
        """As files of a bundle."""
        content = {
            "encoder": self.encoder.described(),
            "curve": self.curve.described(),
            "choice": asdict(self.choice),
            "calibrator": self.calibrator.described(),
        }
        return {TREES_FILE: self.trees, MODEL_FILE: json.dumps(content, sort_keys=True).encode()}


def table_model_from(files: dict[str, bytes]) -> TableModel:
    """The inverse of `TableModel.files`."""
    content = json.loads(files[MODEL_FILE])
    return TableModel(
        encoder=encoder_from(content["encoder"]),
        trees=files[TREES_FILE],
        curve=curve_from(content["curve"]),
        choice=Choice(**content["choice"]),
        calibrator=calibrator_from(content["calibrator"]),
    )


def fit_table_model(table: pl.DataFrame, happened: Floats, groups: list[str], options: FitOptions) -> TableModel:
    """Choose on inner folds, then fit on all rows.

    Args:
        table: typed columns (Float64 and String), rows in a stable order.
        happened: 0 or 1, shape (rows,).
        groups: whose row it is; rows of one are never on both sides of a fold.
        options: see `FitOptions`.
    """
    encoder = _encoder(table)
    matrix = encoder.matrix(table, model=MODEL)
    inner = folds_of(groups, happened, folds=options.folds, seed=options.seed)
    choice, scores = _choose(_Inner(matrix, happened, inner, encoder, options))
    asked = np.isfinite(scores)
    parts = inner if asked.all() else folds_of(groups, happened, folds=options.folds, seed=options.seed + 1)
    kind, _ = choose_calibrator(scores[asked], happened[asked], parts[asked].astype(np.float64))
    chosen = fit_chosen(table, happened, replace(choice, calibration=kind), options)
    return replace(chosen, calibrator=fit_calibrator(kind, scores[asked], happened[asked]))


def is_large(rows: int, columns: int) -> bool:
    """Whether a table is so large that one held-out part says enough, and several would take too long."""
    return rows * columns > LARGE


def fit_chosen(table: pl.DataFrame, happened: Floats, choice: Choice, options: FitOptions) -> TableModel:
    """Fit both halves as chosen before; not calibrated. The arguments are those of `fit_table_model`."""
    encoder = _encoder(table)
    matrix = encoder.matrix(table, model=MODEL)
    design = plan_design(matrix, encoder, with_bends=choice.bends)
    size = TreeSize(leaves=choice.tree_leaves, rounds=choice.tree_rounds, feature_share=choice.tree_feature_share)
    trees = boosting.train_table_booster(
        matrix, happened, encoder=encoder, size=size, threads=options.threads, seed=options.seed
    )
    curve = next(fit_path(matrix, happened, design=design, penalties=[choice.penalty]))
    return TableModel(encoder=encoder, trees=trees, curve=curve, choice=choice, calibrator=Calibrator(kind="none"))


def _encoder(table: pl.DataFrame) -> Encoder:
    least = max(5, min(table.height // 500, 20))
    return fit_encoder(table, table.columns, model=MODEL, minimum_rows=least)


@dataclass(frozen=True)
class _Inner:
    """Training rows and the folds choices are made on."""

    matrix: Floats
    happened: Floats
    fold: Folds
    encoder: Encoder
    options: FitOptions

    @property
    def is_small(self) -> bool:
        """Whether rows are so few that only strongly shrunk models are worth trying."""
        return len(self.happened) < SMALL

    @property
    def is_large(self) -> bool:
        """Whether only the first fold is asked."""
        return is_large(*self.matrix.shape)

    @property
    def trees_to_try(self) -> tuple[Sequence[tuple[int, float]], Sequence[int]]:
        """Kinds of trees, and numbers of them."""
        if self.is_small:
            return TREES[:1], ROUNDS[:SMALL_STAGES]
        return (TREES[1:], ROUNDS[:LARGE_STAGES]) if self.is_large else (TREES, ROUNDS)

    def asked(self) -> Iterator[npt.NDArray[np.bool_]]:
        """Which rows each split asks for, as masks."""
        for fold in np.unique(self.fold)[: 1 if self.is_large else None]:
            yield self.fold == fold

    def splits(self) -> Iterator[tuple[Floats, Floats, Floats]]:
        """Known matrix, known outcomes, asked matrix."""
        for asked in self.asked():
            yield self.matrix[~asked], self.happened[~asked], self.matrix[asked]

    def loss(self, scores: Floats) -> float:
        """Log loss of log-odds, over the rows that were asked, summed."""
        asked = np.isfinite(scores)
        return float(asked.sum()) * log_loss(sigmoid(scores[asked]), self.happened[asked])


def _choose(inner: _Inner) -> tuple[Choice, Floats]:
    """The choice, and its blended log-odds of every row from models that have not seen it."""
    trees = _tree_scores(inner)
    evident = {key: inner.loss(scores) + PULL_TO_FEW * (key[0][1] > FEW_FEATURES) for key, scores in trees.items()}
    kind, stage = min(trees, key=lambda key: evident[key])
    penalties = (*STRONG_PENALTIES, *PENALTIES) if inner.is_small else PENALTIES
    straight = _curve_scores(inner, penalties, bends=False)
    best = penalties.index(min(straight, key=lambda key: inner.loss(straight[key]))[0])
    near = penalties[max(best - 1, 0) : best + 2] if affords_bends(inner.encoder) else ()
    curves = straight | _curve_scores(inner, near, bends=True)
    penalty, bends = min(curves, key=lambda key: inner.loss(curves[key]))
    blends = {share: share * trees[kind, stage] + (1 - share) * curves[penalty, bends] for share in SHARES}
    evidence = {share: inner.loss(scores) + PULL_TO_HALVES * (share - 0.5) ** 2 for share, scores in blends.items()}
    share = min(evidence, key=lambda key: evidence[key])
    choice = Choice(
        tree_leaves=kind[0],
        tree_rounds=stage,
        penalty=penalty,
        bends=bends,
        tree_share=share,
        calibration="none",
        tree_feature_share=kind[1],
    )
    return choice, blends[share]


def _tree_scores(inner: _Inner) -> dict[tuple[tuple[int, float], int], Floats]:
    """Held-out log-odds by kind of trees and rounds; of no more rounds once more are worse."""
    kinds, stages = inner.trees_to_try
    settings = (inner.options.threads, inner.options.seed)
    splits = list(inner.splits())
    data = [boosting.table_dataset(known, target, encoder=inner.encoder) for known, target, _ in splits]
    scores: dict[tuple[tuple[int, float], int], Floats] = {}
    for kind in kinds:
        growing = [
            boosting.GrowingTrees(one, len(target), kind=kind, settings=settings)
            for one, (_, target, _) in zip(data, splits, strict=True)
        ]

        def asked_after(rounds: int, trees: list[boosting.GrowingTrees] = growing) -> list[Floats]:
            return [one.scores(wanted, rounds) for one, (*_, wanted) in zip(trees, splits, strict=True)]

        scores |= {(kind, rounds): found for rounds, found in _until_worse(inner, stages, asked_after)}
    return scores


def _curve_scores(inner: _Inner, penalties: Sequence[float], *, bends: bool) -> dict[tuple[float, bool], Floats]:
    """Held-out log-odds by penalty; of no weaker one once weaker ones are worse."""
    splits = list(inner.splits()) if penalties else []
    paths = [
        fit_path(known, target, design=plan_design(known, inner.encoder, with_bends=bends), penalties=penalties)
        for known, target, _ in splits
    ]

    def asked_with(_: float) -> list[Floats]:
        return [next(path).scores(wanted) for path, (*_, wanted) in zip(paths, splits, strict=True)]

    return {(penalty, bends): found for penalty, found in _until_worse(inner, penalties, asked_with)}


def _until_worse(
    inner: _Inner, steps: Sequence[Step], scored: Callable[[Step], list[Floats]]
) -> Iterator[tuple[Step, Floats]]:
    """Held-out log-odds after each step, up to the first that fits worse than the best before it, not by chance alone.

    Args:
        inner: rows and folds.
        steps: in the order in which a model learns more.
        scored: log-odds of each split's asked rows after a step, which comes after the one asked for last.
    """
    best = np.inf
    for step in steps:
        scores = np.full(len(inner.happened), np.nan)
        for asked, found in zip(inner.asked(), scored(step), strict=True):
            scores[asked] = found
        yield step, scores
        loss = inner.loss(scores)
        if loss > best + CLEARLY_WORSE:
            return
        best = min(best, loss)

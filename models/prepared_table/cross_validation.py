"""Honest figures: every row predicted by models that have not seen it, nor had any choice made on it.

Belongs here: the outer folds, by chance or in time, and what they predicted. Does not: figures (`grading`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from models.judging.calibration import sigmoid
from models.learners.encoding import Floats
from models.prepared_table.errors import CustomersTooFewError, TimeUnusableError
from models.prepared_table.folds import Folds, blocks_in_time, folds_of
from models.prepared_table.single_column import fit_single_column
from models.prepared_table.table_model import Choice, FitOptions, fit_table_model

FEWEST_CUSTOMERS = 2  # in any part to learn from


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A table ready to learn from, rows in canonical order.

    Attributes:
        table: typed columns.
        happened: 0 or 1.
        groups: whose row it is.
        moments: when, as a number; None where there is no time.
    """

    table: pl.DataFrame
    happened: Floats
    groups: list[str]
    moments: Floats | None = None

    def at(self, places: Sequence[int]) -> "Rows":
        """Some of the rows."""
        moments = None if self.moments is None else self.moments[list(places)]
        return Rows(
            table=self.table[list(places)],
            happened=self.happened[list(places)],
            groups=[self.groups[place] for place in places],
            moments=moments,
        )


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """What was predicted of rows held out, shape (repeats, rows); NaN where a row was never held out (in time).

    Attributes:
        model: probabilities of the model.
        trees, curve: of its halves alone, not calibrated.
        baseline: of the best single column.
        fold: which fold held the row out; -1 for none.
        choices: what each fold chose.
        baseline_columns: which column each fold's baseline took.
    """

    model: Floats
    trees: Floats
    curve: Floats
    baseline: Floats
    fold: Folds
    choices: list[Choice] = field(default_factory=list)
    baseline_columns: list[str] = field(default_factory=list)


def cross_validate(
    rows: Rows, *, folds: int, repeats: int, options: FitOptions, tick: Callable[[], None] = lambda: None
) -> HeldOut:
    """Predict every row by models fitted without it; in time: by models fitted on earlier rows only.

    Args:
        rows: canonical order.
        folds: parts; in time the first half of them only ever trains.
        repeats: how often, with other folds; in time once.
        options: of each fit.
        tick: called after each fit.

    Raises:
        TimeUnusableError: too few moments to split by.
        CustomersTooFewError: a part to learn from has rows of one customer only or, in folds, one outcome only.
    """
    plan = list(_plan(rows, folds, repeats, options.seed))
    for part in plan:
        _refuse_too_few_customers(rows, part)
    shape = (1 + max(part.repeat for part in plan), len(rows.happened))
    held_out = HeldOut(
        model=np.full(shape, np.nan),
        trees=np.full(shape, np.nan),
        curve=np.full(shape, np.nan),
        baseline=np.full(shape, np.nan),
        fold=np.full(shape, -1, dtype=np.int64),
    )
    for part in plan:
        _hold_out(held_out, rows, part, options)
        tick()
    return held_out


def fits_needed(rows: Rows, *, folds: int, repeats: int) -> int:
    """How many fits `cross_validate` makes."""
    return len(list(_plan(rows, folds, repeats, 1)))


@dataclass(frozen=True)
class _Part:
    """Repeat and fold, the rows to train on, and those to predict."""

    repeat: int
    number: int
    known: Folds
    asked: Folds


def _plan(rows: Rows, folds: int, repeats: int, seed: int) -> Iterator[_Part]:
    if rows.moments is not None:
        block = blocks_in_time(rows.moments, folds)
        last = int(block.max())
        if last < 1:
            raise TimeUnusableError(column="--time", got=f"{last + 1} block of rows")
        for number in range(max((last + 1) // 2, 1), last + 1):
            yield _Part(0, number, np.flatnonzero(block < number), np.flatnonzero(block == number))
        return
    for repeat in range(repeats):
        fold = folds_of(rows.groups, rows.happened, folds=folds, seed=1000 * seed + repeat)
        for number in range(folds):
            yield _Part(repeat, number, np.flatnonzero(fold != number), np.flatnonzero(fold == number))


def _refuse_too_few_customers(rows: Rows, part: _Part) -> None:
    """Choices are made on folds of customers inside a part; in time it may be without one outcome so far."""
    known = len({rows.groups[place] for place in part.known.tolist()})
    outcomes = len(np.unique(rows.happened[part.known]))
    if known < FEWEST_CUSTOMERS or (rows.moments is None and outcomes == 1):
        raise CustomersTooFewError(customers=len(set(rows.groups)), known=known, outcomes=outcomes)


def _hold_out(held_out: HeldOut, rows: Rows, part: _Part, options: FitOptions) -> None:
    repeat, asked = part.repeat, part.asked
    train, test = rows.at(part.known.tolist()), rows.at(asked.tolist())
    model = fit_table_model(train.table, train.happened, train.groups, options)
    trees, curve = model.halves(test.table, threads=options.threads)
    rule = fit_single_column(train.table, train.happened)
    held_out.model[repeat, asked] = model.probabilities(test.table, threads=options.threads)
    held_out.trees[repeat, asked], held_out.curve[repeat, asked] = sigmoid(trees), sigmoid(curve)
    held_out.baseline[repeat, asked] = rule.probabilities(test.table)
    held_out.fold[repeat, asked] = part.number
    held_out.choices.append(model.choice)
    held_out.baseline_columns.append(rule.name)

"""Training on a prepared table, from the raw frame to a bundle: read, lint, cross-validate, fit, grade.

Belongs here: the order of these steps. Does not: applying the model (`scoring`), files, or telling people (`flows`).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from models.bundle import Bundle
from models.learners.encoding import Floats
from models.prepared_table.columns import Column, named, read_columns, typed, unread_dates
from models.prepared_table.cross_validation import HeldOut, Rows, cross_validate, fits_needed
from models.prepared_table.errors import (
    LabelGivenAwayError,
    NothingToLearnFromError,
    TableColumnUnknownError,
    TimeUnusableError,
)
from models.prepared_table.folds import canonical_order
from models.prepared_table.grading import Graded, calibration_table, fold_figures, grade, verdict
from models.prepared_table.linting import FEW_OUTCOMES, Label, leaks, read_label, refuse_too_few, useless_columns
from models.prepared_table.readiness import readiness
from models.prepared_table.scoring import COLUMNS_FILE
from models.prepared_table.table_model import FitOptions, TableModel, fit_table_model, is_large

NAME = "churn_table"
INNER_FOLDS = ((3_000, 5), (20_000, 4))  # rows up to, folds; 3 beyond


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to learn from a table.

    Attributes:
        id_column: names a customer in every row; None: every row is another customer.
        label_column: what happened.
        time_column: when the row was true; then later rows grade, earlier ones train.
        positive: the label's value that means that it happened.
        drop: columns not to use.
        keep: columns to use although they seem to give the label away.
        folds, repeats: of the cross-validation; repeats None: twice, a large table once.
        threads, seed: for LightGBM, folds and bootstrap.
    """

    label_column: str
    id_column: str | None = None
    time_column: str | None = None
    positive: str | None = None
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    folds: int = 5
    repeats: int | None = None
    threads: int = 1
    seed: int = 1


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A table read and linted.

    Attributes:
        rows: what is learnt from, in canonical order.
        ids: as in the table, the same order.
        label: how it was read.
        columns: what is learnt from.
        left_out: columns that are not used, with the reason.
        close: columns that nearly give the label away, with how.
        warnings: what a reader should know, in words.
    """

    rows: Rows
    ids: pl.Series
    label: Label
    columns: list[Column]
    left_out: dict[str, str]
    close: dict[str, str]
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What came of it.

    Attributes:
        bundle: the model fitted on all rows.
        held_out: what the cross-validation predicted.
        graded: its figures.
        details: everything else a report tells, JSON-able.
    """

    bundle: Bundle
    held_out: HeldOut
    graded: list[Graded]
    details: dict[str, Any]


def prepare(table: pl.DataFrame, request: Request) -> Prepared:
    """Read the columns and the label, and leave out what can't or must not be used.

    Raises:
        TableColumnUnknownError, LabelUnreadableError: the request doesn't fit the table.
        LabelDegenerateError: too few rows of one kind.
        LabelGivenAwayError: columns know the outcome.
        NothingToLearnFromError: no column is left.
        TimeUnusableError: the time column has gaps.
    """
    table = named(table)
    _refuse_unknown(table, request)
    label = read_label(table[request.label_column], positive=request.positive)
    refuse_too_few(label.happened, label=request.label_column)
    known = np.flatnonzero(np.isfinite(label.happened))
    ids = _ids(table, request.id_column)
    order = known[canonical_order(ids.cast(pl.String).fill_null("")[known].to_list(), request.seed)]
    table, ids = table[order], ids[order]
    happened = label.happened[order]
    names = [name for name in table.columns if name not in _not_features(request)]
    columns, left_out = read_columns(table, names)
    frame = typed(table, columns)
    left_out |= useless_columns(table, frame, columns) | dict.fromkeys(request.drop, "left out as asked")
    columns = [column for column in columns if column.name not in left_out]
    if not columns:
        raise NothingToLearnFromError(left_out=left_out)
    frame = frame.select(column.name for column in columns)
    given_away, close = leaks(frame, columns, happened)
    kept = {name: given_away.pop(name) for name in request.keep if name in given_away}
    if given_away:
        raise LabelGivenAwayError(label=request.label_column, leaks=given_away)
    rows = Rows(
        table=frame,
        happened=happened,
        groups=_groups(ids),
        moments=_moments(table, request.time_column),
    )
    lost = len(label.happened) - len(known)
    return Prepared(
        rows=rows,
        ids=ids,
        label=label,
        columns=columns,
        left_out=left_out,
        close=close | kept,
        warnings=_warnings(rows, lost, request, kept)
        + [f"{count:,} values of {name} are no dates: missing" for name, count in unread_dates(table, columns).items()],
    )


def train_table(
    prepared: Prepared, request: Request, *, trained_as_of: date, tick: Callable[[], None] = lambda: None
) -> Trained:
    """Cross-validate, grade, and fit on all rows.

    Args:
        prepared: see `prepare`.
        request: see `Request`.
        trained_as_of: the date the model bears.
        tick: called after each of `fits(prepared, request)` fits.
    """
    rows, options = prepared.rows, _options(prepared.rows, request)
    held_out = cross_validate(rows, folds=request.folds, repeats=_repeats(rows, request), options=options, tick=tick)
    graded = grade(held_out, rows.happened, seed=request.seed)
    passed, reasons = verdict(graded, prepared.close)
    model = fit_table_model(rows.table, rows.happened, rows.groups, options)
    tick()
    kinds = json.dumps(
        {
            "columns": [column.described() for column in prepared.columns],
            "id_column": request.id_column,
            "average_contributions": _average(model, rows, request.threads),
        },
        sort_keys=True,
    )
    details = _details(prepared, request, held_out, model)
    bundle = Bundle(
        name=NAME,
        method="lightgbm and logistic curve",
        trained_as_of=trained_as_of,
        features=tuple(column.name for column in prepared.columns),
        files={**model.files(), COLUMNS_FILE: kinds.encode()},
        parameters=asdict(request)
        | {"choice": asdict(model.choice), "label_means": prepared.label.positive, "rows": len(rows.happened)},
        metrics={one.name: one.value for one in graded} | {f"baseline_{one.name}": one.baseline for one in graded},
        reasons=tuple(reasons),
        beats_baseline=passed,
    )
    return Trained(bundle=bundle, held_out=held_out, graded=graded, details=details)


def fits(prepared: Prepared, request: Request) -> int:
    """How many fits `train_table` makes."""
    return fits_needed(prepared.rows, folds=request.folds, repeats=_repeats(prepared.rows, request)) + 1


def _repeats(rows: Rows, request: Request) -> int:
    """As asked; else twice, but a large table once."""
    return request.repeats or (1 if is_large(*rows.table.shape) else 2)


def _options(rows: Rows, request: Request) -> FitOptions:
    folds = next((count for most, count in INNER_FOLDS if len(rows.happened) <= most), 3)
    return FitOptions(folds=folds, threads=request.threads, seed=request.seed)


def _ids(table: pl.DataFrame, column: str | None) -> pl.Series:
    """Whose the rows are; without such a column the numbers of the rows, from 1."""
    return pl.Series("row", range(1, table.height + 1), dtype=pl.Int64) if column is None else table[column]


def _groups(ids: pl.Series) -> list[str]:
    """Whose a row is, by its id; a row without one is nobody else's."""
    return [f"\x00{place}" if own is None else own for place, own in enumerate(ids.cast(pl.String))]


def _refuse_unknown(table: pl.DataFrame, request: Request) -> None:
    columns = (("--id", request.id_column), ("--label", request.label_column), ("--time", request.time_column))
    asked = [(option, name) for option, name in columns if name]
    asked += [("--drop", name) for name in request.drop] + [("--keep", name) for name in request.keep]
    for option, name in asked:
        if name not in table.columns:
            raise TableColumnUnknownError(option=option, column=name, there=table.columns)


def _not_features(request: Request) -> set[str | None]:
    return {request.id_column, request.label_column, request.time_column, *request.drop}


def _moments(table: pl.DataFrame, column: str | None) -> Floats | None:
    if column is None:
        return None
    kinds, odd = read_columns(table, [column])
    if odd or kinds[0].kind == "text":
        raise TimeUnusableError(column=column, got="text that is neither a date nor a number")
    values = table[column]
    if values.dtype == pl.Datetime:
        return values.cast(pl.Datetime("us")).to_physical().cast(pl.Float64).fill_null(float("nan")).to_numpy()
    moments = typed(table, kinds)[column].fill_null(float("nan")).to_numpy()
    if not np.isfinite(moments).all():
        raise TimeUnusableError(column=column, got=f"{int((~np.isfinite(moments)).sum())} rows without a time")
    return moments


def _warnings(rows: Rows, lost: int, request: Request, kept: dict[str, str]) -> list[str]:
    told = [f"{lost:,} rows without a label were left out"] if lost else []
    rarer = int(min(rows.happened.sum(), (1 - rows.happened).sum()))
    if rarer < FEW_OUTCOMES:
        told.append(f"only {rarer} rows of the rarer outcome: every figure is uncertain, see the intervals")
    if request.id_column is None:
        told.append("no --id was named: each row counts as a customer of its own")
    without = sum(group.startswith("\x00") for group in rows.groups)
    if without:
        told.append(f"{without:,} rows have no {request.id_column}: each counts as a customer of its own")
    repeated = len(rows.groups) - len(set(rows.groups))
    if repeated:
        how = "" if rows.moments is not None else ": rows of one were never split between folds"
        told.append(f"{repeated:,} rows repeat a {request.id_column}{how}")
    twins = rows.table.height - rows.table.n_unique()
    if twins > 0.01 * rows.table.height:
        told.append(f"{twins:,} rows repeat another row in all columns used: if they are copies, the figures flatter")
    return told + [f"{name} is used as asked although {how}" for name, how in kept.items()]


def _average(model: TableModel, rows: Rows, threads: int) -> list[float]:
    sample = rows.table[:: max(rows.table.height // 2000, 1)]
    return [float(f"{value:.6g}") for value in model.contributions(sample, threads=threads).mean(axis=0)]


def _importance(model: TableModel, rows: Rows, threads: int) -> dict[str, float]:
    """Mean size of what each column adds to the log-odds, largest first."""
    sample = rows.table[:: max(rows.table.height // 2000, 1)]
    parts = model.contributions(sample, threads=threads)
    sizes = np.abs(parts - parts.mean(axis=0)).mean(axis=0)
    order = np.argsort(-sizes, kind="stable")
    return {model.encoder.features[place]: round(float(sizes[place]), 4) for place in order.tolist()}


def _details(prepared: Prepared, request: Request, held_out: HeldOut, model: TableModel) -> dict[str, Any]:
    rows = prepared.rows
    asked = np.isfinite(held_out.model).all(axis=0)
    mean = held_out.model[:, asked].mean(axis=0)
    return {
        "rows": len(rows.happened),
        "happened": int(rows.happened.sum()),
        "rate": round(float(rows.happened.mean()), 6),
        "rows_graded": int(asked.sum()),
        "label": {"column": request.label_column, "happened": prepared.label.positive, "not": prepared.label.negative},
        "columns": {column.name: column.kind for column in prepared.columns},
        "left_out": prepared.left_out,
        "nearly_give_the_label_away": prepared.close,
        "warnings": prepared.warnings,
        "split": "in time" if rows.moments is not None else f"{request.folds} folds, {len(held_out.model)} times",
        "folds": fold_figures(held_out, rows.happened),
        "calibration": calibration_table(mean, rows.happened[asked]),
        "choices": [asdict(choice) for choice in held_out.choices],
        "baseline_columns": _counted(held_out.baseline_columns),
        "model": asdict(model.choice),
        "importance": _importance(model, rows, request.threads),
        "readiness": readiness(rows, model.choice, _options(rows, request)),
    }


def _counted(names: Sequence[str]) -> dict[str, int]:
    return {name: names.count(name) for name in sorted(set(names), key=lambda one: (-names.count(one), one))}

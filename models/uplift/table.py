"""A prepared table as a trial: which column is what, what may be learnt from, and whether it can show effects at all.

Belongs here: reading a table into a `Trial`. Does not: learning, or files (`flows`).
"""

from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from models.learners.encoding import Floats
from models.prepared_table.columns import Column, read_columns, tidy, typed
from models.prepared_table.errors import NothingToLearnFromError, TableColumnUnknownError
from models.prepared_table.folds import canonical_order
from models.prepared_table.linting import NO, YES, useless_columns
from models.uplift.clusters import Ints
from models.uplift.errors import (
    ControlGroupUnknownError,
    OutcomeUnusableError,
    PropensityUnusableError,
    TreatmentUnusableError,
)
from models.uplift.evidence import RESPONSE, Evidence, bound_to_outcome, judge_evidence, only_among_treated
from models.uplift.trial import LEAST_PROPENSITY, Trial, shares_as_propensity

LEAST_ROWS = 50  # of an arm
LEAST_OUTCOMES = 20  # rows whose outcome is not the commonest one
MOST_ARMS = 20
CONTROL_NAMES = NO | {"control", "none", "nothing", "placebo", "no treatment", "not treated", "untreated", "holdout",
                      "hold-out", "held out", "held_out", "no contact", "no offer", "no action", "ctrl"}  # fmt: skip
CONTROL_BEGINNING = "no "


@dataclass(frozen=True, kw_only=True)
class UpliftRequest:
    """What to learn from a table.

    Attributes:
        treatment_column: what was done to each.
        outcome_column: what came of it: yes or no, or an amount.
        id_column: names a customer; None: every row is another customer.
        control: the treatment's value that means that nothing was done; None: guessed from its name.
        propensity_column: probability with which each got what it got, where that was logged.
        drop: columns not to use.
        keep: columns to use although they seem to come after the treatment or the outcome.
        threads, seed: for LightGBM, folds and bootstrap.
    """

    treatment_column: str
    outcome_column: str
    id_column: str | None = None
    control: str | None = None
    propensity_column: str | None = None
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    threads: int = 1
    seed: int = 1


@dataclass(frozen=True, kw_only=True)
class PreparedTrial:
    """A table read.

    Attributes:
        trial: rows in canonical order.
        ids: of the rows, in the same order (row numbers where there are none).
        row_numbers: places of the rows in the table, from 0.
        columns: what is learnt from.
        left_out: columns that are not used, with the reason.
        evidence: what the table can show.
        warnings: what a reader should know.
    """

    trial: Trial
    ids: pl.Series
    row_numbers: Ints
    columns: list[Column]
    left_out: dict[str, str]
    evidence: Evidence
    warnings: list[str] = field(default_factory=list)


def prepare_trial(table: pl.DataFrame, request: UpliftRequest) -> PreparedTrial:
    """Read treatment, outcome and features.

    Raises:
        TableColumnUnknownError: the request names a column that is not there.
        ControlGroupUnknownError, TreatmentUnusableError, OutcomeUnusableError, PropensityUnusableError: they can't be
            used.
        NothingToLearnFromError: no column is left.
    """
    _refuse_unknown(table, request)
    warnings: list[str] = []
    named = _as_text(table[request.treatment_column])
    outcome = read_outcome(table[request.outcome_column])
    known = named.is_not_null().to_numpy() & np.isfinite(outcome)
    if not known.all():
        warnings.append(f"{int((~known).sum()):,} rows without a treatment or an outcome were left out")
    arms, small = _arms(named.filter(pl.Series(known)), request)
    known &= named.is_in(list(arms)).fill_null(value=False).to_numpy()
    warnings += [
        f"treatment {name} was left out: {rows} rows, at least {LEAST_ROWS} are needed" for name, rows in small
    ]
    rows = np.flatnonzero(known)
    ids = _ids(table, request, rows)
    rows = rows[canonical_order(ids.to_list(), request.seed)]
    chosen, ids = table[rows.tolist()], _ids(table, request, rows)
    arm = (
        named[rows.tolist()].replace_strict({name: place for place, name in enumerate(arms)}).cast(pl.Int64).to_numpy()
    )
    _refuse_empty(outcome[rows], request)
    frame, columns, left_out = _features(chosen, request, outcome[rows])
    logged = request.propensity_column is not None
    trial = Trial(
        table=frame,
        arm=arm,
        arms=arms,
        outcome=outcome[rows],
        propensity=_propensity(chosen, arm, arms, request),
        groups=ids.to_list(),
    )
    evidence, brought = _judged(trial, keep=request.keep, propensity_logged=logged)
    if brought:
        trial = replace(trial, table=frame.drop(list(brought)))
        columns = [column for column in columns if column.name not in brought]
        left_out |= {name: f"known only after the treatment: {how}" for name, how in brought.items()}
    if evidence.kind == RESPONSE:
        warnings.append(evidence.words)
    return PreparedTrial(
        trial=trial,
        ids=ids,
        row_numbers=rows,
        columns=columns,
        left_out=left_out,
        evidence=evidence,
        warnings=warnings,
    )


def _judged(trial: Trial, *, keep: tuple[str, ...], propensity_logged: bool) -> tuple[Evidence, dict[str, str]]:
    """What the trial can show, and the columns that the treatment brought about, where leaving them out shows more."""
    one_each = trial.at(trial.first_rows)
    evidence = judge_evidence(one_each.table, one_each.arm, arms=trial.arms, propensity_logged=propensity_logged)
    if evidence.kind != RESPONSE:
        return evidence, {}
    brought = only_among_treated(one_each.table.select(list(evidence.differing)), one_each.arm)
    if set(brought) == set(evidence.differing) and not set(brought) & set(keep) and len(brought) < trial.table.width:
        others = one_each.table.drop(list(brought))
        return judge_evidence(others, one_each.arm, arms=trial.arms, propensity_logged=propensity_logged), brought
    return evidence, {}


def read_outcome(values: pl.Series) -> Floats:
    """Numbers as they are, yes and no as 1 and 0; what can't be read is NaN, shape (rows,).

    Raises:
        OutcomeUnusableError: neither numbers nor yes and no.
    """
    if values.dtype == pl.Boolean or values.dtype.is_numeric():
        numbers = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        return np.where(np.isfinite(numbers), numbers, np.nan)
    told = _as_text(values)
    columns, _ = read_columns(told.to_frame(), [values.name])
    if columns and columns[0].kind == "number":
        return typed(told.to_frame(), columns)[values.name].fill_null(float("nan")).to_numpy()
    lowered = told.str.to_lowercase()
    kinds = set(lowered.drop_nulls().unique().to_list())
    yes, no = kinds & YES, kinds & NO
    if len(kinds) > 2 or yes | no != kinds:  # noqa: PLR2004 yes and no
        raise OutcomeUnusableError(
            column=values.name,
            got=f"{len(kinds):,} different texts",
            expected="numbers (1 and 0, or amounts), or yes and no",
        )
    said = lowered.replace_strict({**dict.fromkeys(yes, 1.0), **dict.fromkeys(no, 0.0)}, return_dtype=pl.Float64)
    return said.fill_null(float("nan")).to_numpy()


def _refuse_unknown(table: pl.DataFrame, request: UpliftRequest) -> None:
    asked: list[tuple[str, str | None]] = [
        ("--treatment", request.treatment_column),
        ("--outcome", request.outcome_column),
    ]
    asked += [("--id", request.id_column), ("--propensity", request.propensity_column)]
    asked += [("--drop", name) for name in request.drop] + [("--keep", name) for name in request.keep]
    for option, name in asked:
        if name is not None and name not in table.columns:
            raise TableColumnUnknownError(option=option, column=name, there=table.columns)


def _as_text(values: pl.Series) -> pl.Series:
    if values.dtype == pl.Boolean:
        values = values.cast(pl.Int8)
    if values.dtype.is_float():
        told = [None if one is None else f"{one:g}" for one in values.fill_nan(None).to_list()]
        values = pl.Series(values.name, told, dtype=pl.String)
    stripped = values.cast(pl.String).str.strip_chars()
    return stripped.set(stripped == "", None)  # "none" is a treatment's name, so nothing else is missing


def _arms(named: pl.Series, request: UpliftRequest) -> tuple[tuple[str, ...], list[tuple[str, int]]]:
    """The control group and the treatments with rows enough, and those without."""
    counts = dict(named.rename("arm").value_counts(name="rows").sort("arm").iter_rows())
    if len(counts) > MOST_ARMS or len(counts) < 2:  # noqa: PLR2004 treated and not
        raise TreatmentUnusableError(column=named.name, got=f"{len(counts):,} different values", needs=LEAST_ROWS)
    control = _control(list(counts), request)
    small = [(name, rows) for name, rows in counts.items() if rows < LEAST_ROWS]
    treatments = [name for name in counts if name != control and counts[name] >= LEAST_ROWS]
    if counts[control] < LEAST_ROWS or not treatments:
        got = ", ".join(f"{name}: {rows} rows" for name, rows in counts.items())
        raise TreatmentUnusableError(column=named.name, got=got, needs=LEAST_ROWS)
    return (control, *treatments), small


def _control(values: list[str], request: UpliftRequest) -> str:
    if request.control is not None:
        if request.control not in values:
            raise ControlGroupUnknownError(column=request.treatment_column, values=values, asked=request.control)
        return request.control
    likely = [name for name in values if name.lower() in CONTROL_NAMES or name.lower().startswith(CONTROL_BEGINNING)]
    if len(likely) != 1:
        raise ControlGroupUnknownError(column=request.treatment_column, values=values, asked=None)
    return likely[0]


def _ids(table: pl.DataFrame, request: UpliftRequest, rows: Ints) -> pl.Series:
    if request.id_column is None:
        return pl.Series("row", rows + 1).cast(pl.String)
    ids = table[request.id_column][rows.tolist()].cast(pl.String)
    own = pl.Series("row", [f"(row {row + 1})" for row in rows.tolist()], dtype=pl.String)
    named: pl.Series = ids.to_frame().select(pl.coalesce(pl.first(), own).alias(request.id_column)).to_series()
    return named


def _refuse_empty(outcome: Floats, request: UpliftRequest) -> None:
    values, counts = np.unique(outcome, return_counts=True)
    exceptions = len(outcome) - int(counts.max()) if len(values) else 0
    if exceptions < LEAST_OUTCOMES:
        raise OutcomeUnusableError(
            column=request.outcome_column,
            got=f"{exceptions} rows whose outcome is not the commonest",
            expected=f"at least {LEAST_OUTCOMES}",
        )


def _features(
    table: pl.DataFrame, request: UpliftRequest, outcome: Floats
) -> tuple[pl.DataFrame, list[Column], dict[str, str]]:
    no_features = {request.treatment_column, request.outcome_column, request.id_column, request.propensity_column}
    names = [name for name in table.columns if name not in no_features and name not in request.drop]
    columns, left_out = read_columns(table, names)
    frame = typed(table, columns)
    left_out |= useless_columns(table, frame, columns) | dict.fromkeys(request.drop, "left out as asked")
    columns = [column for column in columns if column.name not in left_out]
    happened = (outcome != 0).astype(np.float64)
    bound = bound_to_outcome(frame.select(column.name for column in columns), happened) if columns else {}
    left_out |= {
        name: f"known only after the outcome: {how}" for name, how in bound.items() if name not in request.keep
    }
    columns = [column for column in columns if column.name not in left_out]
    if not columns:
        raise NothingToLearnFromError(left_out=left_out)
    return frame.select(column.name for column in columns), columns, left_out


def _propensity(table: pl.DataFrame, arm: Ints, arms: tuple[str, ...], request: UpliftRequest) -> Floats:
    """Probability of each arm, shape (rows, arms); what is not logged of other arms is shared out by their shares."""
    shares = shares_as_propensity(arm, arms)
    if request.propensity_column is None:
        return shares
    values = table[request.propensity_column]
    logged = tidy(values).cast(pl.Float64, strict=False) if values.dtype == pl.String else values.cast(pl.Float64)
    own = logged.fill_null(float("nan")).to_numpy()
    wrong = int((~((own > 0) & (own <= 1))).sum())
    if wrong:
        raise PropensityUnusableError(column=request.propensity_column, rows=wrong)
    rows = np.arange(len(arm))
    others = shares.copy()
    others[rows, arm] = 0.0
    rest = np.maximum(others.sum(axis=1, keepdims=True), LEAST_PROPENSITY)
    propensity = others / rest * (1 - own)[:, None]
    propensity[rows, arm] = own
    clipped: Floats = np.maximum(propensity, LEAST_PROPENSITY)
    return clipped

"""From a prepared trial to a bundle: cross-validate, grade, fit on all rows; and scoring with it.

Belongs here: the order of these steps. Does not: files, or telling people (`flows`).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from models.bundle import Bundle
from models.judging.evaluation import auc
from models.learners.encoding import Floats
from models.prepared_table.columns import columns_from, typed
from models.uplift.cross_validation import METHODS, OURS, RESPONSE_MODEL, HeldOutEffects, cross_validate
from models.uplift.evidence import RESPONSE
from models.uplift.grading import Graded, grade, policy_figures, verdict
from models.uplift.keeping import trial_model_files, trial_model_from
from models.uplift.learning import fit_trial
from models.uplift.table import PreparedTrial, UpliftRequest
from models.uplift.trial import Trial

NAME = "uplift_table"
COLUMNS_FILE = "table_columns.json"
Z = 1.959964
DIGITS = 6
RESERVED = ("row_number", "arm", "outcome", "expected_without", "best_arm", "evidence")


@dataclass(frozen=True, kw_only=True)
class TrainedUplift:
    """What came of it.

    Attributes:
        bundle: the model fitted on all rows.
        held_out: what was said of rows held out.
        graded: figures of each treatment.
        details: everything else a report tells, JSON-able.
    """

    bundle: Bundle
    held_out: HeldOutEffects
    graded: list[Graded]
    details: dict[str, Any]


def train_uplift(
    prepared: PreparedTrial,
    request: UpliftRequest,
    *,
    trained_as_of: date,
    tick: Callable[[], None] = lambda: None,
) -> TrainedUplift:
    """Cross-validate, grade, and fit on all rows.

    Args:
        prepared: see `table.prepare_trial`.
        request: see `UpliftRequest`.
        trained_as_of: the date the model bears.
        tick: called after each of five fits.
    """
    trial, threads, seed = prepared.trial, request.threads, request.seed
    held_out = cross_validate(trial, threads=threads, seed=seed, tick=tick)
    graded = grade(trial, held_out, seed=seed)
    model = fit_trial(trial, threads=threads, seed=seed)
    tick()
    causal = prepared.evidence.kind != RESPONSE
    told_apart, reasons = verdict(graded) if causal else (False, [prepared.evidence.words])
    kinds = {
        "columns": [column.described() for column in prepared.columns],
        "id_column": request.id_column,
        "evidence": prepared.evidence.kind,
    }
    bundle = Bundle(
        name=NAME,
        method="stacked effects" if causal else "response only",
        trained_as_of=trained_as_of,
        features=tuple(column.name for column in prepared.columns),
        files={**trial_model_files(model), COLUMNS_FILE: json.dumps(kinds, sort_keys=True).encode()},
        parameters=asdict(request)
        | {"arms": list(trial.arms), "rows": len(trial.arm), "evidence": prepared.evidence.kind},
        metrics=_metrics(graded) if causal else {},
        reasons=tuple(reasons),
        beats_baseline=told_apart,
    )
    details = _details(prepared, trial, held_out, graded)
    return TrainedUplift(bundle=bundle, held_out=held_out, graded=graded if causal else [], details=details)


def predictions(prepared: PreparedTrial, held_out: HeldOutEffects) -> pl.DataFrame:
    """What was said of each row by models that had not seen it, in the table's order of rows.

    Returns:
        The id, `row` (from 1), `arm`, `outcome`, `expected_without`, and for each treatment `effect_<name>` with
        `…_low` and `…_high` (95 %), `best_arm` and `evidence`; without randomisation `response_<name>` alone.
    """
    trial = prepared.trial
    first = {
        "id" if prepared.ids.name in RESERVED else prepared.ids.name: prepared.ids,
        "row_number": pl.Series(prepared.row_numbers + 1),
        "arm": pl.Series([trial.arms[arm] for arm in trial.arm.tolist()], dtype=pl.String),
        "outcome": pl.Series(trial.outcome),
    }
    if prepared.evidence.kind == RESPONSE:
        scores = _response_columns(trial.arms, held_out.scores[RESPONSE_MODEL])
    else:
        scores = _effect_columns(trial.arms, held_out.scores[OURS], held_out.errors, held_out.untreated)
    simple = {
        f"{method.replace(' ', '_')}_{name}": pl.Series(held_out.scores[method][place])
        for method in METHODS[1:]
        for place, name in enumerate(_column_names(trial.arms))
    }
    evidence = {"evidence": pl.Series([prepared.evidence.kind] * len(trial.arm), dtype=pl.String)}
    return pl.DataFrame({**first, **scores, **evidence, **simple}).sort("row_number")


def score_uplift(bundle: Bundle, table: pl.DataFrame, *, threads: int = 1) -> pl.DataFrame:
    """Apply a trained model; rows as in `table`, columns as in `predictions`.

    Raises:
        FeaturesMismatchError: a column of training is absent or can't be read as it was.
    """
    kept = json.loads(bundle.files[COLUMNS_FILE])
    frame = typed(table, columns_from(kept["columns"]))
    model = trial_model_from(bundle.files)
    effects, errors = model.predict(frame, threads=threads)
    untreated = model.untreated(frame, threads=threads)
    evidence = pl.Series("evidence", [kept["evidence"]] * table.height, dtype=pl.String)
    if kept["evidence"] == RESPONSE:
        return pl.DataFrame({**_response_columns(model.arms, untreated + effects), "evidence": evidence})
    return pl.DataFrame({**_effect_columns(model.arms, effects, errors, untreated), "evidence": evidence})


def _effect_columns(arms: tuple[str, ...], effects: Floats, errors: Floats, untreated: Floats) -> dict[str, pl.Series]:
    columns = {"expected_without": pl.Series(np.round(untreated, DIGITS))}
    for place, name in enumerate(_column_names(arms)):
        for suffix, times in (("", 0.0), ("_low", -Z), ("_high", Z)):
            values = np.round(effects[place] + times * errors[place], DIGITS)
            columns[f"effect_{name}{suffix}"] = pl.Series(values)
    best = np.vstack([np.zeros(len(untreated)), np.round(effects, DIGITS)]).argmax(axis=0)
    columns["best_arm"] = pl.Series([arms[arm] for arm in best.tolist()], dtype=pl.String)
    return columns


def _response_columns(arms: tuple[str, ...], responses: Floats) -> dict[str, pl.Series]:
    return {
        f"response_{name}": pl.Series(np.round(responses[place], DIGITS))
        for place, name in enumerate(_column_names(arms))
    }


def _column_names(arms: Sequence[str]) -> list[str]:
    """The treatments' names as parts of columns' names, each its own."""
    names: list[str] = []
    for place, name in enumerate(arms[1:], start=1):
        kept = "".join(letter if letter.isalnum() else "_" for letter in name.lower()).strip("_") or "treatment"
        taken = kept in names or any(kept in (f"{other}_low", f"{other}_high") for other in names)
        names.append(f"{kept}_{place}" if taken else kept)
    return names


def _metrics(graded: list[Graded]) -> dict[str, float]:
    figures = {}
    for one, name in zip(graded, _column_names(["", *(one.treatment for one in graded)]), strict=True):
        figures[f"average_effect_{name}"] = one.average.value
        for method, interval in one.qini.items():
            figures[f"qini_{name}_{method.replace(' ', '_')}"] = interval.value
    return figures


def _details(prepared: PreparedTrial, trial: Trial, held_out: HeldOutEffects, graded: list[Graded]) -> dict[str, Any]:
    causal = prepared.evidence.kind != RESPONSE
    shown = {
        "rows": len(trial.arm),
        "arms": {name: int((trial.arm == arm).sum()) for arm, name in enumerate(trial.arms)},
        "outcome_is": "yes or no" if trial.is_binary else "an amount",
        "mean_outcome": {name: float(trial.outcome[trial.arm == arm].mean()) for arm, name in enumerate(trial.arms)},
        "evidence": prepared.evidence.kind,
        "evidence_in_words": prepared.evidence.words,
        "columns": {column.name: column.kind for column in prepared.columns},
        "left_out": prepared.left_out,
        "warnings": prepared.warnings,
    }
    if not causal:
        treated = [trial.arm == treatment for treatment in trial.treatments]
        responses = held_out.scores[RESPONSE_MODEL]
        happened = (trial.outcome > 0).astype(np.float64)
        areas = {
            trial.arms[place + 1]: auc(responses[place][rows], happened[rows]) for place, rows in enumerate(treated)
        }
        return shown | {"response_auc": areas}
    return shown | {
        "treatments": {
            one.treatment: {
                "average_effect": asdict(one.average),
                "qini": {method: asdict(interval) for method, interval in one.qini.items()},
                "qini_gain_over": {method: asdict(interval) for method, interval in one.gains.items()},
                **one.details,
            }
            for one in graded
        },
        "policies": policy_figures(trial, held_out),
    }

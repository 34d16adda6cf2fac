"""Training on, and scoring, a labelled table from a file: files in, a folder with model, predictions and report out.

Belongs here: files. Does not: what is learnt (`models.prepared_table`), how it is told (`prepared_table_reporting`).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from flows.errors import ModelFolderUnreadableError
from flows.from_files.table_files import read_table
from flows.published.showing import write_csv, write_parquet
from flows.running.progress import Reporter
from models.judging.grading import grade_bundle, grade_figures

if TYPE_CHECKING:
    from models.prepared_table.training import Prepared, Request, Trained
    from models.registry import Registry

MODEL_FOLDER = "model"
OUT_OF_FOLD = "out_of_fold_predictions"
DIGEST_FILE = "manifest.sha256"
MANIFEST_FILE = "manifest.json"


def train_from_table(
    table_file: Path, request: "Request", *, out: Path | None, today: date, reporter: Reporter
) -> dict[str, Any]:
    """Train, and write everything into a folder.

    Args:
        table_file: the labelled table.
        request: what to learn.
        out: the folder; None: `<table>_churn` beside the current folder's files.
        today: the date the model bears.
        reporter: who is told how it goes.

    Returns:
        The report as plain values.
    """
    from models.prepared_table.training import fits, prepare, train_table  # noqa: PLC0415 heavy, only when training

    with reporter.step("read and check the table"):
        asked, notes = [request.id_column, request.label_column, request.time_column], list[str]()
        prepared = prepare(read_table(table_file, names=[one for one in asked if one], say=notes.append), request)
        prepared.warnings.extend(notes)
    with reporter.step("cross-validate and fit", parts=fits(prepared, request)) as ticker:
        trained = train_table(prepared, request, trained_as_of=today, tick=ticker.tick)
    folder = out or Path(f"{table_file.name.split('.')[0]}_churn")
    with reporter.step("write the model, predictions and report"):
        report = _report(table_file, request, trained, folder, reporter)
        _write(folder, trained, prepared, report)
    return report


def check_id(table: pl.DataFrame, id_column: str | None) -> None:
    """Refuse a column for the ids that was asked for and is not there.

    Raises:
        TableColumnUnknownError: it is not.
    """
    from models.prepared_table.errors import TableColumnUnknownError  # noqa: PLC0415 only where a table is scored

    if id_column is not None and id_column not in table.columns:
        raise TableColumnUnknownError(option="--id", column=id_column, there=table.columns)


def write_scores(scores: pl.DataFrame, table: pl.DataFrame, *, id_column: str | None, target: Path) -> pl.DataFrame:
    """Write scores, a row for each of the table's, with the table's ids in front where it has any; Parquet or CSV."""
    if id_column is not None and id_column in table.columns:
        scores = scores.insert_column(0, table[id_column].cast(pl.String).alias(id_column))
    (write_parquet if target.suffix in {".parquet", ".pq"} else write_csv)(scores, target)
    return scores


def score_from_table(
    table_file: Path, model: Path, *, out: Path | None, id_column: str | None, threads: int
) -> dict[str, Any]:
    """Apply a model that `train_from_table` wrote; its digests are verified before anything is parsed.

    Returns:
        Where the scores are, and their figures.
    """
    from models.prepared_table.scoring import COLUMNS_FILE, score_table  # noqa: PLC0415 heavy, only when scoring

    bundle, notes = open_model(model), list[str]()
    kept = json.loads(bundle.files[COLUMNS_FILE])
    name = id_column or kept["id_column"]
    table = read_table(table_file, names=[*(one["name"] for one in kept["columns"]), name], say=notes.append)
    check_id(table, id_column)
    scores = score_table(bundle, table, threads=threads)
    target = out or Path(f"{table_file.name.split('.')[0]}_scores.csv")
    scores = write_scores(scores, table, id_column=name, target=target)
    probabilities = scores["churn_probability"]
    return {
        "status": "done",
        "scores": str(target),
        "rows": scores.height,
        "mean_probability": round(float(probabilities.mean() or 0.0), 6),  # type: ignore[arg-type]  # a Float64 column
        "model": str(model),
        "beats_baseline": bundle.beats_baseline,
        "notes": notes,
    }


def register_from_folder(folder: Path, registry: "Registry") -> int:
    """Register the model in a folder that `train_from_table` wrote, its report beside it; never a champion.

    Returns:
        The version's number.

    Raises:
        BundleCorruptError: a file is not what it was when it was written.
        RegistryDownError: the registry did not answer.
    """
    bundle = open_model(folder)
    report = folder / "report.md"
    attached = {report.name: report.read_bytes()} if report.is_file() else {}
    tags = {
        "trained_as_of": str(bundle.trained_as_of),
        "grade": grade_bundle(bundle).letter,
        "method": bundle.method,
    }
    return registry.register(bundle, run_name=f"{bundle.name} {folder.name}", tags=tags, attached=attached)


def open_model(folder: Path) -> "Any":  # noqa: ANN401 a Bundle, whose module is imported when used
    """The bundle in a folder, verified.

    Raises:
        ModelFolderUnreadableError: there is no model in it.
        BundleCorruptError: a file is not what it was.
    """
    from models.bundle import open_bundle  # noqa: PLC0415 only when scoring

    place = folder / MODEL_FOLDER if (folder / MODEL_FOLDER).is_dir() else folder
    if not (place / DIGEST_FILE).is_file():
        raise ModelFolderUnreadableError(path=str(folder), expected=f"a folder with {DIGEST_FILE}")
    files = {
        path.name: path.read_bytes()
        for path in sorted(place.iterdir())
        if path.is_file() and not path.is_symlink() and path.name != DIGEST_FILE
    }
    return open_bundle(files, digest=(place / DIGEST_FILE).read_text().strip())


def _report(
    table_file: Path, request: "Request", trained: "Trained", folder: Path, reporter: Reporter
) -> dict[str, Any]:
    figures = {one.name: {key: value for key, value in asdict(one).items() if key != "name"} for one in trained.graded}
    return {
        "status": "done",
        "table": table_file.name,
        "beats_baseline": trained.bundle.beats_baseline,
        "reasons": list(trained.bundle.reasons),
        **_graded(trained),
        "metrics": {one.name: one.value for one in trained.graded},
        "figures": figures,
        **trained.details,
        "request": asdict(request),
        "files": {
            "model": str(folder / MODEL_FOLDER),
            "out_of_fold": str(folder / f"{OUT_OF_FOLD}.csv"),
            "out_of_fold_parquet": str(folder / f"{OUT_OF_FOLD}.parquet"),
            "report": str(folder / "report.md"),
            "report_json": str(folder / "report.json"),
        },
        "model_digest": trained.bundle.digest(),
        "steps": [asdict(record) for record in reporter.records],
    }


def _graded(trained: "Trained") -> dict[str, str]:
    """The grade in a letter and in words, by the gains with their intervals."""
    figures = {one.name: one.value for one in trained.graded}
    for one in trained.graded:
        figures |= {
            f"baseline_{one.name}": one.baseline,
            f"{one.name}_gain": one.gain,
            f"{one.name}_gain_low": one.gain_low,
            f"{one.name}_gain_high": one.gain_high,
        }
    grade = grade_figures(trained.bundle.name, figures, passed=trained.bundle.beats_baseline)
    return {"grade": grade.letter, "grade_words": grade.words}


def _write(folder: Path, trained: "Trained", prepared: "Prepared", report: Mapping[str, Any]) -> None:
    from flows.from_files.prepared_table_reporting import report_markdown  # noqa: PLC0415 only when training

    place = folder / MODEL_FOLDER
    place.mkdir(parents=True, exist_ok=True)
    bundle = trained.bundle
    for name, content in {
        **bundle.files,
        MANIFEST_FILE: bundle.manifest(),
        DIGEST_FILE: bundle.digest().encode(),
    }.items():
        (place / name).write_bytes(content)
    predictions = _predictions(trained, prepared)
    write_csv(predictions, folder / f"{OUT_OF_FOLD}.csv")
    write_parquet(predictions, folder / f"{OUT_OF_FOLD}.parquet")
    (folder / "report.md").write_text(report_markdown(report), encoding="utf-8")
    (folder / "report.json").write_text(json.dumps(report, indent=1, default=str, ensure_ascii=False), encoding="utf-8")


def _predictions(trained: "Trained", prepared: "Prepared") -> pl.DataFrame:
    """One row a row of the table, in the order of ids: what was predicted by models that had not seen it."""
    held_out = trained.held_out
    seen = np.isfinite(held_out.model)
    mean = np.where(seen.all(axis=0), np.where(seen, held_out.model, 0.0).mean(axis=0), np.nan)
    columns = {
        prepared.ids.name: prepared.ids.cast(pl.String),
        "label": pl.Series(prepared.rows.happened.astype(np.int8)),
        "churn_probability": pl.Series(mean).fill_nan(None),
    }
    for repeat in range(len(held_out.model)):
        columns[f"churn_probability_repeat_{repeat + 1}"] = pl.Series(held_out.model[repeat]).fill_nan(None)
        columns[f"fold_repeat_{repeat + 1}"] = pl.Series(held_out.fold[repeat] + 1)
    columns["baseline_probability"] = pl.Series(held_out.baseline.mean(axis=0)).fill_nan(None)
    return pl.DataFrame(columns).sort(prepared.ids.name, "label", maintain_order=True)

"""Learning what a treatment changes from a file, and scoring by it: files in, model, predictions and report out.

Belongs here: files. Does not: what is learnt (`models.uplift`), how it is told (`uplift_reporting`).
"""

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.from_files.prepared_tables import (
    DIGEST_FILE,
    MANIFEST_FILE,
    MODEL_FOLDER,
    check_id,
    open_model,
    write_scores,
)
from flows.from_files.table_files import read_table
from flows.published.showing import write_csv, write_parquet
from flows.running.progress import Reporter

if TYPE_CHECKING:
    from models.uplift.table import PreparedTrial, UpliftRequest
    from models.uplift.training import TrainedUplift

OUT_OF_FOLD = "out_of_fold_effects"


def train_uplift_from_table(
    table_file: Path, request: "UpliftRequest", *, out: Path | None, today: date, reporter: Reporter
) -> dict[str, Any]:
    """Train, and write everything into a folder.

    Args:
        table_file: the trial.
        request: what to learn.
        out: the folder; None: `<table>_uplift_<outcome>` in the current folder.
        today: the date the model bears.
        reporter: who is told how it goes.

    Returns:
        The report as plain values.
    """
    from models.uplift.cross_validation import OUTER_FOLDS  # noqa: PLC0415 heavy, only when training
    from models.uplift.table import prepare_trial  # noqa: PLC0415
    from models.uplift.training import train_uplift  # noqa: PLC0415

    with reporter.step("read and check the table"):
        asked, notes = [request.id_column, request.treatment_column, request.outcome_column], list[str]()
        table = read_table(table_file, names=[one for one in asked if one], say=notes.append)
        prepared = prepare_trial(table, request)
        prepared.warnings.extend(notes)
    with reporter.step("cross-validate and fit", parts=OUTER_FOLDS + 1) as ticker:
        trained = train_uplift(prepared, request, trained_as_of=today, tick=ticker.tick)
    folder = out or Path(f"{table_file.name.split('.')[0]}_uplift_{_plain(request.outcome_column)}")
    with reporter.step("write the model, predictions and report"):
        report = _report(table_file, request, trained, folder, reporter)
        _write(folder, trained, prepared, report)
    return report


def score_uplift_from_table(
    table_file: Path, model: Path, *, out: Path | None, id_column: str | None, threads: int
) -> dict[str, Any]:
    """Apply a model that `train_uplift_from_table` wrote; its digests are verified before anything is parsed.

    Returns:
        Where the scores are, and their figures.
    """
    from models.uplift.training import COLUMNS_FILE, score_uplift  # noqa: PLC0415 heavy, only when scoring

    bundle, notes = open_model(model), list[str]()
    kept = json.loads(bundle.files[COLUMNS_FILE])
    table = read_table(table_file, names=[one["name"] for one in kept["columns"]], say=notes.append)
    check_id(table, id_column)
    scores = score_uplift(bundle, table, threads=threads)
    target = out or Path(f"{table_file.name.split('.')[0]}_effects.csv")
    scores = write_scores(scores, table, id_column=id_column or kept["id_column"], target=target)
    means = {
        column: round(float(scores[column].mean() or 0.0), 6)  # type: ignore[arg-type]  # a Float64 column
        for column in scores.columns
        if column.startswith(("effect_", "response_")) and not column.endswith(("_low", "_high"))
    }
    return {
        "status": "done",
        "scores": str(target),
        "rows": scores.height,
        "evidence": kept["evidence"],
        "means": means,
        "model": str(model),
        "beats_baseline": bundle.beats_baseline,
        "notes": notes,
    }


def _report(
    table_file: Path, request: "UpliftRequest", trained: "TrainedUplift", folder: Path, reporter: Reporter
) -> dict[str, Any]:
    return {
        "status": "done",
        "table": table_file.name,
        "outcome": request.outcome_column,
        "treatment": request.treatment_column,
        "tells_customers_apart": trained.bundle.beats_baseline,
        "reasons": list(trained.bundle.reasons),
        "metrics": trained.bundle.metrics,
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


def _write(folder: Path, trained: "TrainedUplift", prepared: "PreparedTrial", report: dict[str, Any]) -> None:
    from flows.from_files.uplift_reporting import report_markdown  # noqa: PLC0415 only when training
    from models.uplift.training import predictions  # noqa: PLC0415

    place = folder / MODEL_FOLDER
    place.mkdir(parents=True, exist_ok=True)
    bundle = trained.bundle
    for old in place.iterdir():
        if old.is_file():
            old.unlink()  # a smaller model's leftovers would fail the check of digests
    files = {**bundle.files, MANIFEST_FILE: bundle.manifest(), DIGEST_FILE: bundle.digest().encode()}
    for name, content in files.items():
        (place / name).write_bytes(content)
    said = predictions(prepared, trained.held_out)
    write_csv(said, folder / f"{OUT_OF_FOLD}.csv")
    write_parquet(said, folder / f"{OUT_OF_FOLD}.parquet")
    (folder / "report.md").write_text(report_markdown(report), encoding="utf-8")
    (folder / "report.json").write_text(json.dumps(report, indent=1, default=str, ensure_ascii=False), encoding="utf-8")


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name).strip("_") or "outcome"

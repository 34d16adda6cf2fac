"""Options and bodies of `gristmill train churn --table` and `gristmill score churn --table`."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import may_be_left_out
from flows.commands.outcome import print_json


class TableModelName(StrEnum):
    """What can be learnt from a prepared table."""

    churn = "churn"
    uplift = "uplift"
    next_offer = "next-offer"


PANEL = "Churn from a prepared table (train churn)"
COMMON = "From any table"
What = Annotated[
    TableModelName | None,
    typer.Argument(help="With --table: what to learn from (or score) it.", show_default=False),
]
TableFile = Annotated[
    Path | None,
    may_be_left_out("--table", "A prepared table: CSV, Parquet or Excel.", COMMON),
]
IdColumn = Annotated[
    str | None,
    may_be_left_out("--id", "Its column that names the customer.", COMMON),
]
LabelColumn = Annotated[
    str | None,
    may_be_left_out("--label", "Its column that says who left.", PANEL),
]
TimeColumn = Annotated[
    str | None,
    may_be_left_out("--time", "When each row was true: earlier rows train, later ones grade.", PANEL),
]
Positive = Annotated[
    str | None,
    may_be_left_out("--positive", "The label's value that means that a customer left.", PANEL),
]
Drop = Annotated[
    list[str] | None,
    may_be_left_out("--drop", "A column not to use; again for more.", COMMON),
]
Keep = Annotated[
    list[str] | None,
    may_be_left_out("--keep", "A column to use although it seems to give the label away; again for more.", COMMON),
]
FoldCount = Annotated[
    int, typer.Option("--folds", min=2, max=20, help="Parts held out in turn.", rich_help_panel=PANEL)
]
RepeatCount = Annotated[
    int | None,
    typer.Option(
        "--repeats",
        min=1,
        max=20,
        help="How often, with other parts (twice; a large table once).",
        rich_help_panel=PANEL,
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Another seed, other parts.", rich_help_panel=COMMON)]
Threads = Annotated[int, typer.Option("--threads", min=1, help="For LightGBM.", rich_help_panel=COMMON)]
Folder = Annotated[
    Path | None,
    may_be_left_out("--out", "Folder for model, predictions and report [TABLE_churn].", COMMON),
]
Register = Annotated[
    bool,
    typer.Option(
        "--register",
        help="Also register the model in the company's registry (needs a settings file); never a champion.",
        rich_help_panel=PANEL,
    ),
]
ScoresFile = Annotated[
    Path | None,
    may_be_left_out("--out", "Where the scores go, CSV or Parquet [TABLE_scores.csv].", COMMON),
]
ModelFolder = Annotated[
    Path | None,
    may_be_left_out("--model", "The folder that training wrote.", COMMON),
]


@dataclass(frozen=True, kw_only=True)
class TableTraining:
    """What was asked of `gristmill train` about a prepared table."""

    what: TableModelName | None
    table: Path | None
    id_column: str | None
    label: str | None
    time: str | None
    positive: str | None
    drop: tuple[str, ...]
    keep: tuple[str, ...]
    folds: int
    repeats: int | None
    seed: int
    threads: int
    out: Path | None
    register: bool = False
    config: Path | None = None


def is_about_a_table(what: TableModelName | None, table: Path | None) -> bool:
    """Whether a command means a prepared table.

    Raises:
        TableOptionsError: it names a model but no table.
    """
    if what is not None and table is None:
        from flows.errors import TableOptionsError

        raise TableOptionsError(got=f"{what.value} without --table", expected=f"{what.value} --table FILE")
    return table is not None


def train_on_table(asked: TableTraining, *, as_json: bool) -> None:
    """`gristmill train churn --table`."""
    from flows.errors import TableOptionsError
    from flows.from_files.prepared_table_reporting import print_table_training
    from flows.from_files.prepared_tables import register_from_folder, train_from_table
    from flows.opening import open_context, utc_now
    from flows.running.progress import on_standard_error
    from models.prepared_table.training import Request

    if asked.table is None or asked.label is None:
        raise TableOptionsError(got="--table without --label", expected="--table FILE --label COLUMN [--id COLUMN]")
    request = Request(
        id_column=asked.id_column,
        label_column=asked.label,
        time_column=asked.time,
        positive=asked.positive,
        drop=asked.drop,
        keep=asked.keep,
        folds=asked.folds,
        repeats=asked.repeats,
        threads=asked.threads,
        seed=asked.seed,
    )
    report = train_from_table(asked.table, request, out=asked.out, today=utc_now().date(), reporter=on_standard_error())
    if asked.register:
        registry = open_context(asked.config).registry
        report["registered_version"] = register_from_folder(Path(report["files"]["model"]).parent, registry)
    if as_json:
        print_json(report)
    else:
        print_table_training(report)


def score_table_file(
    table: Path, model: Path | None, *, out: Path | None, id_column: str | None, threads: int, as_json: bool
) -> None:
    """`gristmill score churn --table`."""
    from flows.errors import TableOptionsError
    from flows.from_files.prepared_table_reporting import print_table_scores
    from flows.from_files.prepared_tables import score_from_table

    if model is None:
        raise TableOptionsError(got="--table without --model", expected="--table FILE --model FOLDER")
    result = score_from_table(table, model, out=out, id_column=id_column, threads=threads)
    if as_json:
        print_json(result)
    else:
        print_table_scores(result)

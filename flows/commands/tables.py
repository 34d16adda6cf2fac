"""`gristmill train churn` and `gristmill score churn`: churn learnt from a labelled table, and tables scored by it.

Belongs here: these two, and options of models that learn from a table. Does not: the work (`flows.from_files`).
"""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import Config, Json
from flows.commands.outcome import command, print_json

TableFile = Annotated[Path, typer.Option("--table", help="A prepared table: CSV, Parquet or Excel.")]
IdColumn = Annotated[
    str | None,
    typer.Option("--id", help="Its column that names the customer \\[each row is one].", show_default=False),
]
Drop = Annotated[
    list[str] | None, typer.Option("--drop", help="A column not to use; again for more.", show_default=False)
]
Keep = Annotated[
    list[str] | None,
    typer.Option(
        "--keep",
        help="A column to use although it seems to give the outcome away; again for more.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Another seed, other parts.")]
Threads = Annotated[int, typer.Option("--threads", min=1, help="For LightGBM.")]
ModelFolder = Annotated[Path, typer.Option("--model", help="The folder that training wrote.")]


@command
def train_churn(
    table: TableFile,
    label: Annotated[str, typer.Option("--label", help="Its column that says who left.")],
    *,
    id_column: IdColumn = None,
    time: Annotated[
        str | None,
        typer.Option(
            "--time", help="When each row was true: earlier rows train, later ones grade.", show_default=False
        ),
    ] = None,
    positive: Annotated[
        str | None,
        typer.Option(
            "--positive", help="The label's value that means that a customer left \\[guessed].", show_default=False
        ),
    ] = None,
    drop: Drop = None,
    keep: Keep = None,
    folds: Annotated[int, typer.Option("--folds", min=2, max=20, help="Parts held out in turn.")] = 5,
    repeats: Annotated[
        int | None,
        typer.Option(
            "--repeats",
            min=1,
            max=20,
            help="How often, with other parts \\[twice; a large table once].",
            show_default=False,
        ),
    ] = None,
    seed: Seed = 1,
    threads: Threads = 1,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for model, predictions and report [TABLE_churn].", show_default=False),
    ] = None,
    register: Annotated[
        bool,
        typer.Option(
            "--register",
            help="Also register the model in the company's registry (needs a settings file); never a champion.",
        ),
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Learn who leaves from any labelled table, a row a customer; no settings file is needed.

    gristmill train churn --table customers.csv --id customer --label left
    """
    from flows.from_files.prepared_table_reporting import print_table_training
    from flows.from_files.prepared_tables import register_from_folder, train_from_table
    from flows.opening import open_context, utc_now
    from flows.running.progress import on_standard_error
    from models.prepared_table.training import Request

    request = Request(
        id_column=id_column,
        label_column=label,
        time_column=time,
        positive=positive,
        drop=tuple(drop or ()),
        keep=tuple(keep or ()),
        folds=folds,
        repeats=repeats,
        threads=threads,
        seed=seed,
    )
    report = train_from_table(table, request, out=out, today=utc_now().date(), reporter=on_standard_error())
    if register:
        registry = open_context(config).registry
        report["registered_version"] = register_from_folder(Path(report["files"]["model"]).parent, registry)
    if as_json:
        print_json(report)
    else:
        print_table_training(report)


@command
def score_churn(
    table: TableFile,
    model: ModelFolder,
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Where the scores go, CSV or Parquet [TABLE_scores.csv].", show_default=False),
    ] = None,
    id_column: IdColumn = None,
    threads: Threads = 1,
    as_json: Json = False,
) -> None:
    """Score any table by a churn model learnt from one.

    gristmill score churn --table this_month.csv --model customers_churn
    """
    from flows.from_files.prepared_table_reporting import print_table_scores
    from flows.from_files.prepared_tables import score_from_table

    result = score_from_table(table, model, out=out, id_column=id_column, threads=threads)
    if as_json:
        print_json(result)
    else:
        print_table_scores(result)

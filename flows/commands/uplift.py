"""`gristmill train uplift` and `gristmill score uplift`: what a treatment changes, learnt from a trial in a file."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import Json
from flows.commands.outcome import command, print_json
from flows.commands.tables import Drop, IdColumn, Keep, ModelFolder, Seed, TableFile, Threads


@command
def train_uplift(
    table: TableFile,
    treatment: Annotated[str, typer.Option("--treatment", help="The column that says what was done to each.")],
    outcome: Annotated[
        str, typer.Option("--outcome", help="The column that says what came of it, yes or no or an amount.")
    ],
    *,
    id_column: IdColumn = None,
    control: Annotated[
        str | None,
        typer.Option(
            "--control",
            help="The treatment's value that means that nothing was done \\[guessed].",
            show_default=False,
        ),
    ] = None,
    propensity: Annotated[
        str | None,
        typer.Option(
            "--propensity", help="The column with the logged probability of what was done.", show_default=False
        ),
    ] = None,
    drop: Drop = None,
    keep: Keep = None,
    seed: Seed = 1,
    threads: Threads = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Folder for model, predictions and report [TABLE_uplift_OUTCOME].", show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Learn what a treatment changes, and for whom, from a table of a trial.

    gristmill train uplift --table trial.csv --treatment group --outcome bought
    """
    from flows.from_files.uplift_reporting import print_uplift_training
    from flows.from_files.uplift_tables import train_uplift_from_table
    from flows.opening import utc_now
    from flows.running.progress import on_standard_error
    from models.uplift.table import UpliftRequest

    request = UpliftRequest(
        treatment_column=treatment,
        outcome_column=outcome,
        id_column=id_column,
        control=control,
        propensity_column=propensity,
        drop=tuple(drop or ()),
        keep=tuple(keep or ()),
        threads=threads,
        seed=seed,
    )
    report = train_uplift_from_table(table, request, out=out, today=utc_now().date(), reporter=on_standard_error())
    if as_json:
        print_json(report)
    else:
        print_uplift_training(report)


@command
def score_uplift(
    table: TableFile,
    model: ModelFolder,
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Where the effects go, CSV or Parquet [TABLE_effects.csv].", show_default=False),
    ] = None,
    id_column: IdColumn = None,
    threads: Threads = 1,
    as_json: Json = False,
) -> None:
    """Say for any table what a treatment would change, by a model learnt from a trial.

    gristmill score uplift --table customers.csv --model trial_uplift
    """
    from flows.from_files.uplift_reporting import print_uplift_scores
    from flows.from_files.uplift_tables import score_uplift_from_table

    result = score_uplift_from_table(table, model, out=out, id_column=id_column, threads=threads)
    if as_json:
        print_json(result)
    else:
        print_uplift_scores(result)

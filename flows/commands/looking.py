"""Commands to look: what ran, what a segment table says, which settings are in force. None of them changes anything."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import Config, Json, Where
from flows.commands.outcome import command, print_json


@command
def status(
    config: Config = None,
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many runs.")] = 10,
    as_json: Json = False,
) -> None:
    """What runs now, what is late by the schedule, what readers see, the champions, overrides, exports, the last runs.

    And what to do next. Looking is no failure: the exit code is 0 whatever is found; programs read --json.
    """
    from flows.opening import open_context
    from flows.status.ledger_facts import read_status
    from flows.status.reporting import print_status

    found = read_status(open_context(config), limit=limit)
    if as_json:
        print_json(found)
    else:
        print_status(found)


@command
def show(
    table: Annotated[
        str, typer.Argument(help="A table of the schema segments: customer, next_best_offer.")
    ] = "customer",
    config: Config = None,
    *,
    where: Where = None,
    columns: Annotated[
        str | None, typer.Option(help="Columns to show, separated by commas.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows in the terminal (files get all).")] = 20,
    csv: Annotated[
        Path | None,
        typer.Option(help="Write all rows to this CSV file, safe to open in a spreadsheet.", show_default=False),
    ] = None,
    parquet: Annotated[
        Path | None, typer.Option(help="Write all rows to this Parquet file.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """A published segment table, here or in a file.

    gristmill show customer --where value_tier=platinum --where "churn_probability>=0.6"
    """
    from flows.opening import open_context
    from flows.published.showing import read_segment, write_csv, write_parquet
    from flows.reporting import print_frame

    wanted = [name.strip() for name in columns.split(",")] if columns else None
    frame = read_segment(open_context(config), table, where=where or [], columns=wanted)
    for path, write in ((csv, write_csv), (parquet, write_parquet)):
        if path is not None:
            write(frame, path)
            typer.echo(f"wrote {frame.height:,} rows to {path}", err=True)
    if as_json:
        print_json({"table": table, "rows": frame.height, "shown": frame.head(limit).to_dicts()})
    elif csv is None and parquet is None:
        print_frame(table, frame, limit=limit, columns=wanted)


@command
def show_config(config: Config = None, *, as_json: Json = False) -> None:
    """The settings in force, environment included; passwords in addresses are replaced by ***."""
    from config import load_settings
    from flows.reporting import print_settings

    content = load_settings(config).redacted()
    if as_json:
        print_json(content)
    else:
        print_settings(content)

"""The command that hands a list of customers to those who contact them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import Config, Json, Where
from flows.commands.outcome import command, print_json


class Format(StrEnum):
    """What kind of file."""

    csv = "csv"
    parquet = "parquet"
    google = "google"
    meta = "meta"


@command
def export(
    table: Annotated[str, typer.Argument(help="A table of the schema segments.")] = "customer",
    config: Config = None,
    *,
    where: Where = None,
    columns: Annotated[
        str | None, typer.Option(help="Columns to write, separated by commas (csv, parquet).", show_default=False)
    ] = None,
    file_format: Annotated[
        Format,
        typer.Option(
            "--format",
            help="csv: safe to open in a spreadsheet; parquet; google: Customer Match; meta: custom audience "
            "(both: hashed addresses and numbers, headers as the platform asks).",
        ),
    ] = Format.csv,
    name: Annotated[
        str, typer.Option(help="The audience's name: by it the next export knows what changed \\[the table's].")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to \\[exports in the workspace].", show_default=False)
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All rows, not only what changed since the last export of that name.")
    ] = False,
    with_control_group: Annotated[
        bool, typer.Option("--with-control-group", help="Keep customers who are held out so that effects can be told.")
    ] = False,
    as_json: Json = False,
) -> None:
    """A list of customers for those who contact them: consent asked again, control group left out.

    The first export of a name has every row; later ones what was added, changed or removed since. Written down in the
    ledger. To look at a table, use `gristmill show`.

    gristmill export customer -w churn_risk_band=critical -w value_tier=gold --name win-back --format google
    """
    from flows.opening import open_context
    from flows.published.export_reporting import print_export
    from flows.published.exporting import Wanted
    from flows.published.exporting import export as export_list

    wanted = Wanted(
        table=table,
        name=name,
        format=file_format.value,
        where=tuple(where or ()),
        columns=None if columns is None else [column.strip() for column in columns.split(",")],
        folder=out,
        everything=everything,
        with_control_group=with_control_group,
    )
    done = export_list(open_context(config), wanted)
    if as_json:
        print_json(done)
    else:
        print_export(done)

"""Commands for the first hour: propose a mapping for a file or table, try mappings on a sample."""

from typing import Annotated

import typer

from flows.commands.options import Config, Data, Json
from flows.commands.outcome import command, print_json


@command
def check(
    sources: Annotated[list[str] | None, typer.Argument(help="Sources to try \\[all].", show_default=False)] = None,
    config: Config = None,
    *,
    data: Data = None,
    rows: Annotated[int, typer.Option(min=1, help="Rows to read of each input, from the head of its files.")] = 1000,
    as_json: Json = False,
) -> None:
    """Try the mappings on a sample and show rows before and after; nothing is written.

    Exit code 0 when every source could be loaded (rows may still be set aside), 3 when its data would be blocked.
    """
    from flows.loading.source_checking import check as check_sources
    from flows.loading.source_checking import exit_code, plain_values
    from flows.loading.source_reporting import print_checks
    from flows.opening import open_context

    found = check_sources(open_context(config, data=data), names=sources or [], rows=rows)
    if as_json:
        print_json(plain_values(found))
    else:
        print_checks(found)
    if exit_code(found):
        raise typer.Exit(exit_code(found))


@command
def draft(
    what: Annotated[
        str, typer.Argument(metavar="FILE_OR_TABLE", help="A file, folder, glob or URL; or a table of --database.")
    ],
    config: Config = None,
    *,
    entity: Annotated[
        str | None,
        typer.Option(help="The table it is to feed: orders, customers, ... \\[best fit].", show_default=False),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(help="Environment variable with a database's address, or a DuckDB file.", show_default=False),
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a spreadsheet \\[first].", show_default=False)] = None,
    name: Annotated[str | None, typer.Option(help="Name of the input and source.", show_default=False)] = None,
) -> None:
    """Propose a mapping as TOML, with a confidence for every line, what is missing and what is left over.

    Of a folder, all files together, with the queries that join them where one says only half.

    gristmill source draft orders.csv >> gristmill.toml
    """
    from flows.loading.source_drafting import draft as draft_mapping

    typer.echo(draft_mapping(what, config=config, entity=entity, database=database, sheet=sheet, name=name), nl=False)

"""Commands about published versions: which there were, back to the one before, and a damaged warehouse back to work."""

from typing import Annotated

import typer

from flows.commands.options import Config, Json
from flows.commands.outcome import command, print_json


@command
def history(
    config: Config = None,
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many versions.")] = 20,
    as_json: Json = False,
) -> None:
    """Every published version: its date, customers, tables, content hash, models, and what became of it."""
    from flows.opening import open_context
    from flows.published.version_reporting import print_history
    from flows.published.versions import read_history

    found = read_history(open_context(config), limit=limit)
    if as_json:
        print_json(found)
    else:
        print_history(found)


@command
def rollback(
    config: Config = None,
    *,
    because: Annotated[
        str, typer.Option("--because", help="Why, for the ledger; no personal data, please.", show_default=False)
    ] = "",
    as_json: Json = False,
) -> None:
    """Show readers the version before the current one again: all tables at once, in one step.

    The version that is taken back is not published again by itself: a later date is, or `gristmill score --force`.
    """
    from flows.opening import open_context
    from flows.published.version_reporting import print_rollback
    from flows.published.versions import roll_back

    done = roll_back(open_context(config), because=because)
    if as_json:
        print_json(done)
    else:
        print_rollback(done)


@command
def recover(config: Config = None, *, as_json: Json = False) -> None:
    """Open a DuckDB warehouse whose log is damaged: the log is set aside, never removed.

    What was committed since the last checkpoint is lost; running the last night again brings it back.
    """
    from flows.loading.recovering import recover_warehouse
    from flows.opening import open_context
    from flows.published.version_reporting import print_recovery

    done = recover_warehouse(open_context(config))
    if as_json:
        print_json(done)
    else:
        print_recovery(done)

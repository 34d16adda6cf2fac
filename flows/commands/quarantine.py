"""Commands about rows that broke a rule: how many, which, back into a load, or away."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import Config, Data, Json
from flows.commands.outcome import command, print_json

Entity = Annotated[str, typer.Argument(metavar="ENTITY", help="The table they were meant for: orders, customers, ...")]
OfRule = Annotated[str | None, typer.Option("--rule", help="Only rows that break this rule.", show_default=False)]
OfLoad = Annotated[str | None, typer.Option("--load", help="Only rows that came with this load.", show_default=False)]
OfSource = Annotated[str | None, typer.Option("--source", help="Only rows of this source.", show_default=False)]


@command
def summary(context: typer.Context, config: Config = None, *, as_json: Json = False) -> None:
    """Rows that broke a rule and were set aside: how many, by table and rule; which ones; and back again.

    Without a command behind it: the numbers.
    """
    if context.invoked_subcommand is not None:
        return
    from flows.loading.quarantine_reporting import print_summary
    from flows.loading.quarantining import summary as read_summary
    from flows.opening import open_context

    found = read_summary(open_context(config))
    if as_json:
        print_json(found)
    else:
        print_summary(found)


@command
def show(
    entity: Entity,
    config: Config = None,
    *,
    rule: OfRule = None,
    load: OfLoad = None,
    source: OfSource = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows in the terminal and in JSON (a CSV file gets all).")] = 10,
    raw: Annotated[
        bool, typer.Option("--raw", help="Every value as the source has it, personal ones too; else their shape.")
    ] = False,
    csv: Annotated[
        Path | None,
        typer.Option(help="Write all rows to this CSV file, safe to open in a spreadsheet.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """The rows themselves, each with the rules it breaks, its file and its row there.

    gristmill quarantine show orders --rule ordered_at_is_parsable
    """
    from flows.loading.quarantine_reporting import print_rows, rows_as_frame
    from flows.loading.quarantining import show as read_rows
    from flows.opening import open_context
    from flows.published.showing import write_csv
    from warehouse.loads.quarantine import RowsWanted

    wanted = RowsWanted(entity=entity, rule=rule, load_id=load, source=source)
    found = read_rows(open_context(config), wanted, limit=None if csv is not None else limit, raw=raw)
    if csv is not None:
        write_csv(rows_as_frame(found), csv)
        typer.echo(f"wrote {found['rows']:,} rows to {csv}", err=True)
    if as_json:
        print_json({**found, "shown": found["shown"][:limit]})
    elif csv is None:
        print_rows(found)


@command
def replay(
    entity: Annotated[
        str | None, typer.Argument(metavar="[ENTITY]", help="Only rows meant for this table.", show_default=False)
    ] = None,
    config: Config = None,
    *,
    data: Data = None,
    rule: OfRule = None,
    source: OfSource = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would come of it; change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """After a mapping or a rule was corrected: rows in quarantine once more; those that pass now go into the core.

    The others stay, under the rules that they break now. Doing it again changes nothing.
    """
    from flows.loading.quarantine_reporting import print_replayed
    from flows.loading.replaying import replay_rows
    from flows.opening import open_context

    done = replay_rows(open_context(config, data=data), entity=entity, rule=rule, source=source, dry_run=dry_run)
    if as_json:
        print_json(done)
    else:
        print_replayed(done)


@command
def drop(
    entity: Entity,
    config: Config = None,
    *,
    reason: Annotated[str, typer.Option(help="Why they are not wanted; kept in the ledger.")],
    rule: OfRule = None,
    load: OfLoad = None,
    source: OfSource = None,
    as_json: Json = False,
) -> None:
    """Take rows out of quarantine for good; who did it, when and why stays in the ledger.

    A source that is read whole brings its rows again at its next load.
    """
    from flows.loading.quarantining import drop as drop_rows
    from flows.opening import open_context
    from warehouse.loads.quarantine import RowsWanted

    wanted = RowsWanted(entity=entity, rule=rule, load_id=load, source=source)
    done = drop_rows(open_context(config), wanted, reason=reason)
    if as_json:
        print_json(done)
    else:
        typer.echo(f"{done['status']}: {done['rows']:,} rows of {entity} taken out of quarantine")

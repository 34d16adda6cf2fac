"""Commands about features: which there are, one customer's, files and proofs of them. None of them changes anything."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import AsOf, Config, Json
from flows.commands.outcome import command, print_json

EXIT_DIFFERS = 3


@command
def list_catalogue(
    config: Config = None,
    *,
    entity: Annotated[str | None, typer.Option(help="Only those made of this entity.", show_default=False)] = None,
    family: Annotated[str | None, typer.Option(help="Only those of this family.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """The features there are: name, meaning, unit, what null means, what they need, their window.

    With settings, only what can be made of the last load (before the first: of the sources), and what drops out, why.
    """
    from flows.featuring.looking import list_features
    from flows.featuring.reporting import print_catalogue
    from flows.opening import open_context

    found = list_features(open_context(config) if _has_settings(config) else None, entity=entity, family=family)
    if as_json:
        print_json(found)
    else:
        print_catalogue(found)


@command
def show_customer(
    customer: Annotated[str, typer.Argument(help="A customer_id, byte for byte.")],
    config: Config = None,
    *,
    as_of: AsOf = None,
    feature: Annotated[
        list[str] | None, typer.Option(help="Only this feature; again for more.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """One customer's features beside those of everybody: the quantiles at 10, 50 and 90 %."""
    from flows.featuring.looking import customer_features
    from flows.featuring.reporting import print_customer
    from flows.opening import open_context, parse_date

    context = open_context(config)
    day = context.resolve_as_of(parse_date(as_of))
    found = customer_features(context, customer, as_of=day, names=feature or ())
    if as_json:
        print_json(found)
    else:
        print_customer(found)


@command
def export(
    config: Config = None,
    *,
    to: Annotated[Path, typer.Option(help="The file to write: .csv or .parquet.", show_default=False)],
    as_of: Annotated[
        list[str] | None,
        typer.Option(
            "--as-of", help="Business date YYYY-MM-DD, again for more: only what was known before it counts \\[today]."
        ),
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="Only for the rows of this table, beside its columns.", show_default=False)
    ] = None,
    id_column: Annotated[str, typer.Option("--id", help="The table's column with the customer.")] = "customer_id",
    date_column: Annotated[
        str | None,
        typer.Option("--date", help="The table's column with each row's own date.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Features as a file: of everybody as of dates, or beside a table of your own (outcomes, a trial), to learn from.

    Nothing that was not known before a row's date is in it. No contact data are in it: for a list of customers to
    contact there is `gristmill export`.
    """
    from flows.featuring.errors import DateNeededOnceError
    from flows.featuring.exporting import AskedTable, export_features
    from flows.featuring.reporting import print_exported
    from flows.opening import open_context, parse_date

    if date_column is not None and (as_of or table is None):
        raise DateNeededOnceError(got="both" if as_of else "--date without --table")
    if table is not None and len(as_of or ()) > 1:
        raise DateNeededOnceError(got=f"{len(as_of or ())} dates for one table")
    context = open_context(config)
    named = [] if date_column else [parse_date(day) for day in as_of or ()] or [None]
    days = [context.resolve_as_of(day) for day in named]
    asked = None if table is None else AskedTable(file=table, id_column=id_column, date_column=date_column)
    found = export_features(context, to, days=days, asked=asked)
    if as_json:
        print_json(found)
    else:
        print_exported(found)


@command
def prove(
    config: Config = None,
    *,
    as_of: AsOf = None,
    snapshots: Annotated[
        int, typer.Option(min=1, help="How many dates, every 30 days back; and at most so many stored nights.")
    ] = 1,
    sample: Annotated[int, typer.Option(min=1, help="Customers compared with the slow definition.")] = 50,
    buckets: Annotated[
        int | None, typer.Option(min=1, help="On so many buckets of the load \\[all].", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Prove on your own data that features hold nothing of later, and are the same however they are built.

    Exit code 0 when all proofs hold (or had nothing to compare), 3 when a feature differs.
    """
    from datetime import timedelta

    from flows.featuring.proofs import Request
    from flows.featuring.proofs import prove as prove_features
    from flows.featuring.reporting import print_proofs
    from flows.opening import open_context, parse_date

    context = open_context(config)
    last = context.resolve_as_of(parse_date(as_of))
    days = tuple(last - timedelta(days=30 * number) for number in range(snapshots))
    found = prove_features(context, Request(days=days, sample=sample, buckets=buckets))
    if as_json:
        print_json(found)
    else:
        print_proofs(found)
    if not found["holds"]:
        raise typer.Exit(EXIT_DIFFERS)


def _has_settings(config: Path | None) -> bool:
    """Whether settings are named or lie here; named ones that can't be read are an error, none at all is not."""
    import os

    return config is not None or bool(os.environ.get("GRISTMILL_CONFIG")) or Path("gristmill.toml").exists()

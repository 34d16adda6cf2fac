"""Commands about personal data: erase a person, make a key."""

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from flows.commands.options import Config, Json
from flows.commands.outcome import command, print_json


@command
def erase(
    customer: Annotated[
        str | None,
        typer.Argument(
            metavar="[CUSTOMER]",
            help="The person's id, as a source writes it or as segments show it; - reads it from standard input.",
            show_default=False,
        ),
    ] = None,
    config: Config = None,
    *,
    email: Annotated[
        str | None, typer.Option(help="An e-mail address of the person, where there is no id.", show_default=False)
    ] = None,
    phone: Annotated[
        str | None, typer.Option(help="A phone number of the person, likewise.", show_default=False)
    ] = None,
    reason: Annotated[
        str, typer.Option(help="Why, for the ledger; nothing personal: it stays.", show_default=False)
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would go; change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask: erase.")] = False,
    even_if_unknown: Annotated[
        bool, typer.Option("--even-if-unknown", help="Keep the person out of later loads though nothing is kept now.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Erase a person from everything that is kept, and keep them out of every later load.

    Lake, quarantine, features, published history, identities, exports. It can't be undone. Needs
    GRISTMILL_PERSONAL_DATA_KEY. The sources themselves are yours to clear.
    """
    from flows.loading.erasing import Wanted
    from flows.loading.erasing import erase as erase_person
    from flows.loading.erasing_reporting import print_erased, print_found
    from flows.opening import open_context
    from warehouse.errors_personal_data import NobodyNamedError

    named = sys.stdin.readline().strip() if customer == "-" else customer
    if not (named or email or phone):
        raise NobodyNamedError
    wanted = Wanted(
        customer=named or None,
        email=email,
        phone=phone,
        reason=reason,
        dry_run=dry_run,
        even_if_unknown=even_if_unknown,
    )

    def confirm(found: Mapping[str, Any]) -> bool:
        if yes:
            return True
        if as_json or not sys.stdin.isatty():
            return False
        print_found(found)
        return typer.confirm("Erase this person for good?", err=True)

    result = erase_person(open_context(config), wanted, confirm=confirm)
    if as_json:
        print_json(result)
    else:
        print_erased(result)


@command
def key() -> None:
    """Make a key for personal data and print it.

    Keep it in your store of secrets, and set GRISTMILL_PERSONAL_DATA_KEY to it wherever Gristmill runs.
    """
    from warehouse.personal_data import new_key

    typer.echo(new_key())

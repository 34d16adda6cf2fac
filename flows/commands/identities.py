"""Commands about who is who: which records of the sources are one customer, and why."""

from typing import Annotated

import typer

from flows.commands.options import Config, Json
from flows.commands.outcome import command, print_json


@command
def summary(context: typer.Context, config: Config = None, *, as_json: Json = False) -> None:
    """Which records are one customer: figures, what was not joined and why; and one customer's records.

    Without a command behind it: the figures.
    """
    if context.invoked_subcommand is not None:
        return
    from flows.loading.identifying import identities_summary
    from flows.loading.identity_reporting import print_identities
    from flows.opening import open_context

    found = identities_summary(open_context(config))
    if as_json:
        print_json(found)
    else:
        print_identities(found)


@command
def show(
    customer: Annotated[str, typer.Argument(help="Any id of the customer: of a source (crm:123) or the joined one.")],
    config: Config = None,
    *,
    as_json: Json = False,
) -> None:
    """One customer: their records, what joins them with which probability, what was held back, earlier ids."""
    from flows.loading.identifying import identities_of
    from flows.loading.identity_reporting import print_customer
    from flows.opening import open_context

    found = identities_of(open_context(config), customer)
    if as_json:
        print_json(found)
    else:
        print_customer(found)

"""`gristmill decide`: the decisions as published, what other rules would change, what policies would have brought."""

from typing import Annotated

import typer

from flows.commands.options import AsOf, Config, Json
from flows.commands.outcome import command, print_json

WhatIf = Annotated[
    list[str] | None,
    typer.Option(
        "--what-if",
        metavar="NAME=VALUE",
        help="Another rule: budget=20000, offers_per_customer=2, capacity.CHANNEL=5000, exploration_share=0.1; "
        "again for more.",
        show_default=False,
    ),
]


@command
def decide(context: typer.Context, config: Config = None, *, what_if: WhatIf = None, as_json: Json = False) -> None:
    """What was decided for the published night, and what another budget would change; nothing is published."""
    if context.invoked_subcommand is not None:
        return
    from flows.decisions.asking import ask
    from flows.decisions.reporting import print_decisions
    from flows.opening import open_context

    result = ask(open_context(config), what_if=what_if or [])
    if as_json:
        print_json(result)
    else:
        print_decisions(result)


@command
def evaluate(config: Config = None, *, as_of: AsOf = None, as_json: Json = False) -> None:
    """What policies would have brought, told by contacts that were held out by lot."""
    from flows.decisions.asking import evaluate_policy
    from flows.decisions.reporting import print_policies
    from flows.opening import open_context, parse_date

    result = evaluate_policy(open_context(config), as_of=parse_date(as_of))
    if as_json:
        print_json(result)
    else:
        print_policies(result)

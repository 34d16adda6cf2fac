"""The command that publishes nights of the past."""

from enum import StrEnum
from typing import Annotated

import typer

from flows.commands.options import Config, Data, Force, Json, Orchestration, OrchestrationMode
from flows.commands.outcome import command, print_json
from flows.commands.verbs import AllowEmpty, AllowVolume

EXIT_BLOCKED = 3


class Every(StrEnum):
    """How far apart the dates are."""

    day = "day"
    week = "week"
    month = "month"


class ChampionsOf(StrEnum):
    """Whose champions score."""

    today = "today"
    of_the_day = "of-the-day"


class TrainWhen(StrEnum):
    """When to train before a date is scored."""

    missing = "missing"
    always = "always"
    never = "never"


@command
def backfill(
    config: Config = None,
    *,
    first: Annotated[str, typer.Option("--from", help="The first business date, YYYY-MM-DD.", show_default=False)],
    last: Annotated[str, typer.Option("--to", help="The last business date, YYYY-MM-DD.", show_default=False)],
    every: Annotated[Every, typer.Option(help="How far apart the dates are.")] = Every.day,
    train: Annotated[
        TrainWhen,
        typer.Option(
            help="missing: train as of a date for which there is no champion that saw nothing later; always: before "
            "every date; never: such dates are blocked."
        ),
    ] = TrainWhen.missing,
    champions: Annotated[
        ChampionsOf,
        typer.Option(
            help="today: those that stand today (and had seen nothing later); of-the-day: those that stood when each "
            "date was scored, or was due; nothing is trained then."
        ),
    ] = ChampionsOf.today,
    data: Data = None,
    force: Force = False,
    allow_volume_change: AllowVolume = False,
    allow_empty: AllowEmpty = False,
    orchestration: Orchestration = OrchestrationMode.auto,
    as_json: Json = False,
) -> None:
    """Publish a range of past dates, each as it would have been: nothing later is in it, models included.

    Readers stay with the latest date. Dates that are published already are left alone. Exit code 3 when dates were
    blocked: the others are published.
    """
    from flows.opening import open_context, parse_date
    from flows.published.version_reporting import print_backfill
    from flows.running.orchestration import carry_out

    parameters = {
        "first": parse_date(first, option="--from"),
        "last": parse_date(last, option="--to"),
        "every": every.value,
        "train": train.value,
        "champions": champions.value,
        "force": force,
        "allow_volume_change": allow_volume_change,
        "allow_empty": allow_empty,
    }
    context = open_context(config, data=data)
    done = carry_out("backfill", context, mode=orchestration.value, config=config, data=data, parameters=parameters)
    if as_json:
        print_json(done)
    else:
        print_backfill(done)
    if done["status"] == "incomplete":
        raise typer.Exit(EXIT_BLOCKED)

"""Commands of every night: load, the whole run, and the schedules.

Belongs here: these. Does not: training and scoring (`learning`), how a verb is carried out (`verbs`).
"""

from typing import Annotated

import typer

from flows.commands.options import AsOf, Config, Data, Force, Json, Orchestration, OrchestrationMode
from flows.commands.outcome import command
from flows.commands.verbs import AllowEmpty, AllowVolume, carry_out_verb

Retrain = Annotated[bool, typer.Option("--retrain", help="Train even where a champion can score the date.")]
Accept = Annotated[
    list[str] | None,
    typer.Option(
        "--accept",
        metavar="RULE",
        help="Load although this rule about a whole table is broken; again for more rules; recorded.",
        show_default=False,
    ),
]


@command
def run(
    config: Config = None,
    *,
    data: Data = None,
    as_of: AsOf = None,
    retrain: Retrain = False,
    force: Force = False,
    accept: Accept = None,
    allow_volume_change: AllowVolume = False,
    allow_empty: AllowEmpty = False,
    catch_up: Annotated[
        int, typer.Option("--catch-up", min=0, help="Publish up to so many nights that were missed, first.")
    ] = 0,
    orchestration: Orchestration = OrchestrationMode.auto,
    as_json: Json = False,
) -> None:
    """The whole way: load the sources, train where no champion can score the date, score, publish.

    A date that is published already is left alone (exit code 0).
    """
    asked: dict[str, bool | int | list[str]] = {
        "retrain": retrain,
        "catch_up_nights": catch_up,
        "force": force,
        "accept": list(accept or []),
        "allow_volume_change": allow_volume_change,
        "allow_empty": allow_empty,
    }
    carry_out_verb("run", config, data, as_of=as_of, orchestration=orchestration, asked=asked, as_json=as_json)


@command
def ingest(
    config: Config = None,
    *,
    data: Data = None,
    force: Force = False,
    accept: Accept = None,
    allow_empty: AllowEmpty = False,
    orchestration: Orchestration = OrchestrationMode.auto,
    as_json: Json = False,
) -> None:
    """Load the sources: check them against the contracts, quarantine what breaks a rule, keep the rest in the lake.

    Nothing is done when neither the files nor the mapping changed.
    """
    asked: dict[str, bool | list[str]] = {
        "force": force,
        "accept": list(accept or []),
        "allow_empty": allow_empty,
    }
    carry_out_verb("ingest", config, data, as_of=None, orchestration=orchestration, asked=asked, as_json=as_json)


@command
def serve(config: Config = None, *, data: Data = None) -> None:
    """Keep the schedules of gristmill.toml: nightly scoring, weekly training, on the configured Prefect server."""
    from flows.opening import open_context
    from flows.running.serving import serve_schedules

    serve_schedules(open_context(config, data=data), config=config, data=data)

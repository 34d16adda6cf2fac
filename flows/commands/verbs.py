"""What the commands that do the work have in common: carrying a verb out and printing what came of it, shared options.

Belongs here: these. Does not: any command.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.options import OrchestrationMode
from flows.commands.outcome import print_json

AllowEmpty = Annotated[
    bool, typer.Option("--allow-empty", help="Load and publish even where there are no rows; recorded.")
]
AllowVolume = Annotated[
    bool, typer.Option("--allow-volume-change", help="Publish even when the number of rows jumped; recorded.")
]


def carry_out_verb(
    verb: str,
    config: Path | None,
    data: Path | None,
    *,
    as_of: str | None,
    orchestration: OrchestrationMode,
    asked: Mapping[str, bool | int | list[str]],
    as_json: bool,
) -> None:
    """Carry a verb out on a load and print the result.

    Args:
        verb: its name in `pipelines`.
        config: the settings file.
        data: the folder of raw files.
        as_of: the date asked about, as typed.
        orchestration: through Prefect or not.
        asked: the verb's own parameters.
        as_json: one final document instead of tables.
    """
    from flows.opening import open_context, parse_date
    from flows.reporting import print_result
    from flows.running.orchestration import carry_out

    context = open_context(config, data=data)
    parameters: dict[str, Any] = {**asked, **({} if verb == "ingest" else {"as_of": parse_date(as_of)})}
    result = carry_out(verb, context, mode=orchestration.value, config=config, data=data, parameters=parameters)
    if as_json:
        print_json(result)
    else:
        print_result(verb, result, context.settings)

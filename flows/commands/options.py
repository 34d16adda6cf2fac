"""Options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="Settings file, or its folder [GRISTMILL_CONFIG, else gristmill.toml].",
        show_default=False,
    ),
]
Data = Annotated[
    Path | None,
    typer.Option("--data", "-d", help="Folder of the raw files [GRISTMILL_DATA, else paths.data].", show_default=False),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of", help="Business date YYYY-MM-DD: only what was known before it counts \\[today].", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output instead of tables.")]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", "-w", help="COLUMN=VALUE, also != < <= > >=; several must all hold.", show_default=False),
]
Force = Annotated[bool, typer.Option("--force", help="Do it again even where it is done already.")]


class LogFormatName(StrEnum):
    """What standard error is written for: people or programs."""

    text = "text"
    json = "json"


LogFormat = Annotated[
    LogFormatName | None,
    typer.Option(
        "--log-format",
        envvar="GRISTMILL__LOGS__FORMAT",
        show_envvar=False,
        help="Standard error: text for people, json for programs \\[logs.format]. Goes before the command's name.",
        show_default=False,
    ),
]


class OrchestrationMode(StrEnum):
    """Who carries the steps out."""

    auto = "auto"
    none = "none"
    local = "local"
    server = "server"


Orchestration = Annotated[
    OrchestrationMode,
    typer.Option(
        "--orchestration",
        help="auto: the configured Prefect server, else this process; none: this process; local: a Prefect server of "
        "this run's own; server: the configured one.",
    ),
]

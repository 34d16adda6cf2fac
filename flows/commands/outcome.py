"""How a command ends: its result on standard output, its failure on standard error, an honest exit code.

Exit codes: 0 done or nothing to do, 1 bug, 2 usage, 3 data blocked (the old tables stay), 4 a dependency is down (try
again), 5 already running.
"""

import functools
import json
import sys
import traceback
from collections.abc import Callable
from typing import Any, ParamSpec

import typer
from rich.console import Console

from data_contracts.errors import GristmillError

P = ParamSpec("P")
EXIT_BUG = 1


def command(body: Callable[P, None]) -> Callable[P, None]:
    """Let a command fail as facts and an exit code instead of a traceback."""

    @functools.wraps(body)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        as_json = bool(kwargs.get("as_json"))
        try:
            body(*args, **kwargs)
        except GristmillError as error:
            tell_failure(error.facts(), error.exit_code, as_json=as_json)
            raise typer.Exit(error.exit_code) from None
        except (typer.Exit, typer.Abort, KeyboardInterrupt):
            raise
        except Exception as error:  # noqa: BLE001 the outermost handler: told as a bug, never swallowed
            traceback.print_exc(file=sys.stderr)
            facts = {
                "error": type(error).__name__,
                "what": "this is a bug in Gristmill; the traceback above says where",
            }
            tell_failure(facts, EXIT_BUG, as_json=as_json)
            raise typer.Exit(EXIT_BUG) from None

    return wrapped


def tell_failure(facts: dict[str, str], exit_code: int, *, as_json: bool) -> None:
    """Print what went wrong, for people or for programs."""
    if as_json:
        print_json({"status": "failed", "exit_code": exit_code, **facts})
        return
    console = Console(stderr=True)
    console.print(f"[bold red]{'blocked' if exit_code == 3 else 'failed'}[/] {_plain(facts['what'])}", highlight=False)  # noqa: PLR2004 the code above
    for label, name in (("where", "where"), ("got", "got"), ("expected", "expected"), ("what to do", "action")):
        if name in facts:
            console.print(f"  [dim]{label:>10}[/]  {_plain(facts[name])}", highlight=False)


def print_json(content: Any) -> None:  # noqa: ANN401 any plain value
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(content, indent=1, default=str, ensure_ascii=False) + "\n")


def _plain(text: str) -> str:
    return text.replace("[", "\\[")

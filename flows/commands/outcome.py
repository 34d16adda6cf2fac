"""How a command ends: its result on standard output, its failure on standard error, an honest exit code.

Exit codes: 0 done or nothing to do, 1 bug, 2 usage, 3 data blocked (the old tables stay), 4 a dependency is down (try
again), 5 already running; 141 where whoever read standard output went away (`| head`), 143 where somebody told the
command to stop (SIGTERM), as shells have it.
"""

import functools
import json
import logging
import os
import select
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, ParamSpec

import typer
from rich.console import Console

from data_contracts.errors import GristmillError
from flows.running import logs
from flows.running.stopping import stopped_instead
from flows.running.withholding import known_secrets, secrets_withheld

P = ParamSpec("P")
EXIT_BUG = 1
EXIT_UNREAD = 141  # 128 + SIGPIPE


def command(body: Callable[P, None]) -> Callable[P, None]:
    """Let a command fail as facts and an exit code instead of a traceback."""

    @functools.wraps(body)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        as_json = bool(kwargs.get("as_json"))
        command_below = getattr(kwargs.get("context"), "invoked_subcommand", None)
        with nullcontext() if command_below else _told(body.__name__):
            try:
                with stopped_instead(), secrets_withheld(known_secrets()):
                    body(*args, **kwargs)
            except GristmillError as error:
                tell_failure(error.facts(), error.exit_code, as_json=as_json)
                raise typer.Exit(error.exit_code) from None
            except (typer.Exit, typer.Abort, KeyboardInterrupt):
                raise
            except Exception as error:  # noqa: BLE001 the outermost handler: told as a bug, never swallowed
                if stop_unread():
                    raise typer.Exit(EXIT_UNREAD) from None
                _tell_bug(error, as_json=as_json)
                raise typer.Exit(EXIT_BUG) from None
            except SystemExit as end:
                if end.code == 1:  # how the terminal's library ends when nobody reads standard output; it took care
                    raise typer.Exit(EXIT_UNREAD) from None
                raise

    return wrapped


@contextmanager
def _told(name: str) -> Iterator[None]:
    """For programs that read the log: that a command ended, how, and after how long."""
    began, code = time.perf_counter(), 0
    try:
        yield
    except (typer.Exit, SystemExit) as end:
        told = end.exit_code if isinstance(end, typer.Exit) else end.code
        code = told if isinstance(told, int) else int(told is not None)
        raise
    except BaseException:
        code = EXIT_BUG
        raise
    finally:
        logs.tell("command ended", command=name, exit_code=code, seconds=round(time.perf_counter() - began, 2))


def stop_unread() -> bool:
    """Whether nobody reads standard output any more; then what is left to say there goes nowhere."""
    try:
        number = sys.stdout.fileno()
    except (OSError, ValueError):  # no file of the system's, as under a test
        return False
    asked = select.poll()
    asked.register(number, 0)
    closed = any(happened & select.POLLERR for _, happened in asked.poll(0))
    if closed:
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    return closed


def _tell_bug(error: Exception, *, as_json: bool) -> None:
    where = "the traceback above says where"
    if logs.in_json():
        logs.tell("bug", level=logging.CRITICAL, exception=error)
        where = "the line above says where"
    else:
        traceback.print_exc(file=sys.stderr)
    facts = {"error": type(error).__name__, "what": f"this is a bug in Gristmill; {where}"}
    tell_failure(facts, EXIT_BUG, as_json=as_json)


def tell_failure(facts: dict[str, str], exit_code: int, *, as_json: bool) -> None:
    """Print what went wrong, for people or for programs."""
    if as_json:
        print_json({"status": "failed", "exit_code": exit_code, **facts})
    if logs.in_json():
        told: dict[str, Any] = {"exit_code": exit_code, **facts}
        logs.tell("failed", level=logging.ERROR, **told)
    if as_json or logs.in_json():
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

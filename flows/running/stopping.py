"""Being told to stop: SIGTERM ends a command as an error does, so that everything on the way out is done.

Belongs here: the signal. Does not: what is done on the way out (`recording.py` writes the run down, the lock is freed).
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import typer

EXIT_STOPPED = 143  # 128 + SIGTERM, as shells have it
_told: list[int] = []


class Stopped(SystemExit):
    """Somebody told the command to stop."""

    def __init__(self) -> None:
        super().__init__(EXIT_STOPPED)


def stop_when_told() -> None:
    """From now on SIGTERM raises `Stopped` in the main thread, at its next step in Python."""
    signal.signal(signal.SIGTERM, _raise_stopped)


@contextmanager
def stopped_instead() -> Iterator[None]:
    """Whatever error ends the body, once somebody told the command to stop that is why: it becomes `Stopped`.

    A signal that arrives in the middle of a query ends the query: DuckDB then raises an error of its own in place of
    `Stopped`, and libraries above it may put theirs in place of that.
    """
    try:
        yield
    except typer.Exit:  # no error: a command that is done
        raise
    except Exception as error:
        if _told:
            raise Stopped from error
        raise


def _raise_stopped(number: int, frame: FrameType | None) -> None:
    _told.append(number)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: the way out must not be cut short
    _end_queries(frame)
    raise Stopped


def _end_queries(frame: FrameType | None) -> None:
    """End what DuckDB is doing for these frames: told nothing, it waits for its threads, which may take hours."""
    duckdb = sys.modules.get("duckdb")
    while duckdb is not None and frame is not None:
        for value in list(frame.f_locals.values()):
            with suppress(Exception):  # it may be anything, and other threads may be changing it
                for held in (value, *list(getattr(value, "__dict__", {}).values())):
                    if isinstance(held, duckdb.DuckDBPyConnection):
                        held.interrupt()
        frame = frame.f_back

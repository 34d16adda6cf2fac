"""Writing down in the ledger that a verb began, and how it ended, whatever happens in between.

Belongs here: the frame around a verb: lock, ledger row, status. Does not: the verb.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from data_contracts.errors import DataBlockedError, GristmillError
from flows.context import Context
from flows.running.stopping import Stopped, stopped_instead
from warehouse.ledger import FinalStatus, Kind, Run, RunResult, finish_run, start_run


@dataclass
class Recording:
    """What a verb wants written down beside its status."""

    run: Run
    load_id: str | None = None
    model_versions: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)


@contextmanager
def alone(context: Context, what: str) -> Iterator[None]:
    """Hold the warehouse's lock: one run at a time.

    Raises:
        WarehouseBusyError: another run holds it (exit code 5).
    """
    with context.warehouse().lock(run_key=what, now=context.now, wait_seconds=context.lock_wait_seconds):
        yield


@contextmanager
def recorded(context: Context, kind: Kind, as_of: date) -> Iterator[Recording]:
    """A ledger row for the body: running, then done, blocked or failed. The caller holds the lock."""
    with context.warehouse() as warehouse:
        run = start_run(
            warehouse,
            kind=kind,
            as_of=as_of,
            configuration_hash=context.settings.configuration_hash,
            now=context.clock(),
            run_by=context.run_by,
        )
    recording = Recording(run)
    with context.reporter.about(run_key=run.run_key, attempt=run.attempt):
        context.reporter.tell("run started", kind=kind, as_of=as_of, run_by=run.run_by)
        yield from _to_its_end(context, recording)


def _to_its_end(context: Context, recording: Recording) -> Iterator[Recording]:
    costs_before = len(context.reporter.records)
    try:
        with stopped_instead():
            yield recording
    except DataBlockedError as error:
        _finish(context, recording, "blocked", costs_before, error.facts())
        raise
    except GristmillError as error:
        _finish(context, recording, "failed", costs_before, error.facts())
        raise
    except (Stopped, KeyboardInterrupt) as error:
        stopped = {"error": type(error).__name__, "what": "it was told to stop; run it again"}
        _finish(context, recording, "failed", costs_before, stopped)
        raise
    except BaseException as error:
        _finish(context, recording, "failed", costs_before, {"error": type(error).__name__})
        raise
    _finish(context, recording, "done", costs_before, None)


def _finish(
    context: Context, recording: Recording, status: FinalStatus, costs_before: int, error: dict[str, str] | None
) -> None:
    now = context.clock()
    timings = {record.step: record.wall_seconds for record in context.reporter.records[costs_before:]}
    result = RunResult(
        load_id=recording.load_id,
        model_versions=recording.model_versions,
        counts=recording.counts,
        timings=timings,
        error=error,
    )
    with context.warehouse() as warehouse:
        finish_run(warehouse, recording.run, status=status, now=now, result=result)
    _tell(context, recording, status, seconds=(now - recording.run.started_at).total_seconds(), error=error)


def _tell(
    context: Context, recording: Recording, status: FinalStatus, *, seconds: float, error: Mapping[str, str] | None
) -> None:
    """For programs that read the log: how many rows of which table, and how it ended."""
    for table, counts in recording.counts.items():
        told = dict(counts) if isinstance(counts, Mapping) else {"rows": counts}
        context.reporter.tell("counted", table=table, counts=told)
    context.reporter.tell(
        "run ended",
        level=logging.INFO if status == "done" else logging.ERROR,
        status=status,
        seconds=seconds,
        load_id=recording.load_id,
        **(error or {}),
    )

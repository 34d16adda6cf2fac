"""What ran, on what, with which models: the authority on whether a night is done.

Belongs here: the ledger's loads and runs, as typed rows and functions. Does not: publications (`publications.py`),
promoted models (`promotions.py`), the orchestrator's view of a run, and the clock: times are arguments.

Whoever starts a run holds the warehouse's lock (`Warehouse.lock`). So a row that still says "running" when
the next run starts was left by a process that died, and the next run settles it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from warehouse.databases.base import Warehouse
from warehouse.errors import ClockBehindError, RunSupersededError
from warehouse.ledger_schema import ledger_rows, make_ledger, to_json

Kind = Literal["ingest", "train", "score", "rollback"]
FinalStatus = Literal["done", "blocked", "failed"]
DIED = "the process ended without saying how (killed, out of memory, or the machine went down)"
_HASH_CHARACTERS = 12


@dataclass(frozen=True, kw_only=True)
class Load:
    """One load of raw data into the lake; `counts` are rows read, accepted and quarantined; `status` is done or not."""

    load_id: str
    source_fingerprint: str
    configuration_hash: str
    loaded_at: datetime
    counts: Mapping[str, Any]
    status: str = "done"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One attempt at a run; `status` is running, done, blocked or failed, `error` the facts of what stopped it."""

    run_key: str
    attempt: int
    kind: str
    as_of: date
    status: str
    started_at: datetime
    finished_at: datetime | None
    load_id: str | None
    configuration_hash: str
    model_versions: Mapping[str, Any]
    content_hash: str | None
    counts: Mapping[str, Any]
    timings: Mapping[str, Any]
    error: Mapping[str, Any] | None
    run_by: str


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """How an attempt ended: what is written down beside its status."""

    load_id: str | None = None
    model_versions: Mapping[str, Any] | None = None
    counts: Mapping[str, Any] | None = None
    timings: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None


def run_key(kind: Kind, as_of: date, configuration_hash: str) -> str:
    """What a night is, e.g. `score-2011-12-01-1a2b3c4d5e6f`: the same inputs and settings give the same key."""
    return f"{kind}-{as_of.isoformat()}-{configuration_hash[:_HASH_CHARACTERS]}"


def start_run(
    warehouse: Warehouse,
    *,
    kind: Kind,
    as_of: date,
    configuration_hash: str,
    now: datetime,
    run_by: str,
) -> Run:
    """Write down that a run has begun, after settling what crashed runs left behind. The caller holds the lock.

    Returns:
        The new attempt: 1, or one more than the attempts before.
    """
    make_ledger(warehouse)
    key = run_key(kind, as_of, configuration_hash)
    with warehouse.transaction():
        _settle_crashed_runs(warehouse, now=now)
        before = warehouse.query("SELECT max(attempt) AS attempt FROM gristmill.runs WHERE run_key = ?", [key])
        attempt = (before["attempt"][0] or 0) + 1
        warehouse.execute(
            "INSERT INTO gristmill.runs (run_key, attempt, kind, as_of, status, started_at, configuration_hash, "
            "model_versions, counts, timings, run_by) VALUES (?, ?, ?, ?, 'running', ?, ?, '{}', '{}', '{}', ?)",
            [key, attempt, kind, as_of, now, configuration_hash, run_by],
            step="write down that the run has begun",
        )
    return _runs(warehouse, "WHERE run_key = ? AND attempt = ?", [key, attempt])[0]


def finish_run(
    warehouse: Warehouse, run: Run, *, status: FinalStatus, now: datetime, result: RunResult | None = None
) -> Run:
    """Write down how a run ended.

    Raises:
        RunSupersededError: the ledger does not say that this attempt is running.
    """
    check_still_running(warehouse, run)
    told = result or RunResult()
    warehouse.execute(
        "UPDATE gristmill.runs SET status = ?, finished_at = ?, load_id = ?, model_versions = ?, counts = ?, "
        "timings = ?, error = ? WHERE run_key = ? AND attempt = ?",
        [
            status,
            now,
            told.load_id,
            to_json(told.model_versions or {}),
            to_json(told.counts or {}),
            to_json(told.timings or {}),
            None if told.error is None else to_json(told.error),
            run.run_key,
            run.attempt,
        ],
        step="write down how the run ended",
    )
    return _runs(warehouse, "WHERE run_key = ? AND attempt = ?", [run.run_key, run.attempt])[0]


def check_still_running(warehouse: Warehouse, run: Run) -> None:
    """Make sure that this attempt is the one running.

    Raises:
        RunSupersededError: another run settled it, or it is finished.
    """
    found = attempt_of(warehouse, run.run_key, run.attempt)
    if found is None or found.status != "running":
        status = found.status if found else "nothing of it"
        raise RunSupersededError(run_key=run.run_key, attempt=run.attempt, status=status)


def history(warehouse: Warehouse, *, limit: int = 30) -> list[Run]:
    """The last attempts, newest first. Whether one that says "running" still is, tells `Warehouse.holder`."""
    return _runs(warehouse, "ORDER BY started_at DESC, run_key DESC, attempt DESC LIMIT ?", [limit])


def attempt_of(warehouse: Warehouse, key: str, attempt: int) -> Run | None:
    """One attempt at a run, or None."""
    found = _runs(warehouse, "WHERE run_key = ? AND attempt = ?", [key, attempt])
    return found[0] if found else None


def runs_of(warehouse: Warehouse, kind: Kind, as_of: date) -> list[Run]:
    """All attempts of a kind at a date, oldest first."""
    return _runs(warehouse, "WHERE kind = ? AND as_of = ? ORDER BY started_at, run_key, attempt", [kind, as_of])


def crashed_runs(warehouse: Warehouse, *, lock_is_free: bool) -> list[Run]:
    """Attempts that say "running" although nobody holds the lock (`lock_is_free`); newest first."""
    if not lock_is_free:
        return []
    return _runs(warehouse, "WHERE status = 'running' ORDER BY started_at DESC, run_key DESC, attempt DESC", [])


def record_load(warehouse: Warehouse, load: Load) -> None:
    """Write down a load, in place of one of its name that was blocked; the caller holds the lock.

    Raises:
        ClockBehindError: a load that is done is of a later moment: this one would be taken for an older one.
    """
    make_ledger(warehouse)
    newest = last_load(warehouse)
    if load.status == "done" and newest is not None and newest.loaded_at > load.loaded_at:
        raise ClockBehindError(now=load.loaded_at, last=newest.loaded_at)
    warehouse.execute(
        "DELETE FROM gristmill.loads WHERE load_id = ? AND status <> 'done'",
        [load.load_id],
        step=f"forget that the load {load.load_id} was blocked",
    )
    warehouse.execute(
        "INSERT INTO gristmill.loads (load_id, source_fingerprint, configuration_hash, loaded_at, counts, status) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        [
            load.load_id,
            load.source_fingerprint,
            load.configuration_hash,
            load.loaded_at,
            to_json(load.counts),
            load.status,
        ],
        step=f"write down the load {load.load_id}",
    )


def last_load(warehouse: Warehouse) -> Load | None:
    """The latest load that is done, or None."""
    return next(iter(loads(warehouse, limit=1)), None)


def loads(warehouse: Warehouse, *, limit: int = 30) -> list[Load]:
    """The last loads that are done, newest first."""
    clause = "WHERE status = 'done' ORDER BY loaded_at DESC, load_id DESC LIMIT ?"
    return [Load(**row) for row in ledger_rows(warehouse, "loads", clause, [limit])]


def _settle_crashed_runs(warehouse: Warehouse, *, now: datetime) -> None:
    """Nobody else can be running: what says so died. If its publication was committed it is done, else it failed."""
    warehouse.execute(
        "UPDATE gristmill.runs SET finished_at = ?, "
        "status = CASE WHEN content_hash IS NULL THEN 'failed' ELSE 'done' END, "
        "error = CASE WHEN content_hash IS NULL THEN CAST(? AS JSON) END WHERE status = 'running'",
        [now, to_json({"error": "ProcessDied", "what": DIED})],
        step="settle crashed runs",
    )


def _runs(warehouse: Warehouse, clause: str, parameters: list[Any]) -> list[Run]:
    return [Run(**row) for row in ledger_rows(warehouse, "runs", clause, parameters)]

"""What the ledger says: the last runs, what runs now, what is late, the champions, what readers see. Reads only.

Belongs here: one look at the ledger, and its facts as plain values. Does not: the schedule (`schedule.py`), what
people set aside (`overrides.py`), what to do about it (`advice.py`), printing (`reporting.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from data_contracts.errors import AlreadyRunningError
from flows.context import Context
from flows.nights.drifting import standing_alarms
from flows.status.advice import advice
from flows.status.overrides import overrides
from flows.status.schedule import running_now, schedule
from warehouse.databases.base import Warehouse
from warehouse.databases.locking import LockHolder
from warehouse.exports.records import Export, exports
from warehouse.ledger import Load, Run, crashed_runs, history, loads
from warehouse.promotions import Promotion, champion_among, promotions
from warehouse.publishing.publications import Publication, publications

RUNS_LOOKED_AT = 200  # for how long things take, and when training went well last
EXPORTS_SHOWN = 5
FILE_WAIT_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """What one look at the ledger brought; everything newest first."""

    runs: Sequence[Run] = ()
    crashed: frozenset[tuple[str, int]] = frozenset()
    publications: Sequence[Publication] = ()
    decisions: Sequence[Promotion] = ()
    loads: Sequence[Load] = ()
    exports: Sequence[Export] = ()
    drift: Sequence[str] = ()


def read_status(context: Context, *, limit: int) -> dict[str, Any]:
    """The state of the company's warehouse in plain values.

    Args:
        context: the surroundings.
        limit: how many runs are told.

    Returns:
        `running` (what holds the lock, since when, where, how long it usually takes; or null), `late` (sentences),
        `schedule` (when what was and is due, missed nights), `published` (what readers see), `versions_kept`,
        `champions`, `last_load`, `exports`, `drift` (alarms), `overrides`, `runs` (newest first), `advice` (what to
        do, the most urgent first) and `next` (the first of it).

    Raises:
        AlreadyRunningError: another process has the warehouse's file open, and is no run of ours.
    """
    place = context.warehouse(read_only=True, file_wait_seconds=FILE_WAIT_SECONDS)
    holder = place.holder()
    found, unread = Ledger(), None
    if place.exists():
        try:
            with place as warehouse:
                found = _look(warehouse, limit=limit, lock_is_free=holder is None)
        except AlreadyRunningError:
            if holder is None:
                raise
            unread = "a run is writing to the warehouse: what the ledger says can't be read just now"
    return {"warehouse": place.where, "unread": unread} | told_of(context, found, holder, limit=limit)


def _look(warehouse: Warehouse, *, limit: int, lock_is_free: bool) -> Ledger:
    crashed = crashed_runs(warehouse, lock_is_free=lock_is_free)
    return Ledger(
        runs=history(warehouse, limit=max(limit, RUNS_LOOKED_AT)),
        crashed=frozenset((run.run_key, run.attempt) for run in crashed),
        publications=publications(warehouse),
        decisions=promotions(warehouse),
        loads=loads(warehouse),
        exports=exports(warehouse, limit=EXPORTS_SHOWN),
        drift=standing_alarms(warehouse),
    )


def told_of(context: Context, found: Ledger, holder: LockHolder | None, *, limit: int) -> dict[str, Any]:
    """What a look at the ledger says, in plain values: see `read_status`."""
    current = next((one for one in found.publications if one.is_current), None)
    champions = _champions(found.decisions, context.today)
    told: dict[str, Any] = {
        "today": context.today.isoformat(),
        "running": running_now(holder, found.runs, now=context.now),
        "schedule": schedule(context, found.runs, found.publications),
        "published": current and _published(current),
        "versions_kept": sum(1 for one in found.publications if one.collected_at is None),
        "last_load": _load(found.loads[0]) if found.loads else None,
        "champions": [_champion(one, context.today) for one in champions],
        "exports": [_export(one) for one in found.exports],
        "drift": list(found.drift),
        "overrides": overrides(context, found.publications, found.loads, found.decisions, champions=champions),
        "runs": [_run(run, died=(run.run_key, run.attempt) in found.crashed) for run in found.runs[:limit]],
    }
    told["late"] = [late["what"] for late in told["schedule"]["late"]]
    told["advice"] = advice(told)
    return told | {"next": told["advice"][0]}


def _champions(decisions: Sequence[Promotion], today: date) -> list[Promotion]:
    """Of every model the champion of today, by name."""
    oldest_first = list(reversed(decisions))
    names = sorted({one.name for one in decisions})
    found = [
        champion_among(sorted((one for one in oldest_first if one.name == name), key=lambda one: one.number), today)
        for name in names
    ]
    return [one for one in found if one is not None]


def _published(current: Publication) -> dict[str, Any]:
    return {
        "as_of": current.as_of.isoformat(),
        "version": current.version_number,
        "run_key": current.run_key,
        "published_at": current.published_at.isoformat(),
        "rows": dict(current.tables),
        "content_hash": current.content_hash,
    }


def _load(load: Load) -> dict[str, Any]:
    return {"load_id": load.load_id, "loaded_at": load.loaded_at.isoformat(), **load.counts}


def _champion(promotion: Promotion, today: date) -> dict[str, Any]:
    return {
        "model": promotion.name,
        "version": promotion.version,
        "trained_as_of": promotion.trained_as_of.isoformat(),
        "age_days": (today - promotion.trained_as_of).days,
        "grade": promotion.grade or None,
        "beats_baseline": promotion.beats_baseline,
        "kind": promotion.kind,
        "promoted_at": promotion.promoted_at.isoformat(),
    }


def _export(export: Export) -> dict[str, Any]:
    return {
        "number": export.export_number,
        "audience": export.audience,
        "table": export.exported_table,
        "format": export.format,
        "as_of": export.as_of.isoformat(),
        "exported_at": export.exported_at.isoformat(),
        "counts": dict(export.counts),
        "run_by": export.run_by,
    }


def _run(run: Run, *, died: bool) -> dict[str, Any]:
    return {
        "run_key": run.run_key,
        "attempt": run.attempt,
        "kind": run.kind,
        "as_of": run.as_of.isoformat(),
        "status": "died" if died else run.status,
        "started_at": run.started_at.isoformat(),
        "seconds": (run.finished_at - run.started_at).total_seconds() if run.finished_at else None,
        "error": run.error,
        "run_by": run.run_by,
    }

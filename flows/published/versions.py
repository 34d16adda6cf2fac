"""The published versions: which there were, and going back to the one before.

Belongs here: what `gristmill history` and `gristmill rollback` answer, as plain values. Does not: moving the views
(`warehouse.publishing.write_audit_publish`), printing (`version_reporting`).
"""

from typing import Any

from flows.context import Context
from flows.loading.erasing import erasures_applied
from flows.running.recording import alone, recorded
from flows.running.serving_copy import keep_serving_copy
from warehouse.errors import NothingToRollBackToError
from warehouse.ledger import Run, attempt_of
from warehouse.publishing.publications import Publication, current_publication, publications
from warehouse.publishing.write_audit_publish import rollback

Result = dict[str, Any]


def read_history(context: Context, *, limit: int) -> Result:
    """Published versions, the latest date first, each with the run it came from; reads only.

    Returns:
        `current` (its version number, or null) and `versions`: number, date, state (`current`, `kept`, `superseded`,
        `rolled back`, with `collected` true where its tables made room for later ones), rows, content hash, overrides,
        when, by whom, with which models, from which load.
    """
    place = context.warehouse(read_only=True, file_wait_seconds=2)
    if not place.exists():
        return {"current": None, "versions": []}
    with place as warehouse:
        found = publications(warehouse, limit=limit)
        runs = [attempt_of(warehouse, version.run_key, version.attempt) for version in found]
        current = current_publication(warehouse)
    return {
        "current": current.version_number if current else None,
        "versions": [_described(version, run) for version, run in zip(found, runs, strict=True)],
    }


def roll_back(context: Context, *, because: str) -> Result:
    """Show readers the version before the current one again; written down in the ledger with the reason.

    Raises:
        NothingToRollBackToError: nothing is published, or no earlier version is kept.
        WarehouseBusyError: a run is under way.
    """
    with alone(context, "rollback"), erasures_applied(context):
        with context.warehouse() as warehouse:
            before = current_publication(warehouse)
        if before is None:
            raise NothingToRollBackToError(current="nothing")
        with recorded(context, "rollback", before.as_of) as recording:
            with context.warehouse() as warehouse:
                after = rollback(warehouse, now=context.clock())
            recording.counts = {
                "from_version": before.version_number,
                "to_version": after.version_number,
                "because": because,
            }
        keep_serving_copy(context)
    return {
        "verb": "rollback",
        "status": "rolled back",
        "message": f"readers see {after.as_of} (version {after.version_number}) again, no longer {before.as_of} "
        f"(version {before.version_number})",
        "from": {"version": before.version_number, "as_of": before.as_of.isoformat()},
        "to": {"version": after.version_number, "as_of": after.as_of.isoformat(), "rows": dict(after.tables)},
        "because": because,
    }


def _described(version: Publication, run: Run | None) -> Result:
    return {
        "version": version.version_number,
        "as_of": version.as_of.isoformat(),
        "state": _state(version),
        "collected": version.collected_at is not None,
        "published_at": version.published_at.isoformat(),
        "rolled_back_at": version.rolled_back_at.isoformat() if version.rolled_back_at else None,
        "rows": dict(version.tables),
        "content_hash": version.content_hash,
        "overrides": dict(version.overrides),
        "run_key": version.run_key,
        "attempt": version.attempt,
        "run_by": run.run_by if run else None,
        "load_id": run.load_id if run else None,
        "model_versions": dict(run.model_versions) if run else {},
    }


def _state(version: Publication) -> str:
    if version.is_current:
        return "current"
    if version.rolled_back_at is not None:
        return "rolled back"
    return "superseded" if version.superseded else "kept"

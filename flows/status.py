"""What the ledger says: the last runs, what runs now, the champions, what readers see. Reads only."""

from typing import Any

from flows.context import Context
from warehouse.ledger import crashed_runs, history, last_load
from warehouse.promotions import champion_for, promoted_models
from warehouse.publications import current_publication, publications


def read_status(context: Context, *, limit: int) -> dict[str, Any]:
    """The state of the company's warehouse in plain values.

    Returns:
        `running` (who holds the lock, or null), `published` (what readers see), `versions` (kept), `champions`,
        `last_load`, `runs` (newest first), `next` (what to do).
    """
    place = context.warehouse(read_only=True, file_wait_seconds=2)
    holder = place.holder()
    if not place.exists():
        return {
            "warehouse": place.where,
            "running": str(holder or "") or None,
            "next": "run `gristmill run`",
            "runs": [],
        }
    with place as warehouse:
        current, load = current_publication(warehouse), last_load(warehouse)
        crashed = {(run.run_key, run.attempt) for run in crashed_runs(warehouse, lock_is_free=holder is None)}
        runs = history(warehouse, limit=limit)
        found = {name: champion_for(warehouse, name, context.today) for name in promoted_models(warehouse)}
        champions = {name: promotion for name, promotion in found.items() if promotion is not None}
        kept = [version for version in publications(warehouse) if version.collected_at is None]
    return {
        "warehouse": place.where,
        "running": str(holder) if holder else None,
        "published": current
        and {
            "as_of": current.as_of.isoformat(),
            "version": current.version_number,
            "run_key": current.run_key,
            "published_at": current.published_at.isoformat(),
            "rows": dict(current.tables),
            "content_hash": current.content_hash,
        },
        "versions_kept": len(kept),
        "last_load": load and {"load_id": load.load_id, "loaded_at": load.loaded_at.isoformat(), **load.counts},
        "champions": [
            {
                "model": name,
                "version": promotion.version,
                "trained_as_of": promotion.trained_as_of.isoformat(),
                "beats_baseline": promotion.beats_baseline,
            }
            for name, promotion in sorted(champions.items())
        ],
        "runs": [
            {
                "run_key": run.run_key,
                "attempt": run.attempt,
                "kind": run.kind,
                "as_of": run.as_of.isoformat(),
                "status": "died" if (run.run_key, run.attempt) in crashed else run.status,
                "started_at": run.started_at.isoformat(),
                "seconds": (run.finished_at - run.started_at).total_seconds() if run.finished_at else None,
                "error": run.error,
                "run_by": run.run_by,
            }
            for run in runs
        ],
        "next": _advice(running=holder is not None, runs=[run.status for run in runs], crashed=bool(crashed)),
    }


def _advice(*, running: bool, runs: list[str], crashed: bool) -> str:
    if running:
        return "a run is under way; wait for it"
    if crashed:
        return "a run died; run it again: what was published before it is whole"
    if not runs:
        return "run `gristmill run`"
    if runs[0] in {"blocked", "failed"}:
        ended = "was blocked" if runs[0] == "blocked" else "failed"
        return f"the last run {ended}: see why above; what is published is whole"
    return "nothing to do"

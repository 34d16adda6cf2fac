"""Quarantined rows once more: after a mapping or a rule was corrected, those that pass now go into the core.

Belongs here: which rows can be replayed and why others can't, what is written down. Does not: judging and merging them
(`warehouse.loads.replaying`), showing the result (`quarantine_reporting.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from config.errors import CommandUnknownNameError
from flows.context import Context, short_hash
from flows.errors import NothingLoadedError
from flows.loading.erasing import erasures_applied, tombstones
from flows.loading.ingesting import scratch_of, table_checks_of, what_is_loaded
from flows.loading.personal_data import key_for_load
from flows.running.recording import alone
from warehouse.databases.base import Warehouse
from warehouse.identities.recording import record_identities
from warehouse.ledger import Load, last_load, record_load
from warehouse.loads.profiles import record_profiles
from warehouse.loads.quarantine import BLOCKED, RowsWanted, entities_in_quarantine, read_rows, recorded_loads
from warehouse.loads.quarantine_writing import record_action, replace_replayed
from warehouse.loads.recording import loads_to_keep
from warehouse.loads.replayed_rows import ReplayedRows
from warehouse.loads.replaying import Replayed, ReplayRun, replay
from warehouse.loads.results import Destination, LoadPlan
from warehouse.loads.states import Standing, recall, record_states, source_columns
from warehouse.loads.steps import load_contracts
from warehouse.sources.unreadable_lines import LINE_RULE

GONE = "the settings no longer have this source"
FEEDS_ANOTHER = "the source feeds another table now"
A_QUERY = "its rows come from a query over whole inputs; `gristmill ingest --force` runs it again"
UNKNOWN_COLUMNS = (
    "it is not recorded which columns the source had when it was loaded; `gristmill ingest --force` reads it again"
)
OF_A_BLOCKED_LOAD = "the load they came with was blocked; `gristmill ingest` loads them once it is corrected"
UNREADABLE = "lines that can't be read as rows; correct the file and load it"


@dataclass
class _Chosen:
    """Rows of quarantine, by whether they can be replayed: `rows` can, of the others by (entity, source) why not."""

    rows: list[pl.DataFrame] = field(default_factory=list)
    columns: dict[str, Mapping[str, str]] = field(default_factory=dict)
    left: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def leave(self, rows: pl.DataFrame, reason: str) -> None:
        for (entity, source), part in rows.group_by("entity", "source", maintain_order=True):
            key = (str(entity), str(source), reason)
            self.left[key] = self.left.get(key, 0) + part.height


def replay_rows(
    context: Context, *, entity: str | None, rule: str | None, source: str | None, dry_run: bool
) -> dict[str, Any]:
    """Put quarantined rows through the mapping and the rules in force, and those that pass into the core.

    Args:
        context: the surroundings.
        entity: only rows of this table.
        rule: only rows that break this rule (they are judged by all).
        source: only rows of this source.
        dry_run: tell what would come of it, and change nothing.

    Returns:
        `status` (`replayed`, `unchanged` or `dry run`), `entities` (by entity how many rows were `replayed`, are
        `accepted`, `already_there`, `still_broken` and, beside those replayed, `left_out` by their source's `where`),
        `rules` (by entity and rule the rows that break it now), `left_alone` (why rows were not replayed), `load_id` of
        the new load.

    Raises:
        NothingLoadedError: there is no load that rows could join.
        CommandUnknownNameError: no such table in quarantine.
        UsageError, DataBlockedError, DependencyDownError: see `warehouse.loads.replaying.replay`; nothing changed.
    """
    with alone(context, "quarantine replay"), erasures_applied(context):
        with context.warehouse() as warehouse:
            standing, before = recall(warehouse, context.lake), last_load(warehouse)
            if standing.load is None or before is None:
                raise NothingLoadedError
            wanted = _wanted(warehouse, entity=entity, rule=rule, source=source)
            chosen, loads = _choose(context, warehouse, wanted), recorded_loads(warehouse)
        if not chosen.rows:
            return _told(Replayed(counts={}, standing=pl.DataFrame(), left_alone={}), chosen, status="unchanged")
        rows = pl.concat(chosen.rows)
        load_id = f"{context.now:%Y%m%dT%H%M%S%f}-{short_hash('replay', before.source_fingerprint, str(rows.height))}"
        run = _run(context, standing, load_id, ReplayedRows(rows=rows, columns=chosen.columns, loads=loads))
        done = replay(run, checks=table_checks_of(context, ()), keep=not dry_run)
        if not dry_run:
            _record(context, wanted, chosen, done, before=before, load_id=load_id)
        status = "dry run" if dry_run else _status(rows, done)
        return _told(done, chosen, status=status) | ({"load_id": load_id} if done.kept else {})


def _wanted(warehouse: Warehouse, *, entity: str | None, rule: str | None, source: str | None) -> list[RowsWanted]:
    known = entities_in_quarantine(warehouse)
    if entity is not None and entity not in known:
        raise CommandUnknownNameError(what="table in quarantine", got=entity, known=known)
    return [RowsWanted(entity=name, rule=rule, source=source) for name in known if entity in (None, name)]


def _choose(context: Context, warehouse: Warehouse, wanted: Sequence[RowsWanted]) -> _Chosen:
    chosen = _Chosen()
    for each in wanted:
        rows = read_rows(warehouse, each).sort("loaded_at", "load_id", "source", maintain_order=True)
        for group, reason in (
            (rows.filter(pl.col("load_status") == BLOCKED), OF_A_BLOCKED_LOAD),
            (rows.filter(pl.col("load_status") != BLOCKED, pl.col("rules") == LINE_RULE), UNREADABLE),
        ):
            chosen.leave(group, reason)
        rest = rows.filter(pl.col("load_status") != BLOCKED, pl.col("rules") != LINE_RULE)
        for (source,), part in rest.group_by("source", maintain_order=True):
            name = str(source)
            columns = _columns(warehouse, part, name)
            reason = _why_not(context, each.entity, name) or ("" if columns else UNKNOWN_COLUMNS)
            if reason:
                chosen.leave(part, reason)
            else:
                chosen.rows.append(part)
                chosen.columns[name] = columns
    return chosen


def _columns(warehouse: Warehouse, rows: pl.DataFrame, source: str) -> dict[str, str]:
    """The columns that the source had in any of the rows' loads; of the newest one where their types differ."""
    found: dict[str, str] = {}
    for load_id in rows["load_id"].unique(maintain_order=True):
        found |= source_columns(warehouse, load_id, source)
    return found


def _why_not(context: Context, entity: str, source: str) -> str:
    mapping = context.settings.sources.get(source)
    if mapping is None:
        return GONE
    if mapping.entity != entity:
        return FEEDS_ANOTHER
    return A_QUERY if mapping.input is None else ""


def _run(context: Context, standing: Standing, load_id: str, replayed: ReplayedRows) -> ReplayRun:
    plan = LoadPlan(**what_is_loaded(context), scratch=scratch_of(context))
    return ReplayRun(
        plan=plan,
        into=Destination(
            lake=context.lake,
            buckets=context.settings.lake.buckets,
            standing=standing,
            erased=tombstones(context),
            key=key_for_load(context),
        ),
        now=context.now,
        load_id=load_id,
        contracts=load_contracts(plan.sources),
        replayed=replayed,
    )


def _record(
    context: Context, wanted: Sequence[RowsWanted], chosen: _Chosen, done: Replayed, *, before: Load, load_id: str
) -> None:
    """Quarantine, and where the core changed the new load in the ledger: all of it or nothing."""
    load = Load(
        load_id=load_id,
        source_fingerprint=before.source_fingerprint,  # the sources were not read: what they are is as it was
        configuration_hash=context.settings.configuration_hash,
        loaded_at=context.now,
        counts=_counts(done, before),
    )
    with context.warehouse() as warehouse:
        with warehouse.transaction():
            for each in wanted:
                rows = [part for part in chosen.rows if part["entity"][0] == each.entity]
                if rows:
                    _settle(context, warehouse, each, pl.concat(rows), done.standing.filter(entity=each.entity))
            if done.kept and done.tables is not None:
                record_load(warehouse, load)
                record_profiles(warehouse, load_id, done.tables.profiles, loaded_at=context.now)
                record_states(warehouse, load_id, done.states, (), loaded_at=context.now)
                record_identities(warehouse, done.identities)
        kept = loads_to_keep(warehouse, keep=context.settings.lake.keep_loads)
    context.lake.collect_loads(kept)


def _settle(
    context: Context, warehouse: Warehouse, wanted: RowsWanted, rows: pl.DataFrame, standing: pl.DataFrame
) -> None:
    sources = rows["source"].unique(maintain_order=True).to_list()
    replace_replayed(warehouse, wanted, standing, sources=sources)
    gone = rows.height - standing.height
    if gone:
        reason = "the mapping and rules in force accept them, or leave them out"
        record_action(
            warehouse, wanted, action="replayed", rows=gone, reason=reason, now=context.now, run_by=context.run_by
        )


def _counts(done: Replayed, before: Load) -> dict[str, Any]:
    """The counts of the load before, which says how the sources stand, with what was replayed beside them."""
    merged = {
        entity: {"accepted": counted.accepted, **counted.merged.plain()} for entity, counted in done.counts.items()
    }
    return {**before.counts, "replayed": merged, "replayed_onto": before.load_id}


def _status(rows: pl.DataFrame, done: Replayed) -> str:
    return "replayed" if done.kept or done.standing.height < rows.height else "unchanged"


def _told(done: Replayed, chosen: _Chosen, *, status: str) -> dict[str, Any]:
    left = dict(chosen.left)
    for part in chosen.rows:
        entity, source = part["entity"][0], part["source"][0]
        if source in done.left_alone:
            left[(entity, source, done.left_alone[source])] = part.height
    return {
        "status": status,
        "entities": {
            entity: {
                "replayed": counted.read,
                "accepted": counted.accepted - counted.merged.unchanged,
                "already_there": counted.merged.unchanged,
                "still_broken": counted.read - counted.accepted,
                "left_out": counted.left_out,
                **{name: counted.merged.plain()[name] for name in ("added", "late", "corrected")},
            }
            for entity, counted in done.counts.items()
        },
        "rules": [
            {"entity": entity, "rule": count.rule, "rows": count.rows, "meaning": count.meaning}
            for entity, counted in done.counts.items()
            for count in counted.rules
            if count.rows and str(count.severity) != "warning"
        ],
        "left_alone": [
            {"entity": entity, "source": source, "rows": rows, "reason": reason}
            for (entity, source, reason), rows in left.items()
        ],
    }

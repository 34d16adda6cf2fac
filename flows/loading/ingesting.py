"""Loading the sources: nothing when nothing changed, else checked rows into the lake and the rest into quarantine.

Belongs here: whether to load, where the parts go, what is written down. Does not: reading and checking
(`warehouse.loads.ingestion`).
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import polars as pl

from config.settings import Settings
from data_contracts.contracts import CORE_ENTITIES
from data_contracts.errors import DataBlockedError
from data_contracts.inputs import environment_names
from data_contracts.table_checking import LOOK_BACK_LOADS, TableChecks
from flows.context import Context, short_hash
from flows.loading.erasing import tombstones
from flows.loading.load_counts import counts_of
from flows.loading.personal_data import key_for_load, personal_data_key
from warehouse.ledger import Load as LoadRow
from warehouse.ledger import last_load
from warehouse.loads.fingerprints import versions_of
from warehouse.loads.ingestion import ingest, source_fingerprint
from warehouse.loads.profiles import last_profiles
from warehouse.loads.quarantine import BLOCKED
from warehouse.loads.quarantine_writing import keep_blocked
from warehouse.loads.recording import loads_to_keep, record_core_load
from warehouse.loads.results import Destination, no_failpoint
from warehouse.loads.states import recall
from warehouse.privacy.erased_rows import drop_erased_from_quarantine, raw_places
from warehouse.scratch import Scratch
from warehouse.sources.files import SourcePlace

Tick = Callable[[], None]


@dataclass(frozen=True)
class Loaded:
    """What came of loading: `status` is `loaded` or `unchanged`; `summary` in plain values."""

    status: str
    load_id: str
    summary: dict[str, Any]


def ingest_sources(
    context: Context,
    *,
    force: bool,
    accept: Sequence[str],
    tick: Tick,
    allow_empty: bool = False,
    as_of: date | None = None,
    failpoint: Callable[[str], None] = no_failpoint,
) -> Loaded:
    """Load the sources if the files, the mapping or the rules changed since the last load.

    Args:
        context: the surroundings.
        force: load again even where nothing changed, incremental inputs whole.
        accept: names of table rules that may be broken for this once; written down with the load.
        tick: called at each step.
        allow_empty: let inputs be empty for this once; written down with the load.
        as_of: the business date that a run asks for, where it asks for one: rows need be recent as of that day.
        failpoint: called with a name at points where a process may die, for tests.

    Raises:
        UsageError, DataBlockedError: see `warehouse.loads.ingestion.ingest`; the last load stays.
    """
    asked, buckets = what_is_loaded(context), context.settings.lake.buckets
    place = SourcePlace(data_root=asked["data_root"], environment=asked["environment"])
    versions = versions_of(asked["inputs"], place)
    fingerprint = source_fingerprint(**asked, versions=versions, key=personal_data_key())
    tick()
    unchanged = _standing_load(context, fingerprint)
    if unchanged is not None and not force:
        return Loaded("unchanged", unchanged.load_id, {"load_id": unchanged.load_id, **unchanged.counts})
    with context.warehouse() as warehouse:
        standing = recall(warehouse, context.lake)
    load_id = f"{context.now:%Y%m%dT%H%M%S%f}-{short_hash(fingerprint, str(buckets))}"
    core = ingest(
        **asked,
        now=context.now,
        load_id=load_id,
        into=Destination(
            lake=context.lake,
            buckets=buckets,
            standing=standing,
            everything=force,
            allow_empty=allow_empty,
            erased=tombstones(context),
            key=key_for_load(context),
            failpoint=failpoint,
            when_blocked=partial(_keep_offenders, context, load_id, fingerprint),
        ),
        docs_folder=context.settings.workspace / "data_docs",
        table_checks=table_checks_of(context, accept, as_of=as_of),
        versions=versions,
        scratch=scratch_of(context),
    )
    tick()
    counts = counts_of(core) | ({"allowed_empty": True} if allow_empty else {})
    load = LoadRow(
        load_id=load_id,
        source_fingerprint=fingerprint,
        configuration_hash=context.settings.configuration_hash,
        loaded_at=context.now,
        counts=counts,
    )
    with context.warehouse() as warehouse:
        record_core_load(warehouse, core, load, failpoint=failpoint)
        failpoint("recorded")
        kept = loads_to_keep(warehouse, keep=context.settings.lake.keep_loads)
    context.lake.collect_loads(kept)
    tick()
    return Loaded("loaded", load_id, {"load_id": load_id, **counts})


def _keep_offenders(
    context: Context, load_id: str, fingerprint: str, rows: pl.DataFrame, reason: DataBlockedError
) -> None:
    """Keep the rows that a blocked load broke on in quarantine, and write down that it was blocked."""
    rows, _ = drop_erased_from_quarantine(rows, tombstones(context), places=raw_places(context.settings.sources))
    load = LoadRow(
        load_id=load_id,
        source_fingerprint=fingerprint,
        configuration_hash=context.settings.configuration_hash,
        loaded_at=context.now,
        counts={"blocked_by": reason.facts(), "kept_in_quarantine": rows.height},
        status=BLOCKED,
    )
    with context.warehouse() as warehouse:
        keep_blocked(warehouse, rows, load)


def scratch_of(context: Context) -> Scratch:
    """Where a load works, and with how much memory."""
    settings = context.settings
    return Scratch(folder=settings.scratch_folder, memory_gigabytes=settings.compute.memory_gigabytes)


def what_is_loaded(context: Context) -> dict[str, Any]:
    """The settings that make up a load, by the names of `warehouse.loads.results.LoadPlan`."""
    settings = context.settings
    return {
        "inputs": settings.inputs,
        "sources": settings.sources,
        "rules": settings.rules,
        "identity": settings.identity,
        "data_root": settings.data_folder,
        "company_currency": settings.company.currency,
        "time_zone": settings.company.time_zone,
        "environment": addresses(settings),
    }


def addresses(settings: Settings) -> dict[str, str]:
    """The environment variables that inputs name and that are set: where databases are, passwords included."""
    return {name: os.environ[name] for name in environment_names(settings.inputs) if name in os.environ}


def table_checks_of(context: Context, accept: Sequence[str], *, as_of: date | None = None) -> TableChecks:
    """What a load is held against: the company's table rules and the last loads."""
    with context.warehouse() as warehouse:
        earlier = last_profiles(warehouse, CORE_ENTITIES, limit=LOOK_BACK_LOADS)
    return TableChecks(
        specs=context.settings.table_rules,
        earlier=earlier,
        accepted=tuple(accept),
        closed_days=context.settings.company.closed_days,
        as_of=as_of,
    )


def _standing_load(context: Context, fingerprint: str) -> LoadRow | None:
    """The last load, if it was of just these sources and is still in the lake, cut as the settings say."""
    with context.warehouse() as warehouse:
        load = last_load(warehouse)
    if load is None or load.source_fingerprint != fingerprint or not context.lake.has_load(load.load_id):
        return None
    return load if context.lake.open_load(load.load_id).buckets == context.settings.lake.buckets else None

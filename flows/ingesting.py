"""Loading the sources: nothing when nothing changed, else checked rows into the lake and the rest into quarantine.

Belongs here: whether to load, where the parts go, what is written down. Does not: reading and checking
(`warehouse.ingestion`).
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from config.settings import Settings
from data_contracts.contracts import CORE_ENTITIES
from data_contracts.inputs import environment_names
from data_contracts.table_checking import LOOK_BACK_LOADS, TableChecks, Verdict
from flows.context import Context, short_hash
from warehouse.ingestion import CoreLoad, ingest, source_fingerprint
from warehouse.ledger import Load, last_load, record_load
from warehouse.ledger_schema import make_ledger
from warehouse.load_profiles import last_profiles, record_profiles

QUARANTINE_SCHEMA = "quarantine"
Tick = Callable[[], None]


@dataclass(frozen=True)
class Loaded:
    """What came of loading: `status` is `loaded` or `unchanged`; `summary` in plain values."""

    status: str
    load_id: str
    summary: dict[str, Any]


def ingest_sources(context: Context, *, force: bool, accept: Sequence[str], tick: Tick) -> Loaded:
    """Load the sources if the files, the mapping or the rules changed since the last load.

    Args:
        context: the surroundings.
        force: load again even where nothing changed.
        accept: names of table rules that may be broken for this once; written down with the load.
        tick: called at each step.

    Raises:
        UsageError, DataBlockedError: see `warehouse.ingestion.ingest`; the last load stays.
    """
    asked = _asked(context)
    fingerprint = source_fingerprint(**asked)
    tick()
    standing = _standing_load(context, fingerprint)
    if standing is not None and not force:
        return Loaded("unchanged", standing.load_id, {"load_id": standing.load_id, **standing.counts})
    load_id = f"{context.now:%Y%m%dT%H%M%S%f}-{short_hash(fingerprint, str(context.settings.lake.buckets))}"
    docs = context.settings.workspace / "data_docs"
    checks = _table_checks(context, accept)
    core = ingest(**asked, now=context.now, load_id=load_id, docs_folder=docs, table_checks=checks)
    tick()
    context.lake.write_load(load_id, core.frames, buckets=context.settings.lake.buckets)
    tick()
    counts = _counts(core)
    load = Load(
        load_id=load_id,
        source_fingerprint=fingerprint,
        configuration_hash=context.settings.configuration_hash,
        loaded_at=context.now,
        counts=counts,
    )
    _record(context, core, load)
    return Loaded("loaded", load_id, {"load_id": load_id, **counts})


def _asked(context: Context) -> dict[str, Any]:
    settings = context.settings
    return {
        "inputs": settings.inputs,
        "sources": settings.sources,
        "rules": settings.rules,
        "data_root": settings.data_folder,
        "company_currency": settings.company.currency,
        "time_zone": settings.company.time_zone,
        "environment": addresses(settings),
    }


def addresses(settings: Settings) -> dict[str, str]:
    """The environment variables that inputs name and that are set: where databases are, passwords included."""
    return {name: os.environ[name] for name in environment_names(settings.inputs) if name in os.environ}


def _table_checks(context: Context, accept: Sequence[str]) -> TableChecks:
    """What a load is held against: the company's table rules and the last loads."""
    with context.warehouse() as warehouse:
        earlier = last_profiles(warehouse, CORE_ENTITIES, limit=LOOK_BACK_LOADS)
    return TableChecks(specs=context.settings.table_rules, earlier=earlier, accepted=tuple(accept))


def _standing_load(context: Context, fingerprint: str) -> Load | None:
    """The last load, if it was of just these sources and is still in the lake, cut as the settings say."""
    with context.warehouse() as warehouse:
        load = last_load(warehouse)
    if load is None or load.source_fingerprint != fingerprint or not context.lake.has_load(load.load_id):
        return None
    return load if context.lake.open_load(load.load_id).buckets == context.settings.lake.buckets else None


def _record(context: Context, core: CoreLoad, load: Load) -> None:
    """Quarantined rows and the ledger's row in one transaction: a load is there with its rejects or not at all."""
    with context.warehouse() as warehouse:
        make_ledger(warehouse)
        warehouse.make_schema(QUARANTINE_SCHEMA)
        with warehouse.transaction():
            for entity in core.frames:
                warehouse.drop_table(QUARANTINE_SCHEMA, entity)
                warehouse.write_frame(QUARANTINE_SCHEMA, entity, core.quarantined.filter(pl.col("entity") == entity))
            record_load(warehouse, load)
            record_profiles(warehouse, load.load_id, core.profiles, loaded_at=load.loaded_at)


def _counts(core: CoreLoad) -> dict[str, Any]:
    rules = [
        {"entity": entity, "rule": count.rule, "severity": str(count.severity), "rows": count.rows}
        for entity, counted in core.counts.items()
        for count in counted.rules
        if count.rows
    ]
    entities = {
        entity: {"read": counted.read, "accepted": counted.accepted, "quarantined": counted.quarantined}
        for entity, counted in core.counts.items()
    }
    return {
        "entities": entities,
        "rules": rules,
        "table_rules": [result.facts() for result in core.table_rules],
        "overrides": [result.facts() for result in core.table_rules if result.verdict is Verdict.accepted],
        "data_docs": str(core.docs_page) if core.docs_page else None,
    }

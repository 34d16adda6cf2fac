"""One load: from a company's raw files to checked core frames and the rows that were set aside.

Belongs here: the order of the steps (read, stage, judge, hand on) and what they hand on. Does not: keeping the result
(`lake.py`, the ledger), reading, mapping and judging themselves.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from data_contracts.checking import CheckedTable, RuleCount, check, open_expectations
from data_contracts.contracts import CORE_ENTITIES, core_contract, core_contract_text
from data_contracts.mapping import InputSpec, RuleSpec, SourceMapping
from data_contracts.rules import bind_rules
from warehouse.errors_ingestion import InputUnknownError
from warehouse.judged_rows import JudgedEntity, accepted_rows, quarantined_rows
from warehouse.load_refusals import refuse_what_cannot_be_used
from warehouse.source_mapping import MappedSource, stage_entity
from warehouse.sources import RawTable, file_digest, file_label, find_files, read_input, read_query

if TYPE_CHECKING:
    from data_contracts.great_expectations_on_duckdb import Expectations


@dataclass(frozen=True, kw_only=True)
class EntityCounts:
    """What became of the rows of one entity; `read` = `accepted` + `quarantined`."""

    read: int
    accepted: int
    quarantined: int
    rules: tuple[RuleCount, ...]

    @classmethod
    def of(cls, checked: CheckedTable) -> "EntityCounts":
        """The counts of a checked table."""
        return cls(read=checked.read, accepted=checked.accepted, quarantined=checked.quarantined, rules=checked.rules)

    def broken(self) -> dict[str, int]:
        """Rows by rule, of the rules that any row breaks (warnings included)."""
        return {count.rule: count.rows for count in self.rules if count.rows}


@dataclass(frozen=True, kw_only=True)
class CoreLoad:
    """What a load brings into the core layer.

    Attributes:
        load_id: the load, as the caller named it.
        frames: by entity (only those that have a source) the accepted rows: the contract's columns and `load_id`,
            sorted by key (orders by customer, time and key). Text String, integer Int32, number Float64, money Int64
            minor units, date Date, timestamp Datetime("us", "UTC"), boolean Boolean.
        quarantined: the rows set aside, as `judged_rows.QUARANTINE_SCHEMA`; `rules` names the rules it breaks,
            `raw_row` is the source's row as JSON (it may hold personal data: keep it as carefully as the source).
        counts: by entity.
        docs_page: the Data Docs page to open, where one was asked for.
    """

    load_id: str
    frames: dict[str, pl.DataFrame] = field(repr=False)
    quarantined: pl.DataFrame = field(repr=False)
    counts: dict[str, EntityCounts]
    docs_page: Path | None


@dataclass(frozen=True, kw_only=True)
class LoadPlan:
    """What is to be loaded, and by which settings.

    Attributes:
        inputs: files by input name.
        sources: mappings by source name; rows are read in this order.
        rules: the company's rules, and changes of built-in rules' severity.
        data_root: the folder that the inputs' patterns are relative to.
        company_currency: ISO 4217 code; rows in another currency go to quarantine.
        time_zone: zone of timestamps that carry none.
    """

    inputs: Mapping[str, InputSpec]
    sources: Mapping[str, SourceMapping]
    rules: Sequence[RuleSpec]
    data_root: Path
    company_currency: str
    time_zone: str


def ingest(  # noqa: PLR0913  # the sections of the settings that make up a load, by name, and the load's own facts
    *,
    inputs: Mapping[str, InputSpec],
    sources: Mapping[str, SourceMapping],
    rules: Sequence[RuleSpec],
    data_root: Path,
    company_currency: str,
    time_zone: str,
    now: datetime,
    load_id: str,
    docs_folder: Path | None = None,
) -> CoreLoad:
    """Read, map and judge all sources.

    Args:
        inputs: see `LoadPlan`, as the next five.
        sources: see `LoadPlan`.
        rules: see `LoadPlan`.
        data_root: see `LoadPlan`.
        company_currency: see `LoadPlan`.
        time_zone: see `LoadPlan`.
        now: the moment of the load (with a time zone); later events are in the future.
        load_id: names the load in frames, quarantine and pages.
        docs_folder: where to write the Data Docs, if anywhere.

    Returns:
        The accepted rows, the quarantine and the counts. The same whatever the number of threads.

    Raises:
        UsageError: a file is missing, or an expression or rule can't mean anything.
        DataBlockedError: files are empty or unreadable, a mapped column is missing, most dates or currencies are
            unknown, a critical rule is broken, or no order line survives.
    """
    plan = LoadPlan(
        inputs=inputs,
        sources=sources,
        rules=rules,
        data_root=data_root,
        company_currency=company_currency,
        time_zone=time_zone,
    )
    with open_expectations() as expectations:
        connection: duckdb.DuckDBPyConnection = expectations.connection
        _prepare(connection, company_currency=company_currency, now=now)
        raw = _read_sources(connection, plan)
        judged: list[JudgedEntity] = []
        for entity in CORE_ENTITIES:
            mapped = [
                _mapped(name, source, raw[name], plan) for name, source in sources.items() if source.entity == entity
            ]
            if mapped:
                loaded = [each.checked.entity for each in judged]
                judged.append(_judge(expectations, entity, mapped, plan.rules, loaded=loaded, load_id=load_id))
        page = expectations.write_pages(docs_folder) if docs_folder is not None else None
        for each in judged:
            refuse_what_cannot_be_used(connection, each)
        return CoreLoad(
            load_id=load_id,
            frames={each.checked.entity: accepted_rows(connection, each, load_id=load_id) for each in judged},
            quarantined=quarantined_rows(connection, judged, load_id=load_id),
            counts={each.checked.entity: EntityCounts.of(each.checked) for each in judged},
            docs_page=page,
        )


def source_fingerprint(
    *,
    inputs: Mapping[str, InputSpec],
    sources: Mapping[str, SourceMapping],
    rules: Sequence[RuleSpec],
    data_root: Path,
    company_currency: str,
    time_zone: str,
) -> str:
    """SHA-256 of all that decides what a load brings, but for its moment: files' bytes, mapping, rules and contracts.

    Where it is what it was at the last load, loading again would bring the same rows. (Rows set aside because they lay
    in the future are looked at again when anything of this changes.)

    Raises:
        SourceFileMissingError: an input has no file.
    """
    content: dict[str, Any] = {
        "inputs": {name: spec.model_dump(mode="json") for name, spec in inputs.items()},
        "sources": [[name, source.model_dump(mode="json")] for name, source in sources.items()],
        "rules": [rule.model_dump(mode="json") for rule in rules],
        "company": [company_currency, time_zone],
        "contracts": [core_contract_text(entity) for entity in CORE_ENTITIES],
        "files": {
            name: [[file_label(path, data_root), file_digest(path)] for path in find_files(name, spec, data_root)]
            for name, spec in inputs.items()
        },
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _prepare(connection: duckdb.DuckDBPyConnection, *, company_currency: str, now: datetime) -> None:
    connection.execute("set timezone = 'UTC'")
    connection.execute("set preserve_insertion_order = true")
    connection.execute("set enable_progress_bar = false")
    connection.execute("set variable now = ?::timestamptz", [now])
    connection.execute("set variable company_currency = ?::varchar", [company_currency])


def _read_sources(connection: duckdb.DuckDBPyConnection, plan: LoadPlan) -> dict[str, RawTable]:
    """Every source's raw rows; an input that several sources use is read once."""
    named = {source.input for source in plan.sources.values() if source.input is not None}
    for name, source in plan.sources.items():
        if source.input is not None and source.input not in plan.inputs:
            raise InputUnknownError(source=name, input_name=source.input, known=sorted(plan.inputs))
    any_query = any(source.query is not None for source in plan.sources.values())
    tables = {
        name: read_input(connection, name, spec, data_root=plan.data_root)
        for name, spec in plan.inputs.items()
        if any_query or name in named
    }
    return {
        name: tables[source.input] if source.input is not None else read_query(connection, name, source.query or "")
        for name, source in plan.sources.items()
    }


def _mapped(name: str, source: SourceMapping, raw: RawTable, plan: LoadPlan) -> MappedSource:
    return MappedSource(
        name=name, mapping=source, raw=raw, time_zone=plan.time_zone, company_currency=plan.company_currency
    )


def _judge(
    expectations: "Expectations",
    entity: str,
    sources: Sequence[MappedSource],
    rules: Sequence[RuleSpec],
    *,
    loaded: Sequence[str],
    load_id: str,
) -> JudgedEntity:
    """Stage all sources of an entity into one table, and judge it."""
    contract = core_contract(entity)
    staged = stage_entity(expectations.connection, entity, sources)
    bound = bind_rules(
        contract,
        mapped_columns={column for source in sources for column in source.mapping.mapped_columns()},
        source_rules=[rule for source in sources for rule in source.mapping.rules],
        added_rules=rules,
        loaded=loaded,
    )
    checked = check(expectations, contract, bound, staged=staged, load_id=load_id)
    return JudgedEntity(checked=checked, rules=bound, sources=tuple(sources))

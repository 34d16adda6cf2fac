"""One load: from a company's raw files to checked core frames and the rows that were set aside.

Belongs here: the order of the steps (read, stage, judge, hand on) and what they hand on. Does not: keeping the result
(`lake.py`, the ledger), reading, mapping and judging themselves.
"""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl

from data_contracts.checking import CheckedTable, RuleCount, check, open_expectations_on
from data_contracts.contracts import CORE_ENTITIES, Contract, core_contract_text
from data_contracts.inputs import InputSpec
from data_contracts.kept import contract_with
from data_contracts.mapping import RuleSpec, SourceMapping
from data_contracts.profiles import Profile
from data_contracts.rules import bind_rules
from data_contracts.table_checking import TableChecks, TableRuleResult, refuse_broken
from warehouse.judged_rows import JudgedEntity, accepted_rows, quarantined_rows
from warehouse.load_refusals import refuse_what_cannot_be_used
from warehouse.source_files import SourcePlace
from warehouse.source_mapping import MappedSource, stage_entity, staged_table
from warehouse.source_reading import SourcePlan, input_versions, prepare_connection, read_sources
from warehouse.table_checks import check_tables, table_rules_of

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
            and the attributes kept beside them, sorted by customer and time, else by key.
            Text String, integer Int32, number Float64, money Int64
            minor units, date Date, timestamp Datetime("us", "UTC"), boolean Boolean.
        quarantined: the rows set aside, as `judged_rows.QUARANTINE_SCHEMA`; `rules` names the rules it breaks,
            `raw_row` is the source's row as JSON (it may hold personal data: keep it as carefully as the source).
        counts: by entity.
        docs_page: the Data Docs page to open, where one was asked for.
        profiles: by entity what the load looked like, for later loads to be held against.
        table_rules: what came of the rules about whole tables.
    """

    load_id: str
    frames: dict[str, pl.DataFrame] = field(repr=False)
    quarantined: pl.DataFrame = field(repr=False)
    counts: dict[str, EntityCounts]
    docs_page: Path | None
    profiles: dict[str, Profile] = field(default_factory=dict, repr=False)
    table_rules: tuple[TableRuleResult, ...] = ()


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
        environment: by name the environment variables that inputs name (addresses of databases).
    """

    inputs: Mapping[str, InputSpec]
    sources: Mapping[str, SourceMapping]
    rules: Sequence[RuleSpec]
    data_root: Path
    company_currency: str
    time_zone: str
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


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
    environment: Mapping[str, str] | None = None,
    docs_folder: Path | None = None,
    table_checks: TableChecks | None = None,
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
        environment: see `LoadPlan`.
        docs_folder: where to write the Data Docs, if anywhere.
        table_checks: the company's table rules, earlier loads to hold this one against, and what is accepted.

    Returns:
        The accepted rows, the quarantine and the counts. The same whatever the number of threads.

    Raises:
        UsageError: a file is missing, or an expression or rule can't mean anything.
        DataBlockedError: files are empty or unreadable, a mapped column is missing, most dates or currencies are
            unknown, a critical rule about rows or a whole table is broken, or no order (or subscription) survives.
    """
    plan = LoadPlan(
        inputs=inputs,
        sources=sources,
        rules=rules,
        data_root=data_root,
        company_currency=company_currency,
        time_zone=time_zone,
        environment=environment or {},
    )
    checks, today = table_checks or TableChecks(), now.astimezone(ZoneInfo(time_zone)).date()
    contracts = load_contracts(sources)
    table_rules = table_rules_of(contracts, checks)
    with tempfile.TemporaryDirectory(prefix="gristmill-") as folder:
        database = Path(folder) / "staging.duckdb"
        staged = _stage_sources(database, plan, now=now)  # first: a wrong mapping is told before seconds of imports
        with open_expectations_on(database) as expectations:
            connection: duckdb.DuckDBPyConnection = expectations.connection
            prepare_connection(connection, company_currency=company_currency, now=now, time_zone=time_zone)
            judged: list[JudgedEntity] = []
            for entity, mapped in staged.items():
                loaded = [each.checked.entity for each in judged]
                judged.append(
                    _judge(expectations, contracts[entity], mapped, plan.rules, loaded=loaded, load_id=load_id)
                )
            page = expectations.write_pages(docs_folder) if docs_folder is not None else None
            for each in judged:
                refuse_what_cannot_be_used(connection, each)
            profiles, results = check_tables(connection, judged, table_rules, checks, time_zone=time_zone, today=today)
            refuse_broken(results)
            return CoreLoad(
                load_id=load_id,
                frames={each.checked.entity: accepted_rows(connection, each, load_id=load_id) for each in judged},
                quarantined=quarantined_rows(connection, judged, load_id=load_id),
                counts={each.checked.entity: EntityCounts.of(each.checked) for each in judged},
                docs_page=page,
                profiles=profiles,
                table_rules=results,
            )


def load_contracts(sources: Mapping[str, SourceMapping]) -> dict[str, Contract]:
    """By entity that has a source, referenced ones first, its contract with the extra attributes that sources keep."""
    return {
        entity: contract_with(entity, [source.keep for source in sources.values() if source.entity == entity])
        for entity in CORE_ENTITIES
        if any(source.entity == entity for source in sources.values())
    }


def source_fingerprint(
    *,
    inputs: Mapping[str, InputSpec],
    sources: Mapping[str, SourceMapping],
    rules: Sequence[RuleSpec],
    data_root: Path,
    company_currency: str,
    time_zone: str,
    environment: Mapping[str, str] | None = None,
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
        "files": input_versions(inputs, SourcePlace(data_root=data_root, environment=environment or {})),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _stage_sources(database: Path, plan: LoadPlan, *, now: datetime) -> dict[str, tuple[MappedSource, ...]]:
    """Read and map every source into a new database file: by entity (referenced ones first) what was staged."""
    with duckdb.connect(database) as connection:
        prepare_connection(connection, company_currency=plan.company_currency, now=now, time_zone=plan.time_zone)
        sources = read_sources(
            connection,
            SourcePlan(
                inputs=plan.inputs,
                sources=plan.sources,
                place=SourcePlace(data_root=plan.data_root, environment=plan.environment),
                company_currency=plan.company_currency,
                time_zone=plan.time_zone,
            ),
        )
        staged: dict[str, tuple[MappedSource, ...]] = {}
        for entity in CORE_ENTITIES:
            mapped = tuple(source for source in sources.values() if source.mapping.entity == entity)
            if mapped:
                stage_entity(connection, entity, mapped)
                staged[entity] = mapped
        return staged


def _judge(
    expectations: "Expectations",
    contract: Contract,
    sources: Sequence[MappedSource],
    rules: Sequence[RuleSpec],
    *,
    loaded: Sequence[str],
    load_id: str,
) -> JudgedEntity:
    """Judge the staged rows of an entity."""
    bound = bind_rules(
        contract,
        mapped_columns={column for source in sources for column in source.mapping.mapped_columns()},
        source_rules=[rule for source in sources for rule in source.mapping.all_rules()],
        added_rules=rules,
        loaded=loaded,
    )
    checked = check(expectations, contract, bound, staged=staged_table(contract.entity), load_id=load_id)
    return JudgedEntity(checked=checked, contract=contract, rules=bound, sources=tuple(sources))

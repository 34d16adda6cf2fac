"""The steps of one load, each a few statements over the module that does the work.

Belongs here: what the steps share while a load goes on. Does not: their order (`ingestion.py`), or how any is done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import duckdb
import polars as pl

from data_contracts.checking import check
from data_contracts.contracts import CORE_ENTITIES, Contract
from data_contracts.kept import contract_with
from data_contracts.mapping import SourceMapping
from data_contracts.orders import snapshot_instant
from data_contracts.rule_forms import TableRule
from data_contracts.rules import bind_rules
from data_contracts.sql import first_row, identifier
from data_contracts.table_checking import TableChecks
from warehouse.contact_separation import SeparatedCustomers, separate_contacts, show_with_contacts
from warehouse.core_views import show_for_references, show_merged
from warehouse.core_writing import EntityFiles, write_entity
from warehouse.erased_rows import drop_erased, drop_erased_from_quarantine, raw_places
from warehouse.golden_records import CUSTOMERS, RECORDS, write_golden_customers
from warehouse.identity_keeping import write_identities
from warehouse.identity_state import IdentityState
from warehouse.judged_rows import JudgedEntity, quarantined_rows
from warehouse.lake import entity_folder, write_manifest
from warehouse.load_fingerprints import mapping_hashes, versions_of
from warehouse.load_identities import are_joined, as_records, join_identities, record_files, trusted_sources
from warehouse.load_increments import Reading, Versions, plan_reading
from warehouse.load_refusals import refuse_what_cannot_be_used
from warehouse.load_results import Destination, EntityCounts, LoadPlan
from warehouse.load_states import SourceState
from warehouse.merging import MergeCounts, SourceStanding, Surroundings, decide, event_instant
from warehouse.personal_data import CONTACT_DETAILS, RESTRICTED, make_restricted
from warehouse.scratch import room_needed
from warehouse.source_files import SourcePlace
from warehouse.source_mapping import MappedSource, faults_named, stage_entity, staged_table
from warehouse.source_reading import SourcePlan, prepare_connection, read_sources
from warehouse.table_checks import TablesChecked, check_tables
from warehouse.unreadable_lines import with_unreadable

if TYPE_CHECKING:
    from data_contracts.great_expectations_on_duckdb import Expectations

_DEFAULT_LOOK_BACK_DAYS = 3


def load_contracts(sources: Mapping[str, SourceMapping]) -> dict[str, Contract]:
    """By entity that has a source, referenced ones first, its contract with the extra attributes that sources keep."""
    return {
        entity: contract_with(entity, [source.keep for source in sources.values() if source.entity == entity])
        for entity in CORE_ENTITIES
        if any(source.entity == entity for source in sources.values())
    }


@dataclass(kw_only=True)
class LoadRun:
    """A load while it goes on.

    Attributes:
        plan: what is to be loaded.
        into: where to, and what from.
        now: the moment of the load.
        load_id: its name.
        contracts: by entity that has a source, referenced ones first, its contract.
        reading: what is read, once that is chosen.
        sources: the sources that were read, by name.
        judged: the entities that were judged, in the contracts' order.
        merged: by entity what became of its rows.
        identities: who is who, where records are joined.
        erased: by entity how many rows of erased people were dropped after mapping.
        erased_set_aside: by entity how many of the rows that broke a rule were, by what their raw rows say.
    """

    plan: LoadPlan
    into: Destination
    now: datetime
    load_id: str
    contracts: Mapping[str, Contract]
    reading: Reading = field(init=False)
    sources: Mapping[str, MappedSource] = field(default_factory=dict)
    judged: list[JudgedEntity] = field(default_factory=list)
    merged: dict[str, MergeCounts] = field(default_factory=dict)
    identities: IdentityState | None = None
    erased: dict[str, int] = field(default_factory=dict)
    erased_set_aside: dict[str, int] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """The business date of the load."""
        return self.now.astimezone(ZoneInfo(self.plan.time_zone)).date()

    @property
    def around(self) -> Surroundings:
        """What all merges of the load share."""
        first_instant = snapshot_instant(self.today, time_zone=self.plan.time_zone)
        return Surroundings(
            load_id=self.load_id,
            known_since=first_instant - timedelta(microseconds=1),
            time_zone=self.plan.time_zone,
            buckets=self.into.buckets,
        )

    def choose(self, versions: Versions | None) -> None:
        """Choose what is read."""
        place = SourcePlace(data_root=self.plan.data_root, environment=self.plan.environment)
        self.reading = plan_reading(
            self.plan.inputs,
            self.plan.sources,
            place=place,
            versions=versions_of(self.plan.inputs, place) if versions is None else versions,
            standing=self.into.standing,
            mapping_hashes=self._hashes(),
            everything=self.into.everything,
        )

    def room_needed(self) -> int:
        """Bytes that have to be free where the load works."""
        return room_needed(
            self.reading.inputs, SourcePlace(data_root=self.plan.data_root, environment=self.plan.environment)
        )

    def _prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        prepare_connection(
            connection,
            company_currency=self.plan.company_currency,
            now=self.now,
            time_zone=self.plan.time_zone,
            memory_limit=self.plan.scratch.memory_limit,
        )

    def stage(self, database: Path) -> None:
        """Read and map every source into a new database file; rows of erased people end here."""
        plan = self.plan
        with duckdb.connect(database) as connection:
            self._prepare(connection)
            self.sources = read_sources(
                connection,
                SourcePlan(
                    inputs=self.reading.inputs,
                    sources=self.reading.sources,
                    place=SourcePlace(data_root=plan.data_root, environment=plan.environment),
                    company_currency=plan.company_currency,
                    time_zone=plan.time_zone,
                    when_empty=self._columns_when_empty(),
                ),
            )
            staged = {entity: staged_table(entity) for entity in self.contracts if self._sources_of(entity)}
            for entity in staged:
                stage_entity(connection, entity, self._sources_of(entity), as_table=bool(self.into.erased))
            self.erased = drop_erased(connection, staged, self.into.erased)

    def judge(self, expectations: "Expectations") -> None:
        """Judge the staged rows of every entity; where only news were read, the rest is there for references."""
        connection: duckdb.DuckDBPyConnection = expectations.connection
        self._prepare(connection)
        loaded: list[str] = []
        for entity, contract in self.contracts.items():
            if mapped := self._sources_of(entity):
                self.judged.append(self._judge(expectations, contract, mapped, loaded=loaded))
            keeping = [each.name for each in self._standings(entity) if each.keeps_absent]
            show_for_references(
                connection,
                contract,
                checked=self._checked(entity),
                stored=self._stored(entity),
                keeping=keeping,
            )
            loaded.append(entity)

    def refuse(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Block the load where what was read can't be used."""
        for each in self.judged:
            entity = each.checked.entity
            may_be_empty = not each.checked.read and (self.into.allow_empty or bool(self._stored(entity)))
            refuse_what_cannot_be_used(connection, each, may_be_empty=may_be_empty)

    def set_aside(self, connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
        """The rows that broke a rule, as `judged_rows.QUARANTINE_SCHEMA`; none of an erased person."""
        rows = quarantined_rows(connection, self.judged, load_id=self.load_id)
        kept, self.erased_set_aside = drop_erased_from_quarantine(
            rows, self.into.erased, places=raw_places(self.plan.sources)
        )
        return kept

    def write(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        """Merge every entity with the load before and write its files."""
        around, parted = self._join(connection), self._separate(connection)
        for entity, whole_contract in self.contracts.items():
            checked, core_contract = self._checked(entity), whole_contract
            if parted is not None and entity == CUSTOMERS:
                checked, core_contract = parted.rows, parted.customers
            are_records = around.identities and entity == CUSTOMERS
            contract = as_records(core_contract) if are_records else core_contract
            self.merged[entity] = self._merge(connection, contract, checked, around=around, folder=folder)
            if are_records:
                write_golden_customers(
                    connection,
                    core_contract,
                    folder=folder,
                    previous=self.into.standing.load,
                    sources=trusted_sources(self.plan.identity, self.plan.sources),
                    buckets=self.into.buckets,
                )
        beside = [RECORDS, *write_identities(folder, self.identities)] if self.identities is not None else []
        if parted is not None:
            self._merge(connection, parted.contact_details, parted.contact_rows, around=around, folder=folder)
            make_restricted(folder / RESTRICTED)
            beside.append(CONTACT_DETAILS)
        write_manifest(folder, self.load_id, [*self.contracts, *beside], buckets=self.into.buckets)
        for contract in self.contracts.values():
            show_merged(connection, contract, folder)
        if parted is not None:
            show_with_contacts(connection, entity_folder(folder, CONTACT_DETAILS))

    def _merge(
        self,
        connection: duckdb.DuckDBPyConnection,
        contract: Contract,
        checked: str,
        *,
        around: Surroundings,
        folder: Path,
    ) -> MergeCounts:
        """Merge one table with the load before and write its files."""
        of_customers = contract.entity in (RECORDS, CONTACT_DETAILS)
        merged = decide(
            connection,
            contract,
            checked=checked,
            sources=self._standings(CUSTOMERS if of_customers else contract.entity),
            stored=self._stored(contract.entity),
            around=around,
        )
        files = EntityFiles(
            contract=contract, checked=checked, previous=self.into.standing.load, folder=folder, around=around
        )
        write_entity(connection, files, failpoint=self.into.failpoint)
        return merged

    def _separate(self, connection: duckdb.DuckDBPyConnection) -> SeparatedCustomers | None:
        """Cut contact data off customers, where there are customers."""
        if CUSTOMERS not in self.contracts:
            return None
        return separate_contacts(
            connection,
            self.contracts[CUSTOMERS],
            self._checked(CUSTOMERS),
            key=self.into.key,
            country=self.plan.identity.country,
        )

    def _join(self, connection: duckdb.DuckDBPyConnection) -> Surroundings:
        """Find out which records are one customer, where the settings join any."""
        around, previous = self.around, self.into.standing.load
        if not are_joined(self.plan.identity, self.contracts, previous):
            return around
        self.identities = join_identities(
            connection,
            self.contracts[CUSTOMERS],
            checked=self._checked(CUSTOMERS),
            previous=previous,
            settings=self.plan.identity,
            around=around,
            decided_at=self.now,
        )
        return replace(around, identities=True)

    def hold_against_earlier(
        self, connection: duckdb.DuckDBPyConnection, rules: Mapping[str, Sequence[TableRule]], checks: TableChecks
    ) -> TablesChecked:
        """Profile the merged tables and hold them against earlier loads."""
        filled = {
            entity: {
                column
                for source in self.plan.sources.values()
                if source.entity == entity
                for column in source.mapped_columns()
            }
            for entity in self.contracts
        }
        return check_tables(
            connection, self.contracts, filled, rules, checks, time_zone=self.plan.time_zone, today=self.today
        )

    def states(self, connection: duckdb.DuckDBPyConnection) -> tuple[SourceState, ...]:
        """How each source of the settings stands after the load, those not read now included."""
        hashes = self._hashes()
        return tuple(
            SourceState(
                source=name,
                entity=mapping.entity,
                input_name=mapping.input,
                mapping_hash=hashes[name],
                columns=self._columns(name),
                newest_event=self._newest_event(connection, name),
                watermark=self._watermark(connection, name),
            )
            for name, mapping in self.plan.sources.items()
        )

    def counts(self) -> dict[str, EntityCounts]:
        """By entity what became of its rows; of one that was not read, that nothing did."""
        checked = {each.checked.entity: each.checked for each in self.judged}
        nothing = EntityCounts(read=0, accepted=0, quarantined=0, rules=())
        return {
            entity: EntityCounts.of(
                checked[entity],
                self.merged[entity],
                left_out=sum(source.raw.left_out for source in self._sources_of(entity)),
            ).without(self.erased_set_aside.get(entity, 0))
            if entity in checked
            else nothing
            for entity in self.contracts
        }

    def erased_rows(self) -> dict[str, int]:
        """By entity how many rows of erased people the sources still showed."""
        entities = sorted({*self.erased, *self.erased_set_aside})
        return {entity: self.erased.get(entity, 0) + self.erased_set_aside.get(entity, 0) for entity in entities}

    def _hashes(self) -> dict[str, str]:
        return mapping_hashes(
            self.plan.sources,
            self.plan.rules,
            company_currency=self.plan.company_currency,
            time_zone=self.plan.time_zone,
            key=self.into.key,
        )

    def _sources_of(self, entity: str) -> tuple[MappedSource, ...]:
        return tuple(source for source in self.sources.values() if source.mapping.entity == entity)

    def _checked(self, entity: str) -> str:
        return next((each.checked.table for each in self.judged if each.checked.entity == entity), "")

    def _stored(self, entity: str) -> list[Path]:
        return record_files(self.into.standing.load, entity)

    def _standings(self, entity: str) -> list[SourceStanding]:
        """What merging has to know of the sources of an entity."""
        hashes, known = self._hashes(), self.into.standing.sources
        found: list[SourceStanding] = []
        for name, mapping in self.plan.sources.items():
            if mapping.entity == entity:
                spec = self.plan.inputs.get(mapping.input or "")
                found.append(
                    SourceStanding(
                        name=name,
                        keeps_absent=spec is not None and spec.is_incremental,
                        restates=name not in known or known[name].mapping_hash != hashes[name],
                        newest_event=known[name].newest_event if name in known else None,
                        look_back_days=spec.look_back_days if spec is not None else _DEFAULT_LOOK_BACK_DAYS,
                    )
                )
        return found

    def _last_wins(self, entity: str) -> list[str]:
        """The sources of an entity of whose rows of one key the last one counts."""
        return [each.name for each in self._standings(entity) if each.keeps_absent]

    def _judge(
        self,
        expectations: "Expectations",
        contract: Contract,
        sources: Sequence[MappedSource],
        *,
        loaded: Sequence[str],
    ) -> JudgedEntity:
        """Judge the staged rows of an entity."""
        bound = bind_rules(
            contract,
            mapped_columns={column for source in sources for column in source.mapping.mapped_columns()},
            source_rules=[rule for source in sources for rule in source.mapping.all_rules()],
            added_rules=self.plan.rules,
            loaded=loaded,
        )
        with faults_named(expectations.connection, sources):
            checked = check(
                expectations,
                contract,
                bound,
                staged=staged_table(contract.entity),
                load_id=self.load_id,
                last_wins=self._last_wins(contract.entity),
            )
        unreadable = [source.raw.unreadable for source in sources]
        checked = with_unreadable(expectations.connection, checked, unreadable, note=expectations.note_rows_beside)
        return JudgedEntity(checked=checked, contract=contract, rules=bound, sources=tuple(sources))

    def _columns_when_empty(self) -> dict[str, Mapping[str, str]]:
        """By input that may hold no row the columns it then has: those it had before.

        An incremental input may: it says that there is no news. An empty file, without even a header, is none.
        """
        may_be_empty: dict[str, Mapping[str, str]] = {}
        for name, spec in self.reading.inputs.items():
            known = [state.columns for state in self.into.standing.sources.values() if state.input_name == name]
            if self.into.allow_empty:
                may_be_empty[name] = known[0] if known else {}
            elif spec.is_incremental and known:
                may_be_empty[name] = {}
        return may_be_empty

    def _columns(self, source: str) -> Mapping[str, str]:
        if source in self.sources:
            return self.sources[source].raw.columns
        return self.into.standing.sources[source].columns

    def _newest_event(self, connection: duckdb.DuckDBPyConnection, source: str) -> datetime | None:
        """When the newest accepted row of a source happened, of all loads; what lies in the future does not count."""
        known = self.into.standing.sources.get(source)
        before = known.newest_event if known is not None else None
        if source not in self.sources:
            return before
        mapping = self.plan.sources[source]
        event = event_instant(self.contracts[mapping.entity], self.plan.time_zone)
        newest: datetime | None = first_row(
            connection,
            f"select max({event}) filter ({event} <= getvariable('now')) "  # noqa: S608  # quoted names
            f"from {identifier(self._checked(mapping.entity))} where row_is_accepted and source = ?",
            [source],
        )[0]
        return max((each for each in (before, newest) if each is not None), default=None)

    def _watermark(self, connection: duckdb.DuckDBPyConnection, source: str) -> str | None:
        """The greatest value of the watermark column of a source's input, of all loads; none far in the future.

        A clock that is wrong by years in one row would otherwise hide everything that comes after it.
        """
        known = self.into.standing.sources.get(source)
        before = known.watermark if known is not None else None
        spec = self.plan.inputs.get(self.plan.sources[source].input or "")
        if spec is None or spec.watermark is None or source not in self.sources:
            return before
        table = self.sources[source].raw.table
        mark = identifier(spec.watermark)
        plausible = f"coalesce(try_cast({mark}::varchar as timestamp) < getvariable('today') + interval 2 day, true)"
        query = f"select (max({mark}) filter ({plausible}))::varchar from {table}"  # noqa: S608  # quoted names
        greatest: str | None = first_row(connection, query)[0]
        return max((each for each in (before, greatest) if each is not None), default=None)

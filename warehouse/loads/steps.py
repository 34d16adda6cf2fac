"""The steps of one load, each a few statements over the module that does the work.

Belongs here: what the steps share while a load goes on. Does not: their order (`ingestion.py`), or how any is done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import duckdb
import polars as pl

from data_contracts.contracts import CORE_ENTITIES, Contract
from data_contracts.joins import accepted_view
from data_contracts.kept import contract_with
from data_contracts.mapping import SourceMapping
from data_contracts.orders import snapshot_instant
from data_contracts.rule_forms import TableRule
from data_contracts.sql import first_row, identifier
from data_contracts.table_checking import TableChecks
from warehouse.core.judged_rows import JudgedEntity, quarantined_rows
from warehouse.core.sql import Surroundings
from warehouse.core.views import show_for_references
from warehouse.identities.state import IdentityState
from warehouse.loads.fingerprints import versions_of
from warehouse.loads.identities import record_files
from warehouse.loads.increments import Reading, Versions, plan_reading
from warehouse.loads.judging import judge_entity
from warehouse.loads.merging import MergeCounts, SourceStanding
from warehouse.loads.refusals import refuse_what_cannot_be_used
from warehouse.loads.results import Destination, EntityCounts, LoadPlan
from warehouse.loads.standing import StandingAfter, columns_when_empty, has_another_key, hashes_of, standings_of
from warehouse.loads.states import SourceState
from warehouse.loads.table_checks import TablesChecked, check_tables
from warehouse.loads.writing import CoreWriting
from warehouse.privacy.erased_rows import drop_erased, drop_erased_from_quarantine, raw_places
from warehouse.scratch import room_needed
from warehouse.sources.files import SourcePlace
from warehouse.sources.mapping import MappedSource, stage_entity, staged_table
from warehouse.sources.reading import SourcePlan, prepare_connection, read_sources

if TYPE_CHECKING:
    from data_contracts.great_expectations_on_duckdb import Expectations


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
            other_key=has_another_key(self.plan, self.into),
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
            mapping_hashes=hashes_of(self.plan, self.into),
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
                    when_empty=columns_when_empty(self.reading, self.into),
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
                checked=self._all_checked().get(entity, ""),
                stored=record_files(self.into.standing.load, entity),
                keeping=keeping,
            )
            loaded.append(entity)

    def refuse(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Block the load where what was read can't be used."""
        for each in self.judged:
            refuse_what_cannot_be_used(connection, each, may_be_empty=self._may_be_empty(connection, each))

    def set_aside(self, connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
        """The rows that broke a rule, as `judged_rows.QUARANTINE_SCHEMA`; none of an erased person."""
        rows = quarantined_rows(connection, self.judged, load_id=self.load_id)
        kept, self.erased_set_aside = drop_erased_from_quarantine(
            rows, self.into.erased, places=raw_places(self.plan.sources)
        )
        return kept

    def write(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        """Merge every entity with the load before and write its files."""
        writing = CoreWriting(
            plan=self.plan,
            into=self.into,
            now=self.now,
            contracts=self.contracts,
            checked=self._all_checked(),
            standings={entity: self._standings(entity) for entity in self.contracts},
            around=self.around,
        )
        writing.write(connection, folder)
        self.merged, self.identities = writing.merged, writing.identities

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
        after = StandingAfter(
            plan=self.plan,
            into=self.into,
            sources=self.sources,
            contracts=self.contracts,
            checked=self._all_checked(),
        )
        return after.states(connection)

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

    def _may_be_empty(self, connection: duckdb.DuckDBPyConnection, judged: JudgedEntity) -> bool:
        """Whether no row read of an entity need be fit for use: only news were read, and rows of before stay."""
        entity = judged.checked.entity
        if not judged.checked.read:
            return self.into.allow_empty or bool(record_files(self.into.standing.load, entity))
        only_news = {source.name for source in judged.sources} <= set(self._last_wins(entity))
        stays = f"select exists (from {identifier(accepted_view(entity))})"  # as `show_for_references` left it
        return only_news and bool(first_row(connection, stays)[0])

    def _sources_of(self, entity: str) -> tuple[MappedSource, ...]:
        return tuple(source for source in self.sources.values() if source.mapping.entity == entity)

    def _all_checked(self) -> dict[str, str]:
        return {each.checked.entity: each.checked.table for each in self.judged}

    def _standings(self, entity: str) -> list[SourceStanding]:
        """What merging has to know of the sources of an entity."""
        return standings_of(self.plan, self.into, self.reading, entity)

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
        return judge_entity(
            expectations,
            contract,
            sources,
            rules=self.plan.rules,
            load_id=self.load_id,
            loaded=loaded,
            last_wins=self._last_wins(contract.entity),
        )

"""Rows out of quarantine once more through the mapping and the rules in force, and into the core where they pass now.

Belongs here: making raw rows of quarantined ones, which of them can stand alone, and what a load made of them changes.
Does not: the tables of quarantine (`quarantine.py`), which rows are asked for and what is written down (the flows).

A replay is a load of its own (`steps.py`) that reads quarantine instead of inputs: nothing else of any source is
looked at, so no row is taken for gone, and sources stand afterwards where they stood before. A row that was set aside
as a repetition stays so while the core has its key. Another one whose key the core has with other values stays too (as
`key_is_unique`), unless its source is incremental and brought it after the row in the core: then it is the correction
that it would have been.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from data_contracts.checking import open_expectations_on
from data_contracts.contracts import Contract
from data_contracts.table_checking import TableChecks, refuse_broken
from warehouse.core.judged_rows import QUARANTINE_SCHEMA, JudgedEntity
from warehouse.core.rows import core_columns, stored_rows
from warehouse.identities.state import IdentityState
from warehouse.loads.identities import record_files
from warehouse.loads.increments import Reading, Versions
from warehouse.loads.merging import SourceStanding
from warehouse.loads.replayed_rows import (
    ReplayedRows,
    looks_beyond,
    raw_table,
    show_loads,
    told_anew,
    without_known_keys,
)
from warehouse.loads.results import EntityCounts
from warehouse.loads.states import SourceState
from warehouse.loads.steps import LoadRun
from warehouse.loads.table_checks import TablesChecked, table_rules_of
from warehouse.privacy.erased_rows import drop_erased
from warehouse.scratch import scratch_folder
from warehouse.sources.files import SourcePlace
from warehouse.sources.inputs import leave_out, read_input
from warehouse.sources.mapping import MappedSource, stage_entity, staged_table
from warehouse.sources.rates import prepare_rates

if TYPE_CHECKING:
    from data_contracts.great_expectations_on_duckdb import Expectations

LOOKS_AT_OTHER_ROWS = (
    "its mapping looks at other rows of the source (a window, or another input), so its rows mean nothing alone; "
    "`gristmill ingest --force` reads the source whole"
)


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What came of a replay.

    Attributes:
        counts: by entity that rows were replayed of.
        standing: the replayed rows that still break a rule, `rules` and `severity` as they are now, else as they were.
        left_alone: by source, why its rows could not be replayed.
        tables: what the merged tables look like; None where nothing was written.
        states: how each source stands.
        identities: who is who after it, where records are joined.
        kept: there is a new load in the lake.
    """

    counts: dict[str, EntityCounts]
    standing: pl.DataFrame = field(repr=False)
    left_alone: dict[str, str]
    tables: TablesChecked | None = None
    states: tuple[SourceState, ...] = ()
    identities: IdentityState | None = None
    kept: bool = False


class _Abandoned(Exception):  # noqa: N818  # no error: the load is not wanted
    """The load that is being written is not to be kept."""


@dataclass(kw_only=True)
class ReplayRun(LoadRun):
    """A load whose rows come from quarantine.

    Attributes:
        replayed: the rows.
        left_alone: by source, why its rows can't be replayed.
    """

    replayed: ReplayedRows
    left_alone: dict[str, str] = field(default_factory=dict)

    def choose(self, versions: Versions | None = None) -> None:
        """Read no input."""
        del versions
        names = set(self.replayed.rows["source"])
        sources = {name: mapping for name, mapping in self.plan.sources.items() if name in names}
        self.reading = Reading(inputs={}, sources=sources, whole=frozenset())

    def stage(self, database: Path) -> None:
        """Map the rows of every source that can stand alone into a new database file."""
        with duckdb.connect(database) as connection:
            self._prepare(connection)
            connection.execute("create schema if not exists raw")
            show_loads(connection, self.replayed)
            found = {name: self._source(connection, name) for name in self.reading.sources}
            beyond = [name for name, source in found.items() if looks_beyond(connection, source)]
            self.left_alone = dict.fromkeys(beyond, LOOKS_AT_OTHER_ROWS)
            self.sources = {
                name: replace(source, raw=leave_out(connection, name, source.raw, source.mapping.where))
                for name, source in found.items()
                if name not in beyond
            }
            staged = {entity: staged_table(entity) for entity in self.contracts if self._sources_of(entity)}
            for entity in staged:
                stage_entity(connection, entity, self._sources_of(entity), as_table=bool(self.into.erased))
            self.erased = drop_erased(connection, staged, self.into.erased)

    def states(self, connection: duckdb.DuckDBPyConnection) -> tuple[SourceState, ...]:
        """How each source stood before: nothing new was read of it."""
        del connection
        return tuple(self.into.standing.sources.values())

    def still_broken(self, connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
        """The replayed rows that are not accepted, as `QUARANTINE_SCHEMA`."""
        parts = [self.replayed.rows.filter(pl.col("source").is_in(list(self.left_alone)))]
        parts += [told_anew(connection, each, self.replayed.rows) for each in self.judged]
        return pl.concat([part.select(list(QUARANTINE_SCHEMA)) for part in parts])

    def _source(self, connection: duckdb.DuckDBPyConnection, name: str) -> MappedSource:
        mapping, rates = self.plan.sources[name], ""
        if mapping.conversion is not None:
            spec = self.plan.inputs[mapping.conversion.rates]
            place = SourcePlace(data_root=self.plan.data_root, environment=self.plan.environment)
            table = read_input(connection, f"{mapping.conversion.rates} for {name}", spec, place=place)
            currency = self.plan.company_currency
            rates = prepare_rates(connection, name, mapping.conversion, table, company_currency=currency)
        return MappedSource(
            name=name,
            mapping=mapping,
            raw=raw_table(connection, name, self.replayed),
            time_zone=self.plan.time_zone,
            company_currency=self.plan.company_currency,
            rates=rates,
        )

    def _standings(self, entity: str) -> list[SourceStanding]:
        """Nothing of any source is gone, what it brought before is not restated, and no row is late: it was misread."""
        standings = super()._standings(entity)
        gone = [
            SourceStanding(name=name, keeps_absent=True, restates=False, newest_event=None, look_back_days=0)
            for name, state in self.into.standing.sources.items()
            if state.entity == entity and name not in self.plan.sources
        ]
        return [replace(each, keeps_absent=True, restates=False, newest_event=None) for each in standings] + gone

    def _last_wins(self, entity: str) -> list[str]:
        return [name for name in super()._last_wins(entity) if self._is_incremental(name)]

    def _is_incremental(self, source: str) -> bool:
        spec = self.plan.inputs.get(self.plan.sources[source].input or "")
        return spec is not None and spec.is_incremental

    def _judge(
        self,
        expectations: "Expectations",
        contract: Contract,
        sources: Sequence[MappedSource],
        *,
        loaded: Sequence[str],
    ) -> JudgedEntity:
        judged = super()._judge(expectations, contract, sources, loaded=loaded)
        incremental = [source.name for source in sources if self._is_incremental(source.name)]
        before = record_files(self.into.standing.load, contract.entity)
        stored = stored_rows(expectations.connection, before, core_columns(contract))
        return without_known_keys(expectations.connection, judged, stored=stored, incremental=incremental)


def replay(run: ReplayRun, *, checks: TableChecks, keep: bool) -> Replayed:
    """Judge quarantined rows anew and put those that pass into a new load in the lake.

    Args:
        run: the load to be.
        checks: the company's table rules and earlier loads, as for any load.
        keep: put the load in its place; else everything is done but that.

    Returns:
        What came of it. Where no row of the core changed, no load is kept.

    Raises:
        UsageError, DataBlockedError, DependencyDownError: as for `ingestion.ingest`; nothing changed.
    """
    rules = table_rules_of(run.contracts, checks)
    run.choose()
    with scratch_folder(run.plan.scratch) as folder:
        database = folder / "staging.duckdb"
        run.stage(database)
        if not run.sources:
            return Replayed(
                counts={}, standing=run.replayed.rows.select(list(QUARANTINE_SCHEMA)), left_alone=run.left_alone
            )
        with open_expectations_on(database) as expectations:
            connection: duckdb.DuckDBPyConnection = expectations.connection
            run.judge(expectations)
            standing, tables = run.still_broken(connection), None
            try:
                with run.into.lake.writing(run.load_id) as aside:
                    run.write(connection, aside)
                    _abandon(unless=keep and any(merged.changes for merged in run.merged.values()))
                    tables = run.hold_against_earlier(connection, rules, checks)
                    refuse_broken(tables.rules)
            except _Abandoned:
                tables = None
            replayed_entities = {each.checked.entity for each in run.judged}
            return Replayed(
                counts={name: counts for name, counts in run.counts().items() if name in replayed_entities},
                standing=standing,
                left_alone=run.left_alone,
                tables=tables,
                states=run.states(connection),
                identities=run.identities,
                kept=tables is not None,
            )


def _abandon(*, unless: bool) -> None:
    if not unless:
        raise _Abandoned

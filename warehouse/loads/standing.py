"""How the sources of a load stand beside the load before: what merging has to know of them, and how they stand after.

Belongs here: bringing settings, the ledger's memory and the rows just read together for it. Does not: that memory
(`states.py`), which part of an input is read (`increments.py`), what becomes of a row (`merging.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from data_contracts.contracts import Contract
from data_contracts.mapping import SourceMapping
from data_contracts.sql import first_row, identifier
from warehouse.core.sql import event_instant
from warehouse.loads.fingerprints import mapping_hashes, without_key
from warehouse.loads.increments import Reading
from warehouse.loads.merging import SourceStanding
from warehouse.loads.results import Destination, LoadPlan
from warehouse.loads.states import SourceState
from warehouse.sources.mapping import MappedSource

_DEFAULT_LOOK_BACK_DAYS = 3


def hashes_of(plan: LoadPlan, into: Destination) -> dict[str, str]:
    """By source what changes when its mapping or rules do."""
    return mapping_hashes(
        plan.sources,
        plan.rules,
        inputs=plan.inputs,
        company_currency=plan.company_currency,
        time_zone=plan.time_zone,
        key=into.key,
    )


def has_another_key(plan: LoadPlan, into: Destination) -> bool:
    """Whether contact data were hashed with another key at the load before, or with none."""
    hashes, known = hashes_of(plan, into), into.standing.sources
    return any(
        known[name].mapping_hash.removeprefix(without_key(known[name].mapping_hash))
        != hashes[name].removeprefix(without_key(hashes[name]))
        for name in plan.sources
        if name in known
    )


def standings_of(plan: LoadPlan, into: Destination, reading: Reading, entity: str) -> list[SourceStanding]:
    """What merging has to know of the sources of an entity, those not read now included."""
    hashes, known = hashes_of(plan, into), into.standing.sources
    found: list[SourceStanding] = []
    for name, mapping in plan.sources.items():
        if mapping.entity == entity:
            spec = plan.inputs.get(mapping.input or "")
            found.append(
                SourceStanding(
                    name=name,
                    keeps_absent=spec is not None and spec.is_incremental,
                    restates=name not in known or without_key(known[name].mapping_hash) != without_key(hashes[name]),
                    newest_event=known[name].newest_event if name in known else None,
                    look_back_days=spec.look_back_days if spec is not None else _DEFAULT_LOOK_BACK_DAYS,
                    shows_all=spec is None or not spec.is_incremental or _is_seen_again(name, mapping, into, reading),
                )
            )
    return found


def _is_seen_again(name: str, mapping: SourceMapping, into: Destination, reading: Reading) -> bool:
    """Whether all that an incremental source ever brought is read now: no file of earlier loads is missing."""
    if name not in reading.whole:
        return False
    seen = {file.label for file in reading.files if file.input_name == mapping.input}
    return all(label in seen for label, _ in into.standing.files.get(mapping.input or "", ()))


def columns_when_empty(reading: Reading, into: Destination) -> dict[str, Mapping[str, str]]:
    """By input that may hold no row the columns it then has: those it had before.

    An incremental input may: it says that there is no news. An empty file, without even a header, is none.
    """
    may_be_empty: dict[str, Mapping[str, str]] = {}
    for name, spec in reading.inputs.items():
        known = [state.columns for state in into.standing.sources.values() if state.input_name == name]
        if into.allow_empty:
            may_be_empty[name] = known[0] if known else {}
        elif spec.is_incremental and known:
            may_be_empty[name] = {}
    return may_be_empty


@dataclass(frozen=True, kw_only=True)
class StandingAfter:
    """How the sources stand once a load's rows are judged.

    Attributes:
        plan: what was to be loaded.
        into: where to, and what the load before left.
        sources: the sources that were read, by name.
        contracts: by entity its contract.
        checked: by entity whose rows were judged, the table of checked rows.
    """

    plan: LoadPlan
    into: Destination
    sources: Mapping[str, MappedSource]
    contracts: Mapping[str, Contract]
    checked: Mapping[str, str]

    def states(self, connection: duckdb.DuckDBPyConnection) -> tuple[SourceState, ...]:
        """The state of each source of the settings, those not read now included."""
        hashes = hashes_of(self.plan, self.into)
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
        entity = self.plan.sources[source].entity
        event = event_instant(self.contracts[entity], self.plan.time_zone)
        newest: datetime | None = first_row(
            connection,
            f"select max({event}) filter ({event} <= getvariable('now')) "  # noqa: S608  # quoted names
            f"from {identifier(self.checked[entity])} where row_is_accepted and source = ?",
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

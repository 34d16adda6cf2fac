"""Writing the core rows of a load: every entity merged with the load before, contact data apart, customers joined.

Belongs here: which tables are merged from which rows, and what else lies in the load's folder. Does not: what becomes
of a row (`merging.py`), how a file is written (`core_writing.py`), who is who (`identities.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import duckdb

from data_contracts.contracts import Contract
from warehouse.core.sql import Surroundings
from warehouse.core.views import show_merged
from warehouse.identities.golden_records import CUSTOMERS, RECORDS, write_golden_customers
from warehouse.identities.keeping import write_identities
from warehouse.identities.state import IdentityState
from warehouse.lake import entity_folder, write_manifest
from warehouse.loads.core_writing import EntityFiles, write_entity
from warehouse.loads.identities import are_joined, as_records, join_identities, record_files, trusted_sources
from warehouse.loads.merging import MergeCounts, SourceStanding, decide
from warehouse.loads.results import Destination, LoadPlan
from warehouse.personal_data import CONTACT_DETAILS, RESTRICTED, make_restricted
from warehouse.privacy.contact_separation import SeparatedCustomers, separate_contacts, show_with_contacts


@dataclass(kw_only=True)
class CoreWriting:
    """The core rows of a load while they are written.

    Attributes:
        plan: what is to be loaded.
        into: where to, and what the load before left.
        now: the moment of the load.
        contracts: by entity that has a source, referenced ones first, its contract.
        checked: by entity whose rows were judged, the table of checked rows.
        standings: by entity what merging has to know of its sources.
        around: what all merges of the load share.
        merged: by entity what became of its rows.
        identities: who is who, where records are joined.
    """

    plan: LoadPlan
    into: Destination
    now: datetime
    contracts: Mapping[str, Contract]
    checked: Mapping[str, str]
    standings: Mapping[str, Sequence[SourceStanding]]
    around: Surroundings
    merged: dict[str, MergeCounts] = field(default_factory=dict)
    identities: IdentityState | None = None

    def write(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        """Write the files of all entities and the manifest into a folder, and show the rows in force as views."""
        self._join(connection)
        parted = self._separate(connection)
        for entity, contract in self.contracts.items():
            if entity == CUSTOMERS and parted is not None:
                self._write_customers(connection, parted, folder)
            else:
                self.merged[entity] = self._merge(connection, contract, self.checked.get(entity, ""), folder)
        beside = [RECORDS, *write_identities(folder, self.identities)] if self.identities is not None else []
        if parted is not None:
            self._merge(connection, parted.contact_details, parted.contact_rows, folder)
            make_restricted(folder / RESTRICTED)
            beside.append(CONTACT_DETAILS)
        write_manifest(folder, self.around.load_id, [*self.contracts, *beside], buckets=self.into.buckets)
        for contract in self.contracts.values():
            show_merged(connection, contract, folder)
        if parted is not None:
            show_with_contacts(connection, entity_folder(folder, CONTACT_DETAILS))

    def _write_customers(self, connection: duckdb.DuckDBPyConnection, parted: SeparatedCustomers, folder: Path) -> None:
        """Write customers without contact data; where records are joined, those and the customers that they make."""
        joined = self.around.identities
        contract = as_records(parted.customers) if joined else parted.customers
        self.merged[CUSTOMERS] = self._merge(connection, contract, parted.rows, folder)
        if joined:
            write_golden_customers(
                connection,
                parted.customers,
                folder=folder,
                previous=self.into.standing.load,
                sources=trusted_sources(self.plan.identity, self.plan.sources),
                buckets=self.into.buckets,
            )

    def _merge(
        self, connection: duckdb.DuckDBPyConnection, contract: Contract, checked: str, folder: Path
    ) -> MergeCounts:
        """Merge one table with the load before and write its files."""
        of_customers = contract.entity in (RECORDS, CONTACT_DETAILS)
        merged = decide(
            connection,
            contract,
            checked=checked,
            sources=self.standings[CUSTOMERS if of_customers else contract.entity],
            stored=record_files(self.into.standing.load, contract.entity),
            around=self.around,
        )
        files = EntityFiles(
            contract=contract, checked=checked, previous=self.into.standing.load, folder=folder, around=self.around
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
            self.checked.get(CUSTOMERS, ""),
            key=self.into.key,
            country=self.plan.identity.country,
            stored=record_files(self.into.standing.load, CONTACT_DETAILS),
        )

    def _join(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Find out which records are one customer, where the settings join any."""
        previous = self.into.standing.load
        if not are_joined(self.plan.identity, self.contracts, previous):
            return
        self.identities = join_identities(
            connection,
            self.contracts[CUSTOMERS],
            checked=self.checked.get(CUSTOMERS, ""),
            previous=previous,
            settings=self.plan.identity,
            around=self.around,
            decided_at=self.now,
        )
        self.around = replace(self.around, identities=True)

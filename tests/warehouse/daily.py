"""A small company that is loaded day by day: what the tests of incremental loads share, and a child process runs."""

import os
import signal
import sys
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from data_contracts.inputs import InputSpec
from data_contracts.mapping import SourceMapping
from data_contracts.table_checking import TableChecks
from warehouse.lake import Lake
from warehouse.ledger import Load
from warehouse.loads.fingerprints import source_fingerprint, versions_of
from warehouse.loads.ingestion import Destination, ingest
from warehouse.loads.recording import loads_to_keep, record_core_load
from warehouse.loads.results import no_failpoint
from warehouse.loads.states import recall
from warehouse.opening import warehouse_at
from warehouse.sources.files import SourcePlace

HEADER = "order,customer,placed,net"
ORDERS = {
    "entity": "orders",
    "input": "orders",
    "money": "major",
    "columns": {"order_id": "order", "customer_id": "customer", "ordered_at": "placed", "amount": "net"},
    "expressions": {"product_id": "'p'", "quantity": "1"},
    "constants": {"line_number": 1, "currency": "GBP"},
}


@dataclass
class Company:
    """A folder with files, a lake and a ledger; `load` is one night's load of its orders."""

    folder: Path
    buckets: int = 3
    load_kind: str = "incremental"
    mapping: dict = field(default_factory=lambda: deepcopy(ORDERS))
    inputs: dict = field(default_factory=dict)
    sources: dict = field(default_factory=dict)
    environment: dict = field(default_factory=dict)
    keep: int = 5

    def write(self, name, *lines, header=HEADER):
        """Write a file of orders."""
        path = self.folder / "orders" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([header, *lines]) + "\n")

    @property
    def lake(self):
        return Lake(self.folder / "lake")

    def warehouse(self):
        return warehouse_at(self.folder / "warehouse.duckdb", "")

    def asked(self):
        inputs = self.inputs or {"orders": InputSpec(files=("orders/*.csv",), load=self.load_kind)}
        mappings = self.sources or {"orders": self.mapping}
        return {
            "inputs": inputs,
            "sources": {name: SourceMapping.model_validate(mapping) for name, mapping in mappings.items()},
            "rules": [],
            "data_root": self.folder,
            "company_currency": "GBP",
            "time_zone": "Europe/London",
            "environment": self.environment,
        }

    def load(self, now, *, failpoint=no_failpoint, accept=(), **settings):
        """Load once at `now`, as the flows do."""
        asked = self.asked()
        versions = versions_of(asked["inputs"], SourcePlace(data_root=self.folder, environment=self.environment))
        with self.warehouse() as warehouse:
            standing = recall(warehouse, self.lake)
        load_id = f"{now:%Y%m%dT%H%M%S}"
        into = Destination(lake=self.lake, buckets=self.buckets, standing=standing, failpoint=failpoint, **settings)
        core = ingest(
            **asked, now=now, load_id=load_id, into=into, versions=versions, table_checks=TableChecks(accepted=accept)
        )
        row = Load(
            load_id=load_id,
            source_fingerprint=source_fingerprint(**asked, versions=versions),
            configuration_hash="c",
            loaded_at=now,
            counts={},
        )
        with self.warehouse() as warehouse:
            record_core_load(warehouse, core, row, failpoint=failpoint)
            failpoint("recorded")
            kept = loads_to_keep(warehouse, keep=self.keep)
        self.lake.collect_loads(kept)
        return core

    def core(self, entity="orders"):
        """All rows of the last load, all versions, in one order."""
        with self.warehouse() as warehouse:
            load = recall(warehouse, self.lake).load
        frame = load.scan(entity).collect()
        return frame.sort(frame.columns)

    def current(self, entity="orders"):
        return self.core(entity).filter(pl.col("superseded_at").is_null())

    def quarantine(self, entity="orders"):
        with self.warehouse() as warehouse:
            return warehouse.read_table("quarantine", entity).sort("source_file", "source_row")


def line(order, customer="a", placed="2024-05-01 10:00:00", net="1.00"):
    """A line of a file of orders."""
    return f"{order},{customer},{placed},{net}"


def merged(core, entity="orders"):
    """What became of the rows of a load, where it became of any."""
    return {name: count for name, count in core.counts[entity].merged.plain().items() if count}


def day(number, hour=3):
    """The moment of the load of a day: 3 o'clock in the night after it, by default."""
    return datetime(2024, 5, number, hour, tzinfo=UTC)


def kill_at(wanted):
    """A failpoint that ends the process at once."""

    def reached(point):
        if point == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return reached


if __name__ == "__main__":
    Company(Path(sys.argv[1])).load(day(int(sys.argv[2])), failpoint=kill_at(sys.argv[3]))

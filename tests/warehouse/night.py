"""One small night of segment tables, for the tests in this folder and for the child processes they kill."""

import os
import signal
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl

from data_contracts.published import OutputColumn, OutputContract, PublishedTable
from warehouse.ledger import RunResult, finish_run, run_key, start_run
from warehouse.opening import warehouse_at
from warehouse.publishing.write_audit_publish import PublishOptions, publish

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
CONFIGURATION = "1a2b3c4d5e6f7788"
CUSTOMER = OutputContract(
    table="customer",
    key=("customer_id",),
    columns=(
        OutputColumn("customer_id", pl.String, meaning="who: the customer's number"),
        OutputColumn("as_of", pl.Date),
        OutputColumn("churn_probability", pl.Float64, nullable=True, minimum=0, maximum=1),
        OutputColumn("expected_value", pl.Decimal(18, 2), nullable=True, minimum=Decimal(0)),
        OutputColumn("value_tier", pl.String, allowed=("gold", "iron")),
        OutputColumn("scored_at", pl.Datetime("us", "UTC"), nullable=True),
        OutputColumn("run_key", pl.String),
    ),
    volatile=("run_key",),
    meaning="one row a customer",
)
OFFER = OutputContract(
    table="next_best_offer",
    key=("customer_id", "rank"),
    columns=(
        OutputColumn("customer_id", pl.String),
        OutputColumn("rank", pl.Int32, minimum=1),
        OutputColumn("product_id", pl.String),
        OutputColumn("run_key", pl.String),
    ),
    volatile=("run_key",),
)


def customer_frame(as_of, *, customers=10, configuration=CONFIGURATION):
    numbers = range(customers)
    return pl.DataFrame(
        {
            "customer_id": [f"{number:05d}" for number in numbers],
            "as_of": [as_of] * customers,
            "churn_probability": [number / max(customers, 1) for number in numbers],
            "expected_value": [Decimal(number) for number in numbers],
            "value_tier": ["gold" if number < 2 else "iron" for number in numbers],
            "scored_at": [datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC)] * customers,
            "run_key": [run_key("score", as_of, configuration)] * customers,
        },
        schema=CUSTOMER.schema,
    )


def night_tables(as_of, *, customers=10, configuration=CONFIGURATION):
    key = run_key("score", as_of, configuration)
    offers = pl.DataFrame(
        {
            "customer_id": [f"{number:05d}" for number in range(customers)],
            "rank": [1] * customers,
            "product_id": ["00123"] * customers,
            "run_key": [key] * customers,
        },
        schema=OFFER.schema,
    )
    customer = customer_frame(as_of, customers=customers, configuration=configuration)
    return {"customer": PublishedTable(customer, CUSTOMER), "next_best_offer": PublishedTable(offers, OFFER)}


@dataclass(frozen=True)
class Place:
    """Where a warehouse is: a DuckDB file's path, or a PostgreSQL address."""

    address: str

    @property
    def is_postgresql(self):
        return self.address.startswith("postgresql:")

    def open(self, **options):
        return warehouse_at(Path(self.address), self.address if self.is_postgresql else "", **options)


def publish_night(place, as_of, *, tables=None, options=None, configuration=CONFIGURATION, now=NOW, timeouts=None):
    """What the nightly flow does around publishing: lock, start, publish, finish (in blocks of their own)."""
    with (
        place.open().lock(run_key=run_key("score", as_of, configuration), now=now, wait_seconds=10),
        place.open(timeouts=timeouts) as warehouse,
    ):
        run = start_run(
            warehouse, kind="score", as_of=as_of, configuration_hash=configuration, now=now, run_by="tester@here"
        )
        chosen = night_tables(as_of, configuration=configuration) if tables is None else tables
        published = publish(warehouse, chosen, run=run, now=now, options=options)
        finish_run(warehouse, run, status="done", now=now, result=RunResult(counts={"customers": 10}))
    return published


def kill_at(name):
    def failpoint(passed):
        if passed == name:
            os.kill(os.getpid(), signal.SIGKILL)

    return failpoint


if __name__ == "__main__":  # python night.py PLACE AS_OF FAILPOINT
    publish_night(
        Place(sys.argv[1]), date.fromisoformat(sys.argv[2]), options=PublishOptions(failpoint=kill_at(sys.argv[3]))
    )

"""The step of a load in which records become customers, and how the core keeps both.

Belongs here: what `identities.resolve` is given and what it leaves for merging, and which files hold records. Does not:
resolving, or merging (`merging.py`).

Where records are joined (the settings say how, or an earlier load did), the records of customers are kept in the entity
`customer_records`, and `customers` has one record a customer, chosen from theirs (`golden_records.py`). Else
`customers` holds the records themselves.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from data_contracts.checking import ACCEPTED
from data_contracts.contracts import Contract
from data_contracts.identity import IdentitySettings
from data_contracts.mapping import SourceMapping
from data_contracts.sql import identifier
from warehouse.core.sql import MOVED_CUSTOMERS, Surroundings
from warehouse.identities.golden_records import CUSTOMERS, RECORDS, source_order
from warehouse.identities.keeping import IDENTITIES, read_identities, show_earlier_customers
from warehouse.identities.resolving import resolve
from warehouse.identities.state import IdentityState, no_identities
from warehouse.lake import Load, assign_buckets
from warehouse.sources.columns import DUCKDB_TYPE

_ARRIVED = "arrived customers"


def are_joined(settings: IdentitySettings, contracts: Mapping[str, Contract], previous: Load | None) -> bool:
    """Whether records are told from customers: the settings join some, or the load before did."""
    before = previous is not None and IDENTITIES in previous.entities
    return CUSTOMERS in contracts and (settings.joins_anything or before)


def record_files(load: Load | None, entity: str) -> list[Path]:
    """The files of a load with an entity's rows as the sources brought them."""
    if load is None:
        return []
    if entity in (CUSTOMERS, RECORDS):
        return load.files(RECORDS if RECORDS in load.entities else CUSTOMERS)
    return load.files(entity)


def as_records(contract: Contract) -> Contract:
    """The contract of customers as that of their records."""
    return contract.model_copy(update={"entity": RECORDS})


def trusted_sources(settings: IdentitySettings, sources: Mapping[str, SourceMapping]) -> list[str]:
    """The sources of customers, the most trusted first."""
    return source_order(settings.source_priority, [name for name, each in sources.items() if each.entity == CUSTOMERS])


def join_identities(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    *,
    checked: str,
    previous: Load | None,
    settings: IdentitySettings,
    around: Surroundings,
    decided_at: datetime,
) -> IdentityState:
    """Find out who is who after this load, and leave what merging asks for in the load's database.

    Args:
        connection: the load's database. Two tables are made (replaced): `identity_map` (see `identities.resolve`) and
            `moved_customers` (`source_customer_id`, `becomes`, `was_bucket`, `becomes_bucket`): the records whose
            customer is another than at the load before.
        contract: of customers, extra attributes included.
        checked: the table of checked customers; "" where no source of them was read.
        previous: the load before.
        settings: the section `[identity]`.
        around: what all merges of the load share.
        decided_at: the load's moment.

    Returns:
        The state to keep with the load (`identities.keeping.write_identities`).

    Raises:
        UsageError: see `identities.resolve`.
    """
    earlier = show_earlier_customers(connection, previous) if previous is not None else None
    before = read_identities(previous) if previous is not None else None
    state = resolve(
        connection,
        records=_show_arrived(connection, contract, checked),
        previous=before,
        settings=settings,
        load_id=around.load_id,
        decided_at=decided_at,
        earlier=earlier,
    )
    moved = _moved(state, before or no_identities(), around.buckets)
    connection.register("moved records", moved)
    connection.execute(f'create or replace table {MOVED_CUSTOMERS} as from "moved records"')
    connection.unregister("moved records")
    return state


def _show_arrived(connection: duckdb.DuckDBPyConnection, contract: Contract, checked: str) -> str:
    """A view of the accepted records of customers; of none, where none were read."""
    rows = f"select * from {identifier(checked)} where {ACCEPTED}"  # noqa: S608  # a quoted name
    if not checked:
        kinds = {"source": "varchar", "email": "varchar", "phone": "varchar"}
        kinds |= {name: DUCKDB_TYPE[column.type] for name, column in contract.columns.items()}
        rows = f"select {', '.join(f'null::{kind} as {identifier(name)}' for name, kind in kinds.items())} where false"
    connection.execute(f"create or replace temp view {identifier(_ARRIVED)} as {rows}")
    return _ARRIVED


def _moved(state: IdentityState, before: IdentityState, buckets: int) -> pl.DataFrame:
    """Records whose customer is another, and from which bucket they go to which."""
    was = before.identities.select("source_customer_id", pl.col("customer_id").alias("was"))
    becomes = state.identities.select("source_customer_id", pl.col("customer_id").alias("becomes"))
    moved = (
        state.moved.join(becomes, on="source_customer_id", validate="1:1")
        .join(was, on="source_customer_id", how="left", validate="1:1")
        .with_columns(pl.coalesce("was", "source_customer_id"))
    )
    homes = assign_buckets(pl.concat([moved["was"], moved["becomes"].alias("was")]), buckets)
    return (
        moved.join(homes.rename({"customer_id": "was", "bucket": "was_bucket"}), on="was", validate="m:1")
        .join(homes.rename({"customer_id": "becomes", "bucket": "becomes_bucket"}), on="becomes", validate="m:1")
        .select("source_customer_id", "becomes", "was_bucket", "becomes_bucket")
        .sort("source_customer_id")
    )

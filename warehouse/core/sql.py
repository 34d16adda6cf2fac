"""SQL that merging and writing share: a row's key, when it happened, its bucket, the accepted rows.

Belongs here: these expressions, and what all merges of a load share. Does not: what becomes of a row (`merging.py`),
the columns and files of the core (`rows.py`).
"""

from dataclasses import dataclass
from datetime import datetime

from data_contracts.checking import ACCEPTED
from data_contracts.contracts import Contract
from data_contracts.sql import identifier, text
from warehouse.core.rows import as_the_source_writes_it, core_columns, customer_columns
from warehouse.lake import SUPERSEDED_AT

IDENTITY_MAP = "identity_map"
MOVED_CUSTOMERS = "moved_customers"


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What all merges of a load share.

    Attributes:
        load_id: the load.
        known_since: from when on (exclusive) what this load alone tells is known.
        time_zone: the company's.
        buckets: how many buckets customers are spread over.
        other_key: contact data were hashed with another key at the load before: hashes differ though nothing else does.
        identities: whether there is an identity map (table `identity_map`) and a table of customers who moved.
    """

    load_id: str
    known_since: datetime
    time_zone: str
    buckets: int
    other_key: bool = False
    identities: bool = False


def key_of(contract: Contract) -> list[str]:
    """The columns that rows of the core are matched by: ids as the source writes them."""
    ids = customer_columns(contract)
    return [as_the_source_writes_it(name) if name in ids else name for name in contract.key]


def event_instant(contract: Contract, time_zone: str) -> str:
    """SQL of when a row happened: an instant; of a date, the first one of that day."""
    column = identifier(contract.event_time)
    if not contract.event_time:
        return "null::timestamptz"
    if contract.columns[contract.event_time].type == "timestamp":
        return column
    return f"timezone({text(time_zone)}, {column}::timestamp)"


def bucket_sql(customer: str, buckets: int) -> str:
    """SQL of a customer's bucket: see `lake.bucket_of`."""
    return f"(md5_number_lower({customer}) % {buckets:d})::integer"


def accepted_rows_sql(contract: Contract, checked: str, around: Surroundings) -> str:
    """SQL of the accepted rows: the contract's columns with canonical customers, their ids beside, `event_at`."""
    ids = customer_columns(contract)
    if not checked:
        kinds = {name: kind for name, kind in core_columns(contract).items() if name not in ("load_id", SUPERSEDED_AT)}
        nothing = ", ".join(f"null::{kind} as {identifier(name)}" for name, kind in kinds.items())
        return f"(select 0::bigint as row_id, {nothing}, null::timestamptz as event_at where false)"
    known = {name: f"n.{identifier(name)}" for name in contract.columns}
    joins = ""
    if around.identities:
        known |= {name: f"coalesce(m_{name}.customer_id, n.{identifier(name)})" for name in ids}
        joins = "".join(
            f" left join {IDENTITY_MAP} as m_{name} on m_{name}.source_customer_id = n.{identifier(name)}"
            for name in ids
        )
    columns = ", ".join(f"{sql} as {identifier(name)}" for name, sql in known.items())
    beside = "".join(f", n.{identifier(name)} as {identifier(as_the_source_writes_it(name))}" for name in ids)
    event = event_instant(contract, around.time_zone).replace(
        identifier(contract.event_time), f"n.{identifier(contract.event_time)}"
    )
    return (
        f"(select n.row_id, n.source, {columns}{beside}, {event} as event_at from {identifier(checked)} n{joins} "  # noqa: S608  # quoted names
        f"where n.{ACCEPTED})"
    )

"""Who is who, for people to look at: figures, what was held back, one customer's records and links.

Belongs here: reading the last load's identities into plain values. Does not: printing (`identity_reporting.py`), or
joining records (a load does). No personal value is read.
"""

from typing import Any

import polars as pl

from flows.context import Context
from warehouse.errors_identity import CustomerUnknownError, IdentitiesMissingError
from warehouse.identities.keeping import read_identities
from warehouse.identities.state import IdentityState
from warehouse.ledger import last_load

LARGEST = 10


def identities_summary(context: Context, *, limit: int = LARGEST) -> dict[str, Any]:
    """Figures of the last load.

    Returns:
        `load_id`, `counts` (records, customers, joined records, links by method, what was held back), `largest` (the
        customers of most records: `customer_id`, `records`), `held_back` (matches not made: `method`, `reason`,
        `records`, `examples`) and `changes` (how many ids were merged or split, all loads together).

    Raises:
        IdentitiesMissingError: nothing was loaded, or the last load joins no records.
    """
    load_id, state = _last_state(context)
    sizes = state.identities.group_by("customer_id").agg(pl.len().alias("records")).filter(pl.col("records") > 1)
    held_back = state.held_back.group_by("method", "reason", "records", "first_id", maintain_order=True).agg(
        pl.col("example_id").alias("examples")
    )
    return {
        "load_id": load_id,
        "counts": state.counts(),
        "largest": sizes.sort("records", "customer_id", descending=[True, False]).head(limit).to_dicts(),
        "held_back": held_back.drop("first_id").head(limit).to_dicts(),
        "changes": dict(sorted(state.changes.group_by("change").len().iter_rows())),
    }


def identities_of(context: Context, customer: str) -> dict[str, Any]:
    """One customer: its records, the links between them, those that were held back, and earlier ids.

    Args:
        context: the surroundings.
        customer: any id of the customer, of a source or the customer's own.

    Returns:
        `customer_id`, `records` (as `IDENTITY_SCHEMA`), `links` (as `KEPT_LINK_SCHEMA`) and `changes`.

    Raises:
        IdentitiesMissingError: see `identities_summary`.
        CustomerUnknownError: no record has that id.
    """
    load_id, state = _last_state(context)
    known = state.identities.filter(pl.col("source_customer_id") == customer)
    if not known.height:
        raise CustomerUnknownError(customer=customer)
    customer_id = known["customer_id"][0]
    records = state.identities.filter(pl.col("customer_id") == customer_id)
    ids = records["source_customer_id"].implode()
    links = state.links.filter(pl.col("left_id").is_in(ids) | pl.col("right_id").is_in(ids))
    concerns = pl.any_horizontal(pl.col("customer_id", "became_customer_id").is_in(ids))
    return {
        "load_id": load_id,
        "customer_id": customer_id,
        "records": _plain(records.drop("customer_id")),
        "links": _plain(links),
        "changes": _plain(state.changes.filter(concerns)),
    }


def _last_state(context: Context) -> tuple[str, IdentityState]:
    place = context.warehouse(read_only=True, file_wait_seconds=2)
    load = None
    if place.exists():
        with place as warehouse:
            load = last_load(warehouse)
    state = read_identities(context.lake.open_load(load.load_id)) if load is not None else None
    if load is None or state is None:
        raise IdentitiesMissingError(where=place.where, loaded=load is not None)
    return load.load_id, state


def _plain(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON values."""
    moments = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Datetime)]
    return frame.with_columns(pl.col(moments).dt.strftime("%Y-%m-%dT%H:%M:%SZ")).to_dicts()

"""Who is who, in the warehouse: tables that people and programs read beside the ledger.

Belongs here: writing them with a load, in its transaction. Does not: the files in the lake (`keeping.py`).
`gristmill.customer_identities` has every record and whose it is, `gristmill.identity_links` every link with its method,
rule and weight, `gristmill.identity_changes` what became of ids, `gristmill.identity_held_back` the matches not made.
"""

import polars as pl

from warehouse.databases.base import Warehouse
from warehouse.identities.keeping import IDENTITIES, identity_tables
from warehouse.identities.state import IdentityState
from warehouse.ledger_schema import SCHEMA

IDENTITY_TABLE = "customer_identities"


def record_identities(warehouse: Warehouse, state: IdentityState | None) -> None:
    """Write the state's tables in place of those of the load before; within the load's transaction.

    Args:
        warehouse: open for writing; the ledger's schema is there.
        state: what the load knows; None where it joins nothing: tables that are there are left as they are.
    """
    if state is None:
        return
    for name, frame in identity_tables(state).items():
        table = IDENTITY_TABLE if name == IDENTITIES else name
        warehouse.drop_table(SCHEMA, table)
        warehouse.write_frame(SCHEMA, table, frame)


def read_changes(warehouse: Warehouse) -> pl.DataFrame | None:
    """What became of ids that were customers', as `state.KEPT_CHANGE_SCHEMA`; None where nothing is joined."""
    if "identity_changes" not in warehouse.tables(SCHEMA):
        return None
    return warehouse.read_table(SCHEMA, "identity_changes")

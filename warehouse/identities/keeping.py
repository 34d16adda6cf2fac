"""Identities as files of a load in the lake, and the records that earlier loads brought.

Belongs here: writing and reading the tables of `state.py`, and the view of earlier records that
`identities.resolve` takes. This is one of the few places that read `contact_details`. Does not: resolving.
"""

import json
from pathlib import Path

import duckdb
import polars as pl

from data_contracts.sql import identifier, text
from warehouse.identities.matching import HELD_BACK_SCHEMA
from warehouse.identities.state import IDENTITY_SCHEMA, KEPT_CHANGE_SCHEMA, KEPT_LINK_SCHEMA, IdentityState
from warehouse.lake import WHOLE, Load

IDENTITIES = "identities"
TABLES: dict[str, dict[str, pl.DataType]] = {
    IDENTITIES: IDENTITY_SCHEMA,
    "identity_links": KEPT_LINK_SCHEMA,
    "identity_changes": KEPT_CHANGE_SCHEMA,
    "identity_held_back": HELD_BACK_SCHEMA,
}
EARLIER = "earlier customers"
_MODEL = "model.json"


def identity_tables(state: IdentityState) -> dict[str, pl.DataFrame]:
    """The tables to keep, by their names in the lake and in the warehouse's ledger."""
    frames = (state.identities, state.links, state.changes, state.held_back)
    return dict(zip(TABLES, frames, strict=True))


def write_identities(folder: Path, state: IdentityState) -> list[str]:
    """Write the state into a load's folder that is being written; returns the entities for its manifest."""
    for name, frame in identity_tables(state).items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        frame.write_parquet(folder / name / WHOLE)
    if state.model is not None:
        (folder / IDENTITIES / _MODEL).write_text(json.dumps(state.model, indent=1, sort_keys=True))
    return list(TABLES)


def read_identities(load: Load) -> IdentityState | None:
    """The state that a load keeps; None when it keeps none."""
    if not set(TABLES) <= set(load.entities):
        return None
    identities, links, changes, held_back = (
        pl.read_parquet(load.folder / name / WHOLE).cast(pl.Schema(schema)) for name, schema in TABLES.items()
    )
    model = load.folder / IDENTITIES / _MODEL
    return IdentityState(
        identities=identities,
        links=links,
        changes=changes,
        held_back=held_back,
        model=json.loads(model.read_text()) if model.exists() else None,
    )


def show_earlier_customers(connection: duckdb.DuckDBPyConnection, load: Load) -> str | None:
    """Show the records that a load and those before it brought, as `identities.resolve` wants them (`earlier`).

    Args:
        connection: the staging database; the view `earlier customers` is made in it (replaced).
        load: the load before.

    Returns:
        The view's name: one row a record, in its last version, be it in force or gone. None where there are none.
    """
    entity = "customer_records" if "customer_records" in load.entities else "customers"
    if entity not in load.entities:
        return None
    records = _last_versions(connection, load, entity)
    columns = _columns(connection, records)
    if "contact_details" not in load.entities:
        missing = [f"null::varchar as {name}" for name in ("email", "phone") if name not in columns]
        query = f"select {', '.join(['*', *missing])} from {records}"  # noqa: S608  # quoted names and paths
    else:
        contacts = _last_versions(connection, load, "contact_details")
        own = ", ".join(f"r.{identifier(name)}" for name in columns if name not in ("email", "phone"))
        # contact data that a record in force no longer has are superseded, those of a gone one went with it
        same = "c.source_customer_id = r.source_customer_id and c.superseded_at is not distinct from r.superseded_at"
        query = f"select {own}, c.email, c.phone from {records} r left join {contacts} c on {same}"  # noqa: S608  # as above
    connection.execute(f"create or replace view {identifier(EARLIER)} as {query}")
    return EARLIER


def _last_versions(connection: duckdb.DuckDBPyConnection, load: Load, entity: str) -> str:
    """SQL of an entity's records, one an id: the version in force, else the one that was so last."""
    listed = ", ".join(text(str(path)) for path in load.files(entity))
    rows = f"read_parquet([{listed}], hive_partitioning = false, union_by_name = true)"
    columns = _columns(connection, rows)
    added = {
        "source_customer_id": "customer_id",
        "source": "''",
        "superseded_at": "null::timestamptz",
        "known_at": "null::timestamptz",
        "load_id": "''",
    }
    missing = [f"{value} as {name}" for name, value in added.items() if name not in columns]
    return (
        f"(select * from (select {', '.join(['*', *missing])} from {rows}) "  # noqa: S608  # quoted names and paths
        "qualify row_number() over (partition by source_customer_id "
        "order by superseded_at desc nulls first, known_at desc nulls last, load_id desc) = 1)"
    )


def _columns(connection: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    return [str(row[0]) for row in connection.execute(f"describe select * from {relation}").fetchall()]  # noqa: S608  # quoted

"""Sweeping the warehouse: no row of an erased person stays in quarantine, in published versions or in identity tables.

Belongs here: deleting such rows in one transaction, and keeping the ledger true about versions that changed. Does not:
files (`erasing_files.py`), freeing the pages that held the rows (`Warehouse.forget_deleted`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from data_contracts.published import OutputColumn, OutputContract, PublishedTable
from warehouse.databases.base import Warehouse
from warehouse.databases.identifiers import quoted
from warehouse.ledger_schema import SCHEMA, to_json
from warehouse.personal_data import Kind
from warehouse.privacy.erased_rows import RawPlace, person_columns, rows_about_erased
from warehouse.privacy.erasure_records import TABLE
from warehouse.privacy.tombstones import Tombstones
from warehouse.publishing.content_hash import content_hash
from warehouse.publishing.publications import (
    PUBLISHED_SCHEMA,
    VERSIONS_SCHEMA,
    Publication,
    publications,
    versioned_name,
)

QUARANTINE_SCHEMA = "quarantine"
_SCHEMAS = (QUARANTINE_SCHEMA, VERSIONS_SCHEMA, PUBLISHED_SCHEMA, SCHEMA)
_RAW_COLUMNS = ("source", "source_file", "source_row", "load_id", "rules", "raw_row")


@dataclass
class TablesSwept:
    """What was found in the warehouse.

    Attributes:
        rows: by `schema.table` how many rows went.
        versions: published versions that changed: number, run, content hash before and after.
    """

    rows: Counter[str] = field(default_factory=Counter)
    versions: list[dict[str, Any]] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {"rows": dict(sorted(self.rows.items())), "versions": self.versions}


@dataclass(frozen=True)
class _Table:
    schema: str
    name: str
    columns: tuple[str, ...]

    @property
    def sql(self) -> str:
        return quoted(self.schema, self.name)

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"


def sweep_tables(
    warehouse: Warehouse,
    tombstones: Tombstones,
    *,
    contracts: Mapping[str, OutputContract],
    places: Mapping[str, RawPlace],
    write: bool = True,
) -> TablesSwept:
    """Take the rows of erased people out of every table of ours. Where it writes, the caller opened a transaction.

    Args:
        warehouse: open.
        tombstones: who was erased.
        contracts: of the published tables by name, for their content hash.
        places: what is known about each source's raw rows.
        write: whether to change anything; else the rows are only counted.
    """
    tables = list(_tables(warehouse))
    swept = TablesSwept()
    erased = _erased_values(warehouse, tables, tombstones)
    for table in tables:
        condition, parameters = _condition(table, erased)
        rows = _count(warehouse, table, condition, parameters) if condition else 0
        if rows and write:
            warehouse.execute(
                f"DELETE FROM {table.sql} WHERE {condition}",  # noqa: S608 names are checked
                parameters,
                step=f"erase rows of {table.label}",
            )
        rows += _sweep_raw_rows(warehouse, table, tombstones, places, write=write)
        if rows:
            swept.rows[table.label] += rows
    if write:
        swept.versions = [
            _corrected(warehouse, version, contracts)
            for version in publications(warehouse)
            if version.collected_at is None and _lost_rows(version, swept)
        ]
    return swept


def _tables(warehouse: Warehouse) -> Iterator[_Table]:
    for schema in _SCHEMAS:
        for name in warehouse.tables(schema):
            if (schema, name) != (SCHEMA, TABLE):
                yield _Table(schema, name, tuple(warehouse.describe(schema, name).columns))


def _erased_values(warehouse: Warehouse, tables: Sequence[_Table], tombstones: Tombstones) -> dict[Kind, list[str]]:
    """By kind the values in any of the tables that belong to erased people."""
    kinds: tuple[Kind, ...] = ("customer_id", "email", "phone")
    found: dict[Kind, list[str]] = {}
    for kind in kinds:
        selects = [
            f"SELECT CAST({quoted(column)} AS VARCHAR) AS value FROM {table.sql}"  # noqa: S608 names are checked
            for table in tables
            for column, held in person_columns(table.columns).items()
            if held == kind
        ]
        if selects and tombstones.digests(kind):
            together = warehouse.query(" UNION ".join(selects), step="look for erased people")
            found[kind] = tombstones.matching(kind, together["value"].cast(pl.String))
    return found


def _condition(table: _Table, erased: Mapping[Kind, Sequence[str]]) -> tuple[str, list[str]]:
    conditions, parameters = [], []
    for column, kind in person_columns(table.columns).items():
        values = list(erased.get(kind, ()))
        if values:
            marks = ", ".join("?" * len(values))
            conditions.append(f"CAST({quoted(column)} AS VARCHAR) IN ({marks})")
            parameters += values
    return " OR ".join(conditions), parameters


def _count(warehouse: Warehouse, table: _Table, condition: str, parameters: Sequence[str]) -> int:
    found = warehouse.query(
        f"SELECT count(*) AS rows FROM {table.sql} WHERE {condition}",  # noqa: S608 names are checked
        parameters,
        step=f"count rows of {table.label}",
    )
    return int(found["rows"][0])


def _sweep_raw_rows(
    warehouse: Warehouse, table: _Table, tombstones: Tombstones, places: Mapping[str, RawPlace], *, write: bool
) -> int:
    """Rows of quarantine whose raw row holds an erased value."""
    if table.schema != QUARANTINE_SCHEMA or not set(_RAW_COLUMNS) <= set(table.columns):
        return 0
    columns = ", ".join(map(quoted, _RAW_COLUMNS))
    rows = warehouse.query(
        f"SELECT {columns} FROM {table.sql} WHERE raw_row IS NOT NULL",  # noqa: S608 names are checked
        step=f"read the raw rows of {table.label}",
    ).with_columns(pl.col("source", "source_file", "load_id", "rules", "raw_row").cast(pl.String))
    gone = rows.filter(rows_about_erased(rows, tombstones, places=places))
    keys = ("source", "source_file", "source_row", "load_id", "raw_row")
    same = " AND ".join(f"{quoted(name)} IS NOT DISTINCT FROM ?" for name in keys)
    for values in gone.select(keys).unique().iter_rows() if write else ():
        warehouse.execute(
            f"DELETE FROM {table.sql} WHERE {same}",  # noqa: S608 names are checked
            list(values),
            step=f"erase rows of {table.label}",
        )
    return gone.height


def _lost_rows(version: Publication, swept: TablesSwept) -> bool:
    return any(
        f"{VERSIONS_SCHEMA}.{versioned_name(table, version.version_number)}" in swept.rows for table in version.tables
    )


def _corrected(warehouse: Warehouse, version: Publication, contracts: Mapping[str, OutputContract]) -> dict[str, Any]:
    """Write a version's new content hash and row counts into the ledger."""
    tables = [
        _published(warehouse, table, versioned_name(table, version.version_number), contracts)
        for table in sorted(version.tables)
    ]
    after = content_hash(tables)
    rows = {table.contract.table: table.frame.height for table in tables}
    step = "write down the version's new content hash"
    warehouse.execute(
        "UPDATE gristmill.publications SET content_hash = ?, tables = ? WHERE version_number = ?",
        [after, to_json(rows), version.version_number],
        step=step,
    )
    warehouse.execute(
        "UPDATE gristmill.runs SET content_hash = ? WHERE run_key = ? AND attempt = ?",
        [after, version.run_key, version.attempt],
        step=step,
    )
    return {
        "version": version.version_number,
        "run_key": version.run_key,
        "content_hash_before": version.content_hash,
        "content_hash_after": after,
    }


def _published(
    warehouse: Warehouse, table: str, staged: str, contracts: Mapping[str, OutputContract]
) -> PublishedTable:
    """A kept version's table under the contract it was published by: its own columns, today's key and volatile ones."""
    frame = warehouse.read_table(VERSIONS_SCHEMA, staged)
    contract = contracts.get(table)
    key = tuple(name for name in (contract.key if contract else ()) if name in frame.columns)
    return PublishedTable(
        frame,
        OutputContract(
            table=table,
            key=key or tuple(frame.columns),
            columns=tuple(OutputColumn(name, dtype) for name, dtype in frame.schema.items()),
            volatile=tuple(name for name in (contract.volatile if contract else ("run_key",)) if name in frame.columns),
        ),
    )

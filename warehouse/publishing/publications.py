"""Which versions of the segment tables were published, which is current, and the rows of those still kept.

Belongs here: the ledger's publications as typed rows, and reading a kept version. Does not: making a version
(`write_audit_publish.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from warehouse.databases.base import Warehouse
from warehouse.ledger_schema import ledger_rows

PUBLISHED_SCHEMA = "segments"
VERSIONS_SCHEMA = "segments_versions"
_NEWEST_FIRST = "ORDER BY as_of DESC, version_number DESC"


@dataclass(frozen=True, kw_only=True)
class Publication:
    """One published version of all segment tables.

    Attributes:
        tables: rows by table name.
        overrides: which checks people set aside, and for which tables.
        superseded: a later version of the same run has taken its place.
        is_current: the stable views show this version; true of one at most.
        rolled_back_at: when people took it back.
        collected_at: when its tables were removed to make room; the ledger's row stays.
    """

    version_number: int
    run_key: str
    attempt: int
    as_of: date
    content_hash: str
    tables: Mapping[str, int]
    overrides: Mapping[str, Any]
    published_at: datetime
    superseded: bool
    is_current: bool
    rolled_back_at: datetime | None
    collected_at: datetime | None


def versioned_name(table: str, version_number: int) -> str:
    """The immutable table that holds one version, in the schema `segments_versions`, e.g. `customer__12`."""
    return f"{table}__{version_number}"


def publications(warehouse: Warehouse, *, limit: int | None = None) -> list[Publication]:
    """Published versions, the latest `as_of` first; a date's later versions before its earlier ones."""
    clause, parameters = (_NEWEST_FIRST, []) if limit is None else (f"{_NEWEST_FIRST} LIMIT ?", [limit])
    return _publications(warehouse, clause, parameters)


def publication(warehouse: Warehouse, run_key: str) -> Publication | None:
    """The version in which a run is published, if it is: neither superseded nor rolled back."""
    return _first(warehouse, "WHERE run_key = ? AND NOT superseded AND rolled_back_at IS NULL", [run_key])


def rolled_back_publication(warehouse: Warehouse, run_key: str) -> Publication | None:
    """The last version of a run that people took back, if there is one."""
    return _first(warehouse, "WHERE run_key = ? AND rolled_back_at IS NOT NULL", [run_key])


def current_publication(warehouse: Warehouse) -> Publication | None:
    """The version that the stable views show."""
    return _first(warehouse, "WHERE is_current", [])


def publication_before(warehouse: Warehouse, as_of: date) -> Publication | None:
    """The latest standing version of an earlier date: what `as_of` is compared with."""
    return _first(warehouse, "WHERE as_of < ? AND NOT superseded AND rolled_back_at IS NULL", [as_of])


def rows_before(warehouse: Warehouse, table: str, as_of: date) -> pl.DataFrame | None:
    """A table's rows in the latest kept version of an earlier date; None when there is none."""
    found = _publications(
        warehouse,
        f"WHERE as_of < ? AND NOT superseded AND rolled_back_at IS NULL AND collected_at IS NULL {_NEWEST_FIRST}",
        [as_of],
    )
    for version in found:
        if table in version.tables:
            return warehouse.read_table(VERSIONS_SCHEMA, versioned_name(table, version.version_number))
    return None


def _first(warehouse: Warehouse, condition: str, parameters: list[Any]) -> Publication | None:
    found = _publications(warehouse, f"{condition} {_NEWEST_FIRST} LIMIT 1", parameters)
    return found[0] if found else None


def _publications(warehouse: Warehouse, clause: str, parameters: list[Any]) -> list[Publication]:
    return [Publication(**row) for row in ledger_rows(warehouse, "publications", clause, parameters)]

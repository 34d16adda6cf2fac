"""The immutable tables of each version: writing, auditing and, when they are old or nobody's, removing them.

Belongs here: everything in the schema `segments_versions`. Does not: the stable views and the ledger's rows of a
publication (`write_audit_publish.py`).
"""

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import polars as pl

from data_contracts.key_order import by_key
from data_contracts.published import PublishedTable
from warehouse.databases.base import TableDescription, Warehouse
from warehouse.errors import AuditFailedError, StillNeededError, WarehouseLockedError
from warehouse.ledger import Run, check_still_running
from warehouse.publishing.audit import row_findings, schema_findings
from warehouse.publishing.content_hash import add_to_hash
from warehouse.publishing.publications import VERSIONS_SCHEMA, publications, versioned_name
from warehouse.set_aside import set_aside


def next_version_number(warehouse: Warehouse) -> int:
    """One more than the largest ever published; a number that was only staged may be used again."""
    return max((version.version_number for version in publications(warehouse)), default=0) + 1


def stage_and_audit(
    warehouse: Warehouse,
    tables: Mapping[str, PublishedTable],
    *,
    run: Run,
    version_number: int,
    failpoint: Callable[[str], None],
    scratch: Path | None = None,
) -> str:
    """Write a version's tables, read them back and audit what was read.

    Args:
        warehouse: open for writing.
        tables: by name.
        run: the run they come from.
        version_number: of the version.
        failpoint: called at each stage.
        scratch: a folder with room for the largest table; None for the system's temporary folder.

    Returns:
        The content hash of what was read back.

    Raises:
        AuditFailedError: a table is not what its contract says; what was staged is removed.
        RunSupersededError: somebody else took over, whose tables these may be by now: nothing is removed.
    """
    failpoint("before_staging")
    for number, name in enumerate(sorted(tables)):
        check_still_running(warehouse, run)
        table, staged = tables[name], versioned_name(name, version_number)
        warehouse.write_frame(VERSIONS_SCHEMA, staged, by_key(table.frame, table.contract.key))
        meanings = {column.name: column.meaning for column in table.contract.columns}
        warehouse.comment_table(VERSIONS_SCHEMA, staged, TableDescription(meanings, table.contract.meaning))
        if number == 0:
            failpoint("first_table_staged")
    failpoint("all_staged")
    digest = hashlib.sha256()
    findings: list[str] = []
    for name in sorted(tables):
        rows = _read_back(warehouse, versioned_name(name, version_number), scratch)
        read_back = PublishedTable(rows, tables[name].contract)
        findings += _findings(read_back, rows=tables[name].frame.height)
        if not findings:
            add_to_hash(digest, read_back)
    if findings:
        check_still_running(warehouse, run)
        remove_unlisted_tables(warehouse)
        raise AuditFailedError(findings=findings)
    failpoint("audited")
    return digest.hexdigest()


def _read_back(warehouse: Warehouse, table: str, scratch: Path | None) -> pl.DataFrame:
    """A staged table, set aside slice by slice: the night's own frames are in memory already."""
    if scratch is not None:
        scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gristmill-", dir=scratch) as folder:
        return pl.concat([set_aside(one, Path(folder)) for one in warehouse.read_slices(VERSIONS_SCHEMA, table)])


def _findings(table: PublishedTable, *, rows: int) -> list[str]:
    found = schema_findings(table.frame, table.contract) or row_findings(table.frame, table.contract)
    if table.frame.height != rows:
        found.append(f"{table.contract.table}: {table.frame.height:,} rows were staged of {rows:,}")
    return found


def collect_versions(warehouse: Warehouse, *, keep: int, now: datetime) -> list[int]:
    """Remove the tables of old versions: all but the current, the `keep` newest dates and the `keep` made last.

    Returns:
        The version numbers collected now.
    """
    held = [version for version in publications(warehouse) if version.collected_at is None]
    made_last = sorted(held, key=lambda version: version.version_number, reverse=True)[:keep]
    standing = [version for version in held if not version.superseded and version.rolled_back_at is None]
    kept = {version.version_number for version in (*made_last, *standing[:keep]) if keep > 0}
    old = [version.version_number for version in held if version.version_number not in kept and not version.is_current]
    for number in old:
        warehouse.execute(
            "UPDATE gristmill.publications SET collected_at = ? WHERE version_number = ?",
            [now, number],
            step=f"write down that version {number} was collected",
        )
    remove_unlisted_tables(warehouse)
    return old


def remove_unlisted_tables(warehouse: Warehouse) -> None:
    """Drop staged tables that no kept version owns: left by a run that failed or died, or collected.

    One that somebody is still reading, or has built something on, is left for the next time.
    """
    listed = {
        versioned_name(table, version.version_number)
        for version in publications(warehouse)
        if version.collected_at is None
        for table in version.tables
    }
    for table in warehouse.tables(VERSIONS_SCHEMA):
        if table not in listed:
            with suppress(WarehouseLockedError, StillNeededError):
                warehouse.drop_table(VERSIONS_SCHEMA, table)

"""Exports in the ledger: who took which list where, and how many were left out for what reason.

Belongs here: the ledger's rows about exports. Does not: the lists themselves, of which the ledger keeps counts only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from warehouse.databases.base import Warehouse
from warehouse.ledger_schema import ledger_rows, make_ledger, to_json


@dataclass(frozen=True, kw_only=True)
class Export:
    """One export.

    Attributes:
        export_number: 1 for the first; 0 where it is not written down yet.
        audience: which list it was.
        exported_table: of the schema `segments`.
        format: `csv`, `parquet`, or an advertising platform.
        conditions: by which rows were chosen, under `where`.
        as_of: the business date of the rows.
        version_number: the published version they are of.
        load_id: the load that consent and contact data were looked up in.
        counts: rows written, added, changed, removed, and left out by reason.
        files: names of the files, under `names`.
    """

    export_number: int = 0
    audience: str
    exported_table: str
    format: str
    conditions: Mapping[str, Sequence[str]]
    as_of: date
    version_number: int
    load_id: str
    counts: Mapping[str, int]
    files: Mapping[str, Sequence[str]]
    exported_at: datetime
    run_by: str


def record_export(warehouse: Warehouse, export: Export) -> None:
    """Write an export down under the next number; the caller holds the lock."""
    make_ledger(warehouse)
    before = warehouse.query("SELECT coalesce(max(export_number), 0) AS number FROM gristmill.exports")
    warehouse.execute(
        "INSERT INTO gristmill.exports (export_number, audience, exported_table, format, conditions, as_of, "
        "version_number, load_id, counts, files, exported_at, run_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            int(before["number"][0]) + 1,
            export.audience,
            export.exported_table,
            export.format,
            to_json(export.conditions),
            export.as_of,
            export.version_number,
            export.load_id,
            to_json(export.counts),
            to_json(export.files),
            export.exported_at,
            export.run_by,
        ],
        step="write down the export",
    )


def exports(warehouse: Warehouse, *, limit: int = 30) -> list[Export]:
    """The last exports, newest first."""
    rows = ledger_rows(warehouse, "exports", "ORDER BY export_number DESC LIMIT ?", [limit])
    return [Export(**row) for row in rows]

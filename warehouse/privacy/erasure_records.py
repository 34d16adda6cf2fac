"""Where erasures are on record: in the ledger, in the lake, and in a folder outside both.

Belongs here: writing the records down and reading them back. Does not: what they mean (`tombstones.py`), applying them
(`erasing.py`).

Each place alone may be put back to an earlier day by restoring a backup. What counts is what any of them knows; what
one of them lacks is written into it again.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from warehouse.databases.base import Warehouse
from warehouse.errors_personal_data import ErasureRecordUnreadableError
from warehouse.ledger_schema import SCHEMA, to_json
from warehouse.personal_data import make_restricted, private_opener
from warehouse.privacy.tombstones import Erasure

FOLDER = "erasures"
TABLE = "erasures"
Status = Literal["erasing", "done"]

_COLUMNS = """
    erasure_id VARCHAR PRIMARY KEY,
    status VARCHAR NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    requested_by VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    record JSON NOT NULL,
    touched JSON NOT NULL,
    result JSON NOT NULL"""


@dataclass(frozen=True, kw_only=True)
class ErasureRow:
    """An erasure as the ledger has it.

    Attributes:
        erasure: the record.
        status: `erasing` until nothing of the person is left in the warehouse, then `done`.
        finished_at: when it was done (UTC).
        touched: tables, as `schema.table`, whose rows were deleted but may still lie in unused pages.
        result: what went: rows by table and kind of file, content hashes before and after, restored copies swept.
    """

    erasure: Erasure
    status: Status
    finished_at: datetime | None
    touched: tuple[str, ...]
    result: Mapping[str, Any]


def read_files(folder: Path) -> dict[str, Erasure]:
    """The erasures on record in a folder, by name; none where there is no folder.

    Raises:
        ErasureRecordUnreadableError: a file is damaged.
    """
    found: dict[str, Erasure] = {}
    for path in sorted(folder.glob("*.erasure.json")):
        try:
            erasure = Erasure.from_plain(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ErasureRecordUnreadableError(path=str(path), reason=type(error).__name__) from None
        found[erasure.erasure_id] = erasure
    return found


def write_file(folder: Path, erasure: Erasure) -> None:
    """Put an erasure on record in a folder (made, and closed to others, if needed); safe against a loss of power."""
    make_restricted(folder)
    write_private(folder / f"{erasure.erasure_id}.erasure.json", json.dumps(erasure.plain(), indent=1))
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user may read: aside first, on the disk, then put in place in one step."""
    aside = path.with_name(f".{path.name}.writing")
    aside.unlink(missing_ok=True)
    with open(aside, "w", encoding="utf-8", opener=private_opener) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def read_rows(warehouse: Warehouse) -> dict[str, ErasureRow]:
    """The erasures that the ledger knows, by name; none where it has no such table yet."""
    if TABLE not in warehouse.tables(SCHEMA):
        return {}
    rows = warehouse.query(
        "SELECT erasure_id, status, finished_at, CAST(record AS VARCHAR) AS record, "
        "CAST(touched AS VARCHAR) AS touched, CAST(result AS VARCHAR) AS result "
        "FROM gristmill.erasures ORDER BY erasure_id",
        step="read the erasures",
    ).to_dicts()
    return {
        row["erasure_id"]: ErasureRow(
            erasure=Erasure.from_plain(json.loads(row["record"])),
            status=row["status"],
            finished_at=row["finished_at"],
            touched=tuple(json.loads(row["touched"])["tables"]),
            result=json.loads(row["result"]),
        )
        for row in rows
    }


def write_row(warehouse: Warehouse, erasure: Erasure) -> None:
    """Put an erasure on record in the ledger as `erasing`, unless it is there."""
    warehouse.make_schema(SCHEMA)
    if TABLE not in warehouse.tables(SCHEMA):
        warehouse.execute(f"CREATE TABLE IF NOT EXISTS {SCHEMA}.{TABLE} ({_COLUMNS})", step="make gristmill.erasures")
    warehouse.execute(
        "INSERT INTO gristmill.erasures (erasure_id, status, requested_at, requested_by, reason, record, touched, "
        "result) VALUES (?, 'erasing', ?, ?, ?, ?, ?, '{}') ON CONFLICT DO NOTHING",
        [
            erasure.erasure_id,
            erasure.requested_at,
            erasure.requested_by,
            erasure.reason,
            to_json(erasure.plain()),
            to_json({"tables": []}),
        ],
        step="write down the erasure",
    )


def write_touched(warehouse: Warehouse, erasure_ids: Sequence[str], tables: Sequence[str]) -> None:
    """Write down which tables rows were deleted from, in the transaction that deletes them."""
    rows = read_rows(warehouse)
    for erasure_id in erasure_ids:
        together = sorted({*rows[erasure_id].touched, *tables})
        warehouse.execute(
            "UPDATE gristmill.erasures SET touched = ? WHERE erasure_id = ?",
            [to_json({"tables": together}), erasure_id],
            step="write down which tables were touched",
        )


def write_result(
    warehouse: Warehouse, erasure_ids: Sequence[str], result: Mapping[str, Any], *, status: Status, now: datetime
) -> None:
    """Write down what was erased, and whether all is; what was written down before stays beside it."""
    rows = read_rows(warehouse)
    for erasure_id in erasure_ids:
        row = rows[erasure_id]
        earlier = list(row.result.get("sweeps", []))
        sweeps = [*earlier, {"at": now.isoformat(), **result}] if result else earlier
        warehouse.execute(
            "UPDATE gristmill.erasures SET result = ?, status = ?, finished_at = ?, touched = ? WHERE erasure_id = ?",
            [
                to_json({"sweeps": sweeps}),
                status,
                (row.finished_at or now) if status == "done" else row.finished_at,
                to_json({"tables": [] if status == "done" else list(row.touched)}),
                erasure_id,
            ],
            step="write down what was erased",
        )

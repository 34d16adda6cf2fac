"""Erasing a person, and keeping erased people erased.

Belongs here: the order of the steps, such that after a crash at any point the next run finishes. Does not: finding the
person (`erasing_search.py`), sweeping files (`erasing_files.py`) and tables (`erasing_tables.py`).

The record of the erasure is written first, everywhere it is kept. From then on nobody needs to know any more who the
person was: every step goes by the hashes in the record. So an erasure that was interrupted, and a backup that was
restored, are the same case: something on record was not applied somewhere, and the next run applies it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from data_contracts.published import OutputContract
from warehouse.databases.base import Warehouse
from warehouse.ledger_schema import make_ledger
from warehouse.personal_data import PersonalDataKey
from warehouse.privacy.erased_rows import RawPlace
from warehouse.privacy.erasing_files import sweep_exports, sweep_lake
from warehouse.privacy.erasing_tables import sweep_tables
from warehouse.privacy.erasure_records import (
    FOLDER,
    read_files,
    read_rows,
    write_file,
    write_result,
    write_row,
    write_touched,
)
from warehouse.privacy.tombstones import Erasure, Tombstones

FAILPOINTS = (
    "before_record",
    "first_record_written",
    "recorded",
    "lake_swept",
    "before_commit",
    "tables_swept",
    "pages_freed",
    "written_down",
)


def _carry_on(_failpoint: str) -> None:
    """What happens at a failpoint on any ordinary day."""


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where a company's data are kept.

    Attributes:
        lake: the lake's root.
        records: the folder outside the lake and the warehouse in which erasures are on record.
        exports: the folder of exports; it need not be there.
        open_warehouse: gives the warehouse, to be opened for writing.
        contracts: of the published tables by name.
        raw: what is known about each source's raw rows.
        failpoint: called with each name of `FAILPOINTS` as it is passed; for tests that kill the process there.
    """

    lake: Path
    records: Path
    exports: Path
    open_warehouse: Callable[[], Warehouse]
    contracts: Mapping[str, OutputContract]
    raw: Mapping[str, RawPlace]
    failpoint: Callable[[str], None] = field(default=_carry_on, repr=False)


def tombstones_on_record(places: Places, *, key: PersonalDataKey | None, country: str | None) -> Tombstones:
    """Everybody erased, by what any of the places knows.

    Raises:
        PersonalDataKeyNeededError, PersonalDataKeyChangedError: they can't be recognised.
        ErasureRecordUnreadableError: a record is damaged.
    """
    known = read_files(places.records) | read_files(places.lake / FOLDER)
    warehouse = places.open_warehouse()
    if warehouse.exists():
        with warehouse:
            known |= {name: row.erasure for name, row in read_rows(warehouse).items()}
    return Tombstones.opened(known.values(), key=key, country=country)


def count_rows(places: Places, tombstones: Tombstones) -> dict[str, Any]:
    """What a sweep would take out, by kind of file and by table; nothing is changed."""
    found: dict[str, Any] = {
        "lake": sweep_lake(places.lake, tombstones, write=False).plain(),
        "exports": sweep_exports(places.exports, tombstones, write=False).plain(),
        "tables": {"rows": {}, "versions": []},
    }
    warehouse = places.open_warehouse()
    if warehouse.exists():
        with warehouse:
            swept = sweep_tables(warehouse, tombstones, contracts=places.contracts, places=places.raw, write=False)
        found["tables"] = swept.plain()
    return found


def rows_found(result: Mapping[str, Any]) -> int:
    """How many rows a result of `count_rows` or `apply_erasures` is about."""
    return sum(sum(part["rows"].values()) for part in (result["lake"], result["exports"], result["tables"]))


def record_erasure(places: Places, erasure: Erasure) -> None:
    """Put an erasure on record: in the folder outside, in the lake, in the ledger. The caller holds the lock."""
    places.failpoint("before_record")
    write_file(places.records, erasure)
    places.failpoint("first_record_written")
    write_file(places.lake / FOLDER, erasure)
    with places.open_warehouse() as warehouse:
        write_row(warehouse, erasure)
    places.failpoint("recorded")


def apply_erasures(places: Places, tombstones: Tombstones, *, now: datetime) -> dict[str, Any] | None:
    """Take out whatever of erased people is (again) in the lake, in exports or in the warehouse.

    Cheap where there is nothing to do: files are looked at only when they changed since the last look, the warehouse
    only when its ledger lacks an erasure or says that one is not finished.

    Args:
        places: where the data are kept.
        tombstones: everybody erased.
        now: the moment, for the ledger.

    Returns:
        What was taken out, and `not_possible`: what could not be done, in words; None where there was nothing to do.
    """
    if not tombstones:
        return None
    unfinished = _put_on_record_everywhere(places, tombstones)
    lake = sweep_lake(places.lake, tombstones, all_files=False)
    places.failpoint("lake_swept")
    if not unfinished and not lake.files:
        return None
    result: dict[str, Any] = {
        "lake": lake.plain(),
        "exports": sweep_exports(places.exports, tombstones).plain(),
        "tables": {"rows": {}, "versions": []},
        "not_possible": [],
    }
    with places.open_warehouse() as warehouse:
        if unfinished:
            _sweep_warehouse(places, warehouse, tombstones, unfinished, result, now=now)
        else:
            write_result(warehouse, sorted(tombstones.erasure_ids), result, status="done", now=now)
    places.failpoint("written_down")
    return result


def _put_on_record_everywhere(places: Places, tombstones: Tombstones) -> list[str]:
    """Write records into places that lack them; returns the erasures that the warehouse has not finished."""
    for folder in (places.records, places.lake / FOLDER):
        there = read_files(folder)
        for erasure in tombstones.erasures:
            if erasure.erasure_id not in there:
                write_file(folder, erasure)
    with places.open_warehouse() as warehouse:
        known = read_rows(warehouse)
        for erasure in tombstones.erasures:
            if erasure.erasure_id not in known:
                write_row(warehouse, erasure)
        return [name for name, row in read_rows(warehouse).items() if row.status != "done"]


def _sweep_warehouse(
    places: Places,
    warehouse: Warehouse,
    tombstones: Tombstones,
    unfinished: list[str],
    result: dict[str, Any],
    *,
    now: datetime,
) -> None:
    """Delete, free the pages, say so; adds to `result` what was done."""
    make_ledger(warehouse)  # whoever is erased before anything was loaded
    with warehouse.transaction():
        tables = sweep_tables(warehouse, tombstones, contracts=places.contracts, places=places.raw)
        result["tables"] = tables.plain()
        write_touched(warehouse, unfinished, list(tables.rows))
        write_result(warehouse, unfinished, result, status="erasing", now=now)  # lost by no crash after this
        places.failpoint("before_commit")
    places.failpoint("tables_swept")
    touched = sorted({table for row in read_rows(warehouse).values() for table in row.touched})
    result["not_possible"] = warehouse.forget_deleted([(name.split(".")[0], name.split(".")[1]) for name in touched])
    places.failpoint("pages_freed")
    told = {"not_possible": result["not_possible"]} if result["not_possible"] else {}
    write_result(warehouse, unfinished, told, status="done", now=now)

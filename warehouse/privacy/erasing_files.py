"""Sweeping the files that are kept: no row of an erased person stays in the lake or in an exports folder.

Belongs here: finding such rows in Parquet and CSV files and writing the files anew without them, and remembering which
files were looked at. Does not: tables of the warehouse (`erasing_tables.py`).

A file is never changed in place: it may be hard-linked from an earlier load. It is written anew beside itself and put
in place in one step; files that were one file on the disk are one again afterwards.
"""

import csv
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from warehouse.lake import MANIFEST, SUPERSEDED_AT
from warehouse.personal_data import make_restricted
from warehouse.privacy.erased_rows import person_columns
from warehouse.privacy.erasure_records import FOLDER, write_private
from warehouse.privacy.tombstones import Tombstones

_LOOKED_AT = "looked_at.json"
_ROWS_A_GROUP = 100_000
Stamp = tuple[int, int, int, int]


@dataclass(frozen=True)
class _Gone:
    """What went from a file: rows, and those of them that were no longer in force."""

    path: Path
    rows: int = 0
    superseded: int = 0


@dataclass
class FilesSwept:
    """What was found in files: rows by kind of file (`core orders`, `features`, ...), and how many files had any."""

    rows: Counter[str] = field(default_factory=Counter)
    files: int = 0

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {"rows": dict(sorted(self.rows.items())), "files": self.files}


def sweep_lake(root: Path, tombstones: Tombstones, *, write: bool = True, all_files: bool = True) -> FilesSwept:
    """Take the rows of erased people out of every Parquet file below the lake's root, hidden folders too.

    Args:
        root: the lake's folder; nothing happens where there is none.
        tombstones: who was erased.
        write: whether to change anything; else the rows are only counted.
        all_files: look at every file, not only at those that changed since they were last looked at.

    Returns:
        What was found (and taken out).
    """
    swept, known = FilesSwept(), {} if all_files else _looked_at(root, tombstones)
    if write:
        _remove_half_written(root)
    same_file: dict[tuple[int, int], _Gone] = {}
    for path in sorted(root.rglob("*.parquet")):
        stamp = _stamp(path)
        if known.get(str(path.relative_to(root))) == stamp:
            continue
        inode = (stamp[0], stamp[1])
        if inode not in same_file:
            same_file[inode] = _without_erased(path, tombstones, write=write)
        elif same_file[inode].rows and write:
            _link(same_file[inode].path, path)
        gone = same_file[inode]
        if gone.rows:
            swept.files += 1
            swept.rows[_kind_of_file(path.relative_to(root))] += gone.rows
            if write:
                _correct_manifest(root, path, gone)
    if write:
        remember_files(root, tombstones)
    return swept


def remember_files(root: Path, tombstones: Tombstones) -> None:
    """Write down that all files now in the lake hold nobody who was erased: they need no second look.

    Called after a sweep, and after a verb whose input was swept: what it wrote was made of that.
    """
    if not tombstones or not root.is_dir():
        return
    make_restricted(root / FOLDER)
    files = {str(path.relative_to(root)): _stamp(path) for path in sorted(root.rglob("*.parquet"))}
    content = {"erasures": sorted(tombstones.erasure_ids), "files": files}
    write_private(root / FOLDER / _LOOKED_AT, json.dumps(content))


def sweep_exports(folder: Path, tombstones: Tombstones, *, write: bool = True) -> FilesSwept:
    """Take the rows of erased people out of the CSV and Parquet files of a folder of exports, where there is one."""
    swept = FilesSwept()
    for path in sorted(folder.rglob("*.parquet")):
        rows = _without_erased(path, tombstones, write=write).rows
        swept.rows["exports"] += rows
        swept.files += bool(rows)
    for path in sorted(folder.rglob("*.csv")):
        rows = _csv_without_erased(path, tombstones, write=write)
        swept.rows["exports"] += rows
        swept.files += bool(rows)
    return swept


def erased_predicate(frame: pl.LazyFrame, tombstones: Tombstones) -> pl.Expr | None:
    """Which rows of a frame are about erased people; None when none are."""
    conditions = []
    schema = frame.collect_schema()
    for column, kind in person_columns(schema.names()).items():
        if schema[column] != pl.String:
            continue
        values = frame.select(pl.col(column).drop_nulls().unique()).collect()[column]
        erased = tombstones.matching(kind, values)
        if erased:
            conditions.append(pl.col(column).is_in(erased).fill_null(value=False))
    return pl.any_horizontal(conditions) if conditions else None


def _without_erased(path: Path, tombstones: Tombstones, *, write: bool) -> _Gone:
    """Write a file anew without erased people; what went."""
    frame = pl.scan_parquet(path, glob=False, hive_partitioning=False)
    about = erased_predicate(frame, tombstones)
    if about is None:
        return _Gone(path)
    has_versions = SUPERSEDED_AT in frame.collect_schema()
    old = about & pl.col(SUPERSEDED_AT).is_not_null() if has_versions else pl.lit(value=False)
    rows, superseded = frame.select(about.sum().alias("rows"), old.sum().alias("old")).collect().row(0)
    if write and rows:
        aside = path.with_name(f".{path.name}.writing")
        frame.filter(~about).sink_parquet(aside, compression="zstd", row_group_size=_ROWS_A_GROUP)
        shutil.copymode(path, aside)
        aside.replace(path)
    return _Gone(path, rows, superseded)


def _link(source: Path, path: Path) -> None:
    """Put a hard link (a copy where the file system has none) of a file that was written anew in a file's place."""
    aside = path.with_name(f".{path.name}.writing")
    aside.unlink(missing_ok=True)
    try:
        os.link(source, aside)
    except OSError:
        shutil.copy2(source, aside)
    aside.replace(path)


def _remove_half_written(root: Path) -> None:
    """Remove what a killed run left half written: it belongs to nothing, and whoever holds the lock is alone."""
    for path in [found for found in root.rglob(".*.writing") if found.exists()]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _correct_manifest(root: Path, path: Path, gone: _Gone) -> None:
    """A load's manifest counts rows by entity: keep it true."""
    relative = path.relative_to(root)
    if relative.parts[0] != "core":
        return
    manifest = root / relative.parts[0] / relative.parts[1] / MANIFEST
    if not manifest.exists():
        return
    content = json.loads(manifest.read_text(encoding="utf-8"))
    entity = path.parent.name
    if entity in content["entities"]:
        content["entities"][entity] -= gone.rows
        superseded = content.get("superseded", {})
        if entity in superseded:
            superseded[entity] -= gone.superseded
        aside = manifest.with_name(f".{manifest.name}.writing")
        aside.write_text(json.dumps(content, indent=1), encoding="utf-8")
        aside.replace(manifest)


def _kind_of_file(relative: Path) -> str:
    return f"core {relative.parent.name}" if relative.parts[0] == "core" else relative.parts[0]


def _stamp(path: Path) -> Stamp:
    """What tells a file from one that was put in its place: restoring a backup changes at least one of these."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _looked_at(root: Path, tombstones: Tombstones) -> dict[str, Stamp]:
    """By file how it was when it was last found free of everybody erased."""
    try:
        content = json.loads((root / FOLDER / _LOOKED_AT).read_text(encoding="utf-8"))
        if not tombstones.erasure_ids <= set(content["erasures"]):
            return {}
        return {name: _as_stamp(stamp) for name, stamp in content["files"].items()}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # looked at again: that costs time, nothing else


def _as_stamp(values: list[int]) -> Stamp:
    device, inode, size, modified = values
    return device, inode, size, modified


def _csv_without_erased(path: Path, tombstones: Tombstones, *, write: bool) -> int:
    """Write a CSV file anew without erased people; how many rows went."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file), [])
    columns = {header.index(name): kind for name, kind in person_columns(header).items()}
    if not columns:
        return 0
    values = [set[str]() for _ in header]
    for row in _csv_rows(path):
        for position in columns:
            if position < len(row):
                values[position].add(row[position])
    erased = {
        position: set(tombstones.matching(kind, pl.Series(sorted(values[position]), dtype=pl.String)))
        for position, kind in columns.items()
    }

    def is_about(row: list[str]) -> bool:
        return any(position < len(row) and row[position] in gone for position, gone in erased.items())

    rows = sum(map(is_about, _csv_rows(path)))
    if write and rows:
        aside = path.with_name(f".{path.name}.writing")
        with aside.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(row for row in _csv_rows(path) if not is_about(row))
        shutil.copymode(path, aside)
        aside.replace(path)
    return rows


def _csv_rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        next(reader, None)
        yield from reader

"""Writing a list of customers for other programs: spreadsheets, pipelines, advertising platforms.

Belongs here: files that are safe to open and are all new or all old, what changed since the last time. Does not: who is
on the list (`flows.published.exporting`), what platforms ask (`audience_profiles.py`).
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import polars as pl

from warehouse.exports.errors import ExportNameRefusedError, ExportPlaceRefusedError
from warehouse.personal_data import FILE_MODE, private_opener
from warehouse.shortages import room_expected

FORMULA_START = r"^[\s]*[=+\-@\t\r\n]"
CHANGE = "change"
UPLOADS = "uploads"
"""Below the folder of exports: files for platforms, which go when anybody is erased."""
ADDED, CHANGED, REMOVED = "added", "changed", "removed"
_NAME_LENGTH = 60


def checked_name(name: str) -> str:
    """An audience's name that may become a file's name.

    Raises:
        ExportNameRefusedError: it holds anything but lower-case letters, digits, `-` and `_`, or is too long.
    """
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789_-")
    if not name or len(name) > _NAME_LENGTH or set(name) - allowed or name[0] in "-_":
        raise ExportNameRefusedError(name=name, longest=_NAME_LENGTH)
    return name


def spreadsheet_safe(frame: pl.DataFrame) -> pl.DataFrame:
    """Text cells that a spreadsheet would take for a formula get a leading apostrophe; numbers stay."""
    return frame.with_columns(pl.col(pl.String).str.replace(FORMULA_START, "'${0}"))


def write_spreadsheet_csv(frame: pl.DataFrame, path: Path) -> None:
    """CSV for a spreadsheet. Raises: ExportPlaceRefusedError."""
    put(path, spreadsheet_safe(frame).write_csv)


def write_upload_csv(frame: pl.DataFrame, path: Path) -> None:
    """CSV for a platform: nothing escaped. Raises: ExportPlaceRefusedError."""
    put(path, frame.write_csv)


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Parquet, values as they are. Raises: ExportPlaceRefusedError."""
    put(path, frame.write_parquet)


def put(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file that only this user may read, aside first, then in place in one step; links are not followed.

    Raises:
        ExportPlaceRefusedError: the place is a link, or below one, or is no plain file.
        NoRoomLeftError: the disk is full; the file before stays.
    """
    _refuse_links(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.writing")
    aside.unlink(missing_ok=True)
    try:
        with (
            room_expected("write the list", where=str(path)),
            open(aside, "xb", opener=private_opener) as opened,
        ):
            write(opened)
            opened.flush()
            os.fsync(opened.fileno())
        aside.chmod(FILE_MODE)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def changes_since(before: pl.DataFrame | None, now: pl.DataFrame, *, key: Sequence[str]) -> pl.DataFrame:
    """What is new, changed or gone, with a column `change`; everything is `added` where there was nothing before.

    Args:
        before: the rows of the last export; None for none. Columns it lacks count as changed.
        now: the rows of this one.
        key: what identifies a row, once in each frame.

    Returns:
        The columns of `now` and `change`, sorted by `key`; rows that are gone come as they were.
    """
    if before is None:
        return now.with_columns(pl.lit(ADDED).alias(CHANGE)).sort(key)
    added = now.join(before, on=key, how="anti")
    removed = before.join(now, on=key, how="anti")
    both = now.join(before.select(key), on=key, how="semi")
    told = [name for name in now.columns if name not in key]
    if set(now.columns) == set(before.columns):
        compared = both.join(before, on=key, how="left", suffix=" before", validate="1:1")
        moved = [pl.col(name).ne_missing(pl.col(f"{name} before").cast(now.schema[name])) for name in told]
        both = compared.filter(pl.any_horizontal(*moved, pl.lit(value=False))).select(now.columns)
    parts = [(added, ADDED), (both, CHANGED), (removed, REMOVED)]
    labelled = [part.with_columns(pl.lit(label).alias(CHANGE)) for part, label in parts]
    return pl.concat(labelled, how="diagonal_relaxed").select(*now.columns, CHANGE).sort(key)


def _refuse_links(path: Path) -> None:
    for place in (path, *path.parents):
        if place.is_symlink():
            raise ExportPlaceRefusedError(path=str(path), problem=f"{place} is a link")
    if path.exists() and not path.is_file():
        raise ExportPlaceRefusedError(path=str(path), problem="there is something there that is no plain file")

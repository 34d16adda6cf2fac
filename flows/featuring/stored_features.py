"""Features that past nights left in the lake: which there are, and of which load each was made.

Belongs here: finding and reading them. Does not: building features.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from flows.context import Context
from flows.featuring.errors import StoredFeaturesUnreadableError
from warehouse.lake import bucket_file
from warehouse.ledger import Run, history

ATTEMPTS = 100_000  # all there are, for any company


@dataclass(frozen=True, kw_only=True)
class StoredNight:
    """A night's feature files.

    Attributes:
        day: the date they are as of.
        load_id: the load they were made of; empty where that is not sure.
        paths: one file a bucket, in order.
        missing: why they can't be made again; empty when they can.
    """

    day: date
    load_id: str = ""
    paths: tuple[Path, ...] = ()
    missing: str = ""


def stored_nights(context: Context, *, until: date) -> list[StoredNight]:
    """Nights whose features are in the lake, up to a date, newest first."""
    folders = (context.lake.root / "features").glob("as_of=*")
    days = sorted((date.fromisoformat(folder.name.removeprefix("as_of=")) for folder in folders), reverse=True)
    with context.warehouse(read_only=True) as warehouse:
        runs = [run for run in history(warehouse, limit=ATTEMPTS) if run.kind == "score"]
    return [_night(context, day, [run for run in runs if run.as_of == day]) for day in days if day <= until]


def stored_night(context: Context, day: date, *, load_id: str) -> StoredNight | None:
    """The night's features where they were made of that load and can be relied on."""
    found = [night for night in stored_nights(context, until=day) if night.day == day]
    return found[0] if found and not found[0].missing and found[0].load_id == load_id else None


def read_stored(path: Path) -> pl.DataFrame:
    """One bucket of a stored night.

    Raises:
        StoredFeaturesUnreadableError: the file is cut short, or is no Parquet file.
    """
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise StoredFeaturesUnreadableError(path=str(path), reason=str(error).splitlines()[0]) from None


def has_columns(path: Path, names: Collection[str]) -> bool:
    """Whether a stored bucket has these columns and no others.

    Raises:
        StoredFeaturesUnreadableError: the file is cut short, or is no Parquet file.
    """
    try:
        return set(pl.read_parquet_schema(path)) == set(names)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise StoredFeaturesUnreadableError(path=str(path), reason=str(error).splitlines()[0]) from None


def _night(context: Context, day: date, runs: list[Run]) -> StoredNight:
    """Of which load the files are: of the last attempt that is done, unless a later one began to write over them."""
    done = next((place for place, run in enumerate(runs) if run.status == "done"), None)
    if done is None:
        return StoredNight(day=day, missing="no run of that night is done")
    load_id = runs[done].load_id or ""
    if any(run.load_id != load_id for run in runs[:done]):
        return StoredNight(day=day, missing="a later run began to write over it and did not finish")
    if not context.lake.has_load(load_id):
        return StoredNight(day=day, load_id=load_id, missing=f"its load {load_id} was cleared away")
    folder = context.lake.root / "features" / f"as_of={day.isoformat()}"
    paths = tuple(folder / bucket_file(bucket) for bucket in range(context.lake.open_load(load_id).buckets))
    lost = [path.name for path in paths if not path.exists()]
    if lost:
        return StoredNight(day=day, load_id=load_id, missing=f"files are missing: {', '.join(lost)}")
    return StoredNight(day=day, load_id=load_id, paths=paths)

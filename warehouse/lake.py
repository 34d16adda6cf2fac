"""The lake: core rows, features and scores as Parquet, bucketed by a stable hash of the customer.

Belongs here: which bucket a customer is in, and how a load or a night's features are written whole or not at all. Does
not: which load is the current one (the ledger says so), or what the rows mean.

Layout, below one root::

    core/load=<load_id>/orders/bucket=007.parquet        everything about one customer is in one bucket
    core/load=<load_id>/products/whole.parquet           tables without a customer are one file
    core/load=<load_id>/restricted/contact_details/…     what few may read (the folder is closed to others)
    features/as_of=2026-11-21/bucket=007.parquet
"""

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import polars as pl

from data_contracts.sql import first_row, text
from warehouse.core.judged_rows import SORTED_BY
from warehouse.lake_errors import LoadMissingError
from warehouse.personal_data import CONTACT_DETAILS, RESTRICTED
from warehouse.shortages import room_expected
from warehouse.whole_files import check_readable, check_whole

MANIFEST = "load.json"
WHOLE = "whole.parquet"
SUPERSEDED_AT = "superseded_at"
RESTRICTED_ENTITIES = (CONTACT_DETAILS,)


def bucket_of(customer_id: str, buckets: int) -> int:
    """The bucket of one customer: the low 64 bits of MD5(id), little-endian, modulo `buckets`.

    MD5 because it is the same on every machine and in every version of every library; nothing here is a secret.
    """
    digest = hashlib.md5(customer_id.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little") % buckets


def assign_buckets(customer_ids: pl.Series, buckets: int) -> pl.DataFrame:
    """Buckets of many customers at once.

    Args:
        customer_ids: String, any number of repetitions.
        buckets: how many buckets there are.

    Returns:
        One row per distinct customer: `customer_id` String, `bucket` Int32.
    """
    ids = customer_ids.unique().alias("customer_id").to_frame()  # noqa: F841 DuckDB finds the frame by its name
    with duckdb.connect() as connection:
        query = f"select customer_id, (md5_number_lower(customer_id) % {int(buckets)})::integer as bucket from ids"  # noqa: S608 an integer
        frame: pl.DataFrame = connection.sql(query).pl()
        return frame


@dataclass(frozen=True)
class Load:
    """One complete load of core rows in the lake.

    Attributes:
        folder: where its files lie.
        load_id: its name.
        buckets: how many buckets customers are spread over.
        entities: the entities it has.
        absent_columns: columns that hold nothing in any row, as `entity.column`.
        superseded: by entity, rows that are no longer in force but were; entities without any are left out.
    """

    folder: Path
    load_id: str
    buckets: int
    entities: tuple[str, ...]
    absent_columns: tuple[str, ...]
    superseded: Mapping[str, int] = field(default_factory=dict)

    def scan(self, entity: str, bucket: int | None = None) -> pl.LazyFrame | None:
        """Rows of one entity, all versions: of one bucket, or of all; None when the load has no such entity.

        Raises:
            CoreFileDamagedError: a file is missing, cut short, or no Parquet file.
        """
        if entity not in self.entities:
            return None
        files = self.files(entity, bucket)
        for file in files:
            check_whole(file)
        return pl.scan_parquet(files)

    def check_files(self, bucket: int | None = None) -> None:
        """Read every file of a bucket (None: of the load) from beginning to end.

        Raises:
            CoreFileDamagedError: one can't be read.
        """
        for entity in self.entities:
            for file in self.files(entity, bucket):
                check_readable(file)

    def files(self, entity: str, bucket: int | None = None) -> list[Path]:
        """The files with the rows of an entity, of one bucket or of all; none when the load has no such entity."""
        if entity not in self.entities:
            return []
        home = entity_folder(self.folder, entity)
        whole = home / WHOLE
        if whole.exists():
            return [whole]
        numbers = range(self.buckets) if bucket is None else [bucket]
        return [home / bucket_file(number) for number in numbers]


def bucket_file(bucket: int) -> str:
    """File name of a bucket."""
    return f"bucket={bucket:03d}.parquet"


def entity_folder(load_folder: Path, entity: str) -> Path:
    """Where a load keeps an entity; what few may read lies apart."""
    return load_folder / RESTRICTED / entity if entity in RESTRICTED_ENTITIES else load_folder / entity


@dataclass(frozen=True)
class Lake:
    """The lake below one root folder."""

    root: Path

    @contextmanager
    def writing(self, load_id: str) -> Iterator[Path]:
        """A folder to write a load into; at the end of the block it is put in its place as a whole.

        Whatever fails in the block leaves nothing, and a load of that name that is there already as it was.
        """
        folder = self._load_folder(load_id)
        aside = folder.with_name(f".{folder.name}.writing")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        try:
            with room_expected("write the load", where=str(self.root)):
                yield aside
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
        _put_in_place(aside, folder)

    def write_load(self, load_id: str, frames: Mapping[str, pl.DataFrame], *, buckets: int) -> Load:
        """Write all entities of a small load from frames; it appears as a whole or not at all.

        Args:
            load_id: the load's name; a load of that name that is there already is replaced.
            frames: core frames by entity; those with a `customer_id` are bucketed.
            buckets: how many buckets to cut them into.
        """
        with self.writing(load_id) as aside:
            for entity, frame in frames.items():
                target = entity_folder(aside, entity)
                target.mkdir(parents=True)
                if "customer_id" in frame.columns:
                    for bucket, rows in _cut(frame, entity, buckets):
                        rows.write_parquet(target / bucket_file(bucket))
                else:
                    frame.write_parquet(target / WHOLE)
            write_manifest(aside, load_id, list(frames), buckets=buckets)
        return self.open_load(load_id)

    def open_load(self, load_id: str) -> Load:
        """The load of that name.

        Raises:
            LoadMissingError: the ledger knows it, but its folder is gone or incomplete.
        """
        folder = self._load_folder(load_id)
        try:
            manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        except FileNotFoundError:
            raise LoadMissingError(load_id=load_id, folder=str(folder)) from None
        return Load(
            folder,
            load_id,
            manifest["buckets"],
            tuple(manifest["entities"]),
            tuple(manifest["absent_columns"]),
            manifest.get("superseded", {}),
        )

    def has_load(self, load_id: str) -> bool:
        """Whether that load is there, complete."""
        return (self._load_folder(load_id) / MANIFEST).exists()

    def collect_loads(self, keep: Collection[str]) -> list[str]:
        """Remove all loads but these, and whatever a run that died left beside them.

        Files that kept loads share with removed ones stay: they are links to the same bytes.

        Returns:
            The names of the loads removed.
        """
        removed: list[str] = []
        for folder in sorted((self.root / "core").glob("*load=*")):
            name = folder.name.removeprefix("load=")
            if name in keep:
                continue
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.name.startswith("."):
                removed.append(name)
        return removed

    def write_bucket(self, kind: str, as_of: date, bucket: int, frame: pl.DataFrame) -> Path:
        """Write one bucket of a night's `features` (or scores): aside first, then put in place in one step."""
        folder = self.root / kind / f"as_of={as_of.isoformat()}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / bucket_file(bucket)
        aside = path.with_name(f".{path.name}.{uuid4().hex}.writing")  # of its own: two machines may do the same bucket
        try:
            with room_expected(f"write {kind}", where=str(self.root)):
                frame.write_parquet(aside)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
        return path

    def _load_folder(self, load_id: str) -> Path:
        return self.root / "core" / f"load={load_id}"


def write_manifest(folder: Path, load_id: str, entities: Sequence[str], *, buckets: int) -> None:
    """Write down what a load's folder holds, read from the files themselves: the last file of a load to be written."""
    found = {entity: _held(sorted(entity_folder(folder, entity).glob("*.parquet"))) for entity in entities}
    manifest = {
        "load_id": load_id,
        "buckets": buckets,
        "entities": {entity: held.rows for entity, held in found.items()},
        "superseded": {entity: held.superseded for entity, held in found.items() if held.superseded},
        "absent_columns": [f"{entity}.{column}" for entity, held in found.items() for column in held.absent_columns],
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1))


@dataclass(frozen=True, kw_only=True)
class _Held:
    """What an entity's files hold: rows, those with `superseded_at`, and the columns without any value."""

    rows: int
    superseded: int
    absent_columns: tuple[str, ...]


def _held(files: Sequence[Path]) -> _Held:
    """Count by the files' own statistics, which costs no reading."""
    listed = ", ".join(text(str(path)) for path in files)
    with duckdb.connect() as connection:
        rows: int = first_row(connection, f"select sum(num_rows)::bigint from parquet_file_metadata([{listed}])")[0]  # noqa: S608  # quoted
        found = connection.execute(
            "select path_in_schema, sum(num_values - coalesce(stats_null_count, 0))::bigint "  # noqa: S608  # quoted
            f"from parquet_metadata([{listed}]) group by path_in_schema"
        ).fetchall()
        columns = [
            row[0]
            for row in connection.execute(
                f"describe from read_parquet([{listed}], hive_partitioning = false)"
            ).fetchall()
        ]
    filled = dict(found)
    return _Held(
        rows=rows,
        superseded=filled.get(SUPERSEDED_AT) or 0,
        absent_columns=tuple(name for name in columns if name != SUPERSEDED_AT and not filled.get(name)),
    )


def _cut(frame: pl.DataFrame, entity: str, buckets: int) -> Iterator[tuple[int, pl.DataFrame]]:
    numbers = assign_buckets(frame["customer_id"], buckets)
    keyed = frame.join(numbers, on="customer_id", how="left", validate="m:1", maintain_order="left")
    parts = keyed.partition_by("bucket", as_dict=True, include_key=False)
    order = [name for name in SORTED_BY.get(entity, ("customer_id",)) if name in frame.columns]
    for bucket in range(buckets):
        yield bucket, parts.get((bucket,), frame.clear()).sort(order, maintain_order=True)


def _put_in_place(aside: Path, folder: Path) -> None:
    """Swap a finished folder in. A crash in between leaves the old folder beside it or the new one in place."""
    if folder.exists():
        old = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        os.replace(folder, old)  # noqa: PTH105 the pair reads better alike
        os.replace(aside, folder)  # noqa: PTH105
        shutil.rmtree(old)
    else:
        folder.parent.mkdir(parents=True, exist_ok=True)
        os.replace(aside, folder)  # noqa: PTH105

"""The lake: core rows, features and scores as Parquet, bucketed by a stable hash of the customer.

Belongs here: which bucket a customer is in, and how a load or a night's features are written whole or not at all. Does
not: which load is the current one (the ledger says so), or what the rows mean.

Layout, below one root::

    core/load=<load_id>/orders/bucket=007.parquet        everything about one customer is in one bucket
    core/load=<load_id>/products/whole.parquet           tables without a customer are one file
    features/as_of=2026-11-21/bucket=007.parquet
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from warehouse.lake_errors import LoadMissingError

MANIFEST = "load.json"
SORTED_BY = {"orders": ("customer_id", "ordered_at", "order_id", "line_number"), "customers": ("customer_id",)}


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
    """

    folder: Path
    load_id: str
    buckets: int
    entities: tuple[str, ...]
    absent_columns: tuple[str, ...]

    def scan(self, entity: str, bucket: int | None = None) -> pl.LazyFrame | None:
        """Rows of one entity: of one bucket, or of all; None when the load has no such entity."""
        if entity not in self.entities:
            return None
        whole = self.folder / entity / "whole.parquet"
        if whole.exists():
            return pl.scan_parquet(whole)
        if bucket is not None:
            return pl.scan_parquet(self.folder / entity / bucket_file(bucket))
        return pl.scan_parquet([self.folder / entity / bucket_file(number) for number in range(self.buckets)])


def bucket_file(bucket: int) -> str:
    """File name of a bucket."""
    return f"bucket={bucket:03d}.parquet"


@dataclass(frozen=True)
class Lake:
    """The lake below one root folder."""

    root: Path

    def write_load(self, load_id: str, frames: Mapping[str, pl.DataFrame], *, buckets: int) -> Load:
        """Write all entities of a load; it appears as a whole or not at all.

        Args:
            load_id: the load's name; a load of that name that is there already is replaced.
            frames: core frames by entity; those with a `customer_id` are bucketed.
            buckets: how many buckets to cut them into.
        """
        folder = self._load_folder(load_id)
        aside = folder.with_name(f".{folder.name}.writing")
        shutil.rmtree(aside, ignore_errors=True)
        for entity, frame in frames.items():
            target = aside / entity
            target.mkdir(parents=True)
            if "customer_id" in frame.columns:
                for bucket, rows in _cut(frame, entity, buckets):
                    rows.write_parquet(target / bucket_file(bucket))
            else:
                frame.write_parquet(target / "whole.parquet")
        manifest = {
            "load_id": load_id,
            "buckets": buckets,
            "entities": {entity: frame.height for entity, frame in frames.items()},
            "absent_columns": [
                f"{entity}.{column.name}"
                for entity, frame in frames.items()
                for column in frame.iter_columns()
                if column.null_count() == frame.height
            ],
        }
        (aside / MANIFEST).write_text(json.dumps(manifest, indent=1))
        _put_in_place(aside, folder)
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
            folder, load_id, manifest["buckets"], tuple(manifest["entities"]), tuple(manifest["absent_columns"])
        )

    def has_load(self, load_id: str) -> bool:
        """Whether that load is there, complete."""
        return (self._load_folder(load_id) / MANIFEST).exists()

    def write_bucket(self, kind: str, as_of: date, bucket: int, frame: pl.DataFrame) -> Path:
        """Write one bucket of a night's `features` (or scores): aside first, then put in place in one step."""
        folder = self.root / kind / f"as_of={as_of.isoformat()}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / bucket_file(bucket)
        aside = path.with_name(f".{path.name}.writing")
        frame.write_parquet(aside)
        aside.replace(path)
        return path

    def _load_folder(self, load_id: str) -> Path:
        return self.root / "core" / f"load={load_id}"


def _cut(frame: pl.DataFrame, entity: str, buckets: int) -> Iterator[tuple[int, pl.DataFrame]]:
    numbers = assign_buckets(frame["customer_id"], buckets)
    keyed = frame.join(numbers, on="customer_id", how="left", validate="m:1", maintain_order="left")
    parts = keyed.partition_by("bucket", as_dict=True, include_key=False)
    order = SORTED_BY.get(entity, ("customer_id",))
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

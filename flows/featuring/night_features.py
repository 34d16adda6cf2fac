"""A night's features: of everybody, one file a bucket in the lake.

Belongs here: building a bucket within bounded memory, and leaving alone what stands already. Does not: what features
are (`features`), which buckets are worked on where (`mapping`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from flows.buckets.core_tables import CoreTables
from flows.buckets.customer_ranges import cut_by_customers
from flows.buckets.mapping import bucket_mapping
from flows.context import Context
from flows.featuring.inputs import made_of, remember, still_stands
from warehouse.lake import Lake, bucket_file

KIND = "features"
Tick = Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class NightJob:
    """What a bucket's features are built from, in plain values.

    Attributes:
        core: see `CoreTables.recipe`.
        lake: the lake's folder.
        as_of: the date.
        settings_hash: stands for all settings that can change a result.
    """

    core: Mapping[str, Any]
    lake: str
    as_of: date
    settings_hash: str


def build_night_features(context: Context, *, core: CoreTables, as_of: date, tick: Tick) -> list[str]:
    """Features of everybody as of the date, one Parquet file a bucket; returns their paths, in the buckets' order.

    A bucket that is stored already, made of the same files by the same code, is left as it is.

    Raises:
        What `mapping.BucketMapping.run` and `CoreTables.build_features` raise.
    """
    job = NightJob(
        core=core.recipe(),
        lake=str(context.lake.root),
        as_of=as_of,
        settings_hash=context.settings.configuration_hash,
    )
    with bucket_mapping(context) as mapping:
        return mapping.run(build_night_bucket, job, list(core.buckets()), tick=tick)


def build_night_bucket(job: NightJob, bucket: int) -> str:
    """One bucket's features, in the lake; returns where.

    Raises:
        CoreFileDamagedError: a file of the bucket is missing, cut short, or no Parquet file.
    """
    core, lake = CoreTables.from_recipe(job.core), Lake(Path(job.lake))
    core.made_features_of(bucket)  # opens the files: a missing one is told before it is asked for its digest
    inputs = made_of(core, bucket, [job.as_of], settings_hash=job.settings_hash)
    path = lake.root / KIND / f"as_of={job.as_of.isoformat()}" / bucket_file(bucket)
    if not still_stands(path, inputs):
        parts = [part.build_features(bucket, [job.as_of]).collect() for part in cut_by_customers(core, bucket, dates=1)]
        path = lake.write_bucket(KIND, job.as_of, bucket, pl.concat(parts))
        remember(path, inputs)
    return str(path)

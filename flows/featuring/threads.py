"""Building features in a process of its own, with another number of threads: Polars settles that number once.

Belongs here: starting that process, and what it does. Does not: comparing what it built (`proofs`).
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

from flows.buckets.core_tables import CoreTables
from warehouse.lake import bucket_file


def other_thread_count() -> int:
    """One thread, or two where this process has one."""
    return 1 if pl.thread_pool_size() > 1 else 2


def build_elsewhere(
    core: CoreTables, *, buckets: Sequence[int], days: Sequence[date], folder: Path, threads: int
) -> None:
    """Build features of some buckets in a process with that many threads; one Parquet file a bucket in `folder`.

    Raises:
        subprocess.CalledProcessError: the process failed; what it said is on standard error.
    """
    asked = {
        "core": core.recipe(),
        "buckets": list(buckets),
        "days": [day.isoformat() for day in days],
        "folder": str(folder),
    }
    subprocess.run(  # noqa: S603 our own interpreter, our own code
        [sys.executable, "-P", "-c", f"from {__name__} import main; main()"],
        input=json.dumps(asked),
        env={
            **os.environ,
            "POLARS_MAX_THREADS": str(threads),
            "PYTHONPATH": os.pathsep.join(place for place in sys.path if place),
        },
        text=True,
        check=True,
    )


def main() -> None:
    """The other process: what to build comes as JSON on standard input."""
    asked = json.load(sys.stdin)
    core = CoreTables.from_recipe(asked["core"])
    days = [date.fromisoformat(day) for day in asked["days"]]
    for bucket in asked["buckets"]:
        core.build_features(bucket, days).collect().write_parquet(Path(asked["folder"]) / bucket_file(bucket))

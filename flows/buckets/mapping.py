"""One function over many buckets: in this process, in a pool of processes, or on a cluster, with the same results.

Belongs here: the protocol and the choice among its three ways. Does not: what is done with a bucket (`night_features`,
`training_tables`, `scoring`), or how the other ways work (`process_pool`, `dask_cluster`).

The protocol: `function(job, bucket)` is a function of a module, `job` a small frozen value that says where everything
lies. Frames don't travel: the function reads the lake and writes files in the lake or in `BucketMapping.folder`, and
what it returns is paths or small sums. It may be called twice for one bucket (a machine that seemed dead was not), so
it puts every file in its place in one step.
"""

import hashlib
import importlib
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import polars as pl

from config.compute import Compute
from flows.buckets.errors import JobChangedError
from flows.context import Context
from warehouse.set_aside import mapped, write_mappable

Job = TypeVar("Job")
Result = TypeVar("Result")
Tick = Callable[[], None]
JOBS_KEPT = 2  # by a worker: the one it works on, and the one before


@dataclass(frozen=True, kw_only=True)
class HandedJob:
    """A function and its job as they are handed to other processes: by name, and as a file with its digest."""

    module: str
    function: str
    path: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class BucketMapping:
    """Carries functions out over buckets, for one step of a verb.

    Attributes:
        folder: a private folder for what the functions write, seen by all who work; gone when the step is over.
        compute: who works.
    """

    folder: Path
    compute: Compute

    def run(
        self, function: Callable[[Job, int], Result], job: Job, buckets: Sequence[int], *, tick: Tick
    ) -> list[Result]:
        """The function's results, bucket by bucket, in the order of `buckets`.

        Args:
            function: a function of a module, `function(job, bucket)`; its results travel, so keep them small.
            job: what it needs, the same for every bucket; can be pickled.
            buckets: their numbers.
            tick: called once a bucket.

        Raises:
            WorkerDiedError: a process died over a bucket, twice.
            ClusterDownError, ClusterWithoutWorkersError, ClusterSeesNoLakeError, ClusterExtraMissingError: see there.
            Exception: whatever the function raises, from the first bucket that fails.
        """
        if self.compute.cluster:
            from flows.buckets.dask_cluster import map_on_cluster  # noqa: PLC0415 an extra that few have

            return map_on_cluster(self._handed(function, job), buckets, address=self.compute.cluster, tick=tick)
        if self.compute.processes > 1 and len(buckets) > 1:
            from flows.buckets.process_pool import map_in_processes  # noqa: PLC0415 only where it is asked for

            handed = self._handed(function, job)
            return map_in_processes(handed, buckets, processes=self.compute.processes, tick=tick)
        results = []
        for bucket in buckets:
            results.append(function(job, bucket))
            tick()
        return results

    def _handed(self, function: Callable[[Job, int], Result], job: Job) -> HandedJob:
        content = pickle.dumps(job)
        path = self.folder / f"job-{uuid4().hex}"
        path.write_bytes(content)
        return HandedJob(
            module=function.__module__,
            function=function.__qualname__,
            path=str(path),
            sha256=hashlib.sha256(content).hexdigest(),
        )


@contextmanager
def bucket_mapping(context: Context) -> Iterator[BucketMapping]:
    """A step's mapping, as the settings' `[compute]` says.

    Its folder lies in the lake, where all who work see it and erasing looks; what a killed run left there goes.
    """
    root = context.lake.root
    root.mkdir(parents=True, exist_ok=True)
    for left in root.glob(".mapping-*.writing"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".mapping-", suffix=".writing", dir=root) as folder:
        yield BucketMapping(folder=Path(folder), compute=context.settings.compute)


def carry_out(handed: HandedJob, bucket: int) -> Any:  # noqa: ANN401 whatever the function returns
    """Do a handed job for one bucket: what the other processes call.

    Raises:
        JobChangedError: the job's file is not there, or not as it was written.
    """
    function = getattr(importlib.import_module(handed.module), handed.function)
    return function(_job(handed.path, handed.sha256), bucket)


@lru_cache(maxsize=JOBS_KEPT)
def _job(path: str, sha256: str) -> Any:  # noqa: ANN401 any job
    try:
        content = Path(path).read_bytes()
    except OSError:
        raise JobChangedError(path=path) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise JobChangedError(path=path)
    return pickle.loads(content)  # noqa: S301 its digest came from the run that wrote it


def write_part(frame: pl.DataFrame, folder: Path, name: str, bucket: int) -> str:
    """Write one of a bucket's frames into a mapping's folder, in one step; returns where."""
    path = folder / f"{name}-{bucket:05d}.arrow"
    write_mappable(frame, path)
    return str(path)


def read_parts(paths: Sequence[str]) -> pl.DataFrame:
    """What the buckets wrote, under each other in the order of the paths; mapped, also once the folder is gone."""
    return pl.concat([mapped(Path(path)) for path in paths])

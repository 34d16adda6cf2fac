"""What can go wrong where buckets are worked on by other processes or machines.

Belongs here: failures of the processes. Does not: failures of what they do; those arrive as they are.
"""

from collections.abc import Sequence

from data_contracts.errors import DependencyDownError, UsageError


class WorkerDiedError(DependencyDownError):
    """A process was killed while it worked on a bucket, twice: the system may have run out of memory."""

    def __init__(self, *, buckets: Sequence[int], where: str) -> None:
        super().__init__(
            "a process died while it worked on a bucket, and died again when that was tried once more",
            where=where,
            got=f"bucket{'s' * (len(buckets) > 1)} {', '.join(map(str, buckets))}",
            expected="that one bucket fits in memory; a process that exceeds it is killed by the system",
            action="run it again with more memory, more buckets (lake.buckets) or fewer processes",
        )


class ClusterDownError(DependencyDownError):
    """The Dask scheduler did not answer, or went away in the middle."""

    def __init__(self, *, address: str, reason: str) -> None:
        super().__init__(
            "the Dask scheduler does not answer",
            where=address,
            got=reason,
            expected="a scheduler at compute.cluster",
            action="start it (`dask scheduler`), correct compute.cluster, or empty it to work on this machine",
        )


class ClusterWithoutWorkersError(DependencyDownError):
    """The scheduler is there and nobody works for it."""

    def __init__(self, *, address: str, waited_seconds: float) -> None:
        super().__init__(
            "the Dask cluster has no workers",
            where=address,
            got=f"none in {waited_seconds:.0f} seconds",
            expected="at least one",
            action=f"start some: `dask worker {address} --nthreads 1` (see docs/operations.md)",
        )


class ClusterSeesNoLakeError(UsageError):
    """A worker can't see the files that it is to work on."""

    def __init__(self, *, folder: str, workers: Sequence[str]) -> None:
        super().__init__(
            "workers of the Dask cluster don't see the workspace",
            where=folder,
            got=f"not there for {', '.join(workers)}",
            expected="one folder, shared by all machines under the same path",
            action="put paths.workspace on storage that all of them mount, or empty compute.cluster",
        )


class ClusterDiffersError(UsageError):
    """A worker has other versions of what results depend on."""

    def __init__(self, *, differing: Sequence[str]) -> None:
        super().__init__(
            "workers of the Dask cluster would not compute what this machine computes",
            got="; ".join(differing),
            expected="the same versions everywhere",
            action="install the same requirements.lock on every machine",
        )


class ClusterExtraMissingError(UsageError):
    """A cluster is asked for and Dask is not installed."""

    def __init__(self, *, package: str) -> None:
        super().__init__(
            "compute.cluster needs packages that are not installed",
            got=f"no {package}",
            expected="dask, distributed and prefect-dask",
            action="install them (`uv pip install 'gristmill[cluster]'`), or empty compute.cluster",
        )


class JobChangedError(DependencyDownError):
    """What was handed to a worker is not what was written for it."""

    def __init__(self, *, path: str) -> None:
        super().__init__(
            "a job's file is missing or is not what was written",
            where=path,
            expected="the bytes that this run wrote, on storage that all workers share",
            action="run it again; if it comes back, look at the storage",
        )

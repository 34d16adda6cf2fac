"""Buckets worked on by the workers of a Dask cluster.

Belongs here: reaching the cluster, looking whether it can do the work, handing buckets out, and what follows where
machines go. Does not: what is done with a bucket.

A verb that runs through Prefect hands its buckets out by Prefect's Dask task runner, so that its run page shows each;
else they go to the scheduler directly. A worker that is lost is Dask's business: its buckets are done again elsewhere.
"""

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar, copy_context
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from flows.buckets.errors import (
    ClusterDiffersError,
    ClusterDownError,
    ClusterExtraMissingError,
    ClusterSeesNoLakeError,
    ClusterWithoutWorkersError,
    WorkerDiedError,
)
from flows.buckets.mapping import HandedJob, carry_out

CONNECT_SECONDS = 10.0
LOOKS_SECONDS = 5.0
WAIT_FOR_WORKERS_SECONDS = 60.0
WHAT_RESULTS_DEPEND_ON = ("gristmill", "polars", "numpy", "lightgbm")
Tick = Callable[[], None]
Client = Any  # of `distributed`, whose own types say nothing


class _Future(Protocol):
    """What Dask's and Prefect's futures have in common."""

    def result(self, timeout: float | None = None) -> Any: ...  # noqa: ANN401 whatever the job returns


def map_on_cluster(handed: HandedJob, buckets: Sequence[int], *, address: str, tick: Tick) -> list[Any]:
    """The job's results in the order of the buckets.

    Args:
        handed: the job; its file lies where all workers see it.
        buckets: their numbers.
        address: the scheduler's.
        tick: called once a bucket.

    Raises:
        ClusterExtraMissingError: Dask is not installed.
        ClusterDownError: the scheduler does not answer, or went away.
        ClusterWithoutWorkersError: nobody works for it, or all who did are gone.
        ClusterSeesNoLakeError, ClusterDiffersError: a worker has no access to the files, or other versions.
        WorkerDiedError: a bucket killed one worker after the other.
        Exception: whatever the job raises, from the first bucket that fails.
    """
    with _connected(address) as client:
        _wait_for_workers(client, address)
        _check_workers(client, handed)
        collect = _Collecting(client, address, tick)
        if _in_prefect_run():
            return _through_prefect(handed, buckets, address, collect)
        futures = client.map(_for_bucket, buckets, handed=handed, pure=False, key=f"{handed.function}-{id(collect)}")
        try:
            return collect(futures, buckets)
        finally:
            client.cancel(futures)


def _for_bucket(bucket: int, handed: HandedJob) -> Any:  # noqa: ANN401 whatever the job returns
    return carry_out(handed, bucket)


def _connected(address: str) -> Client:
    try:
        import distributed  # noqa: PLC0415 an extra that few have
    except ImportError as missing:
        raise ClusterExtraMissingError(package=missing.name or "distributed") from None
    try:
        client: Any = distributed.Client  # untyped
        return client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as failure:
        raise ClusterDownError(address=address, reason=str(failure)) from None


def _wait_for_workers(client: Client, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=WAIT_FOR_WORKERS_SECONDS)
    except TimeoutError:
        raise ClusterWithoutWorkersError(address=address, waited_seconds=WAIT_FOR_WORKERS_SECONDS) from None


def _check_workers(client: Client, handed: HandedJob) -> None:
    """Refuse workers that can't see the files, or would compute something else."""
    told = client.run(_look, handed.path, on_error="return")
    refuse_unasked(told, folder=str(Path(handed.path).parent))
    here = _versions()
    differing = [
        f"{worker} has {name} {found[1].get(name, 'none')}, here it is {version}"
        for worker, found in sorted(told.items())
        for name, version in here.items()
        if found[1].get(name, "none") != version
    ]
    if differing:
        raise ClusterDiffersError(differing=differing)
    blind = sorted(worker for worker, found in told.items() if not found[0])
    if blind:
        raise ClusterSeesNoLakeError(folder=str(Path(handed.path).parent), workers=blind)


def refuse_unasked(told: Mapping[str, Any], *, folder: str) -> None:
    """Refuse workers that could not even be asked.

    Args:
        told: by worker its answer, or the exception it raised.
        folder: which they were asked about.

    Raises:
        ClusterSeesNoLakeError: a worker's system would not let it look.
        ClusterDiffersError: a worker has no Gristmill, or one that fails.
    """
    raised = {worker: found for worker, found in sorted(told.items()) if isinstance(found, BaseException)}
    blind = [worker for worker, found in raised.items() if isinstance(found, OSError)]
    if blind:
        raise ClusterSeesNoLakeError(folder=folder, workers=blind)
    if raised:
        differing = [
            f"{worker} has no gristmill"
            if isinstance(found, ImportError)
            else f"{worker} fails: {type(found).__name__}"
            for worker, found in raised.items()
        ]
        raise ClusterDiffersError(differing=differing)


def _look(path: str) -> tuple[bool, dict[str, str]]:
    """Asked of every worker: whether it sees the job's file, and its versions."""
    return Path(path).is_file(), _versions()


def _versions() -> dict[str, str]:
    found = {"python": f"{sys.version_info.major}.{sys.version_info.minor}", "gristmill's code": _code()}
    for name in WHAT_RESULTS_DEPEND_ON:
        found[name] = "none"
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


@cache
def _code() -> str:
    """A digest of our own packages: an editable installation keeps its version while its code changes."""
    digest, home = hashlib.sha256(), Path(__file__).parents[2]
    for package in ("config", "data_contracts", "features", "flows", "models", "warehouse"):
        for path in sorted((home / package).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


class _Collecting:
    """Waits for futures, in order, and looks after the cluster meanwhile."""

    def __init__(self, client: Client, address: str, tick: Tick) -> None:
        self._client, self._address, self._tick = client, address, tick

    def __call__(self, futures: Sequence[_Future], buckets: Sequence[int]) -> list[Any]:
        results = []
        for future, bucket in zip(futures, buckets, strict=True):
            results.append(self._result(future, bucket))
            self._tick()
        return results

    def _result(self, future: _Future, bucket: int) -> Any:  # noqa: ANN401 whatever the job returns
        from distributed import CancelledError, KilledWorker  # noqa: PLC0415 an extra that few have
        from distributed.comm.core import CommClosedError  # noqa: PLC0415

        alone_seconds = 0.0
        while True:
            try:
                return future.result(timeout=LOOKS_SECONDS)
            except TimeoutError:
                alone_seconds = 0.0 if self._workers() else alone_seconds + LOOKS_SECONDS
                if alone_seconds >= WAIT_FOR_WORKERS_SECONDS:
                    raise ClusterWithoutWorkersError(address=self._address, waited_seconds=alone_seconds) from None
            except KilledWorker:
                raise WorkerDiedError(buckets=[bucket], where=f"the cluster at {self._address}") from None
            except (CancelledError, CommClosedError):
                raise ClusterDownError(address=self._address, reason="it went away in the middle") from None

    def _workers(self) -> int:
        if self._client.status != "running":
            raise ClusterDownError(address=self._address, reason="it went away in the middle")
        return len(self._client.nthreads())


_collecting: ContextVar[_Collecting] = ContextVar("collecting")


def _in_prefect_run() -> bool:
    """Whether this is called inside a flow or task; without Prefect imported it is not."""
    if "prefect" not in sys.modules:
        return False
    from prefect.context import FlowRunContext, TaskRunContext  # noqa: PLC0415 takes seconds; it is imported already

    return FlowRunContext.get() is not None or TaskRunContext.get() is not None


def _through_prefect(handed: HandedJob, buckets: Sequence[int], address: str, collect: _Collecting) -> list[Any]:
    """A flow within the step's task run: one task a bucket, on the cluster."""
    from prefect import flow  # noqa: PLC0415 takes seconds; it is imported already
    from prefect.context import TaskRunContext  # noqa: PLC0415

    try:
        from prefect_dask.task_runners import DaskTaskRunner  # noqa: PLC0415 an extra that few have
    except ImportError:
        raise ClusterExtraMissingError(package="prefect-dask") from None
    name = f"gristmill-{handed.function.replace('_', '-')}"
    on_cluster = flow(_over_buckets, name=name, task_runner=DaskTaskRunner(address=address), persist_result=False)

    def within_flow_only() -> list[Any]:
        TaskRunContext.__var__.set(None)  # Prefect would send the step's own task, and all it holds, to the workers
        _collecting.set(collect)
        found: list[Any] = on_cluster(handed, list(buckets))
        return found

    return copy_context().run(within_flow_only)


def _over_buckets(handed: HandedJob, buckets: list[int]) -> list[Any]:
    """The flow's body. Prefect sends the flow along with every task, so it holds nothing but names."""
    from prefect import task, unmapped  # noqa: PLC0415 takes seconds; it is imported already
    from prefect.cache_policies import NO_CACHE  # noqa: PLC0415

    work = task(
        _for_bucket,
        name=handed.function,
        task_run_name="bucket {bucket}",
        cache_policy=NO_CACHE,
        persist_result=False,
    )
    return _collecting.get()(work.map(bucket=buckets, handed=unmapped(handed)), buckets)

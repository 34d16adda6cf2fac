"""Buckets worked on by several processes of this machine.

Belongs here: starting them, feeding them bucket by bucket, and what follows where one dies. Does not: what they do.

Each place in the pool is an executor of one process, so that a process that dies takes but one known bucket with it.
Processes are spawned (a forked one deadlocks once Polars has run), each with its share of the cores for Polars, and
replaced after some buckets: what an allocator does not give back goes with them.
"""

import atexit
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from typing import Any

from flows.buckets.errors import WorkerDiedError
from flows.buckets.mapping import HandedJob, carry_out

BUCKETS_A_PROCESS = 64
POLARS_THREADS = "POLARS_MAX_THREADS"
LOOKS_SECONDS = 2.0
Tick = Callable[[], None]


def map_in_processes(handed: HandedJob, buckets: Sequence[int], *, processes: int, tick: Tick) -> list[Any]:
    """The job's results in the order of the buckets.

    A bucket whose process died is done once more, after all others and alone: memory that was short for two may do for
    one.

    Raises:
        WorkerDiedError: its process died again.
        Exception: whatever the job raises, from the first bucket seen to fail; the others are not begun any more.
    """
    with _polars_threads(max(1, _cores() // processes)):
        found, died = _mapped(handed, buckets, min(processes, len(buckets)), tick)
        if died:
            again, lost = _mapped(handed, sorted(died), 1, tick)
            if lost:
                raise WorkerDiedError(buckets=sorted(lost), where=f"one of {processes} processes of this machine")
            found |= again
    return [found[bucket] for bucket in buckets]


def _mapped(handed: HandedJob, buckets: Sequence[int], processes: int, tick: Tick) -> tuple[dict[int, Any], set[int]]:
    """Results by bucket, and the buckets whose process died."""
    found: dict[int, Any] = {}
    died: set[int] = set()
    waiting, places = list(reversed(buckets)), [_Place() for _ in range(processes)]
    running: dict[Future[Any], tuple[_Place, int]] = {}
    try:
        while waiting or running:
            for place in [place for place in places if waiting and not place.busy]:
                if waiting:
                    bucket = waiting.pop()
                    running[place.begin(handed, bucket)] = (place, bucket)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                place, bucket = running.pop(future)
                try:
                    found[bucket] = future.result()
                except BrokenProcessPool:
                    died.add(bucket)
                    place.close()
                else:
                    tick()
                place.end()
    finally:
        for place in places:
            place.close()
    return found, died


class _Place:
    """A place in the pool: one process at a time."""

    def __init__(self) -> None:
        self.busy = False
        self._executor: ProcessPoolExecutor | None = None
        self._done = 0

    def begin(self, handed: HandedJob, bucket: int) -> Future[Any]:
        """Have the place's process work on a bucket."""
        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                max_workers=1,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_begin,
                initargs=(os.getpid(),),
            )
        self.busy = True
        return self._executor.submit(carry_out, handed, bucket)

    def end(self) -> None:
        """The bucket is done; after some of them the process goes."""
        self.busy = False
        self._done += 1
        if self._done % BUCKETS_A_PROCESS == 0:
            self.close()

    def close(self) -> None:
        """End the process."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None


def _begin(parent: int) -> None:
    """Called first in a process: it ends when the one that started it is gone, and ends without ceremony.

    At a usual end DuckDB's binding complains on standard error about objects that are still there.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOKS_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    atexit.register(os._exit, 0)


def _cores() -> int:
    """The cores this process may use; fewer where the environment says how many threads Polars may have."""
    with suppress(ValueError):
        return max(1, int(os.environ.get(POLARS_THREADS, "")))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _polars_threads(number: int) -> Iterator[None]:
    """Processes started in the block have so many Polars threads: each settles that when it imports Polars."""
    before = os.environ.get(POLARS_THREADS)
    os.environ[POLARS_THREADS] = str(number)
    try:
        yield
    finally:
        if before is None:
            del os.environ[POLARS_THREADS]
        else:
            os.environ[POLARS_THREADS] = before

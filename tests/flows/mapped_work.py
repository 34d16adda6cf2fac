"""Functions that processes of a pool carry out in the tests of mapping: jobs are folders to leave marks in."""

import os
import signal
from datetime import date
from pathlib import Path

import polars as pl

from flows.errors import NobodyActiveError

FATAL_BUCKET = 1


def threads(_job: str, bucket: int) -> tuple[int, int, int]:
    return bucket, os.getpid(), pl.thread_pool_size()


def dies_once(job: str, bucket: int) -> int:
    mark = Path(job) / "died"
    if bucket == FATAL_BUCKET and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return bucket * 10


def dies(_job: str, bucket: int) -> int:
    if bucket == FATAL_BUCKET:
        os.kill(os.getpid(), signal.SIGKILL)
    return bucket


def is_blocked(_job: str, bucket: int) -> int:
    raise NobodyActiveError(as_of=date(2026, 1, bucket + 1), within_days=365, last_order=date(2025, 1, 1))

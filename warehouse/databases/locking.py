"""One writer at a time: an operating-system lock beside the database, with its holder's name in it.

Belongs here: taking, naming and releasing the lock. Does not: what is done under it. The operating system frees the
lock when its process ends, however it ends; the text in the file is for people and is never trusted as the lock.
"""

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from warehouse.errors import WarehouseBusyError, WarehouseUnreachableError

_POLL_SECONDS = 0.05
_SHORTEST_WAIT_SECONDS = 0.25  # so that somebody who only looks whether the lock is free never turns a run away


@dataclass(frozen=True)
class LockHolder:
    """Who holds the lock: process, machine, what it does and since when (ISO 8601, UTC)."""

    pid: int
    host: str
    run_key: str
    started_at: str

    def __str__(self) -> str:
        return f"{self.run_key} (process {self.pid} on {self.host}, since {self.started_at})"


def lock_path(database: Path) -> Path:
    """The lock file of a database file."""
    return database.with_name(database.name + ".lock")


@contextlib.contextmanager
def exclusive_lock(database: Path, *, run_key: str, now: datetime, wait_seconds: float = 0.0) -> Iterator[LockHolder]:
    """Hold the database's lock for the length of a `with` block.

    Args:
        database: the database file; its folder is made if needed, the lock lies beside it.
        run_key: what the holder does, for those who are turned away.
        now: when it started (an aware datetime).
        wait_seconds: how long to wait for another holder; a quarter of a second is always allowed.

    Raises:
        WarehouseBusyError: it was not free in time.
        WarehouseUnreachableError: the lock file can't be made.
    """
    path = lock_path(database)
    holder = LockHolder(os.getpid(), socket.gethostname(), run_key, now.isoformat())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise WarehouseUnreachableError(path=str(path), reason=error.strerror or str(error)) from error
    try:
        if not _taken_in_time(descriptor, wait_seconds):
            found = _written_holder(path)
            raise WarehouseBusyError(
                path=str(database), holder=str(found or "another process"), waited_seconds=wait_seconds
            )
        _write(descriptor, json.dumps(asdict(holder)))
        yield holder
        _write(descriptor, "")
    finally:
        os.close(descriptor)  # frees the lock; the file stays, as removing it would let two processes lock two files


def current_holder(database: Path) -> LockHolder | None:
    """Who holds the database's lock now; None when it is free, whatever a crashed holder left in the file."""
    path = lock_path(database)
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _written_holder(path) or LockHolder(0, "unknown", "unknown", "unknown")
    else:
        return None
    finally:
        os.close(descriptor)


def _taken_in_time(descriptor: int, wait_seconds: float) -> bool:
    deadline = time.monotonic() + max(wait_seconds, _SHORTEST_WAIT_SECONDS)
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        else:
            return True


def _write(descriptor: int, text: str) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)


def _written_holder(path: Path) -> LockHolder | None:
    try:
        return LockHolder(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None

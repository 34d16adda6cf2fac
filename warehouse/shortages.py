"""A disk that is full, or a quota that is reached: telling it from other failures, whichever library met it.

Belongs here: recognising it, and saying so. Does not: looking for room before anything is begun (`scratch.py`).
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

from warehouse.errors import NoRoomLeftError

_NUMBERS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_WORDS = ("No space left on device", "Disk quota exceeded", "File too large")


def is_no_room(failure: Exception) -> bool:
    """Whether a failure says that a disk is full or a quota reached; libraries pass the system's words on."""
    return getattr(failure, "errno", None) in _NUMBERS or any(words in str(failure) for words in _WORDS)


@contextmanager
def room_expected(step: str, *, where: str) -> Iterator[None]:
    """For writing files with Python or Polars.

    Args:
        step: what is done, after "no room left to".
        where: the folder or file.

    Raises:
        NoRoomLeftError: there was no room for it.
    """
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as failure:
        if not is_no_room(failure):
            raise
        raise NoRoomLeftError(step=step, where=where, reason=str(failure)) from failure

"""Being told to stop: SIGTERM ends a command as an error does, so that everything on the way out is done.

Belongs here: the signal. Does not: what is done on the way out (`recording.py` writes the run down, the lock is freed).
"""

import signal
from types import FrameType

EXIT_STOPPED = 143  # 128 + SIGTERM, as shells have it


class Stopped(SystemExit):
    """Somebody told the command to stop."""

    def __init__(self) -> None:
        super().__init__(EXIT_STOPPED)


def stop_when_told() -> None:
    """From now on SIGTERM raises `Stopped` in the main thread, at its next step in Python."""
    signal.signal(signal.SIGTERM, _raise_stopped)


def _raise_stopped(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: the way out must not be cut short
    raise Stopped

"""What a verb needs to know: the settings, the time, who watches. Built once by the outermost command.

Belongs here: the doors to the warehouse, the lake and the registry, and the questions every verb asks of `as_of`. Does
not: any verb.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from config.settings import Settings
from flows.errors import AsOfInTheFutureError
from flows.running.progress import Reporter
from warehouse.databases.base import Timeouts, Warehouse
from warehouse.lake import Lake
from warehouse.opening import warehouse_at
from warehouse.shortages import room_expected

if TYPE_CHECKING:
    from models.registry import Registry


@dataclass(frozen=True)
class Context:
    """One command's surroundings.

    Attributes:
        settings: the company's settings.
        now: what the clock said when the command began (UTC): what every decision is made by.
        clock: says the time (UTC), for the ledger's "finished at" and nothing else.
        reporter: who is told how it goes.
        run_by: who started it, for the ledger.
        lock_wait_seconds: how long to wait for another run to end; 0: turn away at once.
        champions_decided_before: what was decided about champions from this moment on is left out; None: it counts.
    """

    settings: Settings
    now: datetime
    clock: Callable[[], datetime]
    reporter: Reporter = field(default_factory=Reporter)
    run_by: str = ""
    lock_wait_seconds: float = 0.0
    champions_decided_before: datetime | None = None

    @property
    def today(self) -> date:
        """The business date of `now`."""
        return self.now.astimezone(ZoneInfo(self.settings.company.time_zone)).date()

    def resolve_as_of(self, as_of: date | None) -> date:
        """The business date asked for, today when none was.

        Raises:
            AsOfInTheFutureError: the date has not begun yet.
        """
        if as_of is not None and as_of > self.today:
            raise AsOfInTheFutureError(as_of=as_of, today=self.today)
        return as_of or self.today

    @cached_property
    def lake(self) -> Lake:
        """The lake in the workspace."""
        return Lake(self.settings.workspace / "lake")

    @cached_property
    def registry(self) -> "Registry":
        """The model registry (imports MLflow: only ask when models are at stake)."""
        from models.registry import Registry  # noqa: PLC0415 seconds of import that most commands don't need

        return Registry(self.settings.tracking_uri, str(self.settings.workspace / "models"))

    @contextmanager
    def private_folder(self, step: str) -> Iterator[Path]:
        """A folder to work in that goes at the end; in the scratch folder of the settings, where they name one.

        Args:
            step: what is done there, after "no room left to".

        Raises:
            NoRoomLeftError: the disk is full.
        """
        scratch = self.settings.scratch_folder or Path(tempfile.gettempdir())
        with room_expected(step, where=str(scratch)):
            scratch.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="gristmill-", dir=scratch) as folder:
                yield Path(folder)

    def warehouse(self, *, read_only: bool = False, file_wait_seconds: float = 10.0) -> Warehouse:
        """The warehouse, to be opened as a context manager; its lock and whether it exists can be asked before.

        While a DuckDB file is open nobody else gets in, so keep the block short; PostgreSQL lets everybody in.

        Args:
            read_only: for those who only look.
            file_wait_seconds: how long to wait while another process has the DuckDB file open.
        """
        place = self.settings.warehouse
        timeouts = Timeouts(
            connect_seconds=place.connect_timeout_seconds,
            statement_seconds=place.statement_timeout_seconds,
            lock_seconds=place.lock_timeout_seconds,
        )
        return warehouse_at(
            self.settings.warehouse_file,
            self.settings.warehouse_address,
            read_only=read_only,
            file_wait_seconds=file_wait_seconds,
            timeouts=timeouts,
        )


def short_hash(*parts: str) -> str:
    """Twelve hexadecimal digits that stand for `parts`."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]

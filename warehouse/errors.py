"""Failures of the warehouse: names, locks, connections, the ledger and publishing.

Belongs here: one class a failure. Does not: failures of reading sources and of ingestion (`errors_ingestion.py`).
"""

from collections.abc import Sequence
from datetime import date, datetime

from data_contracts.errors import (
    AlreadyRunningError,
    DataBlockedError,
    DependencyDownError,
    GristmillError,
    UsageError,
)

_LONGEST_SHOWN = 80


class NameRefusedError(UsageError):
    """A schema, table or column name is not on the allow-list."""

    def __init__(self, *, name: str) -> None:
        super().__init__(
            "a name can't be used for a schema, table or column; nothing was created",
            got=repr(name if len(name) <= _LONGEST_SHOWN else name[:_LONGEST_SHOWN] + "..."),
            expected="lower-case letters, digits and underscores, a letter first, at most 63 bytes",
            action="rename it",
        )


class WarehouseBusyError(AlreadyRunningError):
    """Another run of ours holds the warehouse."""

    def __init__(self, *, path: str, holder: str, waited_seconds: float) -> None:
        super().__init__(
            "another run holds the warehouse",
            where=path,
            got=f"held by {holder}",
            expected=f"to be free within {waited_seconds:g} seconds",
            action="wait for that run to end, or allow a longer wait",
        )


class WarehouseOpenElsewhereError(DependencyDownError):
    """A program that is no run of ours (a notebook, a BI tool) has the DuckDB file open."""

    def __init__(self, *, path: str, holder: str, waited_seconds: float) -> None:
        super().__init__(
            "the warehouse file is open in another program, and DuckDB lets only one in",
            where=path,
            got=f"open in {holder}",
            expected=f"to be closed within {waited_seconds:g} seconds",
            action="close it there (or let it read a copy of the file), then try again",
        )


class FileNameRefusedError(UsageError):
    """A DuckDB file named like one of our schemas makes every `schema.table` in it ambiguous."""

    def __init__(self, *, path: str, reserved: Sequence[str]) -> None:
        super().__init__(
            "the warehouse file can't have the name of a schema: DuckDB could not tell them apart",
            where=path,
            expected=f"a name other than {', '.join(reserved)}",
            action="name it otherwise, e.g. warehouse.duckdb",
        )


class WarehouseMissingError(UsageError):
    """There is nothing to read yet."""

    def __init__(self, *, path: str) -> None:
        super().__init__(
            "there is no warehouse here yet",
            where=path,
            action="run `gristmill run` first, or name the right file in the settings",
        )


class WarehouseUnreachableError(DependencyDownError):
    """The warehouse file can't be opened: damaged, not a database, no permission, or no such folder."""

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(
            "the warehouse can't be opened",
            where=path,
            got=reason,
            expected="a DuckDB database file that this user may open",
            action="check the path, its permissions and the free space; nothing was changed or removed",
        )


class WarehouseLogUnreadableError(DependencyDownError):
    """DuckDB's log beside the file is damaged: what was committed since the last checkpoint can't be read."""

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(
            "the warehouse's log is damaged: nothing was opened, changed or removed",
            where=f"{path}.wal",
            got=reason,
            expected="a log that DuckDB can replay",
            action="look after the disk; then `gristmill recover` sets the log aside and opens the last good state",
        )


class StatementFailedError(GristmillError):
    """The warehouse refused a statement of ours."""

    def __init__(self, *, step: str, where: str, reason: str) -> None:
        super().__init__(f"the warehouse refused to {step}", where=where, got=reason)


class NoRoomLeftError(DependencyDownError):
    """A disk is full, or a quota reached."""

    def __init__(self, *, step: str, where: str, reason: str) -> None:
        super().__init__(
            f"there is no room left to {step}; what was there before stays",
            where=where,
            got=reason,
            action="make room, then run it again",
        )


class CommitUnclearError(DependencyDownError):
    """The connection ended during the commit: it may have happened or not; the ledger knows."""

    def __init__(self, *, where: str, reason: str) -> None:
        super().__init__(
            "the connection was lost during a commit: it may have happened or not",
            where=where,
            got=reason,
            action="run it again: the ledger is read first, and nothing is done twice",
        )


class WarehouseLockedError(DependencyDownError):
    """Other sessions (readers, a dump) hold what we have to change."""

    def __init__(self, *, step: str, where: str, holders: str, waited_seconds: float) -> None:
        super().__init__(
            f"other sessions kept us from being able to {step}; what was published before stays",
            where=where,
            got=f"held by {holders}",
            expected=f"to be free within {waited_seconds:g} seconds",
            action="end those sessions, then run it again; or allow a longer wait: [warehouse] lock_timeout_seconds",
        )


class StillNeededError(DataBlockedError):
    """Something that is not ours is built on what we have to remove."""

    def __init__(self, *, step: str, where: str, dependents: str) -> None:
        super().__init__(
            f"can't {step}: other objects in the database are built on it; what was published before stays",
            where=where,
            got=dependents,
            expected="nothing built on it that can't follow",
            action="drop those objects, run again, and create them anew",
        )


class RunSupersededError(AlreadyRunningError):
    """The ledger no longer says that this attempt is the one running: somebody else took over."""

    def __init__(self, *, run_key: str, attempt: int, status: str) -> None:
        super().__init__(
            "this attempt of the run is no longer the one running; nothing was published",
            where=f"{run_key}, attempt {attempt}",
            got=f"the ledger says {status}",
            expected="the ledger says running",
            action="see `gristmill status`, and start the run again if it is not done",
        )


class AuditFailedError(DataBlockedError):
    """Staged tables are not what their contracts say."""

    def __init__(self, *, findings: Sequence[str]) -> None:
        self.findings = tuple(findings)
        super().__init__(
            "the staged tables failed their audit; the tables published before stay",
            where=", ".join(sorted({finding.split(":", 1)[0] for finding in findings})),
            got="; ".join(findings),
            expected="tables as in their contracts",
            action="look at the step that makes the named columns; nothing was published",
        )


class EmptyTableError(DataBlockedError):
    """A table to publish has no rows."""

    def __init__(self, *, table: str) -> None:
        super().__init__(
            "a table to publish has no rows; the tables published before stay",
            where=table,
            got="0 rows",
            expected="at least one row",
            action="check the input of this date; if it is true, allow an empty table for this run",
        )


class VolumeChangedError(DataBlockedError):
    """The number of rows jumped against the version before."""

    def __init__(self, *, table: str, rows: int, rows_before: int, as_of_before: date) -> None:
        super().__init__(
            "the number of rows jumped against the version before; the tables published before stay",
            where=table,
            got=f"{rows:,} rows" if rows else "no such table, or no rows",
            expected=f"close to the {rows_before:,} rows of {as_of_before.isoformat()} (not 40 % fewer, not 10 times)",
            action="check the input for a missing or doubled day; if it is true, allow a volume change for this run",
        )


class NothingToRollBackToError(UsageError):
    """There is no kept version before the current one."""

    def __init__(self, *, current: str) -> None:
        super().__init__(
            "there is no version to roll back to",
            got=f"current: {current}",
            expected="an earlier version that is still kept",
            action="see the history for what is kept",
        )


class RolledBackError(DataBlockedError):
    """A run that people took back is not published again by itself."""

    def __init__(self, *, run_key: str, version_number: int) -> None:
        super().__init__(
            "this run was published and rolled back; it is not published again by itself",
            where=run_key,
            got=f"version {version_number} was rolled back",
            expected="a run that was not taken back",
            action="once the cause is gone, run it again with force",
        )


class ClockBehindError(DependencyDownError):
    """The clock says an earlier time than it said at the last load."""

    def __init__(self, *, now: datetime, last: datetime) -> None:
        super().__init__(
            "the clock is behind: the last load is of a later time than now; nothing was loaded",
            got=f"now {now.isoformat(timespec='seconds')}, last load {last.isoformat(timespec='seconds')}",
            expected="a time after the last load: what comes later is told from what was known before by it",
            action="set the clock, and load again",
        )

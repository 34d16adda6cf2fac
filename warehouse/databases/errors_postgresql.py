"""Failures that only a PostgreSQL warehouse has.

Belongs here: one class a failure, none of which ever says a password. Does not: failures that every warehouse has
(`errors.py`), and which of PostgreSQL's own errors becomes which of ours (`postgresql_failures.py`).
"""

from data_contracts.errors import DataBlockedError, DependencyDownError, UsageError


class AddressUnreadableError(UsageError):
    """The warehouse's address is none that PostgreSQL's library understands. What it says is never shown."""

    def __init__(self) -> None:
        super().__init__(
            "the warehouse's address can't be read (it is not shown, as it may hold a password)",
            where="GRISTMILL_WAREHOUSE_URL, or [warehouse] url",
            expected="postgresql://user:password@host:5432/database, special characters in the password as %40",
            action="correct it there",
        )


class WarehouseDownError(DependencyDownError):
    """The PostgreSQL server did not let us in, or not in time."""

    def __init__(self, *, where: str, reason: str, waited_seconds: float) -> None:
        super().__init__(
            "the PostgreSQL warehouse can't be reached",
            where=where,
            got=reason,
            expected=f"a connection within {waited_seconds:g} seconds",
            action="check that the server runs, the address, the user and its password; nothing was changed",
        )


class ServerUnsuitableError(UsageError):
    """The server answers, but can't be a warehouse."""

    def __init__(self, *, where: str, got: str, expected: str) -> None:
        super().__init__(
            "this PostgreSQL database can't be the warehouse",
            where=where,
            got=got,
            expected=expected,
            action="use another server or database",
        )


class ConnectionLostError(DependencyDownError):
    """The connection ended while a statement was under way; nothing of an open transaction stays."""

    def __init__(self, *, step: str, where: str, reason: str) -> None:
        super().__init__(
            f"the connection to the PostgreSQL warehouse was lost while trying to {step}",
            where=where,
            got=reason,
            action="run it again; what was published before is whole",
        )


class ServerRefusedForNowError(DependencyDownError):
    """The server is short of something: disk, memory, connections, or it is shutting down."""

    def __init__(self, *, step: str, where: str, reason: str) -> None:
        super().__init__(
            f"the PostgreSQL warehouse is not able to {step} at the moment",
            where=where,
            got=reason,
            action="see to the server, then run it again; what was published before is whole",
        )


class StatementTimedOutError(DependencyDownError):
    """A statement took longer than allowed and was cancelled."""

    def __init__(self, *, step: str, where: str, timeout_seconds: float) -> None:
        super().__init__(
            f"the PostgreSQL warehouse took too long to {step}",
            where=where,
            expected=f"an answer within {timeout_seconds:g} seconds",
            action="try again, or allow more time: [warehouse] statement_timeout_seconds",
        )


class RightsMissingError(UsageError):
    """The user of the warehouse may not do what is needed."""

    def __init__(self, *, step: str, where: str, reason: str) -> None:
        super().__init__(
            f"the warehouse's user has no right to {step}",
            where=where,
            got=reason,
            expected="the rights named in docs/warehouses.md",
            action="have them granted, or use another user",
        )


class NotStorableError(DataBlockedError):
    """A column holds what PostgreSQL can't keep as it is."""

    def __init__(self, *, table: str, column: str, got: str, expected: str) -> None:
        super().__init__(
            "a column can't be kept in PostgreSQL as it is; nothing was written",
            where=f"{table}.{column}",
            got=got,
            expected=expected,
            action="let a rule send such rows to quarantine, or publish the column as another type",
        )

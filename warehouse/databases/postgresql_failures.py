"""From PostgreSQL's errors to ours, without passwords and without values found in rows.

Belongs here: that mapping, by SQLSTATE. Does not: the errors themselves (`errors_postgresql.py`).
"""

import psycopg

from data_contracts.addresses import redacted_address
from data_contracts.errors import GristmillError
from warehouse.databases.errors_postgresql import (
    ConnectionLostError,
    RightsMissingError,
    ServerRefusedForNowError,
    StatementTimedOutError,
)
from warehouse.errors import NoRoomLeftError, StatementFailedError, StillNeededError, WarehouseLockedError
from warehouse.shortages import is_no_room

_TIMED_OUT = "57014"
_LOCKED = {"55P03", "40P01", "40001"}  # not available in time, deadlock, serialisation
_STILL_NEEDED = "2BP01"
_NO_RIGHT = "42501"
_DISK_FULL = "53100"
_SHORT_OF_SOMETHING = ("53", "57P", "58")
_LOST = "08"
_MAY_PASS = ("starting up", "shutting down", "too many", "remaining connection slots", "in recovery")


def reason_of_postgresql(error: psycopg.Error) -> str:
    """The first line of what PostgreSQL says; details and contexts, which quote rows, are left out."""
    said = error.diag.message_primary or str(error)
    lines = said.strip().splitlines()
    return redacted_address(lines[0]) if lines else type(error).__name__


def connection_was_lost(error: psycopg.Error, connection: psycopg.Connection) -> bool:
    """Whether the error means that there is no connection any more."""
    return bool(connection.closed or connection.broken) or (error.sqlstate or "").startswith(_LOST)


def worth_waiting_for(error: psycopg.Error) -> bool:
    """Whether a server that refused a connection may let us in soon: down or busy, rather than a wrong password."""
    said = str(error)
    return "FATAL" not in said or any(words in said for words in _MAY_PASS)


def failure(
    error: psycopg.Error, *, connection: psycopg.Connection, step: str, where: str, timeouts: tuple[float, float]
) -> GristmillError:
    """Our error for one of PostgreSQL's.

    Args:
        error: what psycopg raised.
        connection: where it happened.
        step: what was being done.
        where: the warehouse's address, redacted.
        timeouts: the statement's and the locks', in seconds.
    """
    state, reason = error.sqlstate or "", reason_of_postgresql(error)
    if state == _TIMED_OUT:
        return StatementTimedOutError(step=step, where=where, timeout_seconds=timeouts[0])
    if state in _LOCKED:
        return WarehouseLockedError(step=step, where=where, holders="other sessions", waited_seconds=timeouts[1])
    if state == _STILL_NEEDED:  # its detail names objects, never rows
        dependents = "; ".join((error.diag.message_detail or reason).splitlines())
        return StillNeededError(step=step, where=where, dependents=dependents)
    if state == _DISK_FULL or is_no_room(error):  # a quota has no state of its own
        return NoRoomLeftError(step=step, where=where, reason=reason)
    plain: type[ConnectionLostError | RightsMissingError | ServerRefusedForNowError | StatementFailedError]
    plain = StatementFailedError
    if state == _NO_RIGHT:
        plain = RightsMissingError
    elif connection_was_lost(error, connection):
        plain = ConnectionLostError
    elif state.startswith(_SHORT_OF_SOMETHING):
        plain = ServerRefusedForNowError
    return plain(step=step, where=where, reason=reason)

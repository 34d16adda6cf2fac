"""From a command's options to a `Context`: the one place that asks the clock and the operating system."""

import getpass
import socket
from datetime import UTC, date, datetime
from pathlib import Path

from config import load_settings
from flows.additions import check_own_features
from flows.context import Context
from flows.errors import DateUnreadableError
from flows.running.logs import in_json, use_log_format
from flows.running.progress import on_standard_error


def open_context(config: str | Path | None = None, *, data: str | Path | None = None) -> Context:
    """Settings read, features of the company's own checked, clock asked, reporter on standard error."""
    settings = load_settings(config, data=data)
    if (settings.logs.format == "json") != in_json():
        use_log_format(settings.logs.format)
    if settings.features:
        check_own_features(settings)
    return Context(
        settings=settings,
        now=utc_now(),
        clock=utc_now,
        reporter=on_standard_error(),
        run_by=f"{_user()}@{socket.gethostname()}",
    )


def parse_date(text: str | None, *, option: str = "--as-of") -> date | None:
    """A date given on the command line.

    Raises:
        DateUnreadableError: it is not YYYY-MM-DD.
    """
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DateUnreadableError(option=option, got=text) from None


def utc_now() -> datetime:
    """What the clock says."""
    return datetime.now(UTC)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"

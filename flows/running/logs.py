"""Log lines for programs: one JSON document a line on standard error, in place of words for people.

Belongs here: the choice between the two, what a line looks like, and other libraries' warnings put in the same shape.
Does not: what is told (`progress.py`, `recording.py`, `commands/outcome.py`).

A line holds names, counts, times and our own sentences, never a value of a row: nothing of it is personal. The text of
another library's exception, warning or line may hold such a value, so only its kind and place are written, and of a
line with values filled in the pattern without them.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from config.logs import LogFormat

LOGGER = "gristmill"
_FIELDS = "gristmill_fields"
_WARNINGS = "py.warnings"  # a whole text is filled in


class JsonLines(logging.Formatter):
    """One record as one line: `at` (UTC), `level`, `event`, and what else is known of it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        told: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
        }
        fields: dict[str, Any] | None = getattr(record, _FIELDS, None)
        if fields is None:
            fields = {"event": "library", "logger": record.name, "place": f"{record.pathname}:{record.lineno}"}
            if record.args and record.name != _WARNINGS:  # a pattern, without what is filled into it
                fields["message"] = str(record.msg)
        told |= {name: value for name, value in fields.items() if value is not None}
        if record.exc_info and record.exc_info[1] is not None:
            told |= places_of(record.exc_info[1])
        return json.dumps(told, default=str, ensure_ascii=False)


def places_of(error: BaseException) -> dict[str, Any]:
    """Of an exception its kind and where it came from, without its text."""
    frames = traceback.extract_tb(error.__traceback__)
    return {"error": type(error).__name__, "places": [f"{one.filename}:{one.lineno} {one.name}" for one in frames]}


def use_log_format(chosen: "LogFormat", *, stream: TextIO | None = None) -> None:
    """From now on lines on standard error are words for people, or JSON for programs.

    Args:
        chosen: which.
        stream: where JSON lines go, in place of standard error.
    """
    root, ours = logging.getLogger(), logging.getLogger(LOGGER)
    for logger in (root, ours):
        for handler in [one for one in logger.handlers if isinstance(one.formatter, JsonLines)]:
            logger.removeHandler(handler)
    logging.captureWarnings(chosen == "json")
    ours.propagate = chosen != "json"  # an orchestrator has handlers of its own at the root
    if chosen == "json":
        handler = logging.StreamHandler(stream or sys.stderr)
        handler.setFormatter(JsonLines())
        ours.addHandler(handler)
        ours.setLevel(logging.INFO)
        others = logging.StreamHandler(stream or sys.stderr)
        others.setFormatter(JsonLines())
        others.setLevel(logging.WARNING)
        root.addHandler(others)


def in_json() -> bool:
    """Whether lines on standard error are JSON now."""
    return any(isinstance(one.formatter, JsonLines) for one in logging.getLogger(LOGGER).handlers)


def tell(event: str, *, level: int = logging.INFO, exception: BaseException | None = None, **fields: Any) -> None:  # noqa: ANN401 plain values
    """One line, where lines are JSON; nothing where they are words.

    Args:
        event: what happened, in two words: the same event has the same fields.
        level: of `logging`.
        exception: one that nobody foresaw: its kind and places are told.
        fields: plain values; those that are None are left out.
    """
    if in_json():
        information = None if exception is None else (type(exception), exception, exception.__traceback__)
        logging.getLogger(LOGGER).log(level, event, exc_info=information, extra={_FIELDS: {"event": event, **fields}})
